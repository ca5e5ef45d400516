// Stored events of another kind than messages, from the inbox of whom they concern: steps of deals and cases. Each is told to those who
// listen for its kind, and counts as received once they are done with it. What nobody listens for, once anybody listens at all, passes.
import { frames, type Frame, type FrameType } from '../protocol/index.ts'
import type { Fate, Progress } from './progress.ts'

export type KeptFrame = Frame & { readonly msg_id: string, readonly from: string, readonly by?: string }

export interface KeptOptions {
  readonly progress: Progress
  /** Whether anybody listens for messages. */
  readonly isAttended: () => boolean
  readonly has: (type: FrameType) => boolean
  /** Tells who listens; gives a promise where they take their time. */
  readonly tell: (frame: Frame) => Promise<unknown> | undefined
}

const maxWaiting = 1_000

export const isKept = (frame: Frame): frame is KeptFrame => frame.type !== 'MSG' && frames[frame.type].kind === 'event' && 'msg_id' in frame

export class Kept {
  readonly #options: KeptOptions
  /** What came before anybody listened. */
  #waiting: { readonly frame: Frame, readonly fate: Fate }[] = []
  #isAttended = false

  constructor(options: KeptOptions) {
    this.#options = options
  }

  push(frame: KeptFrame): void {
    const { progress, isAttended } = this.#options
    const fate = progress.offerOnce({ msg_id: frame.msg_id }, `event ${frame.msg_id}`)
    // It came on an earlier connection, and is being handled or was.
    if (fate === undefined) return
    if (this.#isAttended || isAttended()) this.#tell(frame, fate)
    else if (this.#waiting.push({ frame, fate }) > maxWaiting) {
      const [first] = this.#waiting.splice(0, 1)
      first!.fate.letGo()
    }
  }

  /** Somebody listens, for this or for something else: what waited is told once they all do. */
  attended(): void {
    this.#isAttended = true
    queueMicrotask(() => {
      for (const { frame, fate } of this.#waiting.splice(0)) this.#tell(frame, fate)
    })
  }

  #tell(frame: Frame, fate: Fate): void {
    const { has, tell } = this.#options
    const busy = has(frame.type) ? tell(frame) : undefined
    if (busy === undefined) fate.handled()
    else void busy.then(() => fate.handled())
  }
}
