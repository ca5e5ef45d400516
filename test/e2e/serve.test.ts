// `agentchat serve` as an operator meets it: a process that says where it is, what is wrong, and goes in order.
import { renameSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { nameShown, newCertificate } from '../kit/certificate.ts'
import { newFolder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'
import { portOf } from '../kit/raw-socket.ts'
import { expectExchange, metricsOf } from '../kit/vitals.ts'
import { login } from '../kit/wire.ts'

const bin = builtBin()
const serve = (flags: readonly string[]) => new ServeProgram(bin, ['--port', '0', ...flags])
const httpUrl = (url: string) => url.replace(/^ws/, 'http')

test('serve says where it is, answers over HTTP, and keeps its data where it is told', async () => {
  using data = newFolder()
  await using relay = serve(['--data', data.path, '--name', 'e2e'])
  const url = await relay.url
  await expectExchange(url)
  const at = async (path: string) => {
    const response = await fetch(`${httpUrl(url)}${path}`)
    return { status: response.status, text: await response.text() }
  }
  expect(await at('/healthz')).toEqual({ status: 200, text: 'ok\n' })
  expect(await at('/readyz')).toEqual({ status: 200, text: 'ready\n' })
  const health = await at('/health')
  expect(JSON.parse(health.text)).toMatchObject({
    status: 'healthy',
    server: 'e2e',
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    agents: { connected: expect.any(Number) },
    channels: { total: 9, public: 9 },
  })
  expect(await metricsOf(httpUrl(url))).toMatchObject({ agentchat_messages_stored_total: 1, agentchat_channels: 9 })
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s: what is under way is stored, clients are told to come back, and it ends with 0',
  async signal => {
    using data = newFolder()
    const flags = ['--data', data.path, '--msg-rate', '0']
    await using relay = serve(flags)
    const url = await relay.url
    await using ann = await login(url, 'ann')
    await using idle = await login(url, 'idle')
    const sent = 500
    ann.send(...Array.from({ length: sent }, (_, i) => ({ type: 'MSG', id: `m${i}`, to: '#general', content: `line ${i}` })))
    await ann.next('ACK')
    relay.signal(signal)
    for (const wire of [ann, idle]) {
      const { retry_after_ms } = await wire.next('GOING_AWAY')
      expect(await wire.closed()).toEqual({ code: 1012, reason: `retry_after_ms=${retry_after_ms}` })
    }
    expect(await relay.ended).toEqual({ code: 0, signal: null })
    const acknowledged = ann.heard.filter(frame => frame.type === 'ACK')

    await using again = serve(flags)
    await using reader = await login(await again.url, 'reader')
    const stored: string[] = []
    for (let after = 0, more = true; more;) {
      const page = await reader.ask({ type: 'HISTORY', channel: '#general', after, limit: 200 }, 'HISTORY')
      stored.push(...page.events.map(event => String(event.content)))
      more = page.more
      after = page.events.at(-1)?.seq ?? after
    }
    // What was read off the socket was answered; nothing was answered that is not here.
    expect(stored).toEqual(Array.from({ length: acknowledged.length }, (_, i) => `line ${i}`))
  })

test('a busy port ends it with a sentence, the way out and an exit code', async () => {
  using data = newFolder()
  await using relay = serve(['--data', data.at('first')])
  const port = portOf(await relay.url)
  await using second = new ServeProgram(bin, ['--port', String(port), '--data', data.at('second')])
  expect(await second.ended).toMatchObject({ code: 1 })
  expect(second.stderr).toContain(`Port ${port} on 127.0.0.1 is taken`)
  expect(second.stderr).toContain(`--port ${port + 1}`)
  expect(second.stderr).not.toMatch(/^\s+at /m)
})

test('data that another relay holds ends it with a sentence and an exit code', async () => {
  using data = newFolder()
  await using relay = serve(['--data', data.path])
  await relay.url
  await using second = serve(['--data', data.path])
  expect(await second.ended).toMatchObject({ code: 1 })
  expect(second.stderr).toContain('--data')
  expect(second.stderr).not.toMatch(/^\s+at /m)
})

test('a flag that is wrong ends it with what is wrong', async () => {
  using data = newFolder()
  await using relay = serve(['--data', data.path, '--msg-rate', 'fast'])
  expect((await relay.ended).code).toBeGreaterThan(0)
  expect(relay.stderr).toMatch(/msg-?rate/i)
})

test('SIGHUP reads the certificate again; a damaged one changes nothing', async () => {
  using folder = newFolder()
  const { cert, key } = newCertificate(folder, 'first')
  await using relay = serve(['--data', folder.at('data'), '--cert', cert, '--key', key])
  const url = await relay.url
  expect(url).toMatch(/^wss:/)
  expect(await nameShown(url)).toBe('first')
  const second = newCertificate(folder, 'second')
  renameSync(second.cert, cert)
  renameSync(second.key, key)
  relay.signal('SIGHUP')
  await expect.poll(() => nameShown(url)).toBe('second')
  writeFileSync(cert, 'not a certificate')
  const before = relay.stderr.length
  relay.signal('SIGHUP')
  await relay.until('what became of the certificate', () => relay.stderr.length > before)
  expect(await nameShown(url)).toBe('second')
})

const logLines = (text: string) => text.trimEnd().split('\n').map(line => JSON.parse(line) as { level: number, msg: string, hint?: string })

test('where stderr is no terminal, every line of it is JSON: warnings, a failed start and its way out too', async () => {
  using folder = newFolder()
  const { cert, key } = newCertificate(folder, 'soon')
  const flags = ['--port', '0', '--data', folder.at('data'), '--log-level', 'trace']
  await using relay = new ServeProgram(bin, [...flags, '--cert', cert, '--key', key], { env: { AGENTCHAT_MSG_BRUST: '5' } })
  await nameShown(await relay.url)
  relay.signal('SIGTERM')
  await relay.ended
  const messages = logLines(relay.stderr).map(({ msg }) => msg)
  expect(messages).toEqual(expect.arrayContaining([
    'AGENTCHAT_MSG_BRUST is no setting; did you mean AGENTCHAT_MSG_BURST?',
    expect.stringMatching(/^the TLS certificate of CN=soon expires on /),
    'relay listens',
    'stopped',
  ]))

  await using wrong = new ServeProgram(bin, [...flags, '--retention-bytes', '2m', '--msg-burst', '0'])
  expect((await wrong.ended).code).toBe(1)
  expect(logLines(wrong.stderr)).toMatchObject([
    { level: 60, where: '--msg-burst', msg: 'msgBurst must be at least 1, not "0"' },
    { level: 60, where: '--retention-bytes', msg: expect.stringMatching(/^retentionBytes must be a size in bytes/) },
  ])
})

test('debug tells who comes and goes, trace each request; neither what was said', async () => {
  await using relay = new ServeProgram(bin, ['--port', '0', '--data', ':memory:', '--log-level', 'trace'])
  const url = await relay.url
  {
    await using ann = await login(url, 'ann')
    await ann.ask({ type: 'MSG', id: '1', to: '#general', content: 'not for the log' }, 'ACK')
  }
  await relay.prints(/a connection closed/)
  expect(logLines(relay.stderr)).toEqual(expect.arrayContaining([
    expect.objectContaining({ level: 20, msg: 'a connection opened', address: '127.0.0.1' }),
    expect.objectContaining({ level: 20, msg: 'a session opened', agent: expect.stringMatching(/^@/) }),
    expect.objectContaining({ level: 10, msg: 'a request', type: 'MSG' }),
    expect.objectContaining({ level: 20, msg: 'a connection closed', code: expect.any(Number) }),
  ]))
  expect(relay.stderr).not.toContain('not for the log')
})

test('a hangup while the relay starts does not end it', async () => {
  using data = newFolder()
  await using holder = serve(['--data', data.path])
  await holder.url
  // It waits for the lock of the other one: that is the time to ask.
  await using relay = serve(['--data', data.path, '--log-level', 'debug'])
  await relay.prints(/starting/)
  relay.signal('SIGHUP')
  expect(await relay.ended).toEqual({ code: 1, signal: null })
})

test('a place that cannot be made ends it at once, with the place', async () => {
  await using relay = serve(['--data', '/proc/nowhere/data'])
  expect(await relay.ended).toEqual({ code: 1, signal: null })
  expect(relay.stderr).toContain('/proc/nowhere')
})

test('unless told otherwise it listens on this machine alone; the URL of an IPv6 address can be dialled as it is printed', async () => {
  await using relay = new Program(process.execPath, [bin, 'serve', '--port', '0', '--data', ':memory:'])
  const [line] = await relay.prints(/"url":"ws:\/\/localhost:(\d+)"/)
  const port = Number(/:(\d+)"/.exec(line)![1])
  await expectExchange(`ws://127.0.0.1:${port}`)
  const outside = Object.values(networkInterfaces()).flat().find(address => address?.internal === false && address.family === 'IPv4')
  if (outside !== undefined) await expect(fetch(`http://${outside.address}:${port}/healthz`)).rejects.toThrow()

  using folder = newFolder()
  await using six = new Program(process.execPath, [bin, 'serve', '--port', '0', '--data', ':memory:', '--host', '::1'])
  const [url] = await six.prints(/ws:\/\/\[::1\]:\d+/)
  await using sent = new Program(process.execPath, [bin, 'send', url, '#general', 'by its address'], { env: { HOME: folder.path } })
  expect(await sent.ended).toEqual({ code: 0, signal: null })
})

test.skipIf(process.platform !== 'linux')(
  'a process that may open 1,024 files serves beside 1,500 sockets that say nothing, of one address or of six',
  async () => {
    for (const addresses of [['127.0.0.2'], ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.7']]) {
      using data = newFolder()
      const command = 'ulimit -n 1024; exec "$0" "$@"'
      await using relay = new Program('sh', [
        '-c',
        command,
        process.execPath,
        bin,
        'serve',
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--data',
        data.path,
      ])
      const url = (await relay.prints(/wss?:\/\/[\w.-]+:\d+/))[0]
      await relay.prints(/"maxConnections":832/)
      const crowd = Array.from({ length: 1_500 }, (_, i) =>
        connect({ host: '127.0.0.1', port: portOf(url), localAddress: addresses[i % addresses.length]! }))
      for (const socket of crowd) socket.on('error', () => undefined)
      await Promise.all(crowd.map(socket => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
      await expectExchange(url)
      expect((await fetch(`${httpUrl(url)}/healthz`)).status).toBe(200)
      expect(relay.stderr).not.toContain('EMFILE')
      for (const socket of crowd) socket.destroy()
    }
  },
)
