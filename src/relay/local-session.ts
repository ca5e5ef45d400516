// One agent's session without a socket: what it asks and who waits for which answer; what it hears unasked goes on to whoever follows.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { checkRequest } from '../../lib/protocol/decode-request.ts'
import {
  closeCodes,
  frames,
  isErrorCode,
  rawField,
  timerMs,
  type Frame,
  type FrameType,
  type ReplyType,
  type RequestType,
} from '../../lib/protocol/index.ts'
import { Fail } from './fail.ts'
import type { AdmittedConnection, Answer, AskOptions, Caller, Ear } from './inside.ts'

export interface LocalSessionOptions {
  readonly maxFrameBytes: number
  /** Opens the connection, and asks for the session under `re`. */
  readonly open: (ear: Ear, re: string) => AdmittedConnection
  /** A frame that answers nothing; false: it is enough for now. */
  readonly heard: (type: FrameType, text: Buffer) => boolean
  /** The relay ended it. */
  readonly ended: (end: { readonly reason: string, readonly retryAfterMs?: number }) => void
}

/** What one session may have under way; who asks more has to wait. */
const maxPending = 64
const busyRetryMs = 1_000
/** Some work takes long, but nobody's connection waits for ever. */
const answerTimeoutMs = 60_000

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
}

export interface SessionAskOptions extends AskOptions {
  readonly credential?: Caller['credential']
}

export class LocalSession {
  readonly #options: LocalSessionOptions
  readonly #pending = new Map<string, Waiting>()
  readonly #connection: AdmittedConnection
  readonly #opened: Promise<unknown>
  #over: Fail | undefined
  #retryAfterMs: number | undefined

  constructor(options: LocalSessionOptions) {
    this.#options = options
    const re = randomUUID()
    this.#opened = this.#wait(re)
    this.#connection = options.open({
      hear: text => this.#hear(text),
      pinged: mark => this.#connection.pong(mark),
      closed: (code, reason) => this.#closed(code, reason),
    }, re)
    // Who was not let in asks anew with its next request.
    this.#opened.catch(() => this.close())
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  get isBusy(): boolean {
    return this.#pending.size > 0
  }

  /** @throws Fail why the agent has no session here */
  async opened(): Promise<void> {
    await this.#opened
  }

  /** @throws Fail */
  async ask<T extends RequestType>(
    type: T,
    body: object,
    { signal, along, credential }: SessionAskOptions = {},
  ): Promise<Answer<ReplyType<T>>> {
    await this.#opened
    if (!this.#connection.isOpen()) await nextTurn()
    // Nobody can guess it: as the key of what is published it is this request's alone.
    const { id = randomUUID() } = body as { readonly id?: string }
    if (this.#over !== undefined) throw this.#over
    if (this.#pending.has(id)) throw new Fail('BUSY', 'A request under this id is still being answered', busyRetryMs)
    if (this.#pending.size >= maxPending)
      throw new Fail('BUSY', `At most ${maxPending} requests of an agent are under way at one door`, busyRetryMs)
    // What cannot be read has no id by which its refusal would find back.
    const read = checkRequest(type, withoutUndefined({ ...body, id }))
    if (!read.ok) throw new Fail('INVALID_MSG', read.message)
    // Of what was read alone: what else was sent may be nested too deep to be written again.
    const text = Buffer.from(JSON.stringify({ ...read.body, type }))
    if (text.length > this.#options.maxFrameBytes)
      throw new Fail('INVALID_MSG', `A request is at most ${this.#options.maxFrameBytes} bytes`)
    const answer = this.#wait(id, signal)
    this.#connection.hand(text, { request: read, along, credential })
    return await answer as Answer<ReplyType<T>>
  }

  took(): void {
    this.#connection.took()
  }

  /** From now on what comes into the inbox waits, until `hearInbox` is called. */
  awaitInbox(): void {
    this.#connection.awaitInbox()
  }

  /** Entries of the inbox behind a number are heard, each as an item with its number, up to the newest, and then what is new. */
  hearInbox(after: number, newest: number): void {
    if (this.#over === undefined) this.#connection.hearInbox(after, newest)
  }

  close(): void {
    this.#end(new Fail('BUSY', 'The session has ended; ask again', busyRetryMs))
    this.#connection.close()
  }

  #wait(id: string, signal?: AbortSignal): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      const clear = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', aborted)
      }
      const waiting: Waiting = {
        resolve: told => {
          clear()
          resolve(told)
        },
        reject: error => {
          clear()
          if (this.#pending.get(id) === waiting) this.#pending.delete(id)
          reject(error)
        },
      }
      const late = () => waiting.reject(new Fail('BUSY', 'Not answered in time; ask again under the same id', busyRetryMs))
      const aborted = () => waiting.reject(signal!.reason instanceof Error ? signal!.reason : new Error('aborted'))
      const timer = setTimeout(late, timerMs(answerTimeoutMs)).unref()
      this.#pending.set(id, waiting)
      if (signal?.aborted === true) aborted()
      else signal?.addEventListener('abort', aborted, { once: true })
    })
    // Whoever awaits it hears of it.
    answer.catch(() => undefined)
    return answer
  }

  #hear(text: Buffer): boolean {
    const type = typeOf(text)
    if (type === 'GOING_AWAY') this.#retryAfterMs = (JSON.parse(text.toString()) as Frame<'GOING_AWAY'>).retry_after_ms
    const re = this.#pending.size === 0 || frames[type].kind === 'event' ? undefined : reOf(text)
    const waiting = re === undefined ? undefined : this.#pending.get(re)
    if (waiting === undefined) return this.#options.heard(type, text)
    this.#pending.delete(re!)
    if (type === 'ERROR') waiting.reject(failOf(JSON.parse(text.toString()) as Frame<'ERROR'>))
    else waiting.resolve({ type, text, frame: <T extends FrameType>() => JSON.parse(text.toString()) as Frame<T> })
    return true
  }

  #closed(code: number, reason: string): void {
    if (this.#over !== undefined) return
    const fail = endOf(code, reason, this.#retryAfterMs)
    // What is under way may be stored: it is not told as refused, and whoever asks again hears why.
    this.#end(fail, fail.code === 'BUSY' ? fail : new Fail('BUSY', 'The agent was locked out before this was answered', busyRetryMs))
    this.#options.ended({ reason: nameOf(code), ...(fail.retryAfterMs !== undefined && { retryAfterMs: fail.retryAfterMs }) })
  }

  #end(fail: Fail, unanswered = fail): void {
    this.#over ??= fail
    for (const { reject } of this.#pending.values()) reject(unanswered)
    this.#pending.clear()
  }
}

/** As JSON would say it. */
const withoutUndefined = (fields: Record<string, unknown>): Record<string, unknown> => {
  for (const name in fields) if (fields[name] === undefined) delete fields[name]
  return fields
}

const typeOf = (text: Buffer): FrameType => text.toString('latin1', 9, text.indexOf(0x22, 9)) as FrameType

/**
 * Whom a frame answers. In a frame without a list it is the last field, which no value inside another object can look like; with one it
 * stands before it, behind a few words of the relay's own.
 */
export const reOf = (frame: Buffer): string | undefined => {
  const end = frame.at(-2) !== quote
    ? null
    : /,"re":("(?:[^"\\]|\\.)*")\}$/.exec(frame.toString('utf8', Math.max(0, frame.length - maxReBytes)))
  if (end !== null) return JSON.parse(end[1]!) as string
  const at = frame.indexOf(reMark)
  if (at < 0) return undefined
  const raw = rawField(frame.toString('utf8', 0, at + maxReBytes), 're', true)
  return raw === undefined ? undefined : JSON.parse(raw) as string
}

const quote = 0x22
const reMark = Buffer.from(',"re":"')
/** An id at its longest, each unit of it written as \uXXXX, and what stands around it. */
const maxReBytes = 64 * 6 + 16

const failOf = ({ code, message, retry_after_ms }: Frame<'ERROR'>): Fail =>
  new Fail(isErrorCode(code) ? code : 'INTERNAL', message, retry_after_ms)

const nameOf = (code: number): string => Object.entries(closeCodes).find(([, row]) => row.code === code)?.[0] ?? 'CLOSED'

const endOf = (code: number, reason: string, retryAfterMs = busyRetryMs): Fail => {
  switch (code) {
    case closeCodes.BANNED.code:
      return new Fail('BANNED', 'This agent is banned')
    case closeCodes.REVOKED.code:
    case closeCodes.KICKED.code:
      return new Fail('NOT_ALLOWED', 'This agent was told to go')
    default:
      return new Fail('BUSY', `The relay ended the session (${reason || nameOf(code)}); ask again`, retryAfterMs)
  }
}
