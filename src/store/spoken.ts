// In which blocks of events an author has spoken, for as long as something of it is there.
import type { Tx } from './store.ts'

interface Tables {
  spoken: { author: string, block: number }
  events: { id: number, author: string }
}

/** Events whose ids share what is above these bits are a block: that is how an author's are found. */
export const blockBits = 12

/**
 * Of the next block from one on, the authors of which nothing is left there are forgotten. Gives the block; undefined: there is none.
 * Looks at the events of one block.
 */
export const forgetSilent = async (tx: Tx, from: number): Promise<number | undefined> => {
  const tables = tx.tables<Tables>()
  const { block } = await tables.selectFrom('spoken').select(({ fn }) => fn.min<number | null>('block').as('block')).where('block', '>=',
    from)
    .executeTakeFirstOrThrow()
  if (block === null) return undefined
  const there = await tables.selectFrom('events').select('author').distinct().where('id', '>=', block * 2 ** blockBits)
    .where('id', '<', (block + 1) * 2 ** blockBits).execute()
  const noted = await tables.selectFrom('spoken').select('author').where('block', '=', block).execute()
  const left = new Set(there.map(({ author }) => author))
  const gone = noted.map(({ author }) => author).filter(author => !left.has(author))
  if (gone.length > 0)
    await tables.deleteFrom('spoken').where('block', '=', block)
      .where(tx.dialect.isAmong('author', gone)).execute()
  return block
}

/** Goes round over all blocks while events go: what went behind it is found in the next round. */
export class SilentRound {
  /** Only a place in the round: a turn that is undone costs a block one round. */
  #next = 0
  /** Something may have gone since this round began; from a start on nobody knows. */
  #isDirty = true
  #wentMeanwhile = false

  /** Events have gone. */
  went(): void {
    this.#wentMeanwhile = true
  }

  /** The next block, if there is reason to look. */
  async turn(tx: Tx): Promise<void> {
    if (!this.#isDirty && !this.#wentMeanwhile) return
    if (this.#next === 0) this.#wentMeanwhile = false
    this.#isDirty = true
    const block = await forgetSilent(tx, this.#next)
    this.#next = block === undefined ? 0 : block + 1
    if (block === undefined) this.#isDirty = false
  }
}
