// The tree over a stream's events, made of the log when somebody asks for it, and before events go. What is kept of it is one hash for each
// whole tile of 256 leaves, one for each 256 of those, and so on; and of what retention took, the roots of the whole trees that it consists of.
// Numbers that no event got are leaves like others, each with its cost: so it is for streams that are numbered here, and for no mirror.
import { createHash } from 'node:crypto'
import {
  entryOf,
  leafOf,
  nodeOf,
  peakSpans,
  TranscriptRange,
  voidOf,
  wholesOf,
  type Hash,
  type Span,
} from '../../lib/identity/transcripts/index.ts'
import type { Awaitable, Row } from './log.ts'
import type { Db, Migration, Tx } from './store.ts'

export interface Tile {
  readonly level: number
  readonly n: number
  /** base64 */
  readonly hash: string
}

interface Tables {
  tiles: Tile & { readonly stream: number }
  cuts: { readonly stream: number, readonly upto: number, readonly peaks: string }
}

const schema = (number: string, end: string) =>
  `CREATE TABLE tiles (stream ${number} NOT NULL, level ${number} NOT NULL, n ${number} NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (stream, level, n))${end};
  CREATE TABLE cuts (stream ${number} PRIMARY KEY, upto ${number} NOT NULL, peaks TEXT NOT NULL)${end};`

export const transcriptMigrations: Migration = {
  feature: 'transcripts',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [schema('BIGINT', '')],
}

/** Children of a tile: leaves of those of the first level, whole tiles of those above. */
const width = 256
const widthBits = 8
const widthAt = (level: number): number => width ** level

/** Events that are read at once, and their bytes. */
const pageEvents = width
const pageBytes = 1024 * 1024

export const sha256: Hash = bytes => createHash('sha256').update(bytes).digest()

/** What no relay writes is no event; it must not hold up what goes, and nobody takes it for one who checks. */
export const leafOfStored = (text: Buffer): Uint8Array => {
  try {
    return entryOf(text.toString(), sha256).leaf
  } catch {
    return leafOf(Buffer.concat([Buffer.from('\n'), sha256(text), Buffer.from('\n')]), sha256)
  }
}

/** Reads events of a stream behind a number, oldest first; as many as it likes, but one if there is one. */
export type Events = (after: number, limit: number, maxBytes: number) => Awaitable<readonly Row[]>

/** What of a log is read meanwhile went: the tree has to be loaded again. */
export class StaleTree extends Error {}

/** What is proved is under a tile of which nothing is kept. */
export class GoneError extends Error {}

/** Where nothing has to be read that is not known. */
const noEvents: Events = () => {
  throw new StaleTree()
}

type Reads = Pick<Db, 'tables'>
/** What was read of tiles for one answer. */
type Leaves = Map<number, Promise<readonly Uint8Array[]>>
const base64 = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64')
const bytesOf = (hash: string): Uint8Array => Buffer.from(hash, 'base64')

/** What retention took: all leaves up to a number, and the roots of the whole trees that these are. */
interface Cut {
  readonly upto: number
  readonly peaks: readonly Uint8Array[]
}

const noCut: Cut = { upto: 0, peaks: [] }

const cutOf = async (db: Reads, stream: number): Promise<Cut> => {
  const row = await db.tables<Tables>().selectFrom('cuts').select(['upto', 'peaks']).where('stream', '=', stream).executeTakeFirst()
  return row === undefined ? noCut : { upto: row.upto, peaks: row.peaks === '' ? [] : row.peaks.split(' ').map(bytesOf) }
}

/** A tree, as far as it was read. */
export class StreamTree {
  readonly stream: number
  #cut: Cut
  #size: number
  /** The leaves of the tile that is not whole yet. */
  #open: TranscriptRange
  /** What of it is not stored. */
  readonly #fresh: Map<string, Tile>
  #isCutFresh = false

  private constructor(stream: number, cut: Cut, size: number, open: TranscriptRange, fresh = new Map<string, Tile>()) {
    this.stream = stream
    this.#cut = cut
    this.#size = size
    this.#open = open
    this.#fresh = fresh
  }

  /** As far as it is stored; no further than to the beginning of the tile of a number. */
  static async load(db: Reads, stream: number, most = Infinity): Promise<StreamTree> {
    const last = await db.tables<Tables>().selectFrom('tiles').select('n').where('stream', '=', stream).where('level', '=', 1)
      .orderBy('n', 'desc').limit(1).executeTakeFirst()
    const cut = await cutOf(db, stream)
    const tiles = Math.min(last === undefined ? 0 : last.n + 1, Math.floor(most / width))
    const size = Math.max(cut.upto, tiles * width)
    // What of the tile that is not whole is gone.
    const inTile = size === cut.upto ? size % width : 0
    const open = TranscriptRange.of(inTile, cut.peaks.slice(cut.peaks.length - peakSpans(inTile).length), sha256)
    return new StreamTree(stream, cut, size, open)
  }

  /** As it is now: it stays so while the tree is read on. */
  snapshot(): StreamTree {
    return new StreamTree(this.stream, this.#cut, this.#size, this.#open.copy(), this.#fresh)
  }

  get size(): number {
    return this.#size
  }

  /** How many leaves are gone from the log. */
  get cut(): number {
    return this.#cut.upto
  }

  /** Reads one page on; gives whether there may be more. @throws StaleTree */
  async readOn(db: Reads, events: Events, upto = Infinity): Promise<boolean> {
    if (this.#size >= upto) return false
    const rows = await events(this.#size, Math.min(pageEvents, upto - this.#size), pageBytes)
    const first = rows[0]
    // What went since the tree was loaded is under it all the same.
    if (first?.seq !== this.#size + 1 && (await cutOf(db, this.stream)).upto > this.#size) throw new StaleTree()
    if (first === undefined) return false
    // What went before there was a tree is none of it.
    if (this.#size === 0) this.#begin(first.seq - 1)
    for (const { seq, text } of rows) {
      if (seq > upto) return false
      await this.addVoidsTo(db, seq - 1)
      await this.#add(db, leafOfStored(text))
    }
    return this.#size < upto
  }

  /** Numbers that no event got: a channel that ends leaves one out. */
  async addVoidsTo(db: Reads, size: number): Promise<void> {
    while (this.#size < size) await this.#add(db, voidOf(0))
  }

  /** The roots of the whole trees that it consists of, from left to right. */
  async range(db: Reads): Promise<TranscriptRange> {
    const range = new TranscriptRange(sha256)
    const inTile = this.#size - this.#open.size
    for (const { level, index } of wholesOf({ start: 0, end: inTile }))
      range.addWhole(level, await this.#whole(db, noEvents, new Map(), level, index))
    for (const { level, hash } of this.#openWholes()) range.addWhole(level, hash)
    return range
  }

  /** What parts of it hash to. @throws GoneError, StaleTree */
  async hashesOf(db: Reads, events: Events, spans: readonly Span[]): Promise<readonly Uint8Array[]> {
    const leaves: Leaves = new Map()
    const hashes: Uint8Array[] = []
    for (const span of spans) {
      const wholes: Uint8Array[] = []
      for (const { level, index } of wholesOf(span)) wholes.push(await this.#whole(db, events, leaves, level, index))
      hashes.push(wholes.reduceRight((right, left) => nodeOf(left, right, sha256)))
    }
    return hashes
  }

  /** Stores what is not, or the oldest of it; `isCut`: the events of all that was read are about to go. Gives what was stored. */
  async store(tx: Pick<Tx, 'tables'>, { limit = Infinity, isCut = false } = {}): Promise<readonly Tile[]> {
    const tiles = [...this.#fresh.values()]
    // What completes a tile of a higher level goes with it.
    let count = Math.min(limit, tiles.length)
    while (count < tiles.length && tiles[count]!.level > 1) count++
    const stored = tiles.slice(0, count)
    const { stream } = this
    for (let at = 0; at < stored.length; at += rowsAtOnce)
      await tx.tables<Tables>().insertInto('tiles').values(stored.slice(at, at + rowsAtOnce).map(tile => ({ stream, ...tile })))
        .onConflict(conflict => conflict.doNothing()).execute()
    if (isCut) {
      const cut = { upto: this.#size, peaks: (await this.range(tx)).peaks.map(base64).join(' ') }
      await tx.tables<Tables>().insertInto('cuts').values({ stream, ...cut }).onConflict(conflict =>
        conflict.column('stream').doUpdateSet(cut)
      )
        .execute()
    } else if (this.#isCutFresh) {
      const { upto, peaks } = this.#cut
      await tx.tables<Tables>().insertInto('cuts').values({ stream, upto, peaks: peaks.map(base64).join(' ') })
        .onConflict(conflict => conflict.doNothing()).execute()
    }
    return stored
  }

  /** They are stored for good. */
  stored(tiles: readonly Tile[]): void {
    this.#isCutFresh = false
    for (const { level, n } of tiles) this.#fresh.delete(`${level}/${n}`)
  }

  get isStored(): boolean {
    return this.#fresh.size === 0 && !this.#isCutFresh
  }

  #begin(upto: number): void {
    if (upto === 0) return
    const range = new TranscriptRange(sha256)
    range.addVoidsTo(upto)
    this.#open.addVoidsTo(upto % width)
    this.#cut = { upto, peaks: range.peaks }
    this.#isCutFresh = true
    this.#size = upto
  }

  async #add(db: Reads, leaf: Uint8Array): Promise<void> {
    this.#open.add(leaf)
    this.#size++
    if (this.#size % width !== 0) return
    this.#fresh.set(`1/${this.#size / width - 1}`, { level: 1, n: this.#size / width - 1, hash: base64(this.#open.root) })
    this.#open = new TranscriptRange(sha256)
    for (let level = 2; this.#size % widthAt(level) === 0; level++) {
      const n = this.#size / widthAt(level) - 1
      const [left, right] = await this.#halves(db, noEvents, new Map(), level * widthBits, n)
      this.#fresh.set(`${level}/${n}`, { level, n, hash: base64(nodeOf(left, right, sha256)) })
    }
  }

  /** The leaves of the tile that is not whole, as roots of whole trees. */
  #openWholes(): readonly { readonly level: number, readonly hash: Uint8Array }[] {
    return wholesOf({ start: 0, end: this.#open.size }).map(({ level }, i) => ({ level, hash: this.#open.peaks[i]! }))
  }

  /** Tiles of a level, from one to before another. */
  async #tiles(db: Reads, level: number, from: number, to: number): Promise<readonly Uint8Array[]> {
    const rows = await db.tables<Tables>().selectFrom('tiles').select(['n', 'hash']).where('stream', '=', this.stream)
      .where('level', '=', level).where('n', '>=', from).where('n', '<', to).execute()
    const stored = new Map(rows.map(({ n, hash }) => [n, hash]))
    return Array.from({ length: to - from }, (_, i) => {
      const hash = stored.get(from + i) ?? this.#fresh.get(`${level}/${from + i}`)?.hash
      if (hash !== undefined) return bytesOf(hash)
      // Of what went before there was a tree, or came with an archive, there are no tiles.
      throw (from + i) * widthAt(level) < this.#cut.upto ? new GoneError() : new StaleTree()
    })
  }

  /** The root of 2^level leaves. */
  async #whole(db: Reads, events: Events, known: Leaves, level: number, index: number): Promise<Uint8Array> {
    const [start, end] = [index * 2 ** level, (index + 1) * 2 ** level]
    const gone = this.#cut.upto
    if (end <= gone) {
      const place = wholesOf({ start: 0, end: gone }).findIndex(each => each.level === level && each.index === index)
      if (place !== -1) return this.#cut.peaks[place]!
      if (level < widthBits) throw new GoneError()
    } else if (start < gone) {
      const kept = level % widthBits === 0 && level > 0 ? await this.#tile(db, level / widthBits, index) : undefined
      if (kept !== undefined) return kept
      const [left, right] = await this.#halves(db, events, known, level, index)
      return nodeOf(left, right, sha256)
    }
    if (level >= widthBits) {
      const stored = Math.floor(level / widthBits)
      const count = 2 ** (level - stored * widthBits)
      return rootOf(await this.#tiles(db, stored, index * count, (index + 1) * count))
    }
    const tile = Math.floor(start / width)
    let leaves = known.get(tile)
    if (leaves === undefined) known.set(tile, leaves = this.#leavesOf(db, events, tile))
    const first = Math.max(tile * width, gone)
    return rootOf((await leaves).slice(start - first, end - first))
  }

  async #tile(db: Reads, level: number, n: number): Promise<Uint8Array | undefined> {
    try {
      return (await this.#tiles(db, level, n, n + 1))[0]
    } catch (error) {
      if (error instanceof GoneError || error instanceof StaleTree) return undefined
      throw error
    }
  }

  async #halves(db: Reads, events: Events, known: Leaves, level: number, index: number): Promise<readonly [Uint8Array, Uint8Array]> {
    const left = await this.#whole(db, events, known, level - 1, 2 * index)
    return [left, await this.#whole(db, events, known, level - 1, 2 * index + 1)]
  }

  /** What is left of a tile's leaves. */
  async #leavesOf(db: Reads, events: Events, tile: number): Promise<readonly Uint8Array[]> {
    const start = Math.max(tile * width, this.#cut.upto)
    const end = Math.min((tile + 1) * width, this.#size)
    const leaves: Uint8Array[] = []
    while (start + leaves.length < end) {
      const at = start + leaves.length
      const rows = await events(at, end - at, pageBytes)
      const first = rows[0]
      if ((first === undefined || first.seq > at + 1) && (await cutOf(db, this.stream)).upto > at) throw new StaleTree()
      for (const { seq, text } of rows) {
        if (seq > end) break
        while (start + leaves.length < seq - 1) leaves.push(voidOf(0))
        leaves.push(leafOfStored(text))
      }
      if (first === undefined || first.seq > end) { while (start + leaves.length < end) leaves.push(voidOf(0)) }
    }
    return leaves
  }
}

/** Of a statement's parameters there may be so many. */
const rowsAtOnce = 200

const rootOf = (leaves: readonly Uint8Array[]): Uint8Array => {
  const range = new TranscriptRange(sha256)
  for (const leaf of leaves) range.add(leaf)
  return range.root
}

/** What has to be kept of a tree before its events go up to a number; the rows of the events are there still. */
export const keepTree = async (tx: Pick<Tx, 'tables'>, stream: number, events: Events, last: number): Promise<void> => {
  const tree = await StreamTree.load(tx, stream, last)
  if (tree.cut >= last) return
  while (await tree.readOn(tx, events, last)) { /* a page at a time */ }
  await tree.addVoidsTo(tx, last)
  await tree.store(tx, { isCut: true })
}
