// Workers of one agent that claim, extend, finish, give up, give back, come late and die, in any order: an entry is one worker's at a time,
// nobody finishes what is not its own, the cursor never passes what is open, and every message ends in a final state that its sender can ask for.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { work } from '../lib/index.ts'
import { breakable, newClient } from './kit/client.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { identityOf, newKey, signWith, type Wire } from './kit/wire.ts'

const alone = { channels: ['#general'], autoJoin: [], verifiedChannels: [], drainMs: 50 }

type Step =
  | { readonly kind: 'say' }
  | { readonly kind: 'claim', readonly worker: number, readonly limit: number, readonly leaseMs: number }
  | { readonly kind: 'extend' | 'done' | 'fail' | 'unclaim', readonly pick: number }
  | { readonly kind: 'die', readonly worker: number }
  | { readonly kind: 'wait', readonly ms: number }
  | { readonly kind: 'requeue' | 'drop', readonly pick: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('say' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      worker: fc.nat(2),
      limit: fc.integer({ min: 1, max: 3 }),
      leaseMs: fc.constantFrom(1_000, 3_000, 10_000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('extend' as const, 'done', 'fail', 'unclaim'), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), worker: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(500, 1_000, 4_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('requeue' as const, 'drop'), pick: fc.nat() }) },
)

/** A lease as a worker was given it. */
interface Given {
  readonly seq: number
  readonly lease: string
  until: number
  isUsed: boolean
}

const play = async (relay: TestRelay, steps: readonly Step[]): Promise<void> => {
  const bob = newKey()
  const workers: Wire[] = []
  const started = async (worker: number) => relay.login('bob', { key: bob, inbox: 'manual', session: `w${worker}` })
  for (let i = 0; i < 3; i++) workers.push(await started(i))
  await using alice = await relay.login('alice')
  /** By inbox number. */
  const sent: string[] = []
  const given: Given[] = []
  const over = new Map<number, 'read' | 'failed'>()
  const now = () => relay.clock.now()
  const heldAt = (seq: number) => given.find(each => each.seq === seq && !each.isUsed && each.until > now())
  for (const each of steps) {
    switch (each.kind) {
      case 'say':
        sent.push((await alice.ask({ type: 'MSG', to: bob.id, content: `m${sent.length}` }, 'ACK')).msg_id)
        break
      case 'claim': {
        const { items } = await workers[each.worker]!.ask({ type: 'CLAIM', limit: each.limit, lease_ms: each.leaseMs }, 'CLAIMED')
        for (const { seq, lease, until, event, attempt } of items) {
          expect(event).toMatchObject({ msg_id: sent[seq - 1] })
          expect(heldAt(seq), `entry ${seq} held twice`).toBeUndefined()
          expect(over.has(seq), `entry ${seq} was over`).toBe(false)
          expect(attempt).toBeLessThanOrEqual(5)
          given.push({ seq, lease, until, isUsed: false })
        }
        break
      }
      case 'extend':
      case 'done':
      case 'fail':
      case 'unclaim': {
        const lease = given[each.pick % Math.max(1, given.length)]
        if (lease === undefined) break
        const { lease: id } = lease
        const asked = each.kind === 'extend'
          ? { type: 'EXTEND', lease: id, lease_ms: 5_000 }
          : each.kind === 'unclaim'
          ? { type: 'UNCLAIM', lease: id }
          : { type: 'DONE', lease: id, outcome: each.kind === 'done' ? 'read' : 'failed' }
        const answer = await workers[0]!.answer(asked)
        const isHeld = !lease.isUsed && lease.until > now()
        expect(answer).toMatchObject(isHeld ? { type: 'OK' } : { type: 'ERROR', code: 'LEASE_OVER' })
        if (!isHeld) break
        if (each.kind === 'extend') lease.until = now() + 5_000
        else lease.isUsed = true
        if (each.kind === 'done') over.set(lease.seq, 'read')
        if (each.kind === 'fail') over.set(lease.seq, 'failed')
        break
      }
      case 'requeue':
      case 'drop': {
        const { items } = await workers[0]!.ask({ type: 'LEASES', state: 'failed' }, 'LEASES')
        const failed = items[each.pick % Math.max(1, items.length)]
        if (failed === undefined) break
        await workers[0]!.ask({ type: each.kind === 'drop' ? 'DROP' : 'REQUEUE', seq: failed.seq }, 'OK')
        if (each.kind === 'requeue') over.delete(failed.seq)
        break
      }
      case 'die':
        await workers[each.worker]!.close()
        workers[each.worker] = await started(each.worker)
        break
      case 'wait':
        relay.clock.advance(each.ms)
    }
    const { cursor = 0 } = await workers[0]!.ask({ type: 'INBOX', limit: 1, since: 0 }, 'INBOX')
    const open = sent.findIndex((_, i) => heldAt(i + 1) !== undefined && !over.has(i + 1))
    // What failed once and is tried again may lie behind it.
    if (open >= 0 && !steps.some(({ kind }) => kind === 'requeue')) expect(cursor).toBeLessThanOrEqual(open)
  }
  // Whoever died is dead; one worker is left, and lets a minute go by now and then.
  for (let round = 0; round < 20; round++) {
    const { items, more, next_at: nextAt } = await workers[0]!.ask({ type: 'CLAIM', limit: 10 }, 'CLAIMED')
    for (const { lease, seq } of items) {
      await workers[0]!.ask({ type: 'DONE', lease }, 'OK')
      over.set(seq, 'read')
    }
    if (items.length === 0 && nextAt === undefined && !more) break
    relay.clock.advance(60_000)
  }
  const { cursor } = await workers[0]!.ask({ type: 'INBOX', limit: 1 }, 'INBOX')
  expect(cursor).toBe(sent.length)
  for (const [i, msg_id] of sent.entries()) {
    const { recipients: [fate] } = await alice.ask({ type: 'STATUS', msg_id }, 'STATUS')
    expect(['read', 'expired'], `entry ${i + 1}`).toContain(fate!.state)
    expect(fate!.state === 'expired').toBe(fate!.failed_at !== undefined)
    if (over.has(i + 1)) expect(fate!.state).toBe(over.get(i + 1) === 'read' ? 'read' : 'expired')
  }
  for (const worker of workers) await worker.close()
}

describe('leases', () => {
  test('no entry is held twice, none is lost, and each sender learns its end', async () => {
    await using relay = await startTestRelay(alone)
    relay.clock.stop()
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), steps => play(relay, steps)), {
      numRuns: Number(process.env['RUNS'] ?? (process.env['STORE'] === 'postgres' ? 5 : 15)),
      endOnFailure: true,
    })
  }, 120_000)

  test('every message to an agent ends, whatever becomes of it: by a worker, a reader, or its time', async () => {
    await using relay = await startTestRelay(alone)
    relay.clock.stop()
    const day = 24 * 60 * 60_000
    const message = fc.record({
      ttlMs: fc.constantFrom(undefined, undefined, 60_000),
      isMention: fc.boolean(),
      receipts: fc.boolean(),
      end: fc.constantFrom('nothing' as const, 'received', 'held', 'done', 'failed', 'unclaimed', 'done late'),
    })
    await fc.assert(fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 8 }), async messages => {
      const bob = newKey()
      await using worker = await relay.login('bob', { key: bob, inbox: 'manual' })
      await using alice = await relay.login('alice')
      await alice.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
      const ids: string[] = []
      for (const [i, { ttlMs, isMention, receipts }] of messages.entries()) {
        const where = isMention ? { to: '#general', content: `${i} ${bob.id}` } : { to: bob.id, content: `${i}` }
        const { msg_id } = await alice.ask({ type: 'MSG', ...where, receipts, ...(ttlMs !== undefined && { ttl_ms: ttlMs }) }, 'ACK')
        ids.push(msg_id)
        const { recipients, expires_at, stored_at } = await alice.ask({ type: 'STATUS', msg_id }, 'STATUS')
        expect(expires_at! - stored_at).toBe(ttlMs ?? 30 * day)
        expect(recipients).toMatchObject([{ agent: bob.id }])
      }
      const { items } = await worker.ask({ type: 'CLAIM', limit: 10, lease_ms: 3_600_000 }, 'CLAIMED')
      const finals = new Map<number, string>()
      const ended = async (i: number) => (await alice.ask({ type: 'STATUS', msg_id: ids[i]! }, 'STATUS')).recipients[0]!
      for (const [i, { end }] of messages.entries()) {
        const { lease } = items[i]!
        if (end === 'done') await worker.ask({ type: 'DONE', lease }, 'OK')
        if (end === 'failed') await worker.ask({ type: 'DONE', lease, outcome: 'failed' }, 'OK')
        if (end === 'unclaimed') await worker.ask({ type: 'UNCLAIM', lease }, 'OK')
        if (end === 'done') finals.set(i, 'read')
        if (end === 'failed') finals.set(i, 'expired')
      }
      // What was to be there for a minute only is over, and told to whoever holds it yet.
      relay.clock.advance(61_000)
      for (const [i, { ttlMs, end }] of messages.entries()) {
        if (ttlMs === undefined || finals.has(i)) continue
        await expect.poll(async () => (await ended(i)).state).toBe('expired')
        finals.set(i, 'expired')
        if (end === 'done late') expect(await worker.answer({ type: 'DONE', lease: items[i]!.lease })).toMatchObject({ code: 'LEASE_OVER' })
      }
      for (const [i, { end }] of messages.entries()) {
        if (finals.has(i)) continue
        if (end === 'done late') await worker.ask({ type: 'DONE', lease: items[i]!.lease }, 'OK')
        if (end === 'done late') finals.set(i, 'read')
      }
      const received = messages.findIndex(({ end }) => end === 'received')
      if (received >= 0) await worker.ask({ type: 'RECEIVED', seq: received + 1 }, 'OK')
      for (let i = 0; i <= received; i++) if (!finals.has(i)) finals.set(i, 'received')
      relay.clock.advance(30 * day)
      for (const i of ids.keys()) {
        await expect.poll(async () => (await ended(i)).state).toBe(finals.get(i) ?? 'expired')
        const { state, received_at, read_at, expired_at, failed_at } = await ended(i)
        // Each has the time of its end.
        expect(state === 'expired' ? expired_at ?? failed_at : state === 'read' ? read_at : received_at).toEqual(expect.any(Number))
      }
    }), { numRuns: Number(process.env['RUNS'] ?? (process.env['STORE'] === 'postgres' ? 3 : 12)), endOnFailure: true })
  }, 60_000)

  test('what the workers of an agent may hold is bounded, and told', async () => {
    await using relay = await startTestRelay({ ...alone, maxInbox: 1_000, maxInboxPerSender: 1_000 })
    const bob = newKey()
    await using worker = await relay.login('bob', { key: bob, inbox: 'manual' })
    await using alice = await relay.login('alice')
    for (let i = 0; i < 202; i++) await alice.ask({ type: 'MSG', to: bob.id, content: `${i}` }, 'ACK')
    for (const limit of [50, 50, 50, 30]) expect((await worker.ask({ type: 'CLAIM', limit }, 'CLAIMED')).items).toHaveLength(limit)
    // As many as there is room for.
    expect((await worker.ask({ type: 'CLAIM', limit: 50 }, 'CLAIMED')).items).toHaveLength(20)
    expect(await worker.refusal({ type: 'CLAIM', limit: 1 })).toMatchObject({ code: 'LIMIT_REACHED' })
    const { items } = await worker.ask({ type: 'LEASES', limit: 1 }, 'LEASES')
    expect(items).toMatchObject([{ seq: 1, state: 'held' }])
  })

  test('a worker whose oldest entry takes long does what it may behind that, waits, and goes on', async () => {
    await using relay = await startTestRelay({ ...alone, maxInbox: 1_000, maxInboxPerSender: 1_000 })
    const bob = newKey()
    await using client = newClient(relay, { identity: identityOf(bob), inbox: 'peek' })
    await client.connect()
    await using alice = await relay.login('alice')
    for (let i = 0; i < 203; i++) await alice.ask({ type: 'MSG', to: bob.id, content: `${i}` }, 'ACK')
    const done: number[] = []
    let end = () => {}
    const slow = new Promise<void>(resolve => end = resolve)
    const working = work(client, async ({ seq }) => {
      if (seq === 1) await slow
      done.push(seq)
    }, { concurrency: 4, maxJobs: 203 })
    await expect.poll(() => done.length, { timeout: 20_000 }).toBe(199)
    const refused = () => relay.metric('agentchat_errors_sent_total{code="LIMIT_REACHED"}')
    await expect.poll(refused, { timeout: 10_000 }).toBeGreaterThan(0)
    end()
    await working
    expect([...done].sort((a, b) => a - b)).toEqual(Array.from({ length: 203 }, (_, i) => i + 1))
  }, 60_000)

  test('a DONE that was lost with its connection is said on the next one: no other worker has the entry again', async () => {
    await using relay = await startTestRelay(alone)
    const bob = newKey()
    const { transport, cut } = breakable()
    let isLost = false
    await using client = newClient(relay, {
      identity: identityOf(bob),
      inbox: 'peek',
      reconnect: { minMs: 1, maxMs: 1 },
      transport: (url, handlers) => {
        const socket = transport(url, handlers)
        return {
          ...socket,
          send: text => {
            if (isLost || !text.includes('"DONE"')) return socket.send(text)
            isLost = true
            cut()
          },
        }
      },
    })
    await client.connect()
    await using alice = await relay.login('alice')
    await alice.ask({ type: 'MSG', to: bob.id, content: 'hi' }, 'ACK')
    await work(client, () => undefined, { maxJobs: 1 })
    expect(isLost).toBe(true)
    relay.clock.advance(60_000)
    await using other = await relay.login('bob', { key: bob, inbox: 'manual', session: 'other' })
    expect((await other.ask({ type: 'CLAIM' }, 'CLAIMED')).items).toEqual([])
  })

  test('the entries of a key are not held under the next one', async () => {
    await using relay = await startTestRelay(alone)
    const bob = newKey()
    await using worker = await relay.login('bob', { key: bob, inbox: 'manual' })
    await using alice = await relay.login('alice')
    await alice.ask({ type: 'MSG', to: bob.id, content: 'hi' }, 'ACK')
    const { msg_id } = await alice.ask({ type: 'MSG', to: bob.id, content: 'too hard' }, 'ACK')
    const { items } = await worker.ask({ type: 'CLAIM', limit: 2 }, 'CLAIMED')
    expect(items).toHaveLength(2)
    // Its sender was told so: it does not wait again for the next key.
    await worker.ask({ type: 'DONE', lease: items[1]!.lease, outcome: 'failed' }, 'OK')
    const next = newKey()
    const record = { old_pubkey: bob.pem, new_pubkey: next.pem, timestamp: new Date(relay.clock.now()).toISOString() }
    await using heir = await relay.login('bob', { key: next, inbox: 'manual' })
    await heir.ask({ type: 'ROTATION', ...record, signature: signWith(bob, JSON.stringify(record)) }, 'OK')
    const [held, ...more] = (await heir.ask({ type: 'CLAIM', limit: 2 }, 'CLAIMED')).items
    expect(held).toMatchObject({ event: { content: 'hi' }, attempt: 1 })
    expect(more).toEqual([])
    const { recipients } = await alice.ask({ type: 'STATUS', msg_id }, 'STATUS')
    expect(recipients).toMatchObject([{ agent: next.id, state: 'expired' }])
    await heir.ask({ type: 'DONE', lease: held!.lease }, 'OK')
    expect((await heir.ask({ type: 'LEASES' }, 'LEASES')).items).toEqual([])
  })
})
