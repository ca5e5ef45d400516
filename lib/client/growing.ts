// A message that is seen while it is written: what comes within 100 ms goes as one piece, and the whole of it is sent as the message that
// ends it. Pieces are for those who are here; nothing depends on them.
import type { Target } from '../protocol/index.ts'
import { RelayError } from './errors.ts'
import type { Body } from './port.ts'
import type { SendOptions, Sent } from './sending.ts'
import { after } from './timer.ts'

/** A message under way. */
export interface GrowingMessage {
  /** What was written so far. */
  readonly text: string
  /** Adds to it. Returns at once: what is written faster than pieces may go waits and goes as one. */
  write(text: string): void
  /** Sends what was written as the message it is. @throws as `client.send` */
  end(): Promise<Sent>
}

/** Whoever speaks: the client. */
export interface Speaker {
  request(type: 'DELTA', body: Body<'DELTA'>): Promise<unknown>
  send(to: Target, content: string, options: SendOptions): Promise<Sent>
}

/** Pieces go so far apart, unless so much waits. */
const joinMs = 100
const joinChars = 4_096

/** `options.id` is the id of the message, and names its pieces. */
export const growing = (
  client: Speaker,
  to: Target,
  { id = '', ...options }: SendOptions,
): GrowingMessage => {
  let text = ''
  let told = 0
  let n = 0
  let isBusy = false
  let isOver = false
  const tell = () => {
    const waiting = text.slice(told, told + joinChars)
    // Half a character waits for its other half.
    const piece = waiting.replace(/[\ud800-\udbff]$/, '')
    if (isOver || isBusy || piece === '') return
    isBusy = true
    client.request('DELTA', { to, stream: id, n, text: piece }).then(() => true, (error: unknown) => error).then(answer => {
      const { retryAfterMs = 0 } = answer instanceof RelayError ? answer : {}
      // Refused for good: they see the message when it ends.
      if (answer instanceof RelayError && retryAfterMs === 0) return
      if (retryAfterMs === 0) {
        n++
        told += piece.length
      }
      after(Math.max(retryAfterMs, text.length - told < joinChars ? joinMs : 0), () => {
        isBusy = false
        tell()
      })
    })
  }
  return {
    get text() {
      return text
    },
    write(more) {
      text += more
      tell()
    },
    end() {
      isOver = true
      return client.send(to, text, { ...options, id, stream: id })
    },
  }
}
