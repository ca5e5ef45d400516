// What is told once beside messages, and counts as received when those who listen for its kind are done with it: stored events of another
// kind, from the inbox of whom they concern (steps of deals and cases), and digests of channels. What nobody listens for, once anybody
// listens at all, passes.
import { frames, type Frame, type FrameType } from '../protocol/index.ts'
import type { Fate, Progress } from './progress.ts'

export type KeptFrame = Frame<'DIGEST'> | Frame & { readonly msg_id: string, readonly from: string, readonly by?: string }

export interface KeptOptions {
  readonly progress: Progress
  /** Whether messages of the stream are let go for now: what is told of them too, it comes again. */
  readonly isBehind: (stream: string) => boolean
  /** Whether anybody listens for messages. */
  readonly isAttended: () => boolean
  readonly has: (type: FrameType) => boolean
  /** Tells who listens; gives a promise where they take their time. */
  readonly tell: (frame: Frame) => Promise<unknown> | undefined
}

const maxWaiting = 1_000

/** Not what this agent did itself: its own inbox has no entry of that. */
export const isKept = (frame: Frame, me: string | undefined): frame is KeptFrame => {
  if (frame.type === 'DIGEST') return true
  if (frame.type === 'MSG' || frames[frame.type].kind !== 'event' || !('msg_id' in frame)) return false
  const { by, from } = frame as Exclude<KeptFrame, Frame<'DIGEST'>>
  return (by ?? from) !== me
}

export class Kept {
  readonly #options: KeptOptions
  /** What came before anybody listened. */
  #waiting: { readonly frame: Frame, readonly fate: Fate }[] = []
  #isAttended = false

  constructor(options: KeptOptions) {
    this.#options = options
  }

  push(frame: KeptFrame): void {
    const { isAttended } = this.#options
    const fate = this.#fateOf(frame)
    // It came on an earlier connection, and is being handled or was.
    if (fate === undefined) return
    if (this.#isAttended || isAttended()) this.#tell(frame, fate)
    else if (this.#waiting.push({ frame, fate }) > maxWaiting) {
      const [first] = this.#waiting.splice(0, 1)
      first!.fate.letGo()
    }
  }

  /** Of a digest: how far its channel was told of. */
  #fateOf(frame: KeptFrame): Fate | undefined {
    const { progress, isBehind } = this.#options
    if (frame.type !== 'DIGEST') return progress.offerOnce({ msg_id: frame.msg_id }, `event ${frame.msg_id}`)
    const { channel, to_seq: seq } = frame
    return isBehind(channel) || seq <= (progress.seen(channel) ?? 0) ? undefined : progress.see(channel, seq)
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
