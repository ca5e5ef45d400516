// The relay's own ledger on the wire, and the turns of an outside payment processor.
import { elo, rails, type Rails } from './rails.ts'
import { issuer } from '../../../domain/ledger/ledger.ts'
import { Fail, reply, type Append, type ScopedFeature, type SweepCtx, type Outcome, type WriteCtx } from '../../../relay/feature.ts'
import { currencyCode, type FrameBody, type RequestBody } from '../../../../lib/protocol/index.ts'
import { findAgent } from '../../../store/agents.ts'
import { goneReasonOf, standingOf } from '../../../store/standing.ts'
import { pairStream } from '../../../store/log.ts'
import type { Db, Tx } from '../../../store/store.ts'
import { accountOf, balancesOf, entriesOf, gather, heldOf, postEntries } from './store.ts'
import { ProcessorTurns, type Processor } from './processor.ts'

interface Signed {
  readonly relay: string
  readonly sig: string
  readonly sig_v: 1 | 2 | 3
  readonly sig_ts?: number
  readonly sig_nonce?: string
}

export interface EscrowOptions {
  readonly maxPage: number
  readonly checkSignature: (ctx: WriteCtx, action: 'TRANSFER', request: RequestBody<'TRANSFER'>) => Promise<Signed>
  readonly spendNonce: (ctx: WriteCtx, signed: { readonly sig_nonce?: string | undefined }) => Promise<void>
  readonly randomHex: (bytes: number) => string
  /** Asks the payment processor; none is configured without it. */
  readonly processor?: Processor | undefined
  /** What the processor said to a `fund`, for the proposals. */
  readonly funded: (
    tx: Tx,
    answer: { readonly proposalId: string, readonly ok: boolean, readonly reason: string },
    now: number,
  ) => Promise<Outcome>
}

type Requests = 'BALANCE' | 'TRANSFER' | 'STATEMENT' | 'ADMIN_CREDIT'

export const escrow = (
  { maxPage, checkSignature, spendNonce, randomHex, processor, funded }: EscrowOptions,
): ScopedFeature<Requests> => {
  const turns = processor === undefined ? undefined : new ProcessorTurns(processor)

  const balances = async (db: Db, id: string): Promise<FrameBody<'BALANCE'>['balances']> => {
    const held = await heldOf(db, id)
    // Staked rating is a debt to it: what is left to stake is the rating's to say.
    return (await balancesOf(db, id)).map(({ currency, balance: amount }) =>
      currency === elo
        ? { currency, amount_minor: 0, held_minor: Math.max(0, -amount) }
        : { currency, amount_minor: amount, held_minor: held.get(currency) ?? 0 }
    )
  }

  const money = (currency: string): string => {
    const code = currencyCode(currency)
    if (code === elo) throw new Fail('INVALID_MSG', 'currency: Elo is staked, not paid')
    return code
  }

  const transferOf = async (ctx: WriteCtx, request: RequestBody<'TRANSFER'>): Promise<Outcome<'BALANCE'>> => {
    const { me, tx, now } = ctx
    const { to, amount_minor, note, id } = request
    const stream = `$${pairStream(me.id, to)}`
    const key = id === undefined ? {} : { key: { agent: me.id, id } }
    const event = (signed: Signed): Append<'TRANSFER'> => ({
      stream,
      type: 'TRANSFER',
      agents: [to, me.id],
      inbox: [to],
      ...key,
      body: { from: me.id, to, currency: request.currency, amount_minor, note: note ?? null, ...signed } as Append<'TRANSFER'>['body'],
    })
    const answer = async () => {
      const body = { balances: await balances(tx, me.id) }
      return ({ duplicate }: { readonly duplicate: boolean }) =>
        reply('BALANCE', { ...body, ...(duplicate && { duplicate: true as const }) })
    }
    // A repeat is told so by the engine, and is not judged by what has changed since.
    if (id !== undefined && await tx.log.isPublished({ agent: me.id, id }))
      return { append: event({ relay: '', sig: request.sig, sig_v: request.sig_v }), reply: await answer() }
    const signed = await checkSignature(ctx, 'TRANSFER', request)
    const currency = money(request.currency)
    if (to === me.id) throw new Fail('INVALID_MSG', 'to: your own account')
    const holder = await accountOf(tx, to)
    const gone = goneReasonOf(holder, await standingOf(tx, holder))
    if (gone !== undefined) throw new Fail('AGENT_NOT_FOUND', gone)
    await gather(tx, me.id, now)
    const posted = await postEntries(tx, {
      kind: 'transfer',
      from: me.id,
      to: holder,
      currency,
      amountMinor: amount_minor,
      key: `transfer ${me.id} ${request.sig_nonce}`,
      by: me.id,
      note,
    }, now)
    // The ledger remembers nonces that the relay has forgotten: nobody is told of money that did not move.
    if (posted === 'repeat') throw new Fail('ID_REUSED', 'This nonce was used before')
    await spendNonce(ctx, request)
    return { append: event(signed), reply: await answer() }
  }

  return {
    scope: 'trade',
    handlers: {
      BALANCE: {
        async read({ me, db }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an account')
          return reply('BALANCE', { balances: await balances(db, me.id) })
        },
      },
      TRANSFER: { write: transferOf },
      STATEMENT: {
        async read({ me, aside }, { agent = me?.id, currency, before, limit = maxPage }) {
          if (agent === me?.id && me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have an account')
          if (agent === undefined) throw new Fail('AUTH_REQUIRED', 'Identify first')
          const rows = await entriesOf(aside, agent, { currency: currency && currencyCode(currency), before, limit: limit + 1 })
          const entries = rows.slice(0, limit).map(({ entry, at, kind, currency, amount, balance, other, ref, by, note }) => ({
            entry,
            at,
            kind,
            currency,
            amount_minor: amount,
            balance_minor: balance,
            with: other,
            ref,
            by,
            note,
          }))
          return reply('STATEMENT', { agent, entries, more: rows.length > limit })
        },
      },
      ADMIN_CREDIT: {
        async write({ me, tx, now }, { agent_id, currency, amount_minor, note, key }) {
          const by = me?.id ?? '@server'
          if (amount_minor === 0) throw new Fail('INVALID_MSG', 'amount_minor: nothing')
          if (await findAgent(tx, agent_id) === undefined) throw new Fail('AGENT_NOT_FOUND', `No agent with a key is known as ${agent_id}`)
          const account = await accountOf(tx, agent_id)
          await gather(tx, account, now)
          const [from, to] = amount_minor > 0 ? [issuer, account] : [account, issuer]
          // Without a key of the admin's, each request is one of its own.
          const own = key ?? `at ${now} ${randomHex(8)}`
          await postEntries(tx, {
            kind: 'credit',
            from,
            to,
            currency: money(currency),
            amountMinor: Math.abs(amount_minor),
            key: `credit ${own}`,
            by,
            note,
          }, now)
          return { reply: reply('ADMIN_RESULT', { action: 'credit', success: true, agentId: agent_id }) }
        },
      },
    },
    // Calls are claimed one by one, and answered to whoever made them.
    ...(turns !== undefined && { tick: ({ tx, now }: SweepCtx) => turns.take(tx, now, funded) }),
  }
}

export { rails, type Rails }
