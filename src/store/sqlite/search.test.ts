import { expect, test } from 'vitest'
import { searchMigrations } from '../search.ts'
import { openDatabase } from './driver.ts'
import { logSchema } from './log-schema.ts'
import { searchableBetween } from './search.ts'

test('what is taken into the index in bulk is what the view says of each event, so that it can be taken out again', () => {
  const db = openDatabase(':memory:')
  for (const step of [...logSchema, ...searchMigrations.steps]) db.exec(step)
  const streams = ['#general', '#b_-1', '@a|@b', '@a', '#']
  streams.forEach((name, i) => db.prepare('INSERT INTO streams (id, name) VALUES (?, ?)').run(i + 1, name))
  const said = [
    { content: 'hello' },
    { content: '' },
    { content: 'see https://example.com' },
    { content: 'http://', in_reply_to: '1-1-abc' },
    { content: 'null', in_reply_to: null },
    { content: `${'x'.repeat(20_000)}http://` },
    { content: 'Grüße, "quotes" \\ and a 😀', in_reply_to: '' },
    { content: 'named', files: [{ name: 'a' }] },
    { content: 'none', files: [] },
    { content: '\u0000' },
    { content: '\u0000http://' },
    { content: 'until\u0000http://' },
    { content: 7 },
    {},
  ]
  const add = db.prepare('INSERT INTO events (stream, seq, ts, author, text) VALUES (?, ?, ?, ?, ?)')
  let seq = 0
  for (const stream of streams.keys()) {
    for (const type of ['MSG', 'RECEIPT']) {
      for (const each of said) add.run(stream + 1, ++seq, 1_000 + seq, '@A_-1', Buffer.from(JSON.stringify({ type, ...each })))
    }
  }
  for (const [after, upTo] of [[0, seq], [3, 50], [seq, seq + 1]]) {
    const each = db.prepare('SELECT id, said, marks FROM searchable WHERE id > ? AND id <= ? ORDER BY id').all(after, upTo)
    expect(db.prepare(searchableBetween).all(after, upTo)).toEqual(each)
  }
  expect(db.prepare(searchableBetween).all(0, seq)).toHaveLength(10 * streams.length)
  db.close()
})
