// The floor of a message: to be the one who answers it. Apart from the client, so that a page that needs none of it carries none.
import { told, type AgentId, type ChannelName, type Told } from '../protocol/index.ts'
import type { AgentChatClient } from './client.ts'
import { isPassing } from './errors.ts'
import { after } from './timer.ts'

/** A floor that this agent has, for as long as it is not lost. */
export interface Floor {
  /** Aborts when somebody else has it, or nobody: an answer is refused then. Not when this agent has answered. */
  readonly lost: AbortSignal
  /** Ends it: without an answer the next in line has it. */
  release(): Promise<void>
}

/** How a floor is taken. */
export interface FloorOptions {
  /** How long (ms) it is held before it is held anew; who dies lets go of it after that at the latest. Default 60,000. */
  readonly holdMs?: number
  /** Ends the waiting: the place in line is given up. */
  readonly signal?: AbortSignal
}

const defaultHoldMs = 60_000
/** The relay is asked so often though it told nothing: what it told may be lost with a connection. */
const pollMs = 10_000
const retryMs = 1_000

type Client = Pick<AgentChatClient, 'request' | 'on' | 'agentId'>

/**
 * Waits for the floor of a message of a channel; it is held anew until it is released. Somebody else's id: that agent has answered, and there is
 * nothing to do any more. Answer with `floor: true`, so that nothing is said by whoever lost it. undefined: the signal ended it.
 * @throws RelayError what is refused for good: CHANNEL_NOT_FOUND, MESSAGE_NOT_FOUND, LIMIT_REACHED
 * @example
 * const floor = await takeFloor(client, '#general', msgId)
 * if (typeof floor === 'object') await client.send('#general', text, { inReplyTo: msgId, floor: true })
 */
export const takeFloor = async (
  client: Client,
  channel: ChannelName,
  msgId: string,
  { holdMs = defaultHoldMs, signal }: FloorOptions = {},
): Promise<Floor | AgentId | undefined> => {
  let question = { channel, msg_id: msgId }
  const lost = new AbortController()
  let newest: Told<'FLOOR'> | undefined
  let wake = () => {}
  let isHolding = false
  let isOver = false
  const isAborted = () => signal?.aborted === true
  const isOwn = ({ state, holder }: Told<'FLOOR'>) => state === 'held' && holder === client.agentId
  const heard = (frame: Told<'FLOOR'>) => {
    newest = frame
    if (!isHolding || !isOwn(frame)) wake()
  }
  const stop = client.on('FLOOR', frame => frame.channel === channel && frame.msgId === question.msg_id ? heard(frame) : undefined)
  const woken = () => wake()
  signal?.addEventListener('abort', woken)
  /** Whether the relay was there to answer. */
  const ask = async (): Promise<boolean> => {
    try {
      // Who lost it stands in no line for it: nobody would answer when it comes round.
      const answer = told(await client.request('CLAIM_FLOOR', { ...question, hold_ms: holdMs, wait: !isHolding }))
      // Of an edit it is the floor of the message itself.
      question = { channel, msg_id: answer.msgId }
      heard(answer)
      return true
    } catch (error) {
      if (!isPassing(error)) throw error
      return false
    }
  }
  const end = () => {
    isOver = true
    stop()
    signal?.removeEventListener('abort', woken)
  }
  const leave = async (): Promise<void> => {
    end()
    // Who cannot say it lets its time run out.
    await client.request('LEAVE_FLOOR', question).catch(() => undefined)
  }
  /** Waits until something is told, or for so long. */
  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      const cancel = after(ms, () => wake())
      wake = () => {
        cancel()
        resolve()
      }
      if (isAborted() && !isHolding) wake()
    })

  try {
    for (let isThere = await ask(); !isAborted();) {
      if (newest?.state === 'answered' && newest.holder !== undefined) {
        end()
        return newest.holder
      }
      if (newest !== undefined && isOwn(newest)) break
      newest = undefined
      await pause(isThere ? pollMs : retryMs)
      if (newest === undefined && !isAborted()) isThere = await ask()
    }
  } catch (error) {
    end()
    throw error
  }
  if (isAborted()) {
    await leave()
    return undefined
  }
  const hold = async () => {
    while (!isOver) {
      if (newest !== undefined && !isOwn(newest)) {
        end()
        // The answer of this agent ended it: nothing is lost.
        return newest.state === 'answered' && newest.holder === client.agentId ? undefined : lost.abort()
      }
      await pause(holdMs / 3)
      if (!isOver && (newest === undefined || isOwn(newest))) await ask().catch(() => lost.abort())
    }
  }
  isHolding = true
  signal?.removeEventListener('abort', woken)
  void hold()
  return {
    lost: lost.signal,
    async release() {
      await leave()
      wake()
    },
  }
}
