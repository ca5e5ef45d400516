// A worker of an agent, beside others: takes what waits in the inbox, and writes down whose turn was when. It ends by SIGKILL only.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentChatClient, work, type Frame } from '../../lib/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { Random } from './random.ts'

export interface WorkerStart {
  readonly url: string
  readonly privateKey: string
  readonly name: string
  readonly seed: number
  /** Where what it did is written down, a line each. */
  readonly log: string
  readonly leaseMs: number
}

/** What became of one entry at one worker, at the machine's own time (ms), which is the relay's too. */
export type WorkLine =
  /** It has it until then, for the first time or longer than before. */
  | { readonly kind: 'held', readonly lease: string, readonly seq: number, readonly until: number }
  | { readonly kind: 'extended', readonly lease: string, readonly until: number }
  /** Its handler begins, and ends: done, given up, or to be tried again. */
  | { readonly kind: 'begins' | 'ends', readonly seq: number, readonly at: number }
  /** It gives it back: it came so late that it does not begin with it. */
  | { readonly kind: 'returns', readonly lease: string, readonly at: number }

const failChance = 0.1
const giveUpChance = 0.05
/** So often the work takes longer than its lease, which is held anew meanwhile. */
const longChance = 0.04

const { url, privateKey, name, seed, log, leaseMs } = JSON.parse(process.argv[2]!) as WorkerStart
const random = new Random(seed, name)
const note = (line: WorkLine) => appendFileSync(log, `${JSON.stringify({ ...line, by: name })}\n`)
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const client = new AgentChatClient({
  server: url,
  name,
  session: name,
  identity: nodeIdentity(privateKey),
  inbox: 'peek',
  transport: wsTransport,
  verify: createVerify(),
  requestTimeoutMs: 4_000,
  reconnect: { minMs: 50, maxMs: 500 },
})
// The relay may be away: whoever started it starts it again.
await client.connect().catch(() => process.exit(1))
process.send!('ready')

await work({
  on: (type, listener) => client.on(type, listener),
  signatureOf: message => client.signatureOf(message),
  request: async (type, body, options) => {
    const askedAt = Date.now()
    if (type === 'UNCLAIM') note({ kind: 'returns', lease: (body as unknown as { readonly lease: string }).lease, at: askedAt })
    const answer = await client.request(type, body, options)
    const { items } = answer as Partial<Frame<'CLAIMED'>>
    for (const { seq, lease, until } of items ?? []) note({ kind: 'held', lease, seq, until })
    if (type === 'EXTEND')
      note({ kind: 'extended', lease: (body as unknown as { readonly lease: string }).lease, until: askedAt + leaseMs })
    return answer
  },
}, async ({ seq }) => {
  note({ kind: 'begins', seq, at: Date.now() })
  try {
    await sleep(random.chance(longChance) ? leaseMs * 1.3 : random.between(5, 60))
    if (random.chance(failChance)) throw new Error('not this time')
    return random.chance(giveUpChance) ? { failed: 'cannot be done' } : undefined
  } finally {
    note({ kind: 'ends', seq, at: Date.now() })
  }
}, { concurrency: 2, leaseMs })
