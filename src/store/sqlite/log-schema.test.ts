import { expect, test } from 'vitest'
import { openDatabase } from './driver.ts'
import { indexEvents, logSchema } from './log-schema.ts'

test('indexes that could not be brought up to date wholly are as they were, and are brought up to date the next time', () => {
  const db = openDatabase(':memory:')
  for (const step of logSchema) db.exec(step)
  db.exec("INSERT INTO streams (id, name) VALUES (1, '#a')")
  const add = db.prepare("INSERT INTO events (stream, seq, ts, author, key, text) VALUES (1, ?, 1000, '@a', ?, '{}')")
  for (let seq = 1; seq <= 3; seq++) add.run(seq, String(seq))
  const rows = () =>
    ['places', 'publish_keys', 'spoken'].map(table => db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get())
  // After each of the statements.
  for (const [table, event] of [['publish_keys', 'INSERT'], ['spoken', 'INSERT'], ['indexed', 'UPDATE']] as const) {
    db.exec(`CREATE TRIGGER broken BEFORE ${event} ON ${table} BEGIN SELECT RAISE(ABORT, 'broken off'); END`)
    expect(() => indexEvents(db)).toThrow('broken off')
    expect(rows()).toEqual([0, 0, 0])
    db.exec('DROP TRIGGER broken')
  }
  // Within a transaction too.
  db.exec('BEGIN')
  indexEvents(db)
  db.exec('COMMIT')
  expect(rows()).toEqual([3, 3, 1])
  expect(db.prepare<[], number>('SELECT upto FROM indexed').pluck().get()).toBe(3)
  indexEvents(db)
  expect(rows()).toEqual([3, 3, 1])
  db.close()
})
