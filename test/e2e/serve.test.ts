// `agentchat serve` as an operator meets it: a process that says where it is, what is wrong, and goes in order.
import { renameSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { nameShown, newCertificate } from '../kit/certificate.ts'
import { newFolder } from '../kit/folder.ts'
import { ServeProgram, builtBin } from '../kit/process.ts'
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
