// This relay as the witness of those that it mirrors: it cosigns heads whose beginning is what it cosigned before. What it cosigned is stored with the
// page that it was checked by, before anybody has it; by the name of the tree, so that it outlives the link.
import { isSameHash, readCheckpoint } from '../../../../lib/identity/transcripts/index.ts'
import { fromBase64, toBase64 } from '../../../../lib/identity/pem.ts'
import type { Migration, TableReader, Tx } from '../../../store/store.ts'
import type { Cosigned, Pulled } from './peer.ts'

interface Row {
  /** The first line of the head: relay, life of its log, channel. */
  readonly origin: string
  readonly size: number
  /** base64 */
  readonly root: string
  /** With the line of this relay. */
  readonly checkpoint: string
  /** ms */
  readonly at: number
  /** 0: the mirror began anew, or left something out; what comes has to be proved to go on behind it. */
  readonly is_followed: 0 | 1
}

interface Tables {
  cosigned: Row
}

const schema = (number: string, end: string) =>
  `CREATE TABLE cosigned (origin TEXT NOT NULL, size ${number} NOT NULL, root TEXT NOT NULL, checkpoint TEXT NOT NULL, at ${number} NOT NULL,
    is_followed ${number} NOT NULL, PRIMARY KEY (origin, size))${end}`

export const witnessMigrations: Migration = {
  feature: 'witness',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [{ expand: schema('BIGINT', '') }],
}

/** Of each tree so many are kept, to be compared with what others were shown. */
const keptHeads = 16

const originOf = (checkpoint: string): string => checkpoint.slice(0, checkpoint.indexOf('\n'))

const newestOf = (db: TableReader, origin: string): Promise<Row | undefined> =>
  db.tables<Tables>().selectFrom('cosigned').selectAll().where('origin', '=', origin).orderBy('size', 'desc').limit(1).executeTakeFirst()

const cosignedOf = ({ size, root, checkpoint, is_followed }: Row): Cosigned => ({
  ...{ size, root: fromBase64(root)!, text: checkpoint, isFollowed: is_followed === 1 },
})

/** Heads of a tree that were cosigned here, newest first, none larger than a size. @param checkpoint any head of it */
export const ownCosigned = async (db: TableReader, checkpoint: string, most = Infinity): Promise<readonly string[]> => {
  const rows = await db.tables<Tables>().selectFrom('cosigned').select(['size', 'checkpoint']).where('origin', '=', originOf(checkpoint))
    .orderBy('size', 'desc').limit(keptHeads).execute()
  return rows.filter(({ size }) => size <= most).map(({ checkpoint: text }) => text)
}

export interface WitnessOptions {
  /** The line of this relay under a head. @param seconds since 1970 */
  readonly cosign: (head: string, seconds: number) => string
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
    if (!this.#last.has(origin)) {
      const row = await newestOf(tx, origin)
      this.#last.set(origin, row && cosignedOf(row))
    }
    return this.#last.get(origin)
  }

  /** What it cosigned before it was put back to a backup; what comes has to be proved to go on behind it. */
  async #take(tx: Tx, checkpoint: string, known: Row | undefined, now: number): Promise<Row | undefined> {
    const { size, root } = readCheckpoint(checkpoint)
    if (size <= (known?.size ?? 0)) return known
    const row: Row = { origin: originOf(checkpoint), size, root: toBase64(root), checkpoint, at: now, is_followed: 0 }
    await tx.tables<Tables>().insertInto('cosigned').values(row).execute()
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
    const known = await newestOf(tx, origin)
    const isShown = pulled.shown !== undefined && originOf(pulled.shown) === origin
    const former = !isShown ? known : await this.#take(tx, pulled.shown!, known, now)
    const done = (last: Cosigned | undefined) => ({ last, committed: () => void this.#last.set(origin, last) })
    const isBehind = behind === (former?.size ?? 0)
    if (former !== undefined && (begins || behind === undefined && pulled.skips) && former.is_followed === 1) {
      await tx.tables<Tables>().updateTable('cosigned').set({ is_followed: 0 }).where('origin', '=', origin).execute()
      return done(cosignedOf({ ...former, is_followed: 0 }))
    }
    if (former !== undefined && size === former.size && !isSameHash(root, fromBase64(former.root)!))
      this.#options.onLinkTrouble({ origin, size }, 'another relay signed two histories: what this one cosigned is another')
    if (!isBehind || size <= (former?.size ?? 0)) return done(former && cosignedOf(former))
    const row: Row = {
      ...{ origin, size, root: toBase64(root), at: now, is_followed: 1 },
      checkpoint: checkpoint + this.#options.cosign(checkpoint, Math.floor(now / 1_000)),
    }
    await tx.tables<Tables>().insertInto('cosigned').values(row).execute()
    const old = await tx.tables<Tables>().selectFrom('cosigned').select('size').where('origin', '=', origin).orderBy('size', 'desc')
      .offset(keptHeads).limit(1).executeTakeFirst()
    if (old !== undefined)
      await tx.tables<Tables>().deleteFrom('cosigned').where('origin', '=', origin).where('size', '<=', old.size).execute()
    return done(cosignedOf(row))
  }
}
