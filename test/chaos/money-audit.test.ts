// The reckoning of money notices what is missing, made twice, or changed in the books.
import BetterSqlite3 from 'better-sqlite3'
import { expect, test } from 'vitest'
import { newFolder } from '../kit/folder.ts'
import { startTestRelay } from '../kit/relay.ts'
import { adminKey, newTrader } from '../kit/trade.ts'
import { auditMoney } from './money-audit.ts'
import { sqliteRemains } from './remains.ts'

test('books that are right pass, and each way of being wrong is named', async () => {
  using folder = newFolder()
  let parties: readonly [string, string]
  {
    await using relay = await startTestRelay({ adminKey, data: folder.at('data') })
    await using ann = await newTrader(relay, 'ann', { USD: 1_000 })
    await using bob = await newTrader(relay, 'bob', { USD: 1_000 })
    parties = [ann.id, bob.id]
    await ann.wire.ask(ann.sign('TRANSFER', { to: bob.id, currency: 'USD', amount_minor: 5, note: 'one' }), 'BALANCE')
  }
  const [ann, bob] = parties
  const credits = new Map([[ann, 1_000], [bob, 1_000]])
  const sent = (note: string, amountMinor: number, isAcknowledged: boolean) => ({ note, from: ann, to: bob, amountMinor, isAcknowledged })
  const wrong = async (...promised: ReturnType<typeof sent>[]) => {
    await using remains = sqliteRemains(new BetterSqlite3(folder.at('data/agentchat.db'), { readonly: true }))
    return (await auditMoney(remains, { credits, sent: promised, dealt: [], isAnswered: true })).wrong
  }
  expect(await wrong(sent('one', 5, true), sent('never stored, never answered', 1, false))).toEqual([])
  expect(await wrong(sent('one', 5, false))).toEqual([])
  expect(await wrong(sent('one', 5, true), sent('two', 5, true))).toEqual(['transfer two: made 0 times, acknowledged: true'])
  expect(await wrong(sent('one', 6, true))).toEqual(['transfer one: another one was made'])
  expect(await wrong()).toEqual(['transfer one: nobody made it'])
  const db = new BetterSqlite3(folder.at('data/agentchat.db'))
  db.prepare('UPDATE accounts SET balance = balance + 1 WHERE account = ?').run(bob)
  db.close()
  expect(await wrong(sent('one', 5, true))).toEqual(['the accounts sum to 1', `${bob} has 1006, its entries 1005`])
})
