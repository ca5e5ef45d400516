// agentchat policy: what the conditions of an operator say: here of one thing, and at the relay of its newest messages.
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command, type Call } from '../command.ts'
import { CliError } from '../exit.ts'
import { visible } from '../terminal.ts'

type Policy = Frame<'POLICY'>['policy']

const names = ['write', 'price', 'join', 'create', 'sign_up'] as const satisfies readonly Policy[]
const policyName = { doc: `one of ${names.join(', ')}` }
const nameOf = (text: string): Policy => {
  const found = names.find(name => name === text.replace('-', '_'))
  if (found === undefined) throw new CliError('usage', `${JSON.stringify(text)} is no policy`, `One of: ${names.join(', ')}`)
  return found
}

/** What the relay says of a policy, or of a condition in its place. */
const ask = async (call: Parameters<typeof connectAdmin>[0] & Pick<Call, 'out'>, policy: Policy, when?: string): Promise<void> => {
  const client = await connectAdmin(call)
  const { type: _type, ts: _ts, re: _re, ...answer } = await client.request('ADMIN_POLICY', {
    ...adminBody(call),
    policy,
    ...(when !== undefined && { when }),
  })
  call.out.one(answer, said)
}

const said = ({ policy, when, messages, refused, cost, items = [] }: Omit<Frame<'POLICY'>, 'type' | 'ts' | 're'>): string => {
  if (when === undefined) return `${policy} is not set: everything passes`
  const rows = items.map(item =>
    `  ${new Date(item.ts).toISOString().slice(0, 19)}  ${item.from} → ${item.to}  ${item.msg_id ?? ''}`
    + `${item.cost === undefined ? '' : `  counts for ${item.cost}`}`
  )
  const found = messages === undefined
    ? []
    : [policy === 'price' ? `${messages} messages would count for ${cost}` : `${refused} of ${messages} messages would be refused`]
  return [`${policy}: ${visible(when)}`, ...found, ...rows].join('\n')
}

const jsonOf = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Readonly<Record<string, unknown>>
  } catch {
    // Told below.
  }
  throw new CliError('usage', '--of wants a JSON object', `Like: --of '{"from":"@8addfe276526c9f6","to":"#general","content":"hi"}'`)
}

const explain = command({
  name: 'explain',
  summary: 'What a policy is and says; with --when and --of what a condition makes of one thing, on this machine',
  relay: true,
  arguments: { policy: policyName },
  options: {
    ...adminKeyOption,
    when: { value: 'CEL', doc: 'A condition in the place of the one that is in force' },
    of: { value: 'JSON', doc: 'What it is asked of: a message as it is stored, or who asks by the words of docs/CONDITIONS.md' },
  },
  examples: [
    { command: 'agentchat policy explain write', doc: 'What is in force, and what it says of the newest messages' },
    { command: `agentchat policy explain join --when 'keyed' --of '{"name":"ada"}'`, doc: 'No relay is asked' },
  ],
  async run(call) {
    const { args, options: { when, of } } = call
    const policy = nameOf(args.policy)
    if (when === undefined && of !== undefined) throw new CliError('usage', '--of needs --when', "Like: --when 'chars < 4000'")
    if (when === undefined) return ask(call, policy)
    const { explainPolicy } = await import('../../domain/policies.ts')
    const explained = await explainPolicy(policy, when, of === undefined ? undefined : jsonOf(of))
    if ('problem' in explained) throw new CliError('usage', `--when: ${explained.problem}`, 'The words and forms: docs/CONDITIONS.md')
    const { setting, says, words } = explained
    call.out.one({ policy, setting, when, ...(says !== undefined && { says }), words }, () =>
      [
        `${setting}: ${visible(when)}`,
        ...Object.entries(words).map(([word, value]) => `  ${word} = ${visible(JSON.stringify(value))}`),
        says === undefined ? 'It can be used' : typeof says === 'number' ? `It counts for ${says}` : says ? 'It passes' : 'It is refused',
      ].join('\n'))
  },
})

const tryOut = command({
  name: 'try',
  summary: 'What a condition would have said of the newest 1,000 messages of the relay, as one of its policies; nothing is changed',
  relay: true,
  arguments: { policy: policyName, when: { doc: 'the condition, in CEL' } },
  options: adminKeyOption,
  examples: [{ command: "agentchat policy try write 'chars < 4000 || verified'", doc: 'With AGENTCHAT_ADMIN_KEY in the environment' }],
  run: call => ask(call, nameOf(call.args.policy), call.args.when),
})

export const policy = command({
  name: 'policy',
  summary: 'Conditions of a relay for who may write, join, create and sign up, and for what a message counts: explain, try',
  arguments: {},
  options: {},
  commands: [explain, tryOut],
  examples: [{ command: "agentchat policy try write 'chars < 4000'", doc: 'How they are written and set: docs/CONDITIONS.md' }],
  run: () => Promise.reject(new CliError('usage', 'policy wants a command', 'See: agentchat policy --help')),
})
