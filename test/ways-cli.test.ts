// Ways to a relay: certificates, paths, the wrong scheme, something that is no relay, and clocks that disagree.
import { createServer, request, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { pageOf } from '../src/outbound/discovery.ts'
import { newCertificate } from './kit/certificate.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

let cli: Cli

beforeEach(() => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
})

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A proxy that has the relay under a path, and nothing else. */
const proxyUnder = async (prefix: string, relayPort: number): Promise<number> => {
  const server = createServer((asked, answer) => {
    if (!asked.url!.startsWith(`${prefix}/`)) return answer.writeHead(404).end('not here')
    const passed = request({ port: relayPort, path: asked.url!.slice(prefix.length), method: asked.method, headers: asked.headers },
      response => {
        answer.writeHead(response.statusCode!, response.headers)
        response.pipe(answer)
      })
    asked.pipe(passed)
    return undefined
  })
  server.on('upgrade', (asked, socket, head) => {
    const isHere = asked.url!.startsWith(`${prefix}/`)
    const to = connect(relayPort, '127.0.0.1', () => {
      if (!isHere) return socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      const headers = asked.rawHeaders.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${asked.rawHeaders[i + 1]!}`] : [])
      to.write(`GET ${asked.url!.slice(prefix.length)} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
      to.write(head)
      socket.pipe(to).pipe(socket)
      return undefined
    })
    for (const end of [socket, to]) end.on('error', () => undefined)
    socket.on('close', () => to.destroy())
    to.on('close', () => socket.destroy())
  })
  return listening(server)
}

describe('TLS', () => {
  const start = async () => {
    const folder = newFolder()
    onTestFinished(() => folder[Symbol.dispose]())
    const { cert, key } = newCertificate(folder, 'localhost')
    const relay = await startTestRelay({ cert, key })
    onTestFinished(() => relay[Symbol.asyncDispose]())
    const { port } = new URL(relay.url)
    return { cert, key, url: `wss://localhost:${port}`, plain: `ws://127.0.0.1:${port}` }
  }

  test('a certificate that no authority signed: refused with a word on --ca, and not worth trying again; trusted by option or by context', async () => {
    const { cert, key, url } = await start()
    for (const args of [['send', url, '#general', 'hi'], ['listen', url, '-m', '1']]) {
      expect(await cli.run(args)).toMatchObject({
        code: exits.auth.code,
        stdout: '',
        stderr: expect.stringMatching(/self-signed.*--ca FILE/s),
      })
    }
    expect(JSON.parse((await cli.run(['channels', url, '--json'])).stderr)).toMatchObject({ error: 'auth', retry: false })
    expect((await cli.run(['send', url, '#general', 'hi', '--ca', cert])).code).toBe(0)
    const sick = (await cli.run(['doctor', url])).json
    expect(sick.filter(({ status }) => status === 'fail').map(({ check }) => check)).toEqual(['health', 'login'])
    expect((await cli.run(['doctor', url, '--ca', cert])).code).toBe(0)
    expect((await cli.run(['context', 'add', 'intern', url, '--ca', cert])).code).toBe(0)
    expect((await cli.run(['channels'])).code).toBe(0)
    // However the relay is named: the certificate is its own.
    expect((await cli.run(['channels', url])).code).toBe(0)
    expect((await cli.run(['doctor'])).code).toBe(0)
    expect((await cli.run(['discover'])).json[0]).toMatchObject({ status: 'online' })
    expect(await cli.run(['channels', url, '--ca', cli.at('none.pem')])).toMatchObject({
      code: exits.notFound.code,
      stderr: expect.stringContaining('none.pem'),
    })
    for (const file of [key, cli.at('broken.pem')]) {
      writeFileSync(cli.at('broken.pem'), '-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n')
      expect(await cli.run(['channels', url, '--ca', file])).toMatchObject({
        code: exits.usage.code,
        stderr: expect.stringContaining(`${file} holds no certificate in PEM`),
      })
    }
    // The name on it has to be the one that was dialled.
    expect(await cli.run(['channels', url.replace('localhost', '127.0.0.1'), '--ca', cert])).toMatchObject({
      code: exits.auth.code,
      stderr: expect.stringMatching(/altnames.*for another name, only the operator/s),
    })
  })

  test('ws and wss mixed up: each says which it should be', async () => {
    const { plain } = await start()
    expect(await cli.run(['channels', plain, '--json'])).toMatchObject({
      code: exits.usage.code,
      stdout: '',
      stderr: expect.stringMatching(/speaks TLS: the URL begins with wss:.*"retry":false/s),
    })
    await using relay = await startTestRelay()
    expect(await cli.run(['channels', relay.url.replace('ws:', 'wss:'), '--json'])).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringMatching(/URL begins with ws:.*"retry":false/s),
    })
  })
})

describe('a relay under a path', () => {
  test.each(['/chat', '/a/b'])('is talked to, looked at and discovered at %s/', async path => {
    await using relay = await startTestRelay()
    const port = await proxyUnder(path, Number(new URL(relay.url).port))
    const url = `ws://127.0.0.1:${port}${path}/`
    expect((await cli.run(['send', url, '#general', 'hi'])).code).toBe(0)
    const well = await cli.run(['doctor', url])
    expect(well.json.filter(({ status }) => status === 'fail')).toEqual([])
    await cli.run(['discover', 'add', url, '--name', 'deep'])
    expect((await cli.run(['discover'])).json[0]).toMatchObject({ status: 'online', server_id: relay.serverId })
    expect((await cli.run(['doctor', `ws://127.0.0.1:${port}/`])).code).toBe(exits.error.code)
  })

  test.each([
    ['wss://host/chat/', 'https://host/chat/health'],
    ['wss://host/chat', 'https://host/chat/health'],
    ['ws://host:1/?token=x', 'http://host:1/health'],
    ['ws://host', 'http://host/health'],
  ])('the pages of %s stand beside it', (url, page) => {
    expect(pageOf(url, 'health')).toBe(page)
  })
})

describe('what answers is no relay', () => {
  test('HTTP 200 to everything: told by every command, and not worth trying again', async () => {
    const port = await listening(createServer((_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<p>welcome</p>')))
    const url = `ws://127.0.0.1:${port}`
    for (const args of [['send', url, '#general', 'hi'], ['listen', url, '--timeout', '20'], ['history', url, '#general']]) {
      expect(await cli.run(args)).toMatchObject({
        code: exits.notFound.code,
        stdout: '',
        stderr: expect.stringMatching(/in HTTP \(200\), and no relay\n.*Is the URL right/s),
      })
    }
    const { json, code } = await cli.run(['doctor', url])
    expect(code).toBe(exits.error.code)
    expect(json.find(({ check }) => check === 'health')!['message']).toContain(
      'something answers there (200, text/html), and no AgentChat relay',
    )
    await cli.run(['discover', 'add', url, '--name', 'web'])
    expect((await cli.run(['discover'])).json[0]).toMatchObject({ status: 'offline', problem: expect.stringContaining('not in JSON') })
  })

  test('a proxy whose relay is away for a while is worth trying again', async () => {
    const port = await listening(createServer((_, answer) => answer.writeHead(503).end()))
    expect(await cli.run(['channels', `ws://127.0.0.1:${port}`])).toMatchObject({
      code: exits.unreachable.code,
      stderr: expect.stringContaining('503'),
    })
  })

  test('a page that sends on to https says so', async () => {
    const port = await listening(createServer((_, answer) => answer.writeHead(301, { location: 'https://chat.example/' }).end()))
    expect(await cli.run(['channels', `ws://127.0.0.1:${port}`])).toMatchObject({
      code: exits.notFound.code,
      stderr: expect.stringMatching(/points to https:\/\/chat\.example\/.*wss:/s),
    })
  })
})

test('clocks an hour apart: the login says what to look at, doctor by how much', async () => {
  await using relay = await startTestRelay()
  await cli.run(['identity', 'generate', '-n', 'ann'])
  relay.clock.advance(3_600_000)
  const sent = await cli.run(['send', relay.url, '#general', 'hi'])
  expect(sent).toMatchObject({ stdout: '', stderr: expect.stringMatching(/check the clock.*doctor tells by how much/s) })
  const { json } = await cli.run(['doctor', relay.url])
  expect(json.find(({ check }) => check === 'clock')).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/clock is (1 h|60 min) behind the relay's/),
  })
})
