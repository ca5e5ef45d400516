// A connection without a socket: what the outbox writes is taken apart into frames again and heard as texts, in this process.
import type { Line, Talk } from './connection.ts'
import { textOfFrame } from './encode.ts'

/** Who listens to a line. */
export interface Ear {
  /**
   * One frame's JSON text, as the bytes they are: to be read or copied at once, never changed. False: it is enough for now, and the rest
   * waits in the relay, counted as for a slow reader, until `took` is called.
   */
  hear(text: Buffer): boolean
  /** The relay pings: whoever has taken all that was heard so far says so by a pong. */
  pinged(mark: Buffer): void
  /** The relay has closed it, and why (lib/protocol/close.ts). */
  closed(code: number, reason: string): void
}

const isText = (frame: Buffer): boolean => frame[0] === 0x81
const noMark = Buffer.alloc(0)
const cutOff = 1006

/** The frames that stand behind each other in one buffer. */
export const framesIn = (bytes: Buffer): readonly Buffer[] => {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]! & 0x7f
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUIntBE(at + 4, 6)
    frames.push(bytes.subarray(at, at + header + length))
    at += header + length
  }
  return frames
}

export class LocalLine implements Line, Talk {
  readonly OPEN = 1
  readyState = 1
  writableLength = 0
  /** Where a socket of whoever speaks arrived, if there is one. */
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly #ear: Ear
  #marks: (() => void)[] = []

  constructor(ear: Ear, arrival?: { readonly address: string | undefined, readonly port: number | undefined }) {
    this.#ear = ear
    this.localAddress = arrival?.address
    this.localPort = arrival?.port
  }

  write(bytes: Buffer, taken?: () => void): boolean {
    for (const frame of framesIn(bytes)) {
      if (!isText(frame)) this.#control(frame)
      else if (this.readyState === this.OPEN && !this.#ear.hear(textOfFrame(frame))) this.writableLength += frame.length
    }
    if (taken !== undefined) {
      if (this.writableLength > 0) this.#marks.push(taken)
      else setImmediate(taken)
    }
    return this.writableLength === 0
  }

  /** What was heard is dealt with: more may come. */
  took(): void {
    this.writableLength = 0
    for (const taken of this.#marks.splice(0)) taken()
  }

  ping(mark: Buffer = noMark): void {
    setImmediate(() => {
      if (this.readyState === this.OPEN) this.#ear.pinged(mark)
    })
  }

  /** In a turn of its own, as a socket that closes tells of it. */
  close(code: number, reason: string | Buffer = ''): void {
    if (this.readyState !== this.OPEN) return
    this.readyState = 3
    setImmediate(() => {
      this.took()
      this.#ear.closed(code, reason.toString())
    })
  }

  terminate(): void {
    this.close(cutOff)
  }

  // Nothing is read from it: who speaks is heard frame by frame, and waits where there is no room.
  pause(): void {}
  resume(): void {}
  cork(): void {}
  uncork(): void {}

  /** Of the relay only a ping asks for something. */
  #control(frame: Buffer): void {
    if (frame[0] === 0x89) this.ping(Buffer.from(frame.subarray(2)))
  }
}
