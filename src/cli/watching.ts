// Frames printed as they come, those that waited first, until so many were, a time is over, or Ctrl-C.
import { timerMs } from '../../lib/protocol/timer.ts'
import type { AgentChatClient } from '../../lib/client/index.ts'
import type { Frame, FrameType } from '../../lib/protocol/index.ts'
import type { Call } from './command.ts'
import type { ExitName } from './exit.ts'
import { connectKeyed } from './trade.ts'

export interface Watch<T extends FrameType> {
  /** label of the session: it has its own place in the inbox */
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
  const timer = options.timeout === undefined ? undefined : setTimeout(() => end('timeout'), timerMs(options.timeout * 1_000))
  const stop = () => end('interrupted')
  io.interrupted.addEventListener('abort', stop)
  try {
    const client = await connectKeyed(call, {
      session,
      inbox: 'manual',
      reconnect: {},
      timeoutMs: Math.min(options.timeout ?? 15, 15) * 1_000,
      prepare: client => {
        for (const type of types) {
          client.on(type, heard => {
            const frame = heard as Frame<T>
            if (left <= 0 || !isWanted(frame)) return
            left--
            const isLast = left === 0
            // In the order in which they came, however long each is checked.
            printed = printed.then(() => print(frame, client)).then(() => {
              if (isLast) end('ok')
            }, fail)
          })
        }
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
