// A connection without a socket: what the outbox writes is taken apart into frames again and heard as texts, in this process.
import type { Line, Talk } from './connection.ts'
import { framesIn, textOfFrame } from './encode.ts'

/** Who listens to a line. */
export interface Ear {
  /**
   * One frame's JSON text, as the bytes they are, the same for all who hear it: to be read or copied at once, never changed. False: it is
   * enough for now, and the rest waits in the relay, counted as for a slow reader, until `took` is called.
   */
  hear(text: Buffer): boolean
  /** The relay pings: whoever has taken all that was heard so far says so by a pong. */
  pinged(mark: Buffer): void
  /** The relay has closed it, and why (lib/protocol/close.ts). */
  closed(code: number, reason: string): void
}

const cutOff = 1006

interface WrittenFrame {
  readonly frame: Buffer
  /** Undefined of a control frame. */
  readonly text: Buffer | undefined
}

/** What lines are written, taken apart: what goes to many of them, once for all. */
export class WrittenFrames {
  readonly #of = new WeakMap<Buffer, readonly WrittenFrame[]>()

  takenApart(bytes: Buffer): readonly WrittenFrame[] {
    const known = this.#of.get(bytes)
    if (known !== undefined) return known
    const frames = [...framesIn(bytes)].map(frame => ({ frame, text: frame[0] === 0x81 ? textOfFrame(frame) : undefined }))
    this.#of.set(bytes, frames)
    return frames
  }
}

export class LocalLine implements Line, Talk {
  readonly OPEN = 1
  readyState = 1
  writableLength = 0
  /** Where a socket of whoever speaks arrived, if there is one. */
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly #ear: Ear
  readonly #frames: WrittenFrames
  #marks: (() => void)[] = []

  constructor(ear: Ear, frames: WrittenFrames, arrival?: { readonly address: string | undefined, readonly port: number | undefined }) {
    this.#ear = ear
    this.#frames = frames
    this.localAddress = arrival?.address
    this.localPort = arrival?.port
  }

  write(bytes: Buffer, taken?: () => void): boolean {
    for (const { frame, text } of this.#frames.takenApart(bytes)) {
      if (text === undefined) this.#control(frame)
      else if (this.readyState === this.OPEN && !this.#ear.hear(text)) this.writableLength += frame.length
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

  ping(mark: Buffer = Buffer.alloc(0)): void {
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
