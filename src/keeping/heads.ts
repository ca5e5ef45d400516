// Whether the events of an archive are what its relay signed: each stream's tree is made of them, and compared with its head.
import type * as z from 'zod'
import { serverIdOf } from '../../lib/identity/index.ts'
import { entryOf, openCheckpoint, Stretch, TranscriptRange, type Checkpoint } from '../../lib/identity/transcripts/index.ts'
import { sha256 } from '../store/transcripts.ts'
import type { Head, Header } from './archive.ts'

/** A channel that ends leaves one number out; no channel ends so often without a word in between. */
const maxLeftOut = 10_000

/** Why a record is refused. */
export class NotSigned extends Error {}

type Named = Pick<z.output<typeof Header>, 'epoch' | 'server_id' | 'server_pubkey'>

export class ArchiveHeads {
  readonly #header: Named
  readonly #done = new Set<string>()
  /** The stream that is read, and whether its head came. */
  #now: { readonly stream: string, readonly stretch: Stretch, isSigned: boolean } | undefined

  /** @throws NotSigned */
  constructor(header: Named) {
    this.#header = header
    const { server_pubkey, server_id } = header
    if (server_pubkey === undefined || keyId(server_pubkey) !== server_id)
      throw new NotSigned('server_pubkey: not the key of the relay that it names')
  }

  /** @throws NotSigned on a text that is no stored event */
  add(stream: string, seq: number, text: string): void {
    if (this.#now?.stream !== stream || this.#now.isSigned) {
      this.end()
      if (this.#done.has(stream)) throw new NotSigned(`stream: ${stream} was there before`)
      this.#done.add(stream)
      this.#now = { stream, stretch: new Stretch(seq - 1, sha256), isSigned: false }
    }
    const { stretch } = this.#now
    if (seq <= stretch.end) throw new NotSigned('out of order')
    // Numbers are left out by ones: nobody has to fill in millions of them.
    if (seq - stretch.end > maxLeftOut) throw new NotSigned('too many numbers are left out before it')
    try {
      const entry = entryOf(text, sha256)
      if (entry.seq !== seq) throw new NotSigned('of another seq')
      stretch.add(seq, entry.leaf)
    } catch (error) {
      throw new NotSigned(`text: ${(error as Error).message}`)
    }
  }

  /** Gives what the stream begins behind. @throws NotSigned */
  check({ stream, checkpoint, base }: z.output<typeof Head>): { readonly head: Checkpoint, readonly base: TranscriptRange } {
    const { server_id, server_pubkey, epoch } = this.#header
    const now = this.#now
    if (now?.stream !== stream || now.isSigned) throw new NotSigned(`stream: the head of ${stream} is not behind its events`)
    const { stretch } = now
    let head: Checkpoint
    try {
      head = openCheckpoint(checkpoint, server_pubkey!)
    } catch (error) {
      throw new NotSigned(`checkpoint: ${(error as Error).message}`)
    }
    if (head.relay !== server_id || head.epoch !== epoch || head.stream !== stream) throw new NotSigned('checkpoint: of another stream')
    const began = rangeOf(base.size, base.peaks)
    if (began === undefined || base.size !== stretch.start) throw new NotSigned('base: not where the events begin')
    const whole = stretch.behind(began.copy())
    if (whole.size !== head.size || !Buffer.from(whole.root).equals(head.root))
      throw new NotSigned('the events are not those that the relay signed: one was changed, left out, put in or moved')
    now.isSigned = true
    return { head, base: began }
  }

  /** Nothing more comes of the stream that was read. @throws NotSigned where it has no head */
  end(): void {
    if (this.#now?.isSigned === false) throw new NotSigned(`no head of ${this.#now.stream}`)
  }
}

const rangeOf = (size: number, peaks: readonly string[]): TranscriptRange | undefined => {
  const bytes = peaks.map(peak => Buffer.from(peak, 'base64'))
  // One spelling each.
  if (bytes.some((each, i) => each.toString('base64') !== peaks[i])) return undefined
  try {
    return TranscriptRange.of(size, bytes, sha256)
  } catch {
    return undefined
  }
}

const keyId = (pubkey: string): string | undefined => {
  try {
    return serverIdOf(pubkey)
  } catch {
    return undefined
  }
}
