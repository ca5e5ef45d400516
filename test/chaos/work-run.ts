// One run of work: a relay, an agent's workers, a receiver of webhooks, each killed at random, and the reckoning of who had what when.
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentChatClient, RelayError, type AgentId, type Frame } from '../../lib/index.ts'
import { createVerify, nodeIdentity, wsTransport } from '../../lib/node/index.ts'
import { freePort } from '../kit/port.ts'
import { Child } from './child.ts'
import { Random } from './random.ts'
import type { ReceiverStart } from './receiver-process.ts'
import { Victim } from './victim.ts'
import { inOrder, reckoned, type Line, type PostVerdict, type WorkVerdict } from './work-audit.ts'
import type { WorkerStart } from './worker-process.ts'

export interface WorkRunOptions {
  readonly seed: number
  readonly durationMs: number
  readonly messages: number
  readonly onProgress: (line: string) => void
}

export interface WorkResult extends WorkVerdict, PostVerdict {
  readonly messages: number
  readonly posts: number
  /** Stored for the agent, and without a final state when its time was over. */
  readonly unsettled: number
  readonly states: Readonly<Record<string, number>>
  readonly kills: Readonly<Record<'relay' | 'worker' | 'receiver', number>>
}

const channel = '#jobs'
const workers = 3
const leaseMs = 1_000
const startPauseMs = 100
/** Nothing waits for a worker longer than that. */
const ttlMs = 90_000
const minKills = 2
const maxStretch = 6
const settleMs = 120_000
/** A post that failed is tried again after hours; the relay's clock is set on. */
const clockStepMs = 20 * 60_000
const maxClockSteps = 40

class Killable<Start extends object> implements Disposable {
  readonly #file: string
  readonly #start: () => Start
  #child: Child<never, 'ready'> | undefined
  kills = 0

  constructor(file: string, start: () => Start) {
    this.#file = file
    this.#start = start
  }

  async start(): Promise<void> {
    for (let isReady = false; !isReady;) {
      isReady = await new Promise<boolean>(resolve => {
        const child = this.#child = new Child<never, 'ready'>(this.#file, this.#start(), () => resolve(true))
        void child.ended.then(() => sleep(startPauseMs)).then(() => resolve(false))
      })
    }
  }

  async kill(): Promise<void> {
    this.kills++
    this.#child?.signal('SIGKILL')
    await this.#child?.ended
  }

  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]()
  }
}

const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

export const workRun = async ({ seed, durationMs, messages, onProgress }: WorkRunOptions): Promise<WorkResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'agentchat-work-'))
  const [workLog, postLog] = [join(folder, 'work.log'), join(folder, 'posts.log')]
  const privateKey = newKey()
  const { agentId } = nodeIdentity(privateKey)
  let url = ''
  using victim = new Victim(join(folder, 'data'), () => url, [], undefined, undefined)
  victim.port = await freePort()
  url = `ws://127.0.0.1:${victim.port}`
  const receiverPort = await freePort()
  let lives = 0
  using receiver = new Killable<ReceiverStart>('./receiver-process.js', () => ({ port: receiverPort, log: postLog, seed: seed + lives++ }))
  const crew = Array.from({ length: workers }, (_, i) =>
    new Killable<WorkerStart>('./worker-process.js', () => ({
      url,
      privateKey,
      name: `worker-${i}`,
      seed: seed + lives++,
      log: workLog,
      leaseMs,
    })))
  const sender = new AgentChatClient({
    server: url,
    name: 'sender',
    identity: nodeIdentity(newKey()),
    transport: wsTransport,
    verify: createVerify(),
    reconnect: { minMs: 50, maxMs: 500 },
  })
  try {
    await victim.start()
    await sender.connect()
    await sender.createChannel(channel)
    await receiver.start()
    await sender.request('WEBHOOK_ADD', { url: `http://127.0.0.1:${receiverPort}/`, channel })
    await Promise.all(crew.map(worker => worker.start()))
    onProgress('everybody is here')

    const end = new AbortController()
    const wait = (ms: number) => sleep(ms, undefined, { signal: end.signal }).catch(() => undefined)
    const again = async (name: string, happens: (random: Random) => Promise<void>) => {
      const random = new Random(seed, name)
      while (!end.signal.aborted) await happens(random)
    }
    const startedAt = performance.now()
    const workerKills = () => crew.reduce((sum, { kills }) => sum + kills, 0)
    const timer = setInterval(() => {
      const ms = performance.now() - startedAt
      const isTried = Math.min(victim.kills, receiver.kills, workerKills()) >= minKills
      if (ms >= durationMs && (isTried || ms >= maxStretch * durationMs)) end.abort()
    }, 20)
    const acknowledged: string[] = []
    const posts: number[] = []
    const send = async (n: number): Promise<void> => {
      for (const id = `job-${seed}-${n}`;;) {
        try {
          acknowledged.push((await sender.send(agentId as AgentId, `job ${n}`, { ttlMs, id })).msgId)
          break
        } catch (error) {
          // The inbox is full until the workers have had their turn.
          if (!(error instanceof RelayError && (error.shouldRetry() || error.code === 'LIMIT_REACHED'))) throw error
          await sleep(startPauseMs)
        }
      }
      if (n % 3 === 0) posts.push((await sender.send(channel, `post ${n}`)).seq)
    }
    const sends: Promise<void>[] = []
    await Promise.all([
      again('kill relay', async random => {
        await wait(random.between(1_500, 4_000))
        if (end.signal.aborted) return
        await victim.kill()
        await victim.start()
        onProgress(`${victim.kills} ends of the relay, ${workerKills()} of workers, ${receiver.kills} of the receiver`)
      }),
      again('kill worker', async random => {
        await wait(random.between(300, 1_500))
        if (end.signal.aborted) return
        const worker = crew[random.between(0, crew.length)]!
        await worker.kill()
        await worker.start()
      }),
      again('kill receiver', async random => {
        await wait(random.between(500, 3_000))
        if (end.signal.aborted) return
        await receiver.kill()
        await wait(random.between(0, 500))
        await receiver.start()
      }),
      again('send', async () => {
        if (sends.length < messages) sends.push(send(sends.length))
        await wait(durationMs * 0.85 / messages)
      }),
    ]).finally(() => clearInterval(timer))
    onProgress('nothing is killed any more')
    await Promise.all(sends)

    const states = await settled(sender, acknowledged)
    onProgress('everything has its end')
    for (const worker of crew) await worker.kill()
    await posted(victim, postLog, posts)
    onProgress('everything is posted')
    return {
      messages: acknowledged.length,
      posts: posts.length,
      unsettled: states.filter(state => !isFinal(state)).length,
      states: countsOf(states.map(nameOf)),
      ...reckoned(linesOf(workLog).map(line => JSON.parse(line) as Line), leaseMs),
      ...inOrder(linesOf(postLog).map(Number), posts),
      kills: { relay: victim.kills, worker: workerKills() - crew.length, receiver: receiver.kills },
    }
  } finally {
    await sender.close().catch(() => undefined)
    for (const worker of crew) worker[Symbol.dispose]()
    await victim.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Recipient = Frame<'STATUS'>['recipients'][number]

const nameOf = ({ state, failed_at }: Recipient): string => failed_at === undefined ? state : 'failed'
const isFinal = (recipient: Recipient): boolean => ['read', 'expired', 'failed'].includes(nameOf(recipient))

/** What is said of each message once all of them have their end, or their time is over. */
const settled = async (sender: AgentChatClient, ids: readonly string[]): Promise<readonly Recipient[]> => {
  const deadline = performance.now() + settleMs
  for (;;) {
    const all = await Promise.all(ids.map(msg_id => sender.request('STATUS', { msg_id }).then(({ recipients: [only] }) => only!)))
    if (all.every(isFinal) || performance.now() >= deadline) return all
    await sleep(500)
  }
}

/** Waits until all is posted; the relay's clock goes on for what is to be tried again. */
const posted = async (victim: Victim, log: string, posts: readonly number[]): Promise<void> => {
  const last = Math.max(...posts)
  for (let step = 1; step <= maxClockSteps; step++) {
    for (let i = 0; i < 10; i++) {
      if (linesOf(log).includes(String(last))) return
      await sleep(200)
    }
    victim.setClock(step * clockStepMs)
  }
}

const linesOf = (path: string): readonly string[] => existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []

const countsOf = (names: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
