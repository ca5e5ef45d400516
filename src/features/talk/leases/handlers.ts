// Leases: workers of one agent share what is in its inbox. Each entry is one worker's for a time; who is late holds nothing any more, and what
// nobody gets done in a few attempts has failed, which its sender is told.
import {
  dropLease,
  findLease,
  forgetFailed,
  forgetPassed,
  freeUpTo,
  leasesAfter,
  leasesShown,
  lostLeases,
  nextFree,
  putLease,
  trimFailed,
  withLeases,
  type LeaseRow,
} from '../../../store/leases.ts'
import type { Tx } from '../../../store/store.ts'
import { Fail, pageReply, reply, statusNotices, type Agent, type Feature, type Notify, type WriteCtx } from '../../../relay/feature.ts'
import { rawField } from '../../../../lib/protocol/index.ts'

export interface LeaseOptions {
  readonly maxPage: number
  readonly maxPageBytes: number
  readonly randomHex: (bytes: number) => string
}

type Requests = 'CLAIM' | 'EXTEND' | 'DONE' | 'UNCLAIM' | 'LEASES' | 'REQUEUE' | 'DROP'

const defaultLeaseMs = 60_000
/** Held so often, an entry is not held again. */
const maxAttempts = 5
/** What may be claimed, or done behind what is not, at once. */
const maxOpen = 200
/** Failed entries of an agent, and how long they are kept; one that is tried again waits as long. */
const maxFailed = 1_000
const failedMs = 30 * 24 * 60 * 60_000
const sweptAtOnce = 100

const keyed = ({ pubkey }: Agent): void => {
  if (pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an inbox')
}

const isFree = ({ state, until }: LeaseRow, now: number): boolean => (state === 'held' || state === 'waiting') && until <= now
const isOver = (row: LeaseRow | undefined): boolean => row !== undefined && row.state !== 'held' && row.state !== 'waiting'

const claimedItem = ({ seq, lease, until, attempts }: LeaseRow, text: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`{"seq":${seq},"event":`),
    text,
    Buffer.from(`,"lease":${JSON.stringify(lease)},"until":${until},"attempt":${attempts}}`),
  ])

const bySeq = (rows: readonly LeaseRow[]): ReadonlyMap<number, LeaseRow> => new Map(rows.map(row => [row.seq, row]))

export const leases = ({ maxPage, maxPageBytes, randomHex }: LeaseOptions): Feature<Requests> => {
  /** Moves the cursor over what is done or failed, and what is not there to be claimed; tells the senders of what was read. */
  const advance = async (tx: Tx, agent: string, now: number): Promise<readonly Notify[]> => {
    const { seq: newest, cursor } = await tx.log.inboxHead(agent)
    const rows = bySeq(await leasesAfter(tx, agent, cursor, maxOpen))
    let upTo = cursor
    while (upTo < newest) {
      if (isOver(rows.get(upTo + 1))) upTo++
      else {
        const [next] = await tx.log.inbox(agent, { after: upTo, limit: 1, maxBytes: 1, now })
        const end = next === undefined ? newest : next.seq - 1
        if (end === upTo) break
        upTo = end
      }
    }
    await forgetPassed(tx, agent, upTo)
    if (upTo === cursor) return []
    return statusNotices(await tx.log.progress(agent, 'read', upTo, now))
  }

  /** Gives an entry up: its sender is told, whether it asked for receipts or not. */
  const fail = async (tx: Tx, row: LeaseRow, now: number, reason: string | null): Promise<readonly Notify[]> => {
    const { agent, msg_id } = row
    await tx.log.endOne(agent, row.seq, 'given up', now)
    await putLease(tx, { ...row, state: 'failed', until: now, reason })
    await trimFailed(tx, agent, maxFailed, (await tx.log.inboxHead(agent)).cursor)
    const fate = await tx.log.fate(msg_id)
    const told = fate && { ...await withLeases(tx, fate) }
    return told === undefined ? [] : statusNotices([{ ...told, receipts: told.receipts.filter(receipt => receipt.agent === agent) }])
  }

  /** @throws Fail where its sender was told meanwhile that it expired */
  const finish = async (tx: Tx, row: LeaseRow, now: number): Promise<readonly Notify[]> => {
    const fates = await tx.log.endOne(row.agent, row.seq, 'read', now)
    if (fates === undefined)
      throw new Fail('LEASE_OVER', 'Its time was over meanwhile, and its sender was told so; CLAIM gives the next one')
    await putLease(tx, { ...row, state: 'done', until: now })
    return statusNotices(fates)
  }

  /** @throws Fail */
  const heldBy = async ({ me, tx, now }: WriteCtx, lease: string): Promise<LeaseRow> => {
    keyed(me)
    const row = await findLease(tx, me.id, Number.parseInt(lease, 10) || 0)
    if (row === undefined || row.lease !== lease || row.state !== 'held' || row.until <= now)
      throw new Fail('LEASE_OVER', "The lease is over: the entry may be somebody else's by now; CLAIM again")
    return row
  }

  /** @throws Fail */
  const failedAt = async ({ me, tx }: WriteCtx, seq: number): Promise<LeaseRow> => {
    keyed(me)
    const row = await findLease(tx, me.id, seq)
    if (row?.state !== 'failed') throw new Fail('MESSAGE_NOT_FOUND', 'No entry of that number has failed; LEASES lists them')
    return row
  }

  const ok = (notify: readonly Notify[] = []) => ({ reply: reply('OK', {}), notify })

  return {
    scope: 'leases',
    handlers: {
      CLAIM: {
        async write({ me, tx, now }, { lease_ms: leaseMs = defaultLeaseMs, limit: asked = 1 }) {
          keyed(me)
          const { id: agent } = me
          const { seq: newest, cursor } = await tx.log.inboxHead(agent)
          const rows = bySeq(await leasesAfter(tx, agent, cursor, maxOpen))
          const limit = Math.min(asked, maxOpen - rows.size)
          if (limit <= 0)
            throw new Fail('LIMIT_REACHED', `At most ${maxOpen} entries are claimed, or done behind one that is not: finish the oldest`)
          const items: Buffer[] = []
          const notices: Notify[] = []
          const take = async ({ seq, text }: { readonly seq: number, readonly text: Buffer }, row: LeaseRow | undefined) => {
            const attempts = (row?.attempts ?? 0) + 1
            if (row !== undefined && attempts > maxAttempts) {
              notices.push(...await fail(tx, row, now, row.reason ?? `taken ${maxAttempts} times and not done`))
              return
            }
            const msgId = JSON.parse(rawField(text.toString(), 'msg_id') ?? '""') as string
            const lease = `${seq}-${attempts}-${randomHex(8)}`
            const held: LeaseRow = { agent, seq, msg_id: msgId, state: 'held', lease, until: now + leaseMs, attempts, reason: null }
            await putLease(tx, held)
            items.push(claimedItem(held, text))
          }
          // Those that failed and are to be tried again: the cursor may have passed them.
          for (const row of await freeUpTo(tx, agent, cursor, now, limit)) {
            const [entry] = await tx.log.inbox(agent, { after: row.seq - 1, limit: 1, maxBytes: 1, now })
            if (entry?.seq === row.seq) await take(entry, row)
            else await dropLease(tx, agent, row.seq)
          }
          let at = cursor
          for (;;) {
            // Numbers follow each other: what is held at the beginning need not be read.
            for (let row = rows.get(at + 1); row !== undefined && !isFree(row, now); row = rows.get(at + 1)) at++
            if (items.length >= limit) break
            const page = await tx.log.inbox(agent, { after: at, limit: limit - items.length, maxBytes: maxPageBytes, now })
            if (page.length === 0) break
            for (const entry of page) {
              at = entry.seq
              const row = rows.get(at)
              if (row === undefined || isFree(row, now)) await take(entry, row)
            }
          }
          if (notices.length > 0) notices.push(...await advance(tx, agent, now))
          const nextAt = items.length === 0 ? await nextFree(tx, agent) : undefined
          return {
            reply: pageReply('CLAIMED', {
              more: items.length === asked && at < newest,
              ...(nextAt !== undefined && { next_at: Math.max(now, nextAt) }),
            }, 'items', items),
            notify: notices,
          }
        },
      },
      EXTEND: {
        async write(ctx, { lease, lease_ms: leaseMs = defaultLeaseMs }) {
          await putLease(ctx.tx, { ...await heldBy(ctx, lease), until: ctx.now + leaseMs })
          return ok()
        },
      },
      DONE: {
        async write(ctx, { lease, outcome = 'read', reason }) {
          const { me, tx, now } = ctx
          const row = await heldBy(ctx, lease)
          const told = outcome === 'failed' ? await fail(tx, row, now, reason ?? null) : await finish(tx, row, now)
          return ok([...told, ...await advance(tx, me.id, now)])
        },
      },
      UNCLAIM: {
        async write(ctx, { lease, delay_ms: delayMs = 0 }) {
          await putLease(ctx.tx, { ...await heldBy(ctx, lease), state: 'waiting', until: ctx.now + delayMs })
          return ok()
        },
      },
      LEASES: {
        async read({ me, db }, { state, after = 0, limit = maxPage }) {
          keyed(me)
          const rows = await leasesShown(db, me.id, after, limit + 1, state)
          return reply('LEASES', {
            items: rows.slice(0, limit).map(row => ({
              seq: row.seq,
              msg_id: row.msg_id,
              state: row.state,
              attempts: row.attempts,
              ...(row.state === 'held' || row.state === 'waiting' ? { until: row.until } : {}),
              ...(row.state === 'failed' && { failed_at: row.until }),
              ...(row.reason !== null && { reason: row.reason }),
            })),
            more: rows.length > limit,
          })
        },
      },
      REQUEUE: {
        async write(ctx, { seq }) {
          const row = await failedAt(ctx, seq)
          await ctx.tx.log.reopen(row.agent, seq, ctx.now + failedMs)
          await putLease(ctx.tx, { ...row, state: 'waiting', until: ctx.now, attempts: 0, reason: null })
          return ok()
        },
      },
      DROP: {
        async write(ctx, { seq }) {
          await putLease(ctx.tx, { ...await failedAt(ctx, seq), state: 'dropped' })
          return ok(await advance(ctx.tx, ctx.me.id, ctx.now))
        },
      },
    },
    async sweep({ tx, now }) {
      const notices: Notify[] = []
      const lost = await lostLeases(tx, now, maxAttempts, sweptAtOnce)
      for (const row of lost) notices.push(...await fail(tx, row, now, row.reason ?? `taken ${maxAttempts} times and not done`))
      for (const agent of new Set(lost.map(row => row.agent))) notices.push(...await advance(tx, agent, now))
      await forgetFailed(tx, now - failedMs)
      return { notify: notices }
    },
  }
}
