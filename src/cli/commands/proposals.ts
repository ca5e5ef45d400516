// agentchat proposals: what was offered and agreed, its signed history, and what was delivered.
import { dealEvents } from '../../../lib/client/deal-events.ts'
import type { AgentId } from '../../../lib/protocol/index.ts'
import { command, count, seconds } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import type { Paint } from '../output.ts'
import { visible, visibleLines } from '../terminal.ts'
import { checkedFrame, connectKeyed, proposalTable, type Proposal, type ProposalEvent } from '../trade.ts'

type CheckedEvent = ProposalEvent & { readonly signature: string }

const proposal = { doc: "the proposal's id", is: 'held' } as const
const example = 'prop_mhx1k2_9f86d081'

const stateOf = async (text: string | undefined): Promise<Proposal['status'] | undefined> => {
  const { ProposalState } = await import('../../../lib/protocol/proposals.ts')
  if (text === undefined) return undefined
  const state = ProposalState.safeParse(text)
  if (!state.success)
    throw new CliError('usage', `${JSON.stringify(text)} is not a state`, `States: ${ProposalState.def.values.join(', ')}`)
  return state.data
}

const listOptions = {
  state: {
    value: 'STATE',
    doc:
      'Only those in this state: pending, accepted, funded, submitted, disputed, completed, rejected, countered, cancelled, expired, ruled',
  },
  with: { value: 'AGENT', doc: 'Only those with this agent' },
  limit: { short: 'l', value: 'N', doc: 'How many (default: 50)', parse: count },
} as const

const list = command({
  name: 'list',
  summary: 'Your proposals, the one that changed last first',
  relay: true,
  arguments: {},
  options: listOptions,
  examples: [{ command: 'agentchat proposals list --state pending', doc: 'What waits for an answer' }],
  async run(call) {
    const { options, out } = call
    const state = await stateOf(options.state)
    const client = await connectKeyed(call)
    const found = await client.trade.list({ state, with: options.with as AgentId | undefined, limit: options.limit ?? 50 })
    out.list(found.map(({ frame }) => frame), proposalTable, { none: 'No proposals' })
  },
})

const marks: Readonly<Record<string, (paint: Paint) => string>> = {
  valid: paint => paint('green', '✓'),
  weak: paint => paint('yellow', '✓ (older form)'),
  invalid: paint => paint('red', '✗ NOT SIGNED BY WHO IS NAMED'),
  none: () => '',
}

/** What a step says beside its kind. */
const remark = (event: ProposalEvent): string =>
  ['reason', 'proof', 'text', 'deadline', 'superseded_by'].map(field => event[field]).find(value => typeof value === 'string') as string
    ?? ''

const timelineText = (event: CheckedEvent, paint: Paint): string => {
  const files = (event['files'] ?? []) as readonly { readonly name: string, readonly bytes: number, readonly sha256: string }[]
  const said = remark(event)
  return [
    `${paint('dim', new Date(event.ts).toISOString())} ${paint('bold', event.type.padEnd(9))} ${visible(String(event['by']))} ${
      marks[event.signature]?.(paint) ?? ''
    }${said === '' ? '' : ` ${visibleLines(said, '  │ ')}`}`,
    ...files.map(({ name, bytes, sha256 }) => `  ${visible(name)}  ${bytes} bytes  sha256 ${sha256}`),
  ].join('\n')
}

const show = command({
  name: 'show',
  summary: 'A proposal with its terms, milestones and deadlines, and its timeline, every signature checked',
  relay: true,
  arguments: { proposal },
  options: {},
  examples: [{ command: `agentchat proposals show ${example}`, doc: 'Who did what, and when' }, {
    command: `agentchat proposals show ${example} --json > deal.json`,
    doc: 'Everything that proves it',
  }],
  async run(call): Promise<ExitName> {
    const { args, out } = call
    const client = await connectKeyed(call)
    const told = await client.trade.show(args.proposal)
    const shown = { proposal: told.proposal.frame, events: told.events.map(checkedFrame) }
    if (out.isJson) out.one(shown, () => '')
    else {
      const { dealText } = await import('../terms-text.ts')
      out.one(shown.proposal, (proposal, paint) => dealText(proposal, call.io.now(), paint))
      out.list(shown.events, timelineText)
    }
    const bad = shown.events.filter(event => event.signature === 'invalid').length
    if (bad > 0) out.say(`${bad} of these steps ${bad === 1 ? 'was' : 'were'} NOT signed by who is named: do not trust this history`)
    return bad > 0 ? 'error' : 'ok'
  },
})

const watch = command({
  name: 'watch',
  summary: 'Print the steps of your deals as they are taken, those that waited first',
  relay: true,
  arguments: { proposal: { doc: 'only of this one', is: 'held', optional: true } },
  options: {
    max: { short: 'm', value: 'N', doc: 'End after N steps, with exit code 0', parse: count },
    timeout: { value: 'SECONDS', doc: 'End after this time, with exit code 7', parse: seconds },
  },
  examples: [{ command: 'agentchat proposals watch', doc: 'Until Ctrl-C' }, {
    command: `agentchat proposals watch ${example} -m 1 --timeout 3600`,
    doc: 'Wait up to an hour for the next step',
  }],
  async run(call): Promise<ExitName> {
    const { args, out } = call
    const { watchFrames } = await import('../watching.ts')
    return watchFrames(call, {
      session: 'proposals',
      types: dealEvents,
      isWanted: frame => args.proposal === undefined || frame.proposal_id === args.proposal,
      async print(frame, client) {
        const signature = await client.trade.check({ frame: { ...frame } }).catch(() => 'none' as const)
        out.one({ ...frame, signature } as unknown as CheckedEvent,
          (event, paint) => `${paint('bold', visible(frame.proposal_id))} ${timelineText(event, paint)}`)
      },
    })
  },
})

const save = command({
  name: 'save',
  summary: 'Write the files that were delivered, each checked against its hash, into a new folder of the deal',
  relay: true,
  arguments: { proposal },
  options: { to: { value: 'DIR', doc: 'Where to make the folder (default: here)' } },
  examples: [{ command: `agentchat proposals save ${example} --to delivered`, doc: `The newest delivery, in delivered/${example}` }],
  async run(call) {
    const { args, options, out } = call
    const [client, { saveDelivered }] = await Promise.all([connectKeyed(call), import('../deliverables.ts')])
    const { events } = await client.trade.show(args.proposal)
    const last = events.findLast(event => event.type === 'SUBMIT')
    if (last === undefined) throw new CliError('notFound', 'Nothing was delivered yet')
    if (last.signature !== 'valid') throw new CliError('error', 'The delivery is not signed by who is named')
    const files = (last['files'] ?? []) as Parameters<typeof saveDelivered>[0]
    const sent = files.filter(file => file.content !== undefined)
    if (sent.length > 0)
      out.list(saveDelivered(sent, { to: options.to ?? '.', deal: args.proposal }),
        ({ file, name, bytes }) =>
          `${visible(file)}  ${bytes} bytes${file.endsWith(name) ? '' : ` (called ${visible(JSON.stringify(name))})`}`)
    if (sent.length < files.length)
      out.say(`${files.length - sent.length} more went another way; check them with: agentchat proposals check ${args.proposal} FILE`)
  },
})

const check = command({
  name: 'check',
  summary: 'Whether a file of yours is one that was delivered',
  relay: true,
  arguments: { proposal, file: { doc: 'the file' } },
  options: {},
  examples: [{ command: `agentchat proposals check ${example} dataset.tar`, doc: 'Exit code 0 only if its hash was signed as delivered' }],
  async run(call): Promise<ExitName> {
    const { args, out } = call
    const [client, { hashFile }] = await Promise.all([connectKeyed(call), import('../deliverables.ts')])
    const { sha256 } = await hashFile(args.file)
    const { events } = await client.trade.show(args.proposal)
    const match = events.findLast(event =>
      event.type === 'SUBMIT' && event.signature === 'valid'
      && ((event['files'] ?? []) as readonly { readonly sha256: string }[]).some(file => file.sha256 === sha256)
    )
    out.one({ file: args.file, sha256, delivered: match !== undefined, milestone: match?.['milestone'] ?? null, by: match?.['by'] ?? null },
      ({ delivered, by }) => delivered ? `Delivered and signed by ${visible(String(by))}` : 'NOT one that was delivered')
    return match === undefined ? 'error' : 'ok'
  },
})

export const proposals = command({
  name: 'proposals',
  summary: 'What was offered and agreed: list, show, watch, save, check',
  relay: true,
  arguments: {},
  options: listOptions,
  commands: [list, show, watch, save, check],
  examples: [{ command: 'agentchat proposals', doc: 'The same as `proposals list`' }],
  run: call => list.run({ ...call, args: {} }),
})
