import { test, expect } from 'vitest'
import { startTestRelay } from './kit/relay.ts'
test('smoke', async () => {
  await using relay = await startTestRelay()
  await using a = await relay.login('alice')
  await a.hearsNothing()
  a.send({ type: 'MSG', to: '#general', content: 'hi' })
  expect((await a.next('MSG')).from).toBe(a.id)
  await a.hearsNothing()
})
