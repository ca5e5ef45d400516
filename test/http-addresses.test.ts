// The HTTP door behind a proxy: each address pays for what came from it, whosever token brought it.
import { expect, test } from 'vitest'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

/** What is left of an allowance, as RateLimit says it. */
const leftOf = (name: string, { headers }: Response): number =>
  Number(new RegExp(`"${name}";r=(\\d+)`).exec(headers.get('ratelimit') ?? '')?.[1])

test('one token from two addresses: each is charged for what came from it, and told of its own', async () => {
  await using relay = await startTestRelay({ trustedProxies: ['127.0.0.1'], msgRate: 1, msgBurst: 100, addressRate: 1, addressBurst: 3 })
  relay.clock.stop()
  await using wire = await relay.login('ada', { key: newKey() })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  const say = (address: string) =>
    fetch(`${relay.httpUrl}/v1/channels/general/messages`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json', 'x-forwarded-for': address },
      body: '{"content":"hi"}',
    })
  const heard = []
  for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2']) {
    const response = await say(address)
    heard.push([address.at(-1), response.status, leftOf('address', response), leftOf('messages', response)])
  }
  expect(heard).toEqual([
    ['1', 201, 2, 99],
    ['2', 201, 2, 98],
    ['1', 201, 1, 97],
    ['1', 201, 0, 96],
    // Its agent could say more, and does so from elsewhere.
    ['1', 429, 0, 96],
    ['2', 201, 1, 95],
  ])
})
