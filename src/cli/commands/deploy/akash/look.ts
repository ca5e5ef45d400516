// agentchat deploy status, logs, events: how a deployment on Akash stands, and what it says.
import { command, count } from '../../../command.ts'
import type { DeploymentRecord } from '../../../../deploy/akash/record.ts'
import { visible } from '../../../terminal.ts'
import type { Standing } from './texts.ts'
import {
  newPrompt,
  nodeOptions,
  openDeployment,
  openRecords,
  walletOptions,
  which,
  withAkash,
  type AkashCall,
  type WorkOptions,
} from './parts.ts'

/** What the chain says of it, or why it says nothing. */
const standing = async (record: DeploymentRecord, options: WorkOptions): Promise<Standing> => {
  const [{ createChainReader }, { networkOf }, { daysLeft }, { recordView }] = await Promise.all([
    import('../../../../deploy/akash/chain-reader.ts'),
    import('../../../../deploy/akash/networks.ts'),
    import('../../../../deploy/akash/money.ts'),
    import('./texts.ts'),
  ])
  const view = recordView(record)
  if (record.step === 'closed') return view
  const network = networkOf(record.network, { rpc: options.rpc ?? record.rpc, rest: options.rest ?? record.rest })
  const reader = createChainReader(network)
  try {
    const [{ height }, deployment, leases] = await Promise.all([
      reader.status(),
      reader.deployment(record.owner, record.dseq),
      reader.leases(record.owner, record.dseq),
    ])
    if (deployment === undefined) return { ...view, on_chain: 'none' }
    const lease = leases.find(({ state }) => state === 'active')
    // Settled only when somebody asks for it: what has run up since then is already owed.
    const owed = lease === undefined ? 0n : lease.price * BigInt(Math.max(0, height - deployment.settledAt))
    const left = deployment.funds > owed ? (deployment.funds - owed) / 10n ** 18n : 0n
    return {
      ...view,
      on_chain: deployment.state,
      lease: leases.at(-1)?.state ?? 'none',
      left_uact: String(left),
      spent_uact: String((deployment.transferred + owed) / 10n ** 18n),
      ...(lease !== undefined && { days_left: daysLeft(left, lease.price) }),
    }
  } catch (error) {
    return { ...view, on_chain: `unknown: ${(error as Error).message}` }
  }
}

export const status = command({
  name: 'status',
  summary: 'Akash: deployments, their step, lease, and how long the money lasts',
  arguments: { deployment: { ...which, doc: 'name or number of a deployment (default: all that are not closed)' } },
  options: { all: { short: 'a', doc: 'Closed ones too' }, ...nodeOptions },
  examples: [
    { command: 'agentchat deploy status', doc: 'All that are open' },
    { command: "agentchat deploy status --json | jq '.[] | select(.days_left < 7)'", doc: 'Those that need a top-up' },
  ],
  run: ({ args, options, ...call }) =>
    withAkash(async () => {
      const records = await openRecords(call)
      const chosen = args.deployment === undefined
        ? records.all().filter(({ step }) => options.all || step !== 'closed')
        : [records.find(args.deployment)]
      const { standingText } = await import('./texts.ts')
      call.out.list(await Promise.all(chosen.map(record => standing(record, options))), standingText)
      if (chosen.length === 0 && !call.out.isJson) call.out.say('No deployment is open. Make one: agentchat deploy up')
    }),
})

const streamOptions = {
  follow: { doc: 'Go on as more comes; Ctrl-C ends it' },
  tail: { short: 't', value: 'LINES', doc: 'How many of the past (default: 100)', parse: count },
  ...walletOptions,
  ...nodeOptions,
} as const

type StreamCall = AkashCall & {
  readonly args: { readonly deployment: string | undefined }
  readonly options: WorkOptions & { readonly follow?: true, readonly tail?: number }
}

const stream = (
  { args, options, ...call }: StreamCall,
  kind: 'logs' | 'kubeevents',
  text: (value: Readonly<Record<string, unknown>>) => string,
): Promise<void> =>
  // Nothing is signed but the login: it goes beside a command that works on the deployment.
  withAkash(async () => {
    const records = await openRecords(call)
    using prompt = await newPrompt(call)
    const deployment = await openDeployment(call, records.find(args.deployment), options, prompt, records)
    using provider = await deployment.provider()
    const { follow = false, tail = 100 } = options
    await provider.stream(kind, deployment.record.bid!.id, {
      follow,
      tail,
      signal: call.io.interrupted,
      onMessage: value => call.out.one(value, text),
    })
  })

const field = (value: unknown): string => typeof value === 'string' ? visible(value) : ''

export const logs = command({
  name: 'logs',
  summary: 'Akash: what the relay writes, from its provider',
  arguments: { deployment: which },
  options: streamOptions,
  examples: [{ command: 'agentchat deploy logs --follow', doc: 'The last hundred lines, and what comes' }],
  run: call => stream(call, 'logs', ({ name, message }) => `${field(name)}: ${field(message)}`),
})

export const events = command({
  name: 'events',
  summary: 'Akash: what the provider does with the relay: image, volume, restarts',
  arguments: { deployment: which },
  options: streamOptions,
  examples: [{ command: 'agentchat deploy events', doc: 'Why it does not start' }],
  run: call => stream(call, 'kubeevents', ({ type, reason, note }) => `${field(type)}  ${field(reason)}  ${field(note)}`),
})
