// What the console keeps of a place: all of it is there, however the relay cuts its pages, and no more is kept than is looked at.
import { expect, test } from 'vitest'
import { PlaceLog } from '../web/state/log.ts'
import { clientOf } from './kit/client.ts'
import { startTestRelay } from './kit/relay.ts'

test('pages that are cut by their size leave nothing out', async () => {
  await using relay = await startTestRelay()
  await using client = await clientOf(relay, { name: 'writer' })
  await client.join('#general', { limit: 0 })
  const large = 'x'.repeat(500_000)
  for (let i = 1; i <= 60; i++) await client.send('#general', i % 4 === 0 ? large : `small ${i}`)
  const log = new PlaceLog(client, '#general')
  await log.refresh()
  expect(log.newest).toBe(60)
  log.look(1, 60)
  const at = () => Array.from({ length: 60 }, (_, i) => log.at(i + 1))
  await expect.poll(() => at().filter(each => each === 'unread').length).toBe(0)
  expect(at().map(each => typeof each === 'string' ? each : String(each['content']).length)).toEqual(
    Array.from({ length: 60 }, (_, i) => (i + 1) % 4 === 0 ? large.length : `small ${i + 1}`.length),
  )
})

test('what is heard without end is let go again, and read anew where somebody looks', async () => {
  await using relay = await startTestRelay()
  await using client = await clientOf(relay, { name: 'writer' })
  await client.join('#general', { limit: 0 })
  const log = new PlaceLog(client, '#general')
  for (let seq = 1; seq <= 6_000; seq++) log.add({ type: 'MSG', ts: seq, seq, from: '@a', content: 'x', msg_id: `m${seq}` })
  expect(log.at(6_000)).toMatchObject({ seq: 6_000 })
  expect(log.at(1)).toBe('unread')
  expect(Array.from({ length: 6_000 }, (_, i) => log.at(i + 1)).filter(each => typeof each !== 'string').length).toBeLessThanOrEqual(4_100)
})
