// The quota of the data directory, with real files: what goes, what is refused, what is told, and that freed room is used again.
import { readdirSync, rmSync, statSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createLogger } from '../src/base/log.ts'
import { createMetrics } from '../src/base/metrics.ts'
import { TrimmingSweep } from '../src/features/operate/keeping/trimming.ts'
import { featureMigrations } from '../src/features/index.ts'
import { Quota } from '../src/relay/quota.ts'
import { agentMigrations } from '../src/store/agents.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import type { Store } from '../src/store/store.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const MiB = 1024 ** 2
const bytesOf = (folder: string) => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)

/** A log that notes what it is told. */
const newLog = () => {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  return { lines, log: createLogger({ level: 'info', format: 'json', destination }) }
}

const open = (data: string, maxDataBytes: number | undefined): Store =>
  openSqlite({
    data,
    durability: 'normal',
    migrations: [agentMigrations, ...featureMigrations],
    maxDataBytes,
    newEpoch: () => '0'.repeat(16),
  })

const say = (store: Store, streams: readonly string[], bytes: number, now: number) =>
  store.write(async tx => {
    for (const stream of streams) {
      await tx.log.append({ stream, author: '@ann' }, now,
        ({ seq, msgId }) => Buffer.from(JSON.stringify({ type: 'MSG', seq, msg_id: msgId, to: stream, content: 'x'.repeat(bytes) })))
    }
  })
const streams = (count: number, of: number) => Array.from({ length: count }, (_, i) => `#c${i % of}`)

describe('letting go of the oldest', () => {
  test('however much is said, the files stay within the quota: what was freed is used again', async () => {
    using folder = newFolder()
    const maxDataBytes = 16 * MiB
    const store = open(folder.path, maxDataBytes)
    const metrics = createMetrics()
    const { log, lines } = newLog()
    const quota = new Quota({ store, log, counts: metrics.counts })
    const trimming = new TrimmingSweep()
    let most = 0
    for (let second = 1; second <= 45; second++) {
      await say(store, streams(10, 3), 100_000, second)
      await quota.measure()
      while ((await store.write(tx => trimming.run(tx, second, quota))).worked) continue
      most = Math.max(most, bytesOf(folder.path))
    }
    // Three times the quota was said.
    expect(most).toBeLessThan(maxDataBytes)
    expect(most).toBeGreaterThan(maxDataBytes * 0.5)
    const heads = await Promise.all([0, 1, 2].map(i => store.read.log.head(`#c${i}`)))
    // The oldest went, wherever they stood: what is left began at the same time everywhere.
    for (const { seq, oldest } of heads) expect(seq - oldest).toBeGreaterThan(10)
    const oldestTs = await Promise.all([0, 1, 2].map(async i => {
      const [first] = await store.read.log.page(`#c${i}`, { after: 0, limit: 1, maxBytes: MiB })
      return first!.seq
    }))
    expect(Math.max(...oldestTs) - Math.min(...oldestTs)).toBeLessThan(150)
    expect(metrics.counts.messagesTrimmed).toBeGreaterThan(300)
    expect(lines.map(line => line['msg'])).toEqual(expect.arrayContaining([
      'the data nears its quota: the oldest messages go',
      'the oldest messages went',
    ]))
    const told = lines.filter(line => line['msg'] === 'the oldest messages went').reduce((sum, line) => sum + Number(line['messages']), 0)
    expect(told).toBeGreaterThan(250)
    metrics.close()
    await store.close()
  }, 30_000)

  test('a turn takes a bounded number, what agents agreed stays, the newest of a stream stays as a place, and then there is rest',
    async () => {
      const store = open(':memory:', undefined)
      await say(store, ['deal'], 1_000, 1)
      await say(store, streams(1_000, 250), 1_000, 1)
      const trimming = new TrimmingSweep()
      const gone: { readonly events: number, readonly isAll: boolean }[] = []
      const quota = {
        excessBytes: Infinity,
        trimmed: ({ events }: { readonly events: number }, isAll: boolean) => void gone.push({ events, isAll }),
      }
      while ((await store.write(tx => trimming.run(tx, 1, quota))).worked) continue
      expect(Math.max(...gone.map(({ events }) => events))).toBeLessThanOrEqual(100)
      expect(gone.reduce((sum, { events }) => sum + events, 0)).toBe(1_000)
      expect(gone.at(-1)).toEqual({ events: 0, isAll: true })
      // Nothing is looked at again until a minute has gone.
      const turns = gone.length
      await store.write(tx => trimming.run(tx, 59_000, quota))
      expect(gone).toHaveLength(turns)
      const texts = async (stream: string) =>
        (await store.read.log.page(stream, { after: 0, limit: 10, maxBytes: MiB })).map(({ text }) => text.toString())
      expect(await texts('deal')).toEqual([expect.stringContaining('xxx')])
      expect(await texts('#c0')).toEqual([expect.stringContaining('"erased":true')])
      await say(store, ['#c0'], 10, 2)
      expect((await store.read.log.head('#c0')).seq).toBe(5)
      await store.write(tx => trimming.run(tx, 62_000, quota))
      expect(gone.length).toBeGreaterThan(turns)
      await store.close()
    }, 30_000)
})

describe('what is measured', () => {
  test('the write-ahead log and other files count, free pages do not', async () => {
    using folder = newFolder()
    const store = open(folder.path, 0)
    await say(store, ['#c'], 2 * MiB, 1)
    const { usedBytes, quotaBytes, freeBytes } = await store.space()
    const walBefore = statSync(folder.at('agentchat.db-wal')).size
    expect(walBefore).toBeGreaterThan(2 * MiB)
    expect(usedBytes).toBeGreaterThan(4 * MiB)
    expect(quotaBytes).toBe(Infinity)
    expect(freeBytes).toBeGreaterThan(0)
    writeFileSync(folder.at('notes.txt'), 'x'.repeat(MiB))
    expect((await store.space()).usedBytes - usedBytes).toBe(MiB)
    await store.write(tx => new TrimmingSweep().run(tx, 1, { excessBytes: Infinity, trimmed: () => undefined }))
    const wal = statSync(folder.at('agentchat.db-wal')).size
    const after = await store.space()
    expect(after.usedBytes - MiB - wal).toBeLessThan(usedBytes - walBefore - 1.8 * MiB)
    expect(after.reservedBytes).toBe(16_384 * 4_096 + 4 * MiB - wal)
    await store.close()
  })

  test('unless it is set, the quota is four fifths of the volume', async () => {
    using folder = newFolder()
    const store = open(folder.path, undefined)
    const { blocks, bsize } = statfsSync(folder.path)
    expect((await store.space()).quotaBytes).toBe(blocks * bsize * 0.8)
    await store.close()
  })
})

/** A file in the directory, so that a part of the quota is left: no message that goes makes up for it. */
const leave = async ({ store }: TestRelay, file: string, part: number) => {
  rmSync(file, { force: true })
  const { usedBytes, reservedBytes, quotaBytes } = await store.space()
  writeFileSync(file, Buffer.alloc(Math.floor(quotaBytes * (1 - part) - usedBytes - reservedBytes)))
}
const health = async (relay: TestRelay) => await (await fetch(`${relay.httpUrl}/health`)).json() as { status: string, reason?: string }
const until = async (relay: TestRelay, condition: (now: Awaited<ReturnType<typeof health>>) => boolean) => {
  let now = await health(relay)
  while (!condition(now)) {
    await new Promise(resolve => setTimeout(resolve, 50))
    now = await health(relay)
  }
  return now
}
const msg = (content: string, more: object = {}) => ({ type: 'MSG', to: '#general', content, ...more })

describe('a relay near its quota', () => {
  test('tells so before anything goes or is refused; then refuses large writers, then all; what makes room is done; it heals', async () => {
    using folder = newFolder()
    const { log, lines } = newLog()
    await using relay = await startTestRelay({ data: folder.path, maxDataBytes: 20 * MiB }, { log })
    const key = newKey()
    await using ann = await relay.login('ann', { key })
    await using bob: Wire = await relay.login('bob')
    const large = 'x'.repeat(20_000)
    await ann.ask(msg('before', { id: 'first' }), 'ACK')
    await ann.ask(msg(large, { id: 'large' }), 'ACK')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    expect(await health(relay)).toMatchObject({ status: 'healthy' })
    expect(await relay.metric('agentchat_data_bytes')).toBeGreaterThan(0)
    expect(await relay.metric('agentchat_data_quota_bytes')).toBe(20 * MiB)
    const file = folder.at('notes.bin')

    await leave(relay, file, 0.18)
    expect((await until(relay, ({ status }) => status === 'degraded')).reason).toMatch(
      /^\d+ MiB of data and \d MiB for its write-ahead log, of 20 MiB that there may be \(maxDataBytes\)$/,
    )
    await ann.ask(msg(large), 'ACK')

    await leave(relay, file, 0.04)
    expect((await until(relay, ({ reason }) => reason?.includes('large') === true)).reason).toMatch(/large messages are refused$/)
    ann.send(msg(large, { id: 'a' }), msg('behind it', { id: 'b' }))
    expect(await ann.next('ERROR')).toMatchObject({
      re: 'a',
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('maxDataBytes'),
      retry_after_ms: 5_000,
    })
    // Nothing overtakes what was refused before.
    expect(await ann.next('ERROR')).toMatchObject({ re: 'b', code: 'STORAGE_UNAVAILABLE' })
    await ann.barrier()
    await ann.ask(msg('small'), 'ACK')
    // What is stored already is told as such.
    expect(await ann.ask(msg(large, { id: 'large' }), 'ACK')).toMatchObject({ duplicate: true })

    await leave(relay, file, 0.01)
    await until(relay, ({ reason }) => / messages are refused$/.test(reason ?? '') && !reason!.includes('large'))
    expect((await bob.refusal(msg('small'))).message).toBe('No room is left for data (maxDataBytes, or the disk); nothing was stored')
    await bob.barrier()
    expect((await bob.refusal({ type: 'CREATE_CHANNEL', channel: '#more' })).code).toBe('STORAGE_UNAVAILABLE')
    await bob.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
    await bob.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')
    await ann.ask({ type: 'FILE_CHUNK', to: bob.id, content: large }, 'OK')
    await ann.ask({ type: 'DELETE_CHANNEL', channel: '#room' }, 'OK')
    await ann.ask({ type: 'ERASE' }, 'ERASED')

    rmSync(file)
    await until(relay, ({ status }) => status === 'healthy')
    await bob.ask(msg(large), 'ACK')
    const reached = lines.filter(({ msg: text }) => text === 'little room is left for data').map(line => line['reached'])
    expect(reached).toEqual(['near', 'short', 'full'])
    const left = lines.filter(({ msg: text }) => text === 'there is more room for data')
    expect(left.length).toBeGreaterThan(0)
    expect(left.at(-1)).not.toHaveProperty('reached')
    // The oldest messages went before any was refused for good.
    expect(await relay.metric('agentchat_messages_trimmed_total')).toBeGreaterThan(0)
  }, 30_000)

  test('a flood is taken at the pace at which the oldest goes, and the files stay within the quota', async () => {
    using folder = newFolder()
    const maxDataBytes = 16 * MiB
    await using relay = await startTestRelay({ data: folder.path, maxDataBytes }, { pace: { sweepMs: 100 } })
    await using ann = await relay.login('ann')
    const content = 'x'.repeat(200_000)
    let most = 0
    let refused = 0
    for (let sent = 0; sent < 70;) {
      const answer = await ann.answer(msg(content))
      if (answer.type === 'ACK') sent++
      else {
        expect(answer).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
        refused++
        await new Promise(resolve => setTimeout(resolve, 100))
      }
      most = Math.max(most, bytesOf(folder.path))
    }
    expect(refused).toBeGreaterThan(0)
    expect(most).toBeLessThan(maxDataBytes)
    const { oldest, seq } = await ann.ask({ type: 'HISTORY', channel: '#general', before: Number.MAX_SAFE_INTEGER, limit: 1 }, 'HISTORY')
    expect(seq).toBe(70)
    expect(oldest).toBeGreaterThan(20)
  }, 60_000)
})

test('with no quota nothing is counted against it', async () => {
  using folder = newFolder()
  await using relay = await startTestRelay({ data: folder.path, maxDataBytes: 0 })
  expect(await relay.metric('agentchat_data_quota_bytes')).toBe(0)
  expect(await relay.metric('agentchat_data_bytes')).toBeGreaterThan(0)
  expect(await health(relay)).toMatchObject({ status: 'healthy' })
})
