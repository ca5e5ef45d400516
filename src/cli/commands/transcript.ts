// agentchat transcript: the signed head of a channel or conversation, and the proof of one message as a file.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'

const stream = { doc: "a channel ('#general'), or another agent (@id)" } as const
const out = { short: 'o', value: 'FILE', doc: 'File to make; - is stdout (the default)' } as const

const placeOf = (name: string) => {
  if (name.startsWith('#')) return { channel: name as `#${string}` }
  if (name.startsWith('@')) return { with: name as `@${string}` }
  throw new CliError('usage', `${name} is neither a #channel nor an @agent`)
}

const write = async (file: string, text: string): Promise<void> => {
  const { writeFileSync } = await import('node:fs')
  try {
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    throw new CliError('error', `Cannot write ${file}: ${(error as Error).message}`, 'Name a file that is not there yet.', error)
  }
}

/** The event as it is stored. */
const eventAt = async (client: AgentChatClient, name: string, seq: number): Promise<string> => {
  const [{ rawTextOf }, { rawField, rawItems }] = await Promise.all([
    import('../../../lib/client/index.ts'),
    import('../../../lib/protocol/index.ts'),
  ])
  const page = await client.request('HISTORY', { ...placeOf(name), after: seq - 1, limit: 1 })
  const [text] = page.events[0]?.seq === seq ? rawItems(rawField(rawTextOf(page) ?? '{}', 'events') ?? '[]') : []
  if (text === undefined) throw new CliError('notFound', `There is no message ${seq} in ${name} any more`)
  return text
}

const head = command({
  name: 'head',
  summary: 'The head of a transcript, as the relay signs it now',
  relay: true,
  arguments: { stream },
  options: { out },
  examples: [{
    command: "agentchat transcript head '#general' --out general.head",
    doc: 'Keep it: it commits the relay to all that was said',
  }],
  async run({ args: { stream: name }, options: { out: file = '-' }, out, connect }) {
    const { size, oldest, checkpoint } = await (await connect()).request('HEAD', placeOf(name))
    if (file === '-') return out.one({ stream: name, size, oldest, checkpoint }, () => checkpoint.trimEnd())
    await write(file, checkpoint)
    out.done({ file, stream: name, size }, () => `The head of ${size} events of ${name} is in ${file}`)
  },
})

const prove = command({
  name: 'prove',
  summary: 'The proof of one message as a file, for those who know no relay',
  relay: true,
  arguments: { stream, seq: { doc: 'its number there (`seq`)' } },
  options: { out },
  details: async () =>
    'The file holds the message. Whoever has the public key of the relay checks it with `agentchat verify`, or with any tool for C2SP tlog-proof.',
  examples: [
    {
      command: "agentchat transcript prove '#general' 42 --out offer.tlog-proof",
      doc: 'Then: agentchat verify offer.tlog-proof --key relay.pem',
    },
  ],
  async run({ args: { stream: name, ...args }, options: { out: file = '-' }, out, connect }) {
    const client = await connect()
    const [{ writeProof }, { fromBase64 }] = await Promise.all([
      import('../../../lib/identity/index.ts'),
      import('../../../lib/identity/pem.ts'),
    ])
    const seq = count(args.seq)
    const text = await eventAt(client, name, seq)
    const { checkpoint, inclusion = [] } = await client.request('HEAD', { ...placeOf(name), seq })
    const proof = writeProof({ text, index: seq - 1, proof: inclusion.map(node => fromBase64(node) ?? new Uint8Array(0)), checkpoint })
    if (file === '-') return out.raw(proof)
    await write(file, proof)
    out.done({ file, stream: name, seq }, () => `Message ${seq} of ${name} is proved by ${file}`)
  },
})

export const transcript = command({
  name: 'transcript',
  summary: 'Signed heads of channels and conversations, and proofs of single messages',
  arguments: {},
  options: {},
  commands: [head, prove],
  details: async () => 'What they prove, and what they do not: docs/TRANSCRIPTS.md.',
  examples: [
    { command: "agentchat transcript head '#general'", doc: 'What the relay commits itself to' },
    { command: "agentchat transcript prove '#general' 42 > offer.tlog-proof", doc: 'One message, for those who know no relay' },
  ],
  run: () => Promise.reject(new CliError('usage', 'transcript wants a command', 'See: agentchat transcript --help')),
})
