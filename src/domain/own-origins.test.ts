import { expect, test } from 'vitest'
import { ownOrigins } from './own-origins.ts'

const at = (address: string, port = 6_667) => ({ address, port })

test('without a named address a relay is itself where the socket arrived, and nowhere else', () => {
  const { isOwn } = ownOrigins({ publicUrls: [], isTls: false })
  for (const host of ['localhost', '127.0.0.1', '[::1]'])
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) expect(isOwn(`ws://${host}:6667`, at(address))).toBe(true)
  expect(isOwn('ws://127.0.0.2:6667', at('127.0.0.2'))).toBe(true)
  expect(isOwn('ws://192.0.2.7:6667', at('::ffff:192.0.2.7'))).toBe(true)
  expect(isOwn('ws://[2001:db8::7]:6667', at('2001:db8::7'))).toBe(true)
  for (
    const [origin, arrival] of [
      // On another machine, or another address of this one.
      ['ws://localhost:6667', at('192.0.2.7')],
      ['ws://127.0.0.1:6667', at('2001:db8::7')],
      ['ws://192.0.2.7:6667', at('192.0.2.8')],
      ['ws://192.0.2.7:6667', at('127.0.0.1')],
      // Another port, scheme or name.
      ['ws://localhost:6668', at('127.0.0.1')],
      ['wss://localhost:6667', at('127.0.0.1')],
      ['ws://chat.example:6667', at('127.0.0.1')],
      ['ws://localhost:6667', { address: undefined, port: undefined }],
    ] as const
  )
    expect(isOwn(origin, arrival), origin).toBe(false)
  expect(ownOrigins({ publicUrls: [], isTls: true }).isOwn('wss://localhost', at('127.0.0.1', 443))).toBe(true)
})

test('the addresses that the operator names are all there are', () => {
  const { isOwn, whyNot } = ownOrigins({ publicUrls: ['wss://Chat.Example:443/', 'ws://relay:6667'], isTls: false })
  expect(isOwn('wss://chat.example', at('10.0.0.7'))).toBe(true)
  expect(isOwn('ws://relay:6667', at('10.0.0.7'))).toBe(true)
  expect(isOwn('ws://localhost:6667', at('127.0.0.1'))).toBe(false)
  expect(isOwn('ws://chat.example', at('10.0.0.7'))).toBe(false)
  expect(whyNot('ws://localhost:6667')).toMatch(/wss:\/\/chat\.example, ws:\/\/relay:6667.*publicUrls/)
  expect(ownOrigins({ publicUrls: [], isTls: false }).whyNot('wss://x.example')).toMatch(/wss:\/\/x\.example.*publicUrls/)
})
