// Names of strangers: a slow one keeps no other waiting.
import { expect, test } from 'vitest'
import { newDns } from '../../test/kit/dns.ts'
import { strangersResolve } from './resolve.ts'

test('however many names nobody answers for, another is found at once', async () => {
  using dns = await newDns({ 'quick.example': '8.8.8.8' })
  const resolve = strangersResolve({ servers: [dns.server] })
  let isOver = false
  const slow = Promise.allSettled(Array.from({ length: 20 }, (_, i) => resolve(`slow-${i}.example`))).then(results => {
    isOver = true
    return results
  })
  await expect.poll(() => new Set(dns.asked).size).toBe(20)
  expect(await resolve('quick.example')).toEqual([{ address: '8.8.8.8', family: 4 }])
  expect(isOver).toBe(false)
  for (const result of await slow) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ETIMEOUT' } })
}, 30_000)

test('a name that is not there is told as such, and one of this machine is asked of its system', async () => {
  using dns = await newDns({ 'nowhere.example': null })
  const resolve = strangersResolve({ servers: [dns.server] })
  await expect(resolve('nowhere.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  for (const { address } of await resolve('localhost')) expect(['127.0.0.1', '::1']).toContain(address)
  expect(dns.asked).toEqual(['nowhere.example'])
})
