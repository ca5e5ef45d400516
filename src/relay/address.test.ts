import { expect, test } from 'vitest'
import { Addresses } from './address.ts'

const proxies = ['10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::ffff:192.168.7.0/120']
const addresses = new Addresses(proxies, 64)

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:0DB8:0000:0000:1:2:3:4', '2001:db8::/64'],
  ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['fe80::2%25lo', 'fe80::/64'],
  ['::1', '::/64'],
  ['64:ff9b::203.0.113.7', '64:ff9b::/64'],
  [undefined, ''],
  ['', ''],
])('a socket of %s counts as %s', (peer, address) => {
  expect(addresses.ofPeer(peer)).toBe(address)
  // Nobody speaks for another without being told so.
  expect(new Addresses([], 64).ofRequest(peer, '198.51.100.1')).toBe(address)
})

test.each([
  [128, '2001:db8:1:2:3:4:5:6'],
  [64, '2001:db8:1:2::/64'],
  [56, '2001:db8:1::/56'],
  [49, '2001:db8:1::/49'],
  [47, '2001:db8::/47'],
  [32, '2001:db8::/32'],
])('of an IPv6 address the first %i bits count', (bits, address) => {
  expect(new Addresses([], bits).ofPeer('2001:db8:1:2:3:4:5:6')).toBe(address)
})

test.each([
  // What a stranger writes stands to the left of what the proxy heard.
  ['9.9.9.9, 203.0.113.7', '203.0.113.7'],
  ['9.9.9.9, 203.0.113.7:4000', '203.0.113.7'],
  ['9.9.9.9,203.0.113.7 , 10.1.2.3', '203.0.113.7'],
  ['9.9.9.9, [2001:db8::7]:4000', '2001:db8::/64'],
  ['9.9.9.9, [2001:db8::7]', '2001:db8::/64'],
  ['9.9.9.9, 2001:db8::7', '2001:db8::/64'],
  ['9.9.9.9, fe80::7%eth0', 'fe80::/64'],
  ['9.9.9.9, ::ffff:203.0.113.7', '203.0.113.7'],
  ['9.9.9.9, 203.0.113.7, 192.168.7.8, fd00::1, 10.1.2.3:80', '203.0.113.7'],
  // What cannot be read counts as the proxy that wrote it, and nothing further left is looked at.
  ['9.9.9.9, unknown', '10.0.0.1'],
  ['9.9.9.9, _hidden', '10.0.0.1'],
  ['9.9.9.9, ', '10.0.0.1'],
  ['9.9.9.9, 999.1.1.1', '10.0.0.1'],
  ['9.9.9.9, 010.1.1.1', '10.0.0.1'],
  ['9.9.9.9, 0x7f000001', '10.0.0.1'],
  ['9.9.9.9, 203.0.113.7:', '10.0.0.1'],
  ['9.9.9.9, 203.0.113.7:http', '10.0.0.1'],
  ['9.9.9.9, [203.0.113.7]:80', '10.0.0.1'],
  ['9.9.9.9, [2001:db8::7', '10.0.0.1'],
  ['9.9.9.9, "203.0.113.7"', '10.0.0.1'],
  ['9.9.9.9, 203.0.113.7 203.0.113.8', '10.0.0.1'],
  [`9.9.9.9, ${'1'.repeat(10_000)}`, '10.0.0.1'],
  ['9.9.9.9, unknown, 10.1.2.3', '10.1.2.3'],
  ['9.9.9.9, unknown, fd00::1', 'fd00::/64'],
  ['', '10.0.0.1'],
  [undefined, '10.0.0.1'],
  // Nobody but proxies: the first of them speaks for itself.
  ['10.1.2.3', '10.1.2.3'],
  ['10.9.9.9, 10.1.2.3', '10.9.9.9'],
])('through a trusted proxy %j counts as %s', (forwardedFor, address) => {
  expect(addresses.ofRequest('::ffff:10.0.0.1', forwardedFor)).toBe(address)
})

test('a proxy is known in every spelling, and so are ranges', () => {
  for (const peer of ['10.200.0.1', '::ffff:10.0.0.1', '127.0.0.1', 'fd12::1', 'FD12::1%eth0', '192.168.7.255'])
    expect(addresses.isProxy(peer), peer).toBe(true)
  for (const peer of ['11.0.0.1', '127.0.0.2', '2001:db8::1', '192.168.8.1', '', undefined])
    expect(addresses.isProxy(peer), peer).toBe(false)
})

test.each([
  'proxy.internal',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/x',
  '10.0.0.0/8/8',
  'fd00::/129',
  '::ffff:10.0.0.0/8',
  '',
  '10.0.0.0/-1',
])(
  'a range %j is told',
  entry => expect(() => new Addresses([entry], 64)).toThrow(JSON.stringify(entry)),
)

test('a header as long as Node takes is read from the right once', () => {
  const header = `9.9.9.9, ${Array<string>(2_000).fill('10.1.1.1').join(',')}`
  expect(addresses.ofRequest('10.0.0.1', header)).toBe('9.9.9.9')
})
