import { expect, test } from 'vitest'
import { agentMigrations } from './agents.ts'
import { beginErasure, eraseSome, keepingMigrations } from './keeping.ts'
import { shareMigrations } from './shares.ts'
import { openSqlite } from './sqlite.ts'

test('an erasure looks at the blocks of events in which the agent spoke, a part of one at a time', async () => {
  const store = openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [agentMigrations, shareMigrations, keepingMigrations],
    newEpoch: () => '0'.repeat(16),
  })
  const text = (author: string) =>
    Buffer.from(JSON.stringify({ type: 'MSG', ts: 1, from: author, to: '#c', content: 'secret', msg_id: 'x' }))
  const said = [100, 9_000, 9_001, 40_000]
  await store.write(tx => {
    for (let i = 1; i <= 50_000; i++) {
      const author = said.includes(i) ? '@ann' : '@bob'
      void tx.log.append({ stream: '#c', author }, 1, () => text(author))
    }
  })
  await store.write(tx => beginErasure(tx, '@ann'))
  let steps = 0
  let step
  do {
    step = await store.write(tx => eraseSome(tx, '@ann', 2))
    steps++
  } while (!step.done && steps < 100)
  expect(step.events).toBe(said.length)
  // Three blocks of 4,096, two thousand at once; the whole log would be 25.
  expect(steps).toBeLessThanOrEqual(10)
  const rows = await store.read.log.page('#c', { after: 0, limit: 50_000, maxBytes: 1e9 })
  const erased = rows.filter(row => row.text.includes('"erased":true')).map(row => row.seq)
  expect(erased).toEqual(said)
  await store.close()
})
