// Frames printed as they come, those that waited first, until so many were, a time is over, or Ctrl-C.
import { timerMs } from '../../lib/protocol/timer.ts'
import type { AgentChatClient } from '../../lib/client/index.ts'
import type { Frame, FrameType } from '../../lib/protocol/index.ts'
import type { Call } from './command.ts'
import type { ExitName } from './exit.ts'
import { connectKeyed } from './trade.ts'

export interface Watch<T extends FrameType> {
  /** label of the session */
  readonly session: string
  readonly types: readonly T[]
  isWanted(frame: Frame<T>): boolean
  print(frame: Frame<T>, client: AgentChatClient): Promise<void>
}

export const watchFrames = async <T extends FrameType>(
  call: Pick<Call, 'io' | 'out' | 'target' | 'connect'> & { readonly options: { readonly max?: number, readonly timeout?: number } },
  { session, types, isWanted, print }: Watch<T>,
): Promise<ExitName> => {
  const { options, io, out } = call
  let end: (exit: ExitName) => void
  let fail: (error: unknown) => void
  const ended = new Promise<ExitName>((resolve, reject) => {
    ;[end, fail] = [resolve, reject]
  })
  ended.catch(() => undefined)
  let left = options.max ?? Infinity
  let printed = Promise.resolve()
  const never = new Promise<void>(() => undefined)
  const writers = new Set<string>()
  const timer = options.timeout === undefined ? undefined : setTimeout(() => end('timeout'), timerMs(options.timeout * 1_000))
  const stop = () => end('interrupted')
  io.interrupted.addEventListener('abort', stop)
  try {
    const client = await connectKeyed(call, {
      session,
      inbox: 'take',
      reconnect: {},
      timeoutMs: Math.min(options.timeout ?? 15, 15) * 1_000,
      prepare: client => {
        for (const type of types) {
          client.on(type, heard => {
            const frame = heard.frame as Frame<T>
            if (left > 0 && !isWanted(frame)) return undefined
            // What was not printed was not received: the next run begins there.
            if (left <= 0) return never
            left--
            const isLast = left === 0
            // In the order in which they came, however long each is checked.
            return printed = printed.then(() => print(frame, client)).then(() => out.taken()).then(() => {
              if (isLast) end('ok')
            }, (error: unknown) => {
              fail(error)
              return never
            })
          })
        }
        // The inbox is one list: what stands before a step has to be received, too.
        client.on('message', ({ from, to, mine }) => {
          if (left <= 0) return never
          if (mine || to.startsWith('#') || writers.has(from)) return undefined
          writers.add(from)
          out.say(`note: ${from} wrote to you, too: agentchat history ${from}`)
          return undefined
        })
        client.on('status', status => {
          if (status.kind === 'ended' && status.error !== undefined) fail(status.error)
        })
      },
    })
    out.say(`Connected as ${client.agentId}`)
    return await ended
  } finally {
    clearTimeout(timer)
    io.interrupted.removeEventListener('abort', stop)
  }
}
