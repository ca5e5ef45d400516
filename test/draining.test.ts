// How a relay stops: what was asked is answered, whoever only listens is told first, and nobody keeps it longer than it may take.
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { clientOf, newIdentity } from './kit/client.ts'
import { httpHost } from './kit/mcp-http.ts'
import { eras } from './kit/mcp.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

/** Resolves when a message is in a transaction that is held. */
const messageIsHeld = ({ store }: TestRelay): Promise<void> =>
  new Promise(resolve => {
    store.tamper = method => {
      if (method === 'append') resolve()
    }
    store.hold()
  })

test('a storage that does not answer keeps nobody from being told to come back', async () => {
  const relay = await startTestRelay({ drainMs: 50 })
  const ada = await relay.login('ada', { key: newKey() })
  const held = messageIsHeld(relay)
  ada.send({ type: 'MSG', id: 'a', to: '#general', content: 'the last word' })
  await held
  const drained = relay.leave()
  expect(await ada.next('GOING_AWAY')).toMatchObject({ reason: 'restarting', retry_after_ms: expect.any(Number) })
  expect(await ada.closed()).toMatchObject({ code: 1012 })
  relay.store.release()
  await drained
})

test('what was still being looked into is not stored once its asker was told to ask again', async () => {
  let look = () => {}
  let found = () => {}
  const looked = new Promise<void>(resolve => look = resolve)
  const relay = await startTestRelay({ drainMs: 60_000, webhooks: true, outboundAllow: [] }, {
    resolve: () => {
      look()
      return new Promise(resolve => found = () => resolve([{ address: '8.8.8.8', family: 4 }]))
    },
  })
  const ada = await relay.login('ada', { key: newKey() })
  const { token } = await ada.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'manage'] }, 'TOKEN_CREATED')
  const asking = fetch(`${relay.httpUrl}/v1/webhooks`, {
    method: 'POST',
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://hooks.example/in' }),
  })
  await looked
  // As long as she does not take her goodbye, the relay is there.
  ada.pause()
  const drained = relay.leave()
  expect(await asking.then(answer => answer.json())).toMatchObject({ code: 'BUSY' })
  const scopes: unknown[] = []
  relay.store.tamper = (method, [scope]) => {
    if (method === 'lock') scopes.push(scope)
  }
  found()
  await new Promise(resolve => setImmediate(resolve))
  ada.resume()
  await drained
  expect(scopes).toEqual([])
})

test('while it gives notice it serves whom it knows, over HTTP too, and does what is due; newcomers are turned back', async () => {
  const relay = await startTestRelay({ drainNoticeMs: 600_000 })
  const [ada, max, bob] = [await relay.login('ada', { key: newKey() }), await relay.login('max', { key: newKey() }), newKey()]
  await (await relay.login('bob', { key: bob })).close()
  const { token } = await max.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
  await max.close()
  const ask = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const answer = await fetch(`${relay.httpUrl}${path}`, {
      headers,
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const drained = relay.leave()
  expect(await ask('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('draining') })
  expect(await ask(`/v1/agents/${encodeURIComponent(ada.id)}/messages`, { content: 'nobody told me' })).toMatchObject({ status: 201 })
  expect(await ask('/v1/agents', { name: 'newcomer' })).toMatchObject({ status: 503, text: expect.stringContaining('BUSY') })
  const fresh = await relay.connect()
  expect(await fresh.closed()).toMatchObject({ code: 1012 })
  await ada.ask({ type: 'MSG', to: bob.id, content: 'soon over', ttl_ms: 1_000, receipts: true }, 'ACK')
  relay.clock.advance(2_000)
  expect(await ada.next('STATUS')).toMatchObject({ recipients: [{ agent: bob.id, state: 'expired' }] })
  await ada.close()
  // Whoever asked over HTTP counts as being here for a minute.
  relay.clock.advance(120_000)
  await drained
})

/** Resolves when nobody new is let in. */
const takesNobody = ({ httpUrl }: TestRelay): Promise<void> =>
  expect.poll(() => fetch(`${httpUrl}/healthz`).then(() => 'taken', () => 'refused')).toBe('refused')

describe.each(eras)('MCP in the era of %s', era => {
  const scene = async () => {
    // Nobody is cut: what is not answered by itself fails the test.
    const relay = await startTestRelay({ drainMs: 60_000 })
    const ada = await clientOf(relay, { identity: newIdentity('ada') })
    const { token } = await ada.request('TOKEN_CREATE', { name: 'host' }) as { readonly token: string }
    const host = await httpHost(`${relay.httpUrl}/mcp`, token, era)
    await host.call('receive')
    return { relay, ada, token, host }
  }

  test('what is being stored is acknowledged, while streams on which somebody only listens end at once', async () => {
    const { relay, ada, token, host } = await scene()
    const headers = {
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
      'authorization': `Bearer ${token}`,
      'mcp-protocol-version': era,
    }
    const url = `${relay.httpUrl}/mcp`
    const post = (body: object) => fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    let stream: Response
    if (era === '2026-07-28') {
      const params = {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': era,
          'io.modelcontextprotocol/clientInfo': { name: 'h', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
        notifications: { resourceSubscriptions: ['agentchat://inbox'] },
      }
      stream = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'mcp-method': 'subscriptions/listen' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
      })
    } else {
      const params = { protocolVersion: era, capabilities: {}, clientInfo: { name: 'h', version: '1' } }
      const begun = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
      await begun.text()
      stream = await fetch(url, { headers: { ...headers, 'mcp-session-id': begun.headers.get('mcp-session-id')! } })
    }
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    // The client, the session for calls, and the one that hears for the stream.
    await expect.poll(() => relay.metric('agentchat_connections')).toBe(era === '2026-07-28' ? 3 : 2)
    const held = messageIsHeld(relay)
    const sending = host.call('send', { to: ada.agentId!, text: 'the last word' })
    await held
    const drained = relay.leave()
    await takesNobody(relay)
    const heard = await stream.text()
    if (era === '2026-07-28') expect(heard).toContain('"resultType":"complete"')
    relay.store.release()
    expect(await sending).toMatchObject({ isError: false, text: expect.stringMatching(/^Stored as/) })
    await ada.close()
    await drained
  })

  test('who waits for an answer hears that the question is stored', async () => {
    const { relay, ada, host } = await scene()
    const asking = host.call('send', { to: ada.agentId!, text: 'what is 2 + 2?', wait_s: 50 })
    // The client, the session for calls, and the one that waits.
    await expect.poll(() => relay.metric('agentchat_connections')).toBe(3)
    await Promise.all([ada.close(), relay.drain()])
    expect(await asking).toMatchObject({ isError: false, text: expect.stringMatching(/^Stored as .*cannot be waited for now/s) })
  })
})

describe('a socket on which something was asked when the relay stopped', () => {
  /** The keep-alive of a proxy's socket is longer than the test. */
  const scene = async () => {
    const relay = await startTestRelay({ drainMs: 60_000, trustedProxies: ['127.0.0.1'] })
    const ada = await clientOf(relay, { identity: newIdentity('ada') })
    const { token } = await ada.request('TOKEN_CREATE', { name: 'program' }) as { readonly token: string }
    const { hostname, port } = new URL(relay.httpUrl)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const ended = text(socket)
    const ask = (method: string, path: string, body = '') =>
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nX-Forwarded-For: 203.0.113.7\r\n`
          + `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    return { relay, ada, ask, ended }
  }

  test('is closed once that is answered, and nothing behind it is', async () => {
    const { relay, ada, ask, ended } = await scene()
    ask('GET', '/v1/me')
    await expect.poll(() => relay.metric('agentchat_connections')).toBe(2)
    const held = messageIsHeld(relay)
    ask('POST', `/v1/agents/${encodeURIComponent(ada.agentId!)}/messages`, JSON.stringify({ content: 'the last word' }))
    await held
    ask('GET', '/healthz')
    const drained = relay.leave()
    await takesNobody(relay)
    relay.store.release()
    expect((await ended).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 201'])
    await ada.close()
    await drained
  })

  test('is closed when the stream of events on it has said goodbye', async () => {
    const { relay, ada, ask, ended } = await scene()
    ask('GET', '/v1/events?inbox=1')
    await expect.poll(() => relay.metric('agentchat_connections')).toBe(2)
    await Promise.all([ada.close(), relay.drain()])
    expect(await ended).toContain('RESTARTING')
  })
})
