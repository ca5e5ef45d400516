// Trees of streams, kept as far as they were read: those that were asked for last. What of them is not stored yet is stored by the clock.
import type { Db, Tx } from '../../../store/store.ts'
import { StaleTree, StreamTree, type Events, type Tile } from '../../../store/transcripts.ts'
import { Lanes, type LaneOptions } from './lanes.ts'

const maxTrees = 100
const storedAtOnce = 1_000
/** How often a tree is loaded again because events went while it was read. */
const tries = 5

interface Kept {
  readonly loading: Promise<StreamTree>
  /** Once it is there. */
  tree: StreamTree | undefined
}

/** What is asked of a tree that is as far as its stream was when it was asked. */
export type Question<T> = (tree: StreamTree, events: Events) => Promise<T>

export class Trees {
  readonly #lanes: Lanes
  /** By the name of their stream, the one that was asked for last at the end. */
  readonly #trees = new Map<string, Kept>()
  /** Trees that are read on now: each by itself, so that none is answered from before its end. */
  readonly #reading = new Map<StreamTree, Promise<void>>()
  readonly #pause: LaneOptions['pause']

  constructor(options: LaneOptions) {
    this.#pause = options.pause
    this.#lanes = new Lanes(options)
  }

  hasRoom(address: string): boolean {
    return this.#lanes.hasRoom(address)
  }

  /** @param id of the stream, where anything was ever said in it */
  async ask<T>(db: Db, name: string, id: number | undefined, address: string, question: Question<T>): Promise<T> {
    if (id === undefined) return question(await StreamTree.load(db, 0), () => [])
    const events: Events = (after, limit, maxBytes) => db.log.page(name, { after, limit, maxBytes })
    // Of a proof each page has a turn of its own, too.
    const inTurns: Events = async (...asked) => {
      await this.#pause()
      return events(...asked)
    }
    for (let tried = 1;; tried++) {
      const tree = await this.#tree(db, name, id)
      try {
        await this.#readOn(db, tree, name, events, address)
      } catch (error) {
        this.#drop(name, tree)
        if (!(error instanceof StaleTree) || tried === tries) throw error
        continue
      }
      try {
        return await question(tree.snapshot(), inTurns)
      } catch (error) {
        if (!(error instanceof StaleTree) || tried === tries) throw error
        this.#drop(name, tree)
      }
    }
  }

  /** Stores tiles that are not yet; gives what is to be done once that is committed. */
  async store(tx: Tx): Promise<(() => void) | undefined> {
    const done: { readonly tree: StreamTree, readonly tiles: readonly Tile[] }[] = []
    let left = storedAtOnce
    for (const { tree } of this.#trees.values()) {
      if (tree === undefined || tree.isStored) continue
      const tiles = await tree.store(tx, { limit: left })
      done.push({ tree, tiles })
      left -= tiles.length
      if (left <= 0) break
    }
    return done.length === 0 ? undefined : () => {
      for (const { tree, tiles } of done) tree.stored(tiles)
    }
  }

  /** Unless another has taken its place already. */
  #drop(name: string, tree: StreamTree): void {
    if (this.#trees.get(name)?.tree === tree) this.#trees.delete(name)
  }

  #tree(db: Db, name: string, id: number): Promise<StreamTree> {
    const known = this.#trees.get(name) ?? this.#load(db, name, id)
    this.#trees.delete(name)
    this.#trees.set(name, known)
    if (this.#trees.size > maxTrees) this.#forgetOne()
    return known.loading
  }

  #load(db: Db, name: string, id: number): Kept {
    const kept: Kept = { loading: StreamTree.load(db, id), tree: undefined }
    kept.loading.then(tree => {
      kept.tree = tree
    }, () => {
      if (this.#trees.get(name) === kept) this.#trees.delete(name)
    })
    return kept
  }

  /** The one that was asked for longest ago, but none that is read, or of which something is not stored. */
  #forgetOne(): void {
    for (const [name, { tree }] of this.#trees) {
      if (tree === undefined || !tree.isStored || this.#reading.has(tree)) continue
      this.#trees.delete(name)
      return
    }
  }

  /** Once for all who wait for it, and to where the stream is now. */
  async #readOn(db: Db, tree: StreamTree, name: string, events: Events, address: string): Promise<void> {
    const { seq, oldest } = await db.log.head(name)
    // Where everything up to the newest number is gone, that one may never have been an event's.
    const isEmpty = oldest > seq
    while (tree.size < seq) {
      const size = tree.size
      const reading = this.#reading.get(tree) ?? this.#begin(db, tree, events, address)
      await reading
      if (tree.size === size) break
    }
    if (isEmpty && tree.size < seq) await tree.addVoidsTo(db, seq)
  }

  #begin(db: Db, tree: StreamTree, events: Events, address: string): Promise<void> {
    const reading = this.#lanes.run(address, () => tree.readOn(db, events)).finally(() => this.#reading.delete(tree))
    this.#reading.set(tree, reading)
    return reading
  }
}
