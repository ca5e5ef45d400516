// What the machine does to a relay: taken ports, missing files, locked, damaged and full storage. Each is a sentence with what to do next.
import { renameSync, writeFileSync } from 'node:fs'
import { sql, type Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { AgentChatClient } from '../lib/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import type { Frame } from '../lib/protocol/index.ts'
import { createLogger } from '../src/base/log.ts'
import { ListenError, StorageError, startRelay, type Config } from '../src/app.ts'
import { nameShown, newCertificate } from './kit/certificate.ts'
import { isOnPostgres, openRunStore } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { portOf } from './kit/raw-socket.ts'
import { startTestRelay, testConfig, type TestRelay } from './kit/relay.ts'
import { expectExchange, metricsOf } from './kit/vitals.ts'
import { login, newKey } from './kit/wire.ts'

/** The error that keeps a relay from starting. */
const failure = async (overrides: Partial<Config>): Promise<ListenError | StorageError> => {
  try {
    await (await startRelay(testConfig(overrides), { openStore: openRunStore })).drain()
  } catch (error) {
    expect(error instanceof ListenError || error instanceof StorageError, String(error)).toBe(true)
    return error as ListenError
  }
  throw new Error('the relay started')
}

test('a busy port is told with the way out, and the storage is free again', async () => {
  await using relay = await startTestRelay()
  using data = newFolder()
  const error = await failure({ port: portOf(relay.url), data: data.path })
  expect(error).toBeInstanceOf(ListenError)
  expect(error.message).toBe(`Port ${portOf(relay.url)} on 127.0.0.1 is taken`)
  expect(error.hint).toContain(`--port ${portOf(relay.url) + 1}`)
  await (await startTestRelay({ data: data.path })).drain()
  await expectExchange(relay.url)
})

test('a host that is not here is told', async () => {
  expect((await failure({ host: '192.0.2.1' })).hint).toContain('--host')
})

test('a trusted proxy that is no address is told', async () => {
  expect((await failure({ trustedProxies: ['proxy.internal'] })).message).toContain('"proxy.internal"')
})

test.each(['cert', 'key'] as const)('a missing --%s is told with the path', async missing => {
  using folder = newFolder()
  const files = { ...newCertificate(folder, 'relay'), [missing]: folder.at('nowhere.pem') }
  const error = await failure(files)
  expect(error).toBeInstanceOf(ListenError)
  expect(error.message).toContain('nowhere.pem')
  expect(error.hint).toContain(`--${missing}`)
})

test('certificate files that are none are told', async () => {
  using folder = newFolder()
  const { cert, key } = newCertificate(folder, 'relay')
  writeFileSync(cert, 'not a certificate')
  expect((await failure({ cert, key })).hint).toContain('--cert')
})

test('a certificate that does not fit its key is told', async () => {
  using folder = newFolder()
  const [one, two] = [newCertificate(folder, 'one'), newCertificate(folder, 'two')]
  expect((await failure({ cert: one.cert, key: two.key })).hint).toContain('--cert')
})

test('a reload of damaged certificate files fails in words and keeps the certificate in use', async () => {
  using folder = newFolder()
  const files = newCertificate(folder, 'one')
  const relay = await startRelay(testConfig(files))
  expect(await nameShown(relay.url)).toBe('one')
  writeFileSync(files.cert, 'not a certificate')
  expect(() => relay.reloadTls()).toThrow(ListenError)
  expect(await nameShown(relay.url)).toBe('one')
  const { cert, key } = newCertificate(folder, 'two')
  renameSync(cert, files.cert)
  renameSync(key, files.key)
  relay.reloadTls()
  expect(await nameShown(relay.url)).toBe('two')
  await relay.drain()
})

test('sessions that do not say goodbye are noted before the storage closes', async () => {
  const errors: string[] = []
  const log = createLogger({
    level: 'error',
    format: 'json',
    destination: {
      write: line => {
        errors.push(line)
      },
    },
  })
  const relay = await startRelay(testConfig({ drainMs: 50 }), { log })
  const url = `ws://127.0.0.1:${relay.port}`
  const wires = await Promise.all(Array.from({ length: 100 }, (_, i) => login(url, `a${i}`, { key: newKey() })))
  for (const wire of wires) wire.pause()
  await relay.drain()
  // What comes too late comes with the next turns of the event loop.
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(errors).toEqual([])
  for (const wire of wires) await wire[Symbol.asyncDispose]()
})

test('a second relay on the same data is told, and the first goes on', async () => {
  using data = newFolder()
  await using first = await startTestRelay({ data: data.path })
  const error = await failure({ data: data.path })
  expect(error).toBeInstanceOf(StorageError)
  expect(error.hint).toBe(isOnPostgres
    ? 'Stop it first: only those that hear each other (--nats) can run together.'
    : 'Another process holds the database: stop it, or give another --data directory.')
  await expectExchange(first.url)
})

/** As if the disk were full: SQLite may not make its file larger, and PostgreSQL finds no room for a channel and for a long text. */
const fillDisk = (relay: TestRelay) =>
  run(relay, ...isOnPostgres
    ? [
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`,
      'CREATE TRIGGER full_disk BEFORE INSERT ON channels FOR EACH ROW EXECUTE FUNCTION full_disk()',
      'CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW WHEN (length(NEW.text) > 10000) EXECUTE FUNCTION full_disk()',
    ]
    : ['PRAGMA max_page_count = 1'])
const freeDisk = (relay: TestRelay) => run(relay, isOnPostgres ? 'DROP FUNCTION full_disk() CASCADE' : 'PRAGMA max_page_count = 1000000')
const run = ({ store }: TestRelay, ...statements: readonly string[]) =>
  store.write(async tx => {
    for (const statement of statements) await sql.raw(statement).execute(tx.tables() as Kysely<unknown>)
  })

test('on a full disk writes are refused as such, reads go on, nothing acknowledged is lost, and it heals by itself', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  const key = newKey()
  const large = 'x'.repeat(100_000)
  await using ann = await relay.login('ann', { key })
  await using bob = await relay.login('bob')
  await ann.ask({ type: 'MSG', to: '#general', content: 'before' }, 'ACK')
  await fillDisk(relay)
  const refused = { code: 'STORAGE_UNAVAILABLE', retry_after_ms: 1_000 }
  expect(await ann.refusal({ type: 'MSG', id: 'large', to: '#general', content: large })).toMatchObject(refused)
  expect(await ann.refusal({ type: 'MSG', to: bob.id, content: large })).toMatchObject(refused)
  // A batch of several: those that fit are stored, each of the others is refused.
  ann.send(...Array.from({ length: 5 }, (_, i) => ({ type: 'MSG', id: `batch-${i}`, to: '#general', content: large })))
  for (let i = 0; i < 5; i++) expect(await ann.next('ERROR')).toMatchObject({ re: `batch-${i}`, ...refused })
  expect((await bob.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events).toMatchObject([{ content: 'before', seq: 1 }])
  await bob.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
  await bob.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
  await freeDisk(relay)
  expect(await ann.ask({ type: 'MSG', id: 'large', to: '#general', content: large }, 'ACK')).toMatchObject({ seq: 2 })
  expect((await bob.take('MSG', 2)).map(message => message.seq)).toEqual([1, 2])
  await expectExchange(relay.url)
  await relay.drain()
  await using again = await startTestRelay({ data: data.path })
  await using reader = await again.login('reader')
  const { events } = await reader.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')
  expect(events.map(event => event.seq)).toEqual([1, 2, 3])
})

test('what a client sends while the storage fails and heals is stored in the order it was sent', async () => {
  await using relay = await startTestRelay()
  const client = new AgentChatClient({ server: relay.url, name: 'ann', transport: wsTransport })
  await client.connect()
  await client.join('#general')
  // The first message fails in its batch and again by itself; those behind it, on their way already, would fit.
  let failures = 2
  relay.store.tamper = method => {
    if (method === 'append' && failures-- > 0) throw new StorageError('disk full', 'free some space')
  }
  const acks = await Promise.all(['1', '2', '3', '4', '5'].map(content => client.send('#general', content)))
  expect(acks.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  await client.close()
})

test('whoever is answered goes on, though the next batch of the turn waits for the storage', async () => {
  await using relay = await startTestRelay()
  await using bob = await relay.login('bob')
  await using alice = await relay.connect()
  relay.store.tamper = (method, [event]) => {
    if (method === 'append' && (event as { stream: string }).stream === '#slow') relay.store.hold()
  }
  await bob.answer({ type: 'CREATE_CHANNEL', channel: '#slow' })
  // All of it waits together: a login and a JOIN, each the end of a batch, and behind them what the storage is slow to take.
  relay.store.hold()
  bob.send({ type: 'MSG', to: '#general', content: 'first' })
  await relay.store.reached()
  bob.send({ type: 'CREATE_CHANNEL', channel: '#other' }, { type: 'MSG', to: '#slow', content: 'slow' })
  alice.send({ type: 'IDENTIFY', name: 'alice' }, { type: 'PING', id: 'behind' })
  relay.store.release()
  await relay.store.reached()
  await alice.next('WELCOME')
  expect(await alice.next('PONG')).toMatchObject({ re: 'behind' })
  relay.store.tamper = undefined
  relay.store.release()
  expect((await bob.take('MSG', 2)).map(({ content }) => content)).toEqual(['first', 'slow'])
})

test('a client that the relay does not read, because the storage stands still, is not given up as silent', async () => {
  await using relay = await startTestRelay({ pingTimeoutMs: 60_000 })
  await using quiet = await relay.login('quiet')
  await using alice = await relay.login('alice')
  relay.store.hold()
  // A read waits for what was written before it, and what is behind it is not read.
  alice.send({ type: 'MSG', to: '#general', content: 'slow' }, { type: 'LIST_CHANNELS', id: 'behind' }, { type: 'PING', id: 'last' })
  await relay.store.reached()
  await expect.poll(() => relay.metric('agentchat_paused_sockets')).toBe(1)
  relay.clock.advance(61_000)
  expect(await quiet.closed()).toMatchObject({ code: 4002 })
  relay.store.release()
  expect(await alice.next('PONG')).toMatchObject({ re: 'last' })
})

test('a fault in telling of a stored message costs its sender the connection, and nobody the message', async () => {
  await using relay = await startTestRelay()
  await using bob = await relay.login('bob')
  const client = new AgentChatClient({ server: relay.url, name: 'ann', transport: wsTransport, reconnect: { minMs: 5, maxMs: 20 } })
  await client.connect()
  await client.join('#general')
  // The clock is read when the message is decided, and again for the answer: there it fails, once.
  const { clock } = relay
  relay.store.tamper = method => {
    if (method !== 'append') return
    relay.store.tamper = undefined
    clock.now = () => {
      // Not in a sweep, which may come between them.
      clock.now = () => {
        if (!new Error().stack!.includes('Sweeper')) {
          clock.now = () => Date.now()
          throw new Error('a bug')
        }
        return Date.now()
      }
      return Date.now()
    }
  }
  expect(await client.send('#general', 'once')).toMatchObject({ seq: 1, duplicate: true })
  await bob.barrier()
  expect(bob.heard.filter(({ type }) => type === 'MSG')).toMatchObject([{ content: 'once' }])
  await client.close()
})

test('on a full disk also the writes of features are refused as such', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, maxChannelsPerAgent: 0, maxChannelsPerAddress: 0 })
  await using ann = await relay.login('ann', { key: newKey() })
  await fillDisk(relay)
  // Channels until the pages at hand are full.
  let answer: Frame
  let count = 0
  do {
    ann.send({ type: 'CREATE_CHANNEL', channel: `#c${count}`, description: 'd'.repeat(1_000) })
    answer = await ann.next()
  } while (answer.type === 'JOINED' && ++count < 200)
  expect(answer).toMatchObject({ type: 'ERROR', code: 'STORAGE_UNAVAILABLE' })
  expect(Object.keys(await metricsOf(relay.httpUrl))).not.toContain('agentchat_errors_sent_total{code="INTERNAL"}')
  await freeDisk(relay)
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
  await expectExchange(relay.url)
})
