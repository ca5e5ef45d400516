// This relay as the witness of those that it mirrors: it cosigns heads whose beginning is what it cosigned before. What it cosigned is stored with the
// page that it was checked by, before anybody has it; by the name of the tree, so that it outlives the link.
import { isSameHash, readCheckpoint } from '../../../../lib/identity/transcripts/index.ts'
import { fromBase64, toBase64 } from '../../../../lib/identity/pem.ts'
import { keepCosigned, leaveOff, newestCosigned, originOf, type CosignedRow } from '../../../store/cosigned.ts'
import type { Tx } from '../../../store/store.ts'
import type { Cosigned, Pulled } from './peer.ts'

const cosignedOf = ({ size, root, checkpoint, is_followed }: CosignedRow): Cosigned => ({
  ...{ size, root: fromBase64(root)!, text: checkpoint, isFollowed: is_followed === 1 },
})

export interface WitnessOptions {
  /** The line of this relay under a head. @param seconds since 1970 */
  readonly cosign: (head: string, seconds: number) => string
  /** Its heads are brought here to be cosigned: what is mirrored of it is not, so that one of the two decides. */
  readonly isBrought: (origin: string) => boolean
  /** Told of what an operator has to look at. */
  readonly onLinkTrouble: (event: object, what: string) => void
}

export class Witness {
  readonly #options: WitnessOptions
  /** As far as it was asked for. */
  readonly #last = new Map<string, Cosigned | undefined>()

  constructor(options: WitnessOptions) {
    this.#options = options
  }

  /** Another process may be at it now. */
  forget(): void {
    this.#last.clear()
  }

  /** What was cosigned last of the tree of a head. */
  async last(tx: Tx, checkpoint: string | null): Promise<Cosigned | undefined> {
    if (checkpoint === null) return undefined
    const origin = originOf(checkpoint)
    if (this.#options.isBrought(origin)) return undefined
    if (!this.#last.has(origin)) {
      const row = await newestCosigned(tx, origin)
      this.#last.set(origin, row && cosignedOf(row))
    }
    return this.#last.get(origin)
  }

  /** What it cosigned before it was put back to a backup; what comes has to be proved to go on behind it. */
  async #take(tx: Tx, checkpoint: string, known: CosignedRow | undefined, now: number): Promise<CosignedRow | undefined> {
    const { size, root } = readCheckpoint(checkpoint)
    if (size <= (known?.size ?? 0)) return known
    const row: CosignedRow = { origin: originOf(checkpoint), size, root: toBase64(root), checkpoint, at: now, is_followed: 0 }
    await keepCosigned(tx, row)
    return row
  }

  /**
   * With a page that is stored: cosigns its head, where that goes on behind what was cosigned last. Gives what was cosigned last then, and
   * what is to be done once it is stored.
   */
  async keep(tx: Tx, pulled: Pulled, now: number): Promise<{ readonly last: Cosigned | undefined, readonly committed: () => void }> {
    const { checkpoint, begins, behind } = pulled
    const { size, root } = readCheckpoint(checkpoint)
    const origin = originOf(checkpoint)
    if (this.#options.isBrought(origin)) return { last: undefined, committed: () => undefined }
    const known = await newestCosigned(tx, origin)
    const isShown = pulled.shown !== undefined && originOf(pulled.shown) === origin
    const former = !isShown ? known : await this.#take(tx, pulled.shown!, known, now)
    const done = (last: Cosigned | undefined) => ({ last, committed: () => void this.#last.set(origin, last) })
    const isBehind = behind === (former?.size ?? 0)
    if (former !== undefined && (begins || behind === undefined && pulled.skips) && former.is_followed === 1) {
      await leaveOff(tx, origin)
      return done(cosignedOf({ ...former, is_followed: 0 }))
    }
    if (former !== undefined && size === former.size && !isSameHash(root, fromBase64(former.root)!))
      this.#options.onLinkTrouble({ origin, size }, 'another relay signed two histories: what this one cosigned is another')
    if (!isBehind || size <= (former?.size ?? 0)) return done(former && cosignedOf(former))
    const row: CosignedRow = {
      ...{ origin, size, root: toBase64(root), at: now, is_followed: 1 },
      checkpoint: checkpoint + this.#options.cosign(checkpoint, Math.floor(now / 1_000)),
    }
    await keepCosigned(tx, row)
    return done(cosignedOf(row))
  }
}
