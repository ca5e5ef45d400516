// Some of the clients: a process of its own, so that it can be stopped and continued by signals.
import { createVerify } from '../../lib/node/index.ts'
import type { ClientAccount } from './account.ts'
import { Participant, type Part } from './participant.ts'

export interface AgentsStart {
  readonly url: string
  readonly folder: string
  readonly perSender: number
  readonly deedsEvery: number
  /** The relay keeps files. */
  readonly takesFiles: boolean
  readonly parts: readonly Part[]
}

export type AgentsCommand =
  /** Spread the messages over this time. */
  | { readonly kind: 'send', readonly durationMs: number }
  /** Send no more. */
  | { readonly kind: 'stop' }
  /** Everybody asks the relay something, and says when all are answered. */
  | { readonly kind: 'ask', readonly n: number }
  | { readonly kind: 'report' }

export interface Progress {
  readonly issued: number
  readonly settled: number
  readonly delivered: number
  /** Every client has a session. */
  readonly isOpen: boolean
}

export type AgentsReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress', readonly progress: Progress }
  | { readonly kind: 'answered', readonly n: number, readonly delivered: number, readonly longestGapMs: number }
  | { readonly kind: 'accounts', readonly accounts: readonly ClientAccount[] }

const tickMs = 20
const progressMs = 200

const { parts, ...start } = JSON.parse(process.argv[2]!) as AgentsStart
const verify = createVerify()
const participants = parts.map(part => new Participant(part, { ...start, verify }))
const tell = (report: AgentsReport) => process.send!(report)
const sum = (of: (participant: Participant) => number) => participants.reduce((total, participant) => total + of(participant), 0)
let sending: NodeJS.Timeout | undefined

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (command: AgentsCommand) => {
  switch (command.kind) {
    case 'send': {
      const startedAt = performance.now()
      sending = setInterval(() => {
        const due = Math.min(start.perSender, Math.ceil(start.perSender * (performance.now() - startedAt) / command.durationMs))
        for (const participant of participants) participant.sendUpTo(due)
      }, tickMs)
      return
    }
    case 'stop':
      return clearInterval(sending)
    case 'ask':
      return void Promise.all(participants.map(participant => participant.ask()))
        .then(() =>
          tell({
            kind: 'answered',
            n: command.n,
            delivered: sum(({ delivered }) => delivered),
            longestGapMs: Math.max(...participants.map(({ longestGapMs }) => longestGapMs)),
          })
        )
    case 'report':
      tell({ kind: 'accounts', accounts: participants.map(participant => participant.account()) })
  }
})

await Promise.all(participants.map(participant => participant.enter()))
tell({ kind: 'ready' })
setInterval(() =>
  tell({
    kind: 'progress',
    progress: {
      issued: sum(({ issued }) => issued),
      settled: sum(({ settled }) => settled),
      delivered: sum(({ delivered }) => delivered),
      isOpen: participants.every(({ isOpen }) => isOpen),
    },
  }), progressMs)
