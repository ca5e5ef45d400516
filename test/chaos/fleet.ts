// The clients of a run, in processes of their own, as one thing that can be told and asked.
import { generateKeyPairSync } from 'node:crypto'
import type { AgentId, ChannelName } from '../../lib/index.ts'
import { nodeIdentity } from '../../lib/node/index.ts'
import type { ClientAccount } from './account.ts'
import type { AgentsCommand, AgentsReport, AgentsStart, Progress } from './agents-process.ts'
import { Child } from './child.ts'
import type { Part } from './participant.ts'
import type { Random } from './random.ts'

const clientsPerProcess = 6
const maxProcesses = 4
const clientsPerChannel = 6

export const channelOf = (index: number, clients: number): ChannelName => `#chaos-${index % Math.ceil(clients / clientsPerChannel)}`

/**
 * Two of three agents have a key; the third is ephemeral. Each writes to the nearest ones that have a key, on both sides: pairs
 * of keyed agents talk both ways.
 */
const partsOf = (clients: number): readonly Part[] => {
  const keys = Array.from({ length: clients },
    (_, index) =>
      index % 3 === 2 ? undefined : generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const nearest = (index: number, step: 1 | -1): AgentId => {
    const at = (distance: number) => keys[(index + step * distance + clients) % clients]
    return nodeIdentity((at(1) ?? at(2))!).agentId
  }
  return keys.map((privateKey, index) => ({
    index,
    channel: channelOf(index, clients),
    peers: [nearest(index, 1), nearest(index, -1)],
    ...(privateKey !== undefined && { privateKey }),
  }))
}

interface Answered {
  readonly delivered: number
  /** The longest time in which one of them was without a session. */
  readonly longestGapMs: number
}

class AgentsProcess {
  readonly child: Child<AgentsCommand, AgentsReport>
  readonly ready: Promise<void>
  readonly accounts: Promise<readonly ClientAccount[]>
  readonly #died: Promise<never>
  #asked = 0
  #onAnswered: (answered: Answered) => void = () => undefined
  progress: Progress = { issued: 0, settled: 0, delivered: 0, isOpen: false }

  constructor(start: AgentsStart) {
    let onReport: (report: AgentsReport) => void = () => undefined
    this.child = new Child('./agents-process.js', start, report => onReport(report))
    const died = this.child.ended.then((): never => {
      throw new Error('a process of clients ended by itself')
    })
    died.catch(() => undefined)
    this.#died = died
    let isReady: () => void
    let giveAccounts: (accounts: readonly ClientAccount[]) => void
    this.ready = Promise.race([
      died,
      new Promise<void>(resolve => {
        isReady = resolve
      }),
    ])
    this.accounts = Promise.race([
      died,
      new Promise<readonly ClientAccount[]>(resolve => {
        giveAccounts = resolve
      }),
    ])
    for (const promise of [this.ready, this.accounts]) promise.catch(() => undefined)
    onReport = report => {
      if (report.kind === 'ready') isReady()
      else if (report.kind === 'progress') this.progress = report.progress
      else if (report.kind === 'answered') {
        if (report.n === this.#asked) this.#onAnswered(report)
      } else giveAccounts(report.accounts)
    }
  }

  /** How it stood when each of its clients was answered a question asked now. */
  answered(): Promise<Answered> {
    this.child.tell({ kind: 'ask', n: ++this.#asked })
    return Promise.race([
      this.#died,
      new Promise<Answered>(resolve => {
        this.#onAnswered = resolve
      }),
    ])
  }
}

export class Fleet implements Disposable {
  readonly #processes: readonly AgentsProcess[]

  constructor(clients: number, start: Omit<AgentsStart, 'parts'>) {
    const parts = partsOf(clients)
    const count = Math.min(maxProcesses, Math.ceil(clients / clientsPerProcess))
    this.#processes = Array.from({ length: count },
      (_, i) => new AgentsProcess({ ...start, parts: parts.filter(({ index }) => index % count === i) }))
  }

  async ready(): Promise<void> {
    await Promise.all(this.#processes.map(({ ready }) => ready))
  }

  tell(command: AgentsCommand): void {
    for (const { child } of this.#processes) child.tell(command)
  }

  /** One process stands still until the promise that `wait` gives is done. */
  async freezeOne(random: Random, wait: () => Promise<unknown>): Promise<void> {
    const { child } = this.#processes[random.between(0, this.#processes.length)]!
    child.signal('SIGSTOP')
    try {
      await wait()
    } finally {
      child.signal('SIGCONT')
    }
  }

  get progress(): Progress {
    const all = this.#processes.map(({ progress }) => progress)
    const sum = (of: (progress: Progress) => number) => all.reduce((total, progress) => total + of(progress), 0)
    return {
      issued: sum(({ issued }) => issued),
      settled: sum(({ settled }) => settled),
      delivered: sum(({ delivered }) => delivered),
      isOpen: all.every(({ isOpen }) => isOpen),
    }
  }

  /** What had arrived when everybody was answered a question asked now, and how long somebody was without a session until then. */
  async answered(): Promise<Answered> {
    const all = await Promise.all(this.#processes.map(process => process.answered()))
    return {
      delivered: all.reduce((sum, { delivered }) => sum + delivered, 0),
      longestGapMs: Math.max(...all.map(({ longestGapMs }) => longestGapMs)),
    }
  }

  async accounts(): Promise<readonly ClientAccount[]> {
    this.tell({ kind: 'report' })
    return (await Promise.all(this.#processes.map(({ accounts }) => accounts))).flat().sort((a, b) => a.index - b.index)
  }

  [Symbol.dispose](): void {
    for (const { child } of this.#processes) child[Symbol.dispose]()
  }
}
