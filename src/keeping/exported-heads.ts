// The heads of an archive: made of its events as they are written, and signed with the relay's key.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { serverIdOf } from '../../lib/identity/index.ts'
import { signCheckpoint, Stretch, type TranscriptRange } from '../../lib/identity/transcripts/index.ts'
import type { Database } from '../store/sqlite/driver.ts'
import { tablesOn } from '../store/sqlite/tables.ts'
import { leafOfStored, sha256, StreamTree } from '../store/transcripts.ts'

export interface SignedHead {
  readonly stream: string
  readonly checkpoint: string
  readonly base: { readonly size: number, readonly peaks: readonly string[] }
}

/** Events that are read at once of what is not exported. */
const readAtOnce = 32

export class ExportedHeads {
  readonly #db: Database
  readonly #epoch: string
  readonly #key: ReturnType<typeof createPrivateKey>
  readonly publicKey: string
  #now:
    | { readonly stream: string, readonly base: TranscriptRange, readonly stretch: Stretch, readonly cosigned: ReadonlyMap<number, string> }
    | undefined

  constructor(db: Database, { key, epoch }: { readonly key: string, readonly epoch: string }) {
    this.#db = db
    this.#epoch = epoch
    this.#key = createPrivateKey(key)
    this.publicKey = createPublicKey(this.#key).export({ type: 'spki', format: 'pem' }).toString()
  }

  /** The next event; those of a stream come together and in order. Gives the head of the stream that is over with that. */
  async add(stream: string, seq: number, text: string): Promise<SignedHead | undefined> {
    const before = this.#now?.stream === stream ? undefined : this.finish()
    this.#now ??= {
      stream,
      base: await this.#baseOf(stream, seq - 1),
      stretch: new Stretch(seq - 1, sha256),
      cosigned: this.#cosignedOf(stream),
    }
    this.#now.stretch.add(seq, leafOfStored(Buffer.from(text)))
    return before
  }

  /** The head that ends with the event that came last, where witnesses cosigned it. */
  cosigned(): readonly { readonly stream: string, readonly checkpoint: string }[] {
    const { stream, stretch, cosigned } = this.#now!
    const checkpoint = cosigned.get(stretch.end)
    return checkpoint === undefined ? [] : [{ stream, checkpoint }]
  }

  /** The head of the stream that came last. */
  finish(): SignedHead | undefined {
    if (this.#now === undefined) return undefined
    const { stream, base, stretch } = this.#now
    this.#now = undefined
    const { size, root } = stretch.behind(base.copy())
    const relay = serverIdOf(this.publicKey)
    return {
      stream,
      checkpoint: signCheckpoint({ relay, epoch: this.#epoch, stream, size, root }, {
        publicKey: this.publicKey,
        sign: text => sign(null, Buffer.from(text), this.#key).toString('base64'),
      }),
      base: { size: base.size, peaks: base.peaks.map(peak => Buffer.from(peak).toString('base64')) },
    }
  }

  /** By their sizes. */
  #cosignedOf(stream: string): ReadonlyMap<number, string> {
    const rows = this.#db.prepare<[string, string], { size: number, checkpoint: string, line: string }>(
      'SELECT size, checkpoint, line FROM cosignatures WHERE channel = ? AND epoch = ? ORDER BY witness',
    ).all(stream, this.#epoch)
    const heads = new Map<number, string>()
    for (const { size, checkpoint, line } of rows) heads.set(size, (heads.get(size) ?? checkpoint) + line)
    return heads
  }

  /** The tree over what is before the events that are exported: gone, or of a channel that ended. */
  async #baseOf(stream: string, size: number): Promise<TranscriptRange> {
    const reads = tablesOn(this.#db)
    const { id } = this.#db.prepare<[string], { id: number }>('SELECT id FROM streams WHERE name = ?').get(stream)!
    const read = this.#db.prepare<[number, number, number], { seq: number, text: Buffer }>(
      `SELECT p.seq, e.text FROM placed p JOIN events e ON e.id = p.event WHERE p.stream = ? AND p.seq > ? ORDER BY p.seq LIMIT ?`,
    )
    const tree = await StreamTree.load(reads, id, size)
    while (await tree.readOn(reads, (after, limit) => read.all(id, after, Math.min(limit, readAtOnce)), size)) { /* a page at a time */ }
    await tree.addVoidsTo(reads, size)
    return tree.range(reads)
  }
}
