// Event streams over HTTP: from a place on, each event once, over restarts; and what ends one.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { Source, type Sent } from './kit/event-source.ts'
import { newFolder } from './kit/folder.ts'
import { startTestNodes } from './kit/nodes.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Key, type Wire } from './kit/wire.ts'

const login = async (relay: TestRelay, key: Key = newKey()): Promise<{ key: Key, wire: Wire, headers: Record<string, string> }> => {
  const wire = await relay.login('ada', { key })
  const { token } = await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  return { key, wire, headers: { authorization: `Bearer ${token}` } }
}

const say = async (wire: Wire, from: number, count: number, to: string = '#general'): Promise<void> => {
  for (let i = from; i < from + count; i++) await wire.ask({ type: 'MSG', to, content: `${i}` }, 'ACK')
}

test('what is said while readers, and the relay, come and go is told once, in order, as it is stored', async () => {
  using data = newFolder()
  const key = newKey()
  const told: Sent[] = []
  let headers: Record<string, string> = {}
  let place = ''
  for (let life = 0; life < 4; life++) {
    const relay = await startTestRelay({ data: data.path })
    await using bob = await relay.login('bob')
    if (life === 0) {
      const { headers: token, wire } = await login(relay, key)
      headers = token
      await wire.close()
    }
    for (let run = 0; run < 2; run++) {
      const source = new Source()
      const next = life * 40 + run * 20 + 1
      // Half of it while nobody reads.
      if (place !== '') await say(bob, next, 10)
      await source.open(`${relay.httpUrl}/v1/events?channels=general&inbox=1`, {
        ...headers,
        ...(place !== '' && { 'last-event-id': place }),
      })
      await source.until(() => source.heard.length > 0)
      if (place === '') await say(bob, next, 10)
      await say(bob, next + 10, 5)
      await say(bob, next + 15, 5, key.id)
      await source.until(() => source.events.length === 20)
      expect(source.heard[0]).toMatchObject({ event: 'hello', data: { recovered: true } })
      told.push(...source.events)
      place = source.events.at(-1)!.id
      if (run === 0) source.close()
      else {
        await relay.drain()
        await source.until(() => source.isOver)
        expect(source.heard.at(-1)).toMatchObject({
          event: 'bye',
          data: { reason: 'RESTARTING', retry_after_ms: expect.any(Number) as number },
        })
      }
    }
  }
  expect(told.map(({ data }) => data['content'])).toEqual(Array.from({ length: 160 }, (_, i) => `${i + 1}`))
  const seqs = told.filter(({ event }) => event === 'message').map(({ data }) => data['seq'])
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
})

test('a place of another life of the log, or beyond its end, is not passed over in silence', async () => {
  await using relay = await startTestRelay()
  const { wire, headers } = await login(relay)
  await say(wire, 1, 3)
  for (const id of [`${'f'.repeat(16)}~general:2`, `${relay.store.epoch}~general:99`]) {
    const source = new Source()
    await source.open(`${relay.httpUrl}/v1/channels/general/events`, { ...headers, 'last-event-id': id })
    await source.until(() => source.heard.length > 0)
    expect(source.heard[0]).toMatchObject({ event: 'hello', data: { recovered: false, positions: { '#general': { oldest: 1, seq: 3 } } } })
    source.close()
  }
  const open = async (path: string, more: Record<string, string> = {}) =>
    (await fetch(`${relay.httpUrl}${path}`, { headers: { ...headers, ...more } })).status
  expect(await open('/v1/channels/general/events', { 'last-event-id': 'x' })).toBe(400)
  expect(await open('/v1/channels/nowhere/events')).toBe(404)
  expect(await open('/v1/events')).toBe(400)
})

test('a ticket opens one stream, and a long poll answers when something comes', async () => {
  await using relay = await startTestRelay()
  const { key, headers } = await login(relay)
  await using bob = await relay.login('bob')
  const made = await fetch(`${relay.httpUrl}/v1/events/tickets`, { method: 'POST', headers })
  const { ticket } = await made.json() as { readonly ticket: string }
  const source = new Source()
  expect((await source.open(`${relay.httpUrl}/v1/events?inbox=1&ticket=${ticket}`, {})).status).toBe(200)
  expect((await fetch(`${relay.httpUrl}/v1/events?inbox=1&ticket=${ticket}`)).status).toBe(401)
  const poll = fetch(`${relay.httpUrl}/v1/inbox?wait=30`, { headers }).then(response => response.json())
  await say(bob, 1, 1, key.id)
  expect(await poll).toMatchObject({ type: 'INBOX', items: [{ seq: 1, event: { content: '1' } }] })
  await source.until(() => source.events.length === 1)
  expect(source.events[0]).toMatchObject({ event: 'inbox', data: { content: '1' } })
  const put = await fetch(`${relay.httpUrl}/v1/inbox/cursor`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ seq: 1 }),
  })
  expect(put.status).toBe(204)
  expect(await (await fetch(`${relay.httpUrl}/v1/inbox?wait=1`, { headers })).json()).toMatchObject({ items: [], cursor: 1 })
  source.close()
})

test('a ticket is read by another process than the one that gave it, and opens one stream at all of them', async () => {
  await using nodes = await startTestNodes()
  const { one, two } = nodes
  const { key, headers } = await login(one)
  const drawn = async () => {
    const made = await fetch(`${one.httpUrl}/v1/events/tickets`, { method: 'POST', headers })
    return (await made.json() as { readonly ticket: string }).ticket
  }
  const open = async (relay: TestRelay, ticket: string) => {
    const source = new Source()
    return { source, status: (await source.open(`${relay.httpUrl}/v1/events?inbox=1&ticket=${ticket}`, {})).status }
  }
  const ticket = await drawn()
  const { source, status } = await open(two, ticket)
  expect(status).toBe(200)
  await using bob = await one.login('bob')
  await say(bob, 1, 1, key.id)
  await source.until(() => source.events.length === 1)
  expect(source.events[0]).toMatchObject({ event: 'inbox', data: { content: '1' } })
  source.close()
  const again = await drawn()
  const both = await Promise.all([open(one, again), open(two, again)])
  expect(both.map(each => each.status).toSorted()).toEqual([200, 401])
  for (const each of both) each.source.close()
  for (const used of [ticket, again]) expect((await fetch(`${one.httpUrl}/v1/events?inbox=1&ticket=${used}`)).status).toBe(401)
  // What is changed in it, cut off, or no ticket at all.
  const fresh = await drawn()
  const changed = `${fresh.slice(0, 20)}${fresh[20] === 'A' ? 'B' : 'A'}${fresh.slice(21)}`
  for (const wrong of [changed, fresh.slice(0, 40), 'x', 'x'.repeat(5_000), ''])
    expect((await fetch(`${two.httpUrl}/v1/events?inbox=1&ticket=${wrong}`)).status).toBe(401)
  // It is over after a minute.
  for (const relay of [one, two]) relay.clock.advance(61_000)
  expect((await fetch(`${two.httpUrl}/v1/events?inbox=1&ticket=${fresh}`)).status).toBe(401)
})

test('what waits under a token gives nothing once that is revoked: a ticket, a long poll, a body that is still to come', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using ann = await relay.login('ann', { key })
  await using bob = await relay.login('bob')
  const made = async () => {
    const { token, token_id } = await ann.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send', 'manage'] }, 'TOKEN_CREATED')
    return { headers: { authorization: `Bearer ${token}` }, revoke: () => ann.ask({ type: 'TOKEN_REVOKE', token_id }, 'OK') }
  }
  const first = await made()
  const drawn = await fetch(`${relay.httpUrl}/v1/events/tickets`, { method: 'POST', headers: first.headers })
  const { ticket } = await drawn.json() as { readonly ticket: string }
  await first.revoke()
  expect((await fetch(`${relay.httpUrl}/v1/events?inbox=1&ticket=${ticket}`)).status).toBe(401)

  const second = await made()
  const before = (await ann.ask({ type: 'INBOX' }, 'INBOX')).items.length
  const poll = fetch(`${relay.httpUrl}/v1/inbox?wait=20`, { headers: second.headers })
  await ann.barrier()
  await new Promise(resolve => setTimeout(resolve, 200))
  await second.revoke()
  await bob.ask({ type: 'MSG', to: key.id, content: 'a secret' }, 'ACK')
  expect((await poll).status).toBe(401)
  expect((await ann.ask({ type: 'INBOX' }, 'INBOX')).items.length).toBe(before + 1)

  const third = await made()
  const text = JSON.stringify({ content: 'from a thief' })
  let say = () => {}
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(text.slice(0, 10)))
      say = () => {
        controller.enqueue(Buffer.from(text.slice(10)))
        controller.close()
      }
    },
  })
  const posted = fetch(`${relay.httpUrl}/v1/channels/general/messages`, {
    method: 'POST',
    headers: { ...third.headers, 'content-type': 'application/json', 'idempotency-key': 'late' },
    body,
    duplex: 'half',
  } as RequestInit)
  await new Promise(resolve => setTimeout(resolve, 200))
  await third.revoke()
  say()
  expect((await posted).status).toBe(401)
})

test('a reader that does not read is cut, and others do not notice', async () => {
  await using relay = await startTestRelay({ maxPendingBytes: 64 * 1024 })
  const { wire, headers } = await login(relay)
  const good = new Source()
  await good.open(`${relay.httpUrl}/v1/channels/general/events`, headers)
  const { port } = new URL(relay.httpUrl)
  const mute = connect({ host: '127.0.0.1', port: Number(port) })
  mute.write(`GET /v1/channels/general/events HTTP/1.1\r\nhost: x\r\nauthorization: ${headers['authorization']!}\r\n\r\n`)
  await new Promise(resolve => mute.once('readable', resolve))
  mute.pause()
  const content = 'x'.repeat(200_000)
  let said = 0
  const isCut = async () => await relay.metric('agentchat_slow_closes_total') > 0
  while (said < 200 && !await isCut()) {
    await wire.ask({ type: 'MSG', to: '#general', content }, 'ACK')
    said++
  }
  expect(await isCut()).toBe(true)
  await good.until(() => good.events.length === said)
  expect(good.isOver).toBe(false)
  mute.destroy()
  good.close()
})

test('a reader that does not read is waited for once, whatever comes meanwhile', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  await using relay = await startTestRelay({ maxPendingBytes: 2 * 1024 * 1024 })
  const { wire, headers } = await login(relay)
  const mute = connect({ host: '127.0.0.1', port: Number(new URL(relay.httpUrl).port) })
  mute.write(`GET /v1/channels/general/events HTTP/1.1\r\nhost: x\r\nauthorization: ${headers['authorization']!}\r\n\r\n`)
  await new Promise(resolve => mute.once('readable', resolve))
  mute.pause()
  const content = 'x'.repeat(15_000)
  for (let said = 0; said < 40 && await relay.metric('agentchat_slow_closes_total') === 0; said++) {
    for (let i = 0; i < 30; i++) wire.send({ type: 'MSG', to: '#general', content, id: `${said}-${i}` })
    await wire.take('ACK', 30)
  }
  expect(await relay.metric('agentchat_slow_closes_total')).toBe(1)
  process.off('warning', warned)
  expect(warnings).toEqual([])
  mute.destroy()
})
