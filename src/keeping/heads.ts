// Whether the events of an archive are what its relay signed: each stream's tree is made of them, and compared with its head.
import type * as z from 'zod'
import { serverIdOf } from '../../lib/identity/index.ts'
import {
  entryOf,
  isConsistent,
  maxWitnesses,
  openCheckpoint,
  Stretch,
  TranscriptRange,
  witnessedBy,
  type Checkpoint,
  type WitnessPolicy,
} from '../../lib/identity/transcripts/index.ts'
import { sha256 } from '../store/transcripts.ts'
import type { CosignedHead, Head, Header } from './archive.ts'

/** A channel that ends leaves one number out; no channel ends so often without a word in between. */
const maxLeftOut = 10_000

/** Why a record is refused. */
export class NotSigned extends Error {}

/** A head that witnesses cosigned, and the events up to it. */
interface Cosigned {
  readonly head: Checkpoint
  readonly text: string
  readonly stretch: Stretch
}

type Named = Pick<z.output<typeof Header>, 'epoch' | 'server_id' | 'server_pubkey'>

export class ArchiveHeads {
  readonly #header: Named
  readonly #done = new Set<string>()
  /** The stream that is read, and whether its head came. */
  #now: { readonly stream: string, readonly stretch: Stretch, readonly cosigned: Cosigned[], isSigned: boolean } | undefined
  readonly #witnesses: WitnessPolicy | undefined

  /** @param witnesses those that have to have cosigned all that is in channels @throws NotSigned */
  constructor(header: Named, witnesses?: WitnessPolicy) {
    this.#header = header
    this.#witnesses = witnesses
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
      this.#now = { stream, stretch: new Stretch(seq - 1, sha256), cosigned: [], isSigned: false }
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

  /** A head behind its last event; whether the events make it is seen when it is known what they begin behind. @throws NotSigned */
  cosigned({ stream, checkpoint }: z.output<typeof CosignedHead>): void {
    const now = this.#now
    if (now?.stream !== stream || now.isSigned) throw new NotSigned(`stream: a head of ${stream} that is not behind its events`)
    if (now.cosigned.length >= maxWitnesses) throw new NotSigned(`more than ${maxWitnesses} heads that were cosigned`)
    const head = this.#open(stream, checkpoint)
    if (head.size !== now.stretch.end) throw new NotSigned('checkpoint: not behind its last event')
    now.cosigned.push({ head, text: checkpoint, stretch: now.stretch.copy() })
  }

  /** Gives what the stream begins behind. @throws NotSigned */
  check({ stream, checkpoint, base }: z.output<typeof Head>): { readonly head: Checkpoint, readonly base: TranscriptRange } {
    const now = this.#now
    if (now?.stream !== stream || now.isSigned) throw new NotSigned(`stream: the head of ${stream} is not behind its events`)
    const { stretch } = now
    const head = this.#open(stream, checkpoint)
    const began = rangeOf(base.size, base.peaks)
    if (began === undefined || base.size !== stretch.start) throw new NotSigned('base: not where the events begin')
    const whole = stretch.behind(began.copy())
    if (whole.size !== head.size || !Buffer.from(whole.root).equals(head.root))
      throw new NotSigned('the events are not those that the relay signed: one was changed, left out, put in or moved')
    now.isSigned = true
    for (const each of now.cosigned) {
      if (!isConsistent(each.stretch.behind(began.copy()), each.head, [], sha256))
        throw new NotSigned(`a head of ${each.head.size} events that was cosigned is of other ones`)
    }
    this.#checkWitnesses(head, now.cosigned)
    return { head, base: began }
  }

  /** What two agents say is mirrored nowhere. @throws NotSigned */
  #checkWitnesses({ stream, size }: Checkpoint, cosigned: readonly Cosigned[]): void {
    const policy = this.#witnesses
    if (policy === undefined || !stream.startsWith('#')) return
    let upTo: number
    try {
      upTo = witnessedBy(cosigned.map(({ text }) => text), policy, this.#header.server_pubkey!).size
    } catch (error) {
      throw new NotSigned(`checkpoint: ${(error as Error).message}`)
    }
    if (upTo < size) throw new NotSigned(`${policy.need} witnesses cosigned ${upTo} of the ${size} events of ${stream}`)
  }

  /** @throws NotSigned where it is no head of that stream */
  #open(stream: string, checkpoint: string): Checkpoint {
    const { server_id, server_pubkey, epoch } = this.#header
    let head: Checkpoint
    try {
      head = openCheckpoint(checkpoint, server_pubkey!)
    } catch (error) {
      throw new NotSigned(`checkpoint: ${(error as Error).message}`)
    }
    if (head.relay !== server_id || head.epoch !== epoch || head.stream !== stream) throw new NotSigned('checkpoint: of another stream')
    return head
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
