import { expect, test } from 'vitest'
import { isWelcomeOrigin } from './browser-origin.ts'

test.each([
  // Programs.
  [undefined, 'chat.example', true],
  // Pages of the host itself, on any port.
  ['https://chat.example', 'chat.example', true],
  ['https://chat.example', 'chat.example:6680', true],
  ['http://chat.example:8080', 'chat.example:6680', true],
  ['https://CHAT.example', 'chat.Example', true],
  ['http://[2001:db8::1]:8080', '[2001:db8:0::1]:6680', true],
  // The visitor's own machine.
  ['http://localhost:5173', 'chat.example', true],
  ['http://127.0.0.1:5173', 'chat.example', true],
  ['http://[::1]:5173', 'chat.example', true],
  // Named.
  ['https://app.example', 'chat.example', true],
  ['https://APP.example', 'chat.example', true],
  ['chrome-extension://abcdefgh', 'chat.example', true],
  // Foreign.
  ['https://app.example:8443', 'chat.example', false],
  ['http://app.example', 'chat.example', false],
  ['https://evil.example', 'chat.example', false],
  ['https://evil.example', undefined, false],
  ['https://chat.example.evil.example', 'chat.example', false],
  ['https://sub.chat.example', 'chat.example', false],
  ['https://localhost.evil.example', 'chat.example', false],
  ['https://127.0.0.1.evil.example', 'chat.example', false],
  ['https://evil.example/chat.example', 'chat.example', false],
  ['https://evil.example#@chat.example', 'chat.example', false],
  ['chrome-extension://chat.example', 'chat.example', false],
  ['null', 'chat.example', false],
  ['null', 'null', false],
  ['', '', false],
  ['file://', '', false],
  ['https://', 'chat.example', false],
])('a page of %s at %s: %s', (origin, host, isWelcome) => {
  expect(isWelcomeOrigin(origin, host, ['https://app.example', 'chrome-extension://abcdefgh'])).toBe(isWelcome)
})

test('any page may where the operator says so', () => {
  expect(isWelcomeOrigin('https://evil.example', 'chat.example', ['*'])).toBe(true)
})
