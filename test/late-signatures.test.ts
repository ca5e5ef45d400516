// Keys that take their time to sign: what a client sends leaves in the order of the calls all the same.
import { describe, expect, test } from 'vitest'
import { browserKey, makeBrowserKey, verify } from '../lib/identity/index.ts'
import { breakable, clientOf, collect, newIdentity, signingLate } from './kit/client.ts'
import { startTestRelay } from './kit/relay.ts'

describe('a key that a browser keeps', () => {
  test('signs what others check, is not shown to anybody, and shows its bytes once to be sealed', async () => {
    let sealed = 0
    const key = await makeBrowserKey(pkcs8 => {
      sealed = pkcs8.length
    })
    expect(sealed).toBe(48)
    const me = browserKey(key, { name: 'ada' })
    expect(verify(me.publicKey, 'ü🙂', await me.sign('ü🙂'))).toBe(true)
    await expect(crypto.subtle.exportKey('pkcs8', key.privateKey)).rejects.toThrow()
    expect(structuredClone(key).publicKey).toBe(me.publicKey)
  })

  test('logs in, talks and proposes', async () => {
    await using relay = await startTestRelay()
    const me = browserKey(await makeBrowserKey(), { name: 'ada' })
    const ben = newIdentity('ben')
    await using a = await clientOf(relay, { identity: me })
    await using b = await clientOf(relay, { identity: ben })
    const heard = collect(b, 1)
    await a.dm(ben.agentId, 'hello')
    expect((await heard)[0]).toMatchObject({ content: 'hello', from: me.agentId, signature: 'valid' })
    const { proposalId } = await a.trade.propose(ben.agentId, { task: 'review', amount: 1, currency: 'TEST' })
    expect((await b.trade.show(proposalId)).events[0]).toMatchObject({ signature: 'valid' })
  })
})

test('order holds, of messages and of what is asked between them, whatever each signature takes', async () => {
  await using relay = await startTestRelay({ msgRate: 0 })
  const ada = newIdentity('ada')
  let turn = 0
  // The first takes longest.
  const late = signingLate(ada, () => [12, 1, 6, 0, 3][turn++ % 5]!)
  await using a = await clientOf(relay, { identity: late })
  await using b = await clientOf(relay, { identity: newIdentity('ben') })
  await a.join('#general')
  await b.join('#general')
  const heard = collect(b, 60)
  const sent = Array.from({ length: 60 }, (_, i) => a.send('#general', String(i)))
  const left = a.leave('#general')
  await Promise.all(sent)
  await left
  expect((await heard).map(({ content, signature }) => [content, signature])).toEqual(
    Array.from({ length: 60 }, (_, i) => [String(i), 'valid']),
  )
})

test('what was being signed when the connection was lost is signed anew, and stored once', async () => {
  await using relay = await startTestRelay({ msgRate: 0 })
  const ada = newIdentity('ada')
  const { transport, cut } = breakable()
  let turn = 0
  const late = signingLate(ada, () => {
    if (turn++ === 8) cut()
    return turn % 7
  })
  await using a = await clientOf(relay, { identity: late, transport })
  await using b = await clientOf(relay, { identity: newIdentity('ben') })
  await a.join('#general')
  await b.join('#general')
  const heard = collect(b, 40)
  await Promise.all(Array.from({ length: 40 }, (_, i) => a.send('#general', String(i))))
  expect((await heard).map(({ content }) => content)).toEqual(Array.from({ length: 40 }, (_, i) => String(i)))
  expect((await b.history({ channel: '#general' }, { limit: 100 })).events.filter(({ type }) => type === 'MSG')).toHaveLength(40)
})

test('a key that fails to sign fails that call and no other', async () => {
  await using relay = await startTestRelay()
  const ada = newIdentity('ada')
  await using a = await clientOf(relay, {
    identity: { ...ada, sign: async text => text.includes('unlucky') ? Promise.reject(new Error('no key')) : ada.sign(text) },
  })
  await a.join('#general')
  const [first, second, third] = await Promise.allSettled(['one', 'unlucky', 'three'].map(text => a.send('#general', text)))
  expect(second).toMatchObject({ status: 'rejected', reason: { message: 'no key' } })
  expect([first!.status, third!.status]).toEqual(['fulfilled', 'fulfilled'])
})
