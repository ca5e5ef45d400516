// The HTTP door from a page of somebody else's site, in a real browser: it asks whether it may, posts, and follows what is said by EventSource.
import { createServer } from 'node:http'
import { connect, createServer as createLine, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { noBrowser, useBrowser } from '../kit/browser.ts'
import { startTestRelay } from '../kit/relay.ts'
import { newKey } from '../kit/wire.ts'

/** An empty page at an origin of its own. */
const startElsewhere = async () => {
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>elsewhere</title>')
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    consoleUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A line to a relay, and what browsers ask on it before they ask. */
const startLine = async (port: number) => {
  const asked: string[] = []
  const line = createLine(near => {
    const far = connect(port, '127.0.0.1')
    near.on('data', (chunk: Buffer) => asked.push(...[...chunk.toString('latin1').matchAll(/^OPTIONS (\S+)/gm)].map(([, path]) => path!)))
    near.on('error', () => far.destroy()).on('close', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).on('close', () => near.destroy()).pipe(near)
  })
  await new Promise<void>(resolve => line.listen(0, '127.0.0.1', resolve))
  return {
    asked,
    url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
    // The browser and the relay end what goes over it.
    [Symbol.asyncDispose]: async () => void line.close(),
  }
}

/** What the page does: posts, gets a ticket, and listens by it. */
const program = (relayUrl: string, token: string) =>
  `(async () => {
  const headers = { authorization: 'Bearer ${token}', 'content-type': 'application/json', 'idempotency-key': 'from-a-page' }
  const posted = await fetch('${relayUrl}/v1/channels/general/messages', { method: 'POST', headers, body: '{"content":"from a page"}' })
  const { ticket } = await (await fetch('${relayUrl}/v1/events/tickets', { method: 'POST', headers: { authorization: headers.authorization } })).json()
  window.streamUrl = '${relayUrl}/v1/events?channels=general&ticket=' + encodeURIComponent(ticket)
  window.heard = []
  window.stream = new EventSource(streamUrl)
  stream.addEventListener('hello', event => heard.push('hello ' + JSON.parse(event.data).recovered))
  stream.addEventListener('message', event => heard.push(JSON.parse(event.data).content))
  return [location.origin, posted.status, (await posted.json()).type]
})()`

describe.skipIf(noBrowser !== undefined)('a page of another origin', () => {
  const browser = useBrowser()

  test('asks whether it may, posts, and hears by EventSource, with a ticket that is good once', async () => {
    await using relay = await startTestRelay()
    await using line = await startLine(Number(new URL(relay.httpUrl).port))
    await using elsewhere = await startElsewhere()
    await using ada = await relay.login('ada', { key: newKey() })
    await using bob = await relay.login('bob')
    const { token } = await ada.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'send'] }, 'TOKEN_CREATED')

    await using visit = await browser.visit(elsewhere)
    const { page } = visit
    expect(await page.evaluate(program(line.url, token))).toEqual([new URL(elsewhere.consoleUrl).origin, 201, 'ACK'])
    expect(line.asked).toEqual(['/v1/channels/general/messages', '/v1/events/tickets'])
    expect(await bob.next('MSG')).toMatchObject({ content: 'from a page', via: 'http' })

    await expect.poll(() => page.evaluate('heard')).toEqual(['hello true'])
    await bob.ask({ type: 'MSG', to: '#general', content: 'to a page' }, 'ACK')
    await expect.poll(() => page.evaluate('heard')).toEqual(['hello true', 'to a page'])

    // Whoever saw the ticket comes too late, also by another EventSource: it is told so, and does not try again.
    expect(await page.evaluate('fetch(streamUrl).then(async answer => [answer.status, (await answer.json()).code])')).toEqual([
      401,
      'TOKEN_INVALID',
    ])
    expect(await page.evaluate(`new Promise(resolve => {
      const late = new EventSource(streamUrl)
      late.onerror = () => resolve(late.readyState === EventSource.CLOSED)
    })`)).toBe(true)
    await bob.ask({ type: 'MSG', to: '#general', content: 'still here' }, 'ACK')
    await expect.poll(() => page.evaluate('heard')).toEqual(['hello true', 'to a page', 'still here'])
    await page.evaluate('stream.close()')
  })
})
