// Who judges, and who does not: twelve free keys that deal with each other, agents that others paid, agents that the operator names.
import { describe, expect, test } from 'vitest'
import { fingerprintOf, makeRotation, receiptText } from '../lib/identity/index.ts'
import type { Db } from '../src/store/store.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { courtConfig, dayMs, openCourt, startCourtRelay, type Court } from './kit/court.ts'
import type { TestRelay } from './kit/relay.ts'
import { adminKey, newTrader, type Trader } from './kit/trade.ts'
import { identityOf, newKey, signWith } from './kit/wire.ts'

const traders = (relay: TestRelay, names: readonly string[], credits = {}): Promise<readonly Trader[]> =>
  Promise.all(names.map(name => newTrader(relay, name, credits)))

/** A deal from offer to the end; `amount` USD are really paid, and both sign the receipt. */
const settle = async (client: Trader, provider: Trader, amount?: number): Promise<void> => {
  const { proposal_id } = await client.do('PROPOSAL', {
    to: provider.id,
    task: 'an ordinary deal',
    ...(amount !== undefined && { amount, currency: 'USD' }),
  })
  await provider.do('ACCEPT', { proposal_id })
  if (amount !== undefined) await client.do('FUND', { proposal_id })
  await client.do('COMPLETE', { proposal_id, proof: 'done' })
  if (amount === undefined) return
  for (const party of [client, provider]) {
    const { receipts } = await party.wire.ask({ type: 'RECEIPTS', proposal_id }, 'RECEIPTS')
    await party.wire.ask({
      type: 'RECEIPT_SIGN',
      receipt_id: receipts[0]!.receipt_id,
      sig: signWith(party.key, receiptText(receipts[0]!.receipt)),
    }, 'RECEIPT_SIGNED')
  }
}

/** Ann files and reveals: the case as it stands then. */
const filed = async (court: Court) => {
  await court.file()
  await court.ann.wire.send(court.ann.sign('DISPUTE_REVEAL', { proposal_id: court.proposalId, nonce: court.nonce }))
  await court.ann.wire.barrier()
  return (await court.state()).dispute
}

const idsOf = (those: readonly Trader[]) => those.map(({ id }) => id).sort()

test('twelve free keys, 66 priceless deals with each other, seven days: they are no panel, and the case goes to the operator', async () => {
  await using relay = await startCourtRelay({ minArbiters: 7 })
  const keys = await traders(relay, Array.from({ length: 12 }, (_, i) => `key${i}`))
  for (const [i, one] of keys.entries()) for (const other of keys.slice(i + 1)) await settle(one, other)
  relay.clock.advance(7 * dayMs + 1)
  // They are all that the rating asks for.
  for (const key of keys) {
    expect(await key.wire.ask({ type: 'RATING' }, 'RATING')).toMatchObject({ transactions: 11, standing: { standing: 0 } })
  }
  await using court = await openCourt(relay, { jurors: 0, amount: 100 })
  expect(await filed(court)).toMatchObject({ pool: [], seats: [], phase: 'appealed' })
  expect(await court.bob.wire.next('DISPUTE_FALLBACK')).toMatchObject({ reason: 'fewer than 7 eligible arbiters' })
  for (const key of keys) {
    await key.wire.barrier()
    expect(key.wire.heard.filter(({ type }) => type === 'ARBITER_ASSIGNED')).toEqual([])
    await key[Symbol.asyncDispose]()
  }
})

test('agents that verified strangers really paid, and that nobody had to name, are the panel', async () => {
  await using relay = await startCourtRelay()
  const patrons = await traders(relay, ['ada', 'ben', 'cyd'], { USD: 100_000 })
  await using boss = await relay.connect()
  for (const { id } of patrons) {
    await boss.ask({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: id, verified: true }, 'ADMIN_RESULT')
  }
  const workers = await traders(relay, ['dot', 'eli', 'fay', 'gus'])
  for (const worker of workers) for (const patron of patrons) await settle(patron, worker, 10)
  // So many deals as an arbiter has to have had: without a price.
  for (const worker of workers)
    for (let i = 0; i < 7; i++) {
      relay.clock.advance(60 * 60_000 + 1)
      await settle(patrons[i % 3]!, worker)
    }
  relay.clock.advance(7 * dayMs)
  await using court = await openCourt(relay, { jurors: 0 })
  const { pool, seats, phase } = await filed(court)
  // Those who hired four strangers of standing may judge as well.
  expect([pool, seats.length, phase]).toEqual([idsOf([...workers, ...patrons]), 3, 'seating'])
  for (const who of [...patrons, ...workers]) await who[Symbol.asyncDispose]()
})

describe('the operator', () => {
  test('names agents that judge though they earned nothing, under later keys too, beside those that did; they have to be there, and strangers', async () => {
    const named = Array.from({ length: 4 }, newKey)
    await using relay = await startCourtRelay({
      arbiters: named.map((key, i) => i % 2 === 0 ? key.id : fingerprintOf(key.pem)),
      minArbiters: 3,
    })
    const [one, two, away] = await Promise.all(named.slice(0, 3).map((key, i) => newTrader(relay, `named${i}`, {}, key))) as [
      Trader,
      Trader,
      Trader,
    ]
    await using court = await openCourt(relay, { jurors: 1 })
    away.wire.send({ type: 'SET_PRESENCE', status: 'away' })
    await away.wire.barrier()
    await using rotated = await newTrader(relay, 'rotated')
    await using last = await newTrader(relay, 'named3', {}, named[3])
    const rotation = makeRotation(
      identityOf(last.key),
      rotated.key.pem,
      relay.clock.now(),
    )
    await rotated.wire.ask({ type: 'ROTATION', ...rotation }, 'OK')
    const { proposal_id } = await two.do('PROPOSAL', { to: court.bob.id, task: 'friends' })
    await using second = await openCourt(relay, { jurors: 0 })
    expect((await filed(second)).pool).toEqual(idsOf([one, two, rotated, ...court.jury.values()]))
    await court.bob.do('ACCEPT', { proposal_id })
    expect((await filed(court)).pool).toEqual(idsOf([one, rotated, ...court.jury.values()]))
    for (const who of [one, two, away]) await who[Symbol.asyncDispose]()
  })

  test.each([[5, 4, 'appealed'], [4, 4, 'seating'], [1, 2, 'appealed']])(
    'with a minimum of %i and %i that may judge a case is %s',
    async (minArbiters, jurors, phase) => {
      await using relay = await startCourtRelay({ minArbiters })
      await using court = await openCourt(relay, { jurors })
      const dispute = await filed(court)
      expect([dispute.phase, dispute.pool!.length, dispute.seats.length]).toEqual([phase, jurors, phase === 'seating' ? 3 : 0])
    },
  )
})

test('while it is found out who may judge, others write on, and what the one who files sends next waits', async () => {
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  let asked = () => {}
  const isAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  await using relay = await startCourtRelay(courtConfig, {
    openStore: options => {
      const store = openSqlite(options)
      const aside: Db = {
        ...store.aside,
        tables: <T>() => {
          const tables = store.aside.tables<T>()
          return slowly(tables, async () => {
            asked()
            await released
          })
        },
      }
      return new Proxy(store, { get: (target, name) => name === 'aside' ? aside : bound(target, name) })
    },
  })
  await using court = await openCourt(relay, { jurors: 3 })
  await using other = await relay.login('other')
  const { ann } = court
  ann.wire.send(ann.sign('DISPUTE_INTENT', { proposal_id: court.proposalId, reason: 'r', commitment: '0'.repeat(64) }))
  ann.wire.send({ type: 'PING', id: 'behind' })
  await isAsked
  for (let i = 0; i < 3; i++) await other.ask({ type: 'MSG', to: '#general', content: `${i}` }, 'ACK')
  expect(ann.wire.heard.some(frame => frame.type === 'PONG' && frame.re === 'behind')).toBe(false)
  release()
  await ann.wire.next('DISPUTE_INTENT_ACK')
  expect(await ann.wire.next('PONG')).toMatchObject({ re: 'behind' })
})

const bound = (target: object, name: string | symbol): unknown => {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}

/** The same statements, each run only after `before`. */
const slowly = <T extends object>(builder: T, before: () => Promise<void>): T =>
  new Proxy(builder, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        if (name === 'execute' || name === 'executeTakeFirst') return before().then(() => value.apply(target, args) as unknown)
        const next: unknown = value.apply(target, args)
        return typeof next === 'object' && next !== null && 'execute' in next ? slowly(next, before) : next
      }
    },
  })
