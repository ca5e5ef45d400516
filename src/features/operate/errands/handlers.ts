// Errands as the operator sees them, and what happens to them by the clock: leases that are over, dead letters whose time is.
import {
  countErrands,
  findErrand,
  forgetDead,
  freeLapsed,
  listErrands,
  removeErrand,
  waitErrand,
  type ErrandRow,
  type ErrandState,
} from '../../../store/errands.ts'
import type { Db } from '../../../store/store.ts'
import { Fail, reply, type Feature, type Reply } from '../../../relay/feature.ts'

export interface ErrandOptions {
  readonly maxPage: number
  /** Told now and then how many are in which state. */
  readonly onErrands: (counts: Readonly<Record<ErrandState, number>>) => void
}

/** How long a dead letter is kept. */
const deadMs = 30 * 24 * 60 * 60_000
const sweptAtOnce = 100
/** Between two counts: they are for whoever watches. */
const countedEveryMs = 10_000

const shown = ({ n, kind, owner, ref, state, attempts, due_at, made_at, worker, problem }: ErrandRow) => ({
  errand: n,
  kind,
  owner: owner as `@${string}`,
  ref,
  state,
  attempts,
  at: due_at,
  made_at,
  ...(worker !== null && { worker }),
  ...(problem !== null && { problem }),
})

const answer = async (db: Db, rows: readonly ErrandRow[], more = false): Promise<Reply<'ERRANDS'>> =>
  reply('ERRANDS', { items: rows.map(shown), more, ...await countErrands(db) })

const one = async (db: Db, n: number): Promise<ErrandRow> => {
  const errand = await findErrand(db, n)
  if (errand === undefined) throw new Fail('MESSAGE_NOT_FOUND', 'There is no such errand; it may be done. ADMIN_ERRANDS lists them')
  return errand
}

export const errands = (
  { maxPage, onErrands }: ErrandOptions,
): Feature<'ADMIN_ERRANDS' | 'ADMIN_ERRAND' | 'ADMIN_ERRAND_RETRY' | 'ADMIN_ERRAND_DROP'> => {
  let countedAt = -Infinity
  return {
    scope: 'errands',
    handlers: {
      ADMIN_ERRANDS: {
        async read({ db }, { state, kind, owner, after = 0, limit = maxPage }) {
          const rows = await listErrands(db, { state, kind, owner, after, limit: limit + 1 })
          return answer(db, rows.slice(0, limit), rows.length > limit)
        },
      },
      ADMIN_ERRAND: {
        async read({ db }, { errand: n }) {
          const errand = await one(db, n)
          return reply('ERRANDS', { items: [{ ...shown(errand), payload: errand.payload }], more: false, ...await countErrands(db) })
        },
      },
      ADMIN_ERRAND_RETRY: {
        async write({ tx, now }, { errand: n }) {
          const errand = await one(tx, n)
          if (errand.state === 'leased') throw new Fail('INVALID_MSG', 'errand: a worker is at it')
          await waitErrand(tx, errand, { due_at: now, attempts: 0, problem: null })
          return { reply: await answer(tx, [await one(tx, n)]) }
        },
      },
      ADMIN_ERRAND_DROP: {
        async write({ tx }, { errand: n }) {
          const errand = await one(tx, n)
          await removeErrand(tx, errand)
          return { reply: await answer(tx, [errand]) }
        },
      },
    },
    async sweep({ tx, now }) {
      await freeLapsed(tx, now, sweptAtOnce)
      await forgetDead(tx, now - deadMs, sweptAtOnce)
      if (now - countedAt < countedEveryMs && now >= countedAt) return undefined
      const counts = await countErrands(tx)
      return {
        committed: () => {
          countedAt = now
          onErrands(counts)
        },
      }
    },
  }
}
