// Retention and erasure as clients meet them: what is gone is said to be gone, and numbering goes on.
import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../src/app.ts'
import { RetentionSweep } from '../src/features/operate/keeping/retention.ts'
import { eraseSome } from '../src/store/keeping.ts'
import { keysForgottenAtOnce } from '../src/store/log-rows.ts'
import { tracesOf } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const adminKey = 'open sesame'
const say = (wire: Wire, content: string, more: Record<string, unknown> = {}) =>
  wire.ask({ type: 'MSG', to: '#general', content, ...more }, 'ACK')
const history = (wire: Wire, of: Record<string, unknown> = { channel: '#general' }) =>
  wire.ask({ type: 'HISTORY', ...of, after: 0 }, 'HISTORY')
const forever = { ageMs: 0, count: 0, bytes: 0 }

/** Holds the log to limits until nothing is over them, as the relay does once a second. */
const sweep = async (relay: TestRelay, policy: Partial<typeof forever> = {}): Promise<void> => {
  const retention = new RetentionSweep({ ...forever, ...policy })
  while ((await relay.store.write(tx => retention.run(tx, relay.clock.now()))).worked) continue
}

describe('retention', () => {
  test('a client that was away too long is told so, and gets what is there', async () => {
    await using relay = await startTestRelay()
    await using alice = await relay.login('alice')
    for (let i = 1; i <= 10; i++) await say(alice, `${i}`)
    await sweep(relay, { count: 4 })
    await using bob = await relay.login('bob', { autojoin: false })
    const away = await bob.ask({ type: 'JOIN', channel: '#general', since: 3 }, 'JOINED')
    expect(away).toMatchObject({ recovered: false, oldest: 7, seq: 10 })
    expect((await bob.take('MSG', 4)).map(({ seq }) => seq)).toEqual([7, 8, 9, 10])
    await bob.ask({ type: 'LEAVE', channel: '#general' }, 'LEFT')
    expect(await bob.ask({ type: 'JOIN', channel: '#general', since: 6 }, 'JOINED')).toMatchObject({ recovered: true, oldest: 7 })
    expect(await history(bob)).toMatchObject({ oldest: 7, seq: 10, more: false })
  })

  test('the newest stays as a place, also over a restart, and is not touched again', async () => {
    using data = newFolder()
    {
      await using relay = await startTestRelay({ data: data.path })
      await using alice = await relay.login('alice')
      for (let i = 1; i <= 3; i++) await say(alice, `${i}`)
      relay.clock.advance(60_000)
      await sweep(relay, { ageMs: 30_000 })
      expect((await history(alice)).events).toEqual([expect.objectContaining({ seq: 3, content: '', erased: true, from: alice.id })])
    }
    await using relay = await startTestRelay({ data: data.path })
    await using bob = await relay.login('bob')
    expect((await say(bob, '4')).seq).toBe(4)
  })

  test('bytes are counted on, and anew after an erasure', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    for (let i = 0; i < 20; i++) await say(alice, 'x'.repeat(1_000))
    await sweep(relay, { bytes: 100_000 })
    expect((await history(alice)).events).toHaveLength(20)
    for (let i = 0; i < 10; i++) await say(alice, 'x'.repeat(1_000))
    await sweep(relay, { bytes: 12_500 })
    const { events, oldest } = await history(alice)
    expect(events.length).toBe(30 - oldest + 1)
    expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(13_000)
    expect(Buffer.byteLength(JSON.stringify(events))).toBeGreaterThan(11_000)
    await alice.ask({ type: 'ERASE' }, 'ERASED')
    await sweep(relay, { bytes: 12_500 })
    expect((await history(alice)).oldest).toBe(oldest)
  })

  test('each channel by its own limits, where it has some', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using alice = await relay.login('alice')
    const set = (channel: string, limits: object) =>
      alice.ask({ type: 'SET_RETENTION', admin_key: adminKey, channel, ...limits }, 'RETENTION')
    await set('#general', { count: 0 })
    await set('#help', { count: 2 })
    for (const to of ['#general', '#help', '#agents']) for (let i = 1; i <= 5; i++) await say(alice, `${i}`, { to })
    await sweep(relay, { count: 3 })
    const kept = async (channel: string) => (await history(alice, { channel })).events.length
    expect([await kept('#general'), await kept('#help'), await kept('#agents')]).toEqual([5, 2, 3])
    // A field that is left out goes back to the default.
    await set('#help', {})
    for (let i = 1; i <= 5; i++) await say(alice, `${i}`, { to: '#help' })
    await sweep(relay, { count: 3 })
    expect(await kept('#help')).toBe(3)
  })

  test('a message that goes before it was received is told as expired; inbox numbering goes on', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await (await relay.login('bob', { key })).close()
    await using alice = await relay.login('alice')
    const first = await say(alice, 'never read', { to: key.id, receipts: true })
    await say(alice, 'nor this', { to: key.id })
    relay.clock.advance(60_000)
    await say(alice, 'this one', { to: key.id })
    await sweep(relay, { ageMs: 30_000 })
    expect((await relay.store.read.log.inboxHead(key.id)).seq).toBe(3)
    await using bob = await relay.login('bob', { key, inbox: 'manual' })
    expect((await bob.next('MSG')).content).toBe('this one')
    expect((await bob.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items.map(({ seq }) => seq)).toEqual([3])
    relay.clock.advance(60_000)
    await sweep(relay, { ageMs: 30_000 })
    expect((await bob.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items).toEqual([])
    await say(alice, 'later', { to: key.id })
    expect((await relay.store.read.log.inboxHead(key.id)).seq).toBe(4)
    expect(await alice.refusal({ type: 'STATUS', msg_id: first.msg_id })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  })

  test('the relay sweeps by itself, and tells the author', async () => {
    await using relay = await startTestRelay({ retentionAgeMs: 30_000 })
    const key = newKey()
    await (await relay.login('bob', { key })).close()
    await using alice = await relay.login('alice')
    await say(alice, 'never read', { to: key.id, receipts: true })
    relay.clock.advance(60_000)
    expect((await alice.next('STATUS')).recipients).toMatchObject([{ agent: key.id, state: 'expired' }])
  })

  test('a backlog goes in bounded pieces', async () => {
    await using relay = await startTestRelay()
    relay.clock.stop()
    await relay.store.write(async tx => {
      for (let i = 0; i < 1_300; i++)
        void tx.log.append({ stream: '#big', author: '@a' }, 1, ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq })))
    })
    const retention = new RetentionSweep({ ...forever, count: 10 })
    const left: number[] = []
    for (let i = 0; i < 4; i++) {
      await relay.store.write(tx => retention.run(tx, 2))
      const { seq, oldest } = await relay.store.read.log.head('#big')
      left.push(seq - oldest + 1)
    }
    expect(left).toEqual([1_050, 800, 550, 300])
  })
})

describe('erasure', () => {
  test("takes an agent's words out of channels, conversations and inboxes, and nobody else's", async () => {
    await using relay = await startTestRelay()
    relay.clock.stop()
    const [mine, theirs] = [newKey(), newKey()]
    await (await relay.login('bob', { key: theirs })).close()
    await using alice = await relay.login('alice', { key: mine })
    await using carol = await relay.login('carol')
    await say(alice, 'public secret', { sig: 'x', ts: 1 })
    await say(carol, 'what she said')
    await say(alice, 'private secret', { to: theirs.id, receipts: true })
    expect(await alice.ask({ type: 'ERASE' }, 'ERASED')).toMatchObject({ agent: mine.id, events: 2 })
    expect(await alice.next('STATUS')).toMatchObject({ recipients: [{ state: 'expired' }] })
    expect((await history(carol)).events).toEqual([
      {
        type: 'MSG',
        ts: expect.any(Number),
        from: mine.id,
        from_name: '',
        to: '#general',
        content: '',
        msg_id: expect.any(String),
        seq: 1,
        erased: true,
        hash: expect.stringMatching(/^[\w+/]{43}=$/),
      },
      expect.objectContaining({ content: 'what she said', seq: 2 }),
    ])
    await using bob = await relay.login('bob', { key: theirs })
    await bob.hearsNothing()
    expect((await history(bob, { with: mine.id })).events).toMatchObject([{ erased: true, content: '' }])
    // What is said afterwards is said.
    expect((await say(alice, 'again')).seq).toBe(3)
    expect(await alice.ask({ type: 'ERASE' }, 'ERASED')).toMatchObject({ events: 1 })
  })

  test('a repeat of an erased message is a repeat, whatever it says now', async () => {
    await using relay = await startTestRelay()
    await using alice = await relay.login('alice', { key: newKey() })
    const first = await alice.ask({ type: 'MSG', id: 'k', to: '#general', content: 'one' }, 'ACK')
    await alice.ask({ type: 'ERASE' }, 'ERASED')
    expect(await alice.ask({ type: 'MSG', id: 'k', to: '#general', content: 'one' }, 'ACK')).toMatchObject({
      duplicate: true,
      seq: first.seq,
      msg_id: first.msg_id,
    })
    expect((await history(alice)).events).toMatchObject([{ erased: true }])
  })

  test('others write and read while a long one runs; it ends though its asker has gone', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    await using bob = await relay.login('bob')
    const total = 20_000
    await relay.store.write(async tx => {
      for (let i = 0; i < total; i++)
        void tx.log.append({ stream: '#big', author: key.id }, 1,
          ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq, content: 'secret' })))
    })
    alice.send({ type: 'ERASE' })
    await say(bob, 'between')
    expect(await relay.store.write(tx => tx.keep.erasureUnderWay())).toBe(key.id)
    await alice.close()
    while (await relay.store.write(tx => tx.keep.erasureUnderWay()) !== undefined) await bob.barrier()
    const left = await relay.store.read.tables<{ events: { text: Buffer } }>().selectFrom('events').select('text').execute()
    expect(left.filter(({ text }) => text.includes('secret'))).toEqual([])
  })

  test('one that a restart interrupted goes on by itself', async () => {
    using data = newFolder()
    const key = newKey()
    {
      await using relay = await startTestRelay({ data: data.path })
      await using alice = await relay.login('alice', { key })
      for (let i = 0; i < 5; i++) await say(alice, 'secret')
      await relay.store.write(tx => tx.keep.beginErasure(key.id))
    }
    await using relay = await startTestRelay({ data: data.path })
    await using bob = await relay.login('bob')
    while (await relay.store.write(tx => tx.keep.erasureUnderWay()) !== undefined) await bob.barrier()
    expect((await history(bob)).events.map(({ content }) => content)).toEqual(Array(5).fill(''))
  })

  test('leaves nothing in the files', async () => {
    using data = newFolder()
    const key = newKey()
    {
      await using relay = await startTestRelay({ data: data.path })
      await using alice = await relay.login('alice', { key })
      for (let i = 0; i < 50; i++) await say(alice, `quite-a-secret ${'x'.repeat(i * 200)}`)
      expect(await tracesOf(data.path, 'quite-a-secret')).not.toEqual([])
      await alice.ask({ type: 'ERASE' }, 'ERASED')
    }
    expect(await tracesOf(data.path, 'quite-a-secret')).toEqual([])
  })

  test('large texts are taken few at a time', async () => {
    await using relay = await startTestRelay()
    relay.clock.stop()
    await relay.store.write(async tx => {
      for (let i = 0; i < 6; i++)
        void tx.log.append({ stream: '#big', author: '@a' }, 1,
          ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq, content: 'x'.repeat(1_500_000) })))
      await tx.keep.beginErasure('@a')
    })
    const counts: number[] = []
    for (let done = false; !done;) {
      const step = await relay.store.write(tx => eraseSome(tx, '@a', 1))
      counts.push(step.events)
      done = step.done
    }
    expect(counts).toEqual([3, 6, 6])
  })
})

test('by default everything is kept', () => {
  expect(defaultConfig()).toMatchObject({ retentionAgeMs: 0, retentionCount: 0, retentionBytes: 0, publishWindowMs: 86_400_000 })
})

test('a publish key is remembered for its window', async () => {
  await using relay = await startTestRelay({ publishWindowMs: 5_000 })
  await using alice = await relay.login('alice', { key: newKey() })
  const send = () => alice.ask({ type: 'MSG', id: 'k', to: '#general', content: 'one' }, 'ACK')
  await send()
  expect((await send()).duplicate).toBe(true)
  relay.clock.advance(120_000)
  let ack = await send()
  while (ack.duplicate) ack = await send()
  expect(ack.seq).toBe(2)
})

test('keys that are old are all forgotten, however many were stored since the last time', async () => {
  await using relay = await startTestRelay({ publishWindowMs: 5_000 })
  const isKept = (id: number) => relay.store.write(tx => tx.log.isPublished({ agent: '@a', id: String(id) }))
  await relay.store.write(tx => {
    for (let id = 0; id < 2 * keysForgottenAtOnce; id++)
      void tx.log.append({ stream: '#general', author: '@a', key: { agent: '@a', id: String(id) } }, 1_000,
        ({ seq, ts }) => Buffer.from(JSON.stringify({ type: 'MSG', ts, seq, content: 'x' })))
  })
  // By their names: 9999 is the last to go.
  expect(await isKept(9_999)).toBe(true)
  relay.clock.advance(61_000)
  await expect.poll(() => isKept(9_999), { timeout: 20_000 }).toBe(false)
})
