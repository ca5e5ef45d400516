// The check that what a relay keeps can be carried away and brought back, checked itself: it finds what is not the same.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, test } from 'vitest'
import { databaseName } from '../src/keeping/files.ts'
import { answersOf, strangers } from './kit/answers.ts'
import { openCourt, courtConfig } from './kit/court.ts'
import { newFolder } from './kit/folder.ts'
import { toldProblems } from './kit/kept.ts'
import { startTestRelay } from './kit/relay.ts'
import type { Key } from './kit/wire.ts'

/** A relay's data with a bit of everything: talk, a deal that is disputed, money, receipts, ratings. */
const lived = async (data: string): Promise<readonly Key[]> => {
  await using relay = await startTestRelay({ data, ...courtConfig })
  await using court = await openCourt(relay, { jurors: 3 })
  await court.file()
  const juror = [...court.jury.values()][0]!
  await court.ann.wire.ask({ type: 'MSG', to: juror.id, content: 'hello, juror' }, 'ACK')
  return [court.ann.key, juror.key]
}

const changed = (data: string, sql: string): void => {
  const db = new BetterSqlite3(join(data, databaseName))
  expect(db.prepare(sql).run().changes, sql).toBeGreaterThan(0)
  db.close()
}

test('what a relay leaves is the same when it is restored: every row, every record, every answer', async () => {
  using data = newFolder()
  const keys = await lived(data.path)
  expect(await toldProblems(data.path, keys)).toEqual([])
})

test('each answer counts: a row that is not what it was is noticed by who asks', async () => {
  using data = newFolder()
  const keys = await lived(data.path)
  const others = strangers()
  let was = await answersOf(data.path, keys, others)
  const isTold = (text: string) => [...was.values()].some(answer => answer.includes(text))
  for (const text of ['hello, juror', 'nothing was delivered', '"proposals":[{', '"balances":[{', '"receipts":[{', '"rating":1300'])
    expect(isTold(text), text).toBe(true)
  for (
    const sql of [
      'UPDATE ratings SET rating = rating + 1',
      "UPDATE accounts SET balance = balance + 1 WHERE currency = 'USD'",
      "UPDATE channels SET topic = 'another'",
      "UPDATE proposals SET facts = replace(facts, 'write it', 'wrote it')",
      "UPDATE disputes SET facts = replace(facts, 'nothing', 'something')",
      "UPDATE receipts SET text = replace(text, 'ordinary', 'odd')",
      "UPDATE events SET text = CAST(replace(CAST(text AS TEXT), 'hello, juror', 'hello, jurer') AS BLOB)",
    ]
  ) {
    changed(data.path, sql)
    const is = await answersOf(data.path, keys, others)
    expect([...was].filter(([question, answer]) => is.get(question) !== answer).length, sql).toBeGreaterThan(0)
    was = is
  }
}, 120_000)
