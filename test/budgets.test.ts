// Budgets: an end to an hour, of an agent, of a channel and of what wakes; exact whatever comes at once, and no work where nobody has one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Budgets } from '../src/features/talk/budgets/budgets.ts'
import { countingSaid } from '../src/features/talk/budgets/counting.ts'
import type { Feature } from '../src/relay/feature.ts'
import type { Db } from '../src/store/store.ts'
import type { Config } from '../src/app.ts'
import { Cli } from './kit/cli.ts'
import { isOnPostgres } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { newReceiver } from './kit/receiver.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Wire } from './kit/wire.ts'

const hour = 3_600_000
const channel = '#general'
const adminKey = "the operator's key"
const settings: Partial<Config> = {
  channels: [channel],
  verifiedChannels: [],
  createChannels: 'anyone',
  drainMs: 50,
  adminKey,
  webhooks: true,
  outboundAllow: ['127.0.0.1'],
}

let relay: TestRelay
beforeAll(async () => {
  relay = await startTestRelay(settings, { pace: { sweepMs: isOnPostgres ? 250 : 20 } })
})
afterAll(() => relay.drain())

const say = (wire: Wire, to: string, content = 'hello', more: object = {}) => wire.answer({ type: 'MSG', to, content, ...more })
const budget = (wire: Wire, of: object = {}) => wire.ask({ type: 'BUDGET', ...of }, 'BUDGET')
const setBudget = (wire: Wire, limits: object) => wire.ask({ type: 'SET_BUDGET', ...limits }, 'BUDGET')
const warnings = (wire: Wire) => wire.heard.filter(({ type }) => type === 'BUDGET_WARNING')
const spent = { type: 'ERROR', code: 'BUDGET_SPENT' }

/** Resolves when it is so. */
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 10_000; !await isSo();) {
    if (Date.now() > end) throw new Error(`still not: ${isSo.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

// The first one: nobody has a budget yet.
test('where nobody has a budget nothing is asked, and nothing waits; of whoever has none it is asked once', async () => {
  const budgets = new Budgets({ budgetMessages: 0, budgetBytes: 0, budgetTokens: 0, budgetWakes: 0, isShared: false })
  expect(await budgets.isAny(relay.store.read)).toBe(false)
  const outcome = {}
  const { handlers: { MSG } } = countingSaid(budgets,
    { handlers: { MSG: { needs: 'session', write: () => outcome } } } as unknown as Feature<'MSG'>, 'MSG')
  const { write } = MSG as unknown as { readonly write: (ctx: object, body: object) => unknown }
  let asked = 0
  const tx = {
    tables: () => {
      asked++
      return relay.store.read.tables()
    },
  } as unknown as Db
  const ctx = { tx, me: { id: '@ann' }, now: 0, roster: { channel: () => undefined } }
  expect(write(ctx, { to: channel, content: 'x' })).toBe(outcome)
  expect(asked).toBe(0)
  budgets.changed('@bob')
  expect(await write(ctx, { to: channel, content: 'x' })).toBe(outcome)
  expect(write(ctx, { to: channel, content: 'x' })).toBe(outcome)
  expect(asked).toBe(1)
})

// Before the clock is moved: a command signs in by its own.
test('agentchat budget sets, shows and takes back', async () => {
  using cli = new Cli()
  cli.env['AGENTCHAT_URL'] = relay.url
  const { agent_id: me } = (await cli.run(['identity', 'generate', '--name', 'ann', '--json'])).json[0]!
  expect(await cli.run(['budget', 'set', '--messages', '1', '--tokens', '100', '--json'])).toMatchObject({
    code: 0,
    json: [{ agent_id: me, limits: { messages: 1, tokens: 100 } }],
  })
  expect(await cli.run(['send', channel, 'hello'])).toMatchObject({ code: 0 })
  expect(await cli.run(['send', channel, 'more'])).toMatchObject({ code: 5, stderr: expect.stringContaining('1 messages an hour') })
  const shown = await cli.run(['budget', 'show'], { isTTY: true })
  expect(shown).toMatchObject({ code: 0 })
  expect(shown.stdout + shown.stderr).toContain('messages: 1 of 1 an hour')
  expect(await cli.run(['budget', 'clear', '--json'])).toMatchObject({ code: 0, json: [{ limits: {} }] })
  expect(await cli.run(['send', channel, 'more'])).toMatchObject({ code: 0 })
})

describe('of an agent', () => {
  test('it is warned once, held exactly, told how long, and let go on in the next hour; repeats and others do not count', async () => {
    await using ann = await relay.login('ann', { key: newKey() })
    await using bob = await relay.login('bob', { key: newKey() })
    expect(await setBudget(ann, { messages: 5 })).toMatchObject({ agent: ann.id, limits: { messages: 5 }, used: { messages: 0 } })
    // All at once: they are decided in one batch, and counted one by one.
    ann.send(...Array.from({ length: 20 }, (_, n) => ({ type: 'MSG', to: bob.id, content: `m${n}`, id: `at once ${n}` })))
    expect((await ann.take('ACK', 5)).map(({ re }) => re)).toEqual([0, 1, 2, 3, 4].map(n => `at once ${n}`))
    for (const error of await ann.take('ERROR', 15)) {
      expect(error).toMatchObject({
        code: 'BUDGET_SPENT',
        message: expect.stringMatching(new RegExp(`^The budget of ${ann.id} is 5 messages an hour: 5 are taken, for \\d+ s yet`)),
      })
      // Clients send again by themselves what has a time to wait, and all else of theirs waits behind it.
      expect(error).not.toHaveProperty('retry_after_ms')
    }
    expect(await ann.next('BUDGET_WARNING')).toMatchObject({ agent: ann.id, kind: 'messages', used: 4, limit: 5 })
    const { msg_id } = await say(ann, bob.id, 'm1', { id: 'at once 1' }) as { readonly msg_id: string }
    expect(msg_id).toEqual(expect.any(String))
    expect(await ann.answer({ type: 'EDIT', msg_id, content: 'otherwise' })).toMatchObject(spent)
    expect(await ann.answer({ type: 'DELTA', to: channel, stream: 's', n: 0, text: 'a piece' })).toMatchObject(spent)
    expect(await ann.answer({ type: 'RETRACT', msg_id })).toMatchObject({ type: 'ACK' })
    expect(await say(bob, ann.id)).toMatchObject({ type: 'ACK' })
    const { used, resets_at: resetsAt = 0, ts } = await budget(ann)
    expect(used).toEqual({ messages: 5, bytes: 10, tokens: 3, wakes: 0 })
    expect(resetsAt - ts).toBeLessThanOrEqual(hour)
    relay.clock.advance(hour)
    expect(await say(ann, bob.id, 'a new hour')).toMatchObject({ type: 'ACK' })
    expect((await budget(ann)).used.messages).toBe(1)
    expect(warnings(ann)).toHaveLength(1)
    expect((await setBudget(ann, {})).limits).toEqual({})
    for (let n = 0; n < 6; n++) expect(await say(ann, bob.id, `free ${n}`)).toMatchObject({ type: 'ACK' })
  })

  test('bytes are those of UTF-8, tokens a quarter of them; what does not fit is not taken, and what does is', async () => {
    await using ann = await relay.login('ann', { key: newKey() })
    await setBudget(ann, { tokens: 10, bytes: 1_000 })
    expect(await say(ann, channel, 'x'.repeat(41))).toMatchObject({ ...spent, message: expect.stringContaining('10 tokens an hour') })
    expect((await budget(ann)).resets_at).toBeUndefined()
    expect(await say(ann, channel, 'é'.repeat(10))).toMatchObject({ type: 'ACK' })
    expect(await say(ann, channel, 'x'.repeat(21))).toMatchObject(spent)
    expect(await ann.answer({ type: 'DELTA', to: channel, stream: 's', n: 0, text: 'x'.repeat(12) })).toMatchObject({ type: 'OK' })
    expect(await say(ann, channel, 'x'.repeat(8))).toMatchObject({ type: 'ACK' })
    expect((await budget(ann)).used).toEqual({ messages: 2, bytes: 40, tokens: 10, wakes: 0 })
    expect(await ann.next('BUDGET_WARNING')).toMatchObject({ kind: 'tokens', used: 8, limit: 10 })
    expect(await say(ann, channel, 'x')).toMatchObject(spent)
  })

  test("an admin's holds beside its own, and goes with its key; nobody else sets or sees it", async () => {
    const [first, next] = [newKey(), newKey()]
    await using ann = await relay.login('ann', { key: first })
    await using bob = await relay.login('bob', { key: newKey() })
    for (const type of ['SET_BUDGET', 'BUDGET']) expect(await bob.answer({ type, agent: ann.id })).toMatchObject({ type: 'ERROR' })
    expect(await bob.refusal({ type: 'SET_BUDGET', agent: '@nobody', messages: 1, admin_key: adminKey })).toMatchObject({
      code: 'AGENT_NOT_FOUND',
    })
    await setBudget(ann, { messages: 10, wakes: 7 })
    expect((await setBudget(bob, { agent: ann.id, messages: 2, admin_key: adminKey })).limits).toEqual({ messages: 2, wakes: 7 })
    expect((await setBudget(ann, {})).limits).toEqual({ messages: 2 })
    expect(await say(ann, channel)).toMatchObject({ type: 'ACK' })
    await using heir = await relay.login('ann', { key: next })
    // It is known by now that this key has none.
    expect(await say(heir, channel, 'before', { id: 'before' })).toMatchObject({ type: 'ACK' })
    const record = { old_pubkey: first.pem, new_pubkey: next.pem, timestamp: new Date(relay.clock.now()).toISOString() }
    await heir.ask({ type: 'ROTATION', ...record, signature: signWith(first, JSON.stringify(record)) }, 'OK')
    expect(await budget(heir)).toMatchObject({ limits: { messages: 2 }, used: { messages: 1 } })
    expect(await say(heir, channel, 'last', { id: 'last' })).toMatchObject({ type: 'ACK' })
    expect(await say(heir, channel, 'more', { id: 'more' })).toMatchObject(spent)
  })
})

test('of a channel: all that its members say there; its owner is warned, outsiders learn nothing, and the next of that name has none', async () => {
  const name = '#budgeted'
  await using owner = await relay.login('owner', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  await using eve = await relay.login('eve', { key: newKey() })
  await owner.ask({ type: 'CREATE_CHANNEL', channel: name, invite_only: true }, 'JOINED')
  await owner.answer({ type: 'INVITE', channel: name, agent: bob.id })
  await bob.ask({ type: 'JOIN', channel: name }, 'JOINED')
  expect(await bob.refusal({ type: 'SET_BUDGET', channel: name, messages: 9 })).toMatchObject({ code: 'AUTH_REQUIRED' })
  expect(await owner.refusal({ type: 'SET_BUDGET', channel: name, wakes: 9 })).toMatchObject({ code: 'INVALID_MSG' })
  await setBudget(owner, { channel: name, messages: 4 })
  const first = await say(owner, name) as { readonly msg_id: string }
  for (let n = 0; n < 3; n++) expect(await say(bob, name, `m${n}`)).toMatchObject({ type: 'ACK' })
  expect(await owner.next('BUDGET_WARNING')).toMatchObject({ channel: name, kind: 'messages', used: 4, limit: 4 })
  for (const wire of [owner, bob]) expect(await say(wire, name, 'more')).toMatchObject(spent)
  expect(await owner.answer({ type: 'EDIT', msg_id: first.msg_id, content: 'otherwise' })).toMatchObject(spent)
  expect(await budget(bob, { channel: name })).toMatchObject({ channel: name, used: { messages: 4 } })
  expect(warnings(bob)).toEqual([])
  // Elsewhere they may speak; who is no member is refused as ever.
  expect(await say(bob, channel)).toMatchObject({ type: 'ACK' })
  expect(await say(eve, name)).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  expect(await eve.refusal({ type: 'BUDGET', channel: name })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  await owner.ask({ type: 'DELETE_CHANNEL', channel: name }, 'OK')
  await until(async () => (await owner.answer({ type: 'CREATE_CHANNEL', channel: name })).type === 'JOINED')
  expect((await budget(owner, { channel: name })).limits).toEqual({})
  for (let n = 0; n < 5; n++) expect(await say(owner, name, `new ${n}`)).toMatchObject({ type: 'ACK' })
})

describe('of wakes', () => {
  test('workers are given what is left, and when there is more; nothing is lost', async () => {
    const key = newKey()
    await using worker = await relay.login('bob', { key, inbox: 'manual' })
    await using ann = await relay.login('ann')
    await setBudget(worker, { wakes: 3 })
    for (let n = 0; n < 5; n++) await say(ann, key.id, `m${n}`)
    const claim = () => worker.ask({ type: 'CLAIM', limit: 10 }, 'CLAIMED')
    const contents = async () => {
      const { items } = await claim()
      for (const { lease } of items) await worker.ask({ type: 'DONE', lease }, 'OK')
      return items.map(({ event }) => (event as { readonly content?: string }).content)
    }
    expect(await contents()).toEqual(['m0', 'm1', 'm2'])
    expect(await worker.next('BUDGET_WARNING')).toMatchObject({ kind: 'wakes', used: 3, limit: 3 })
    const { items, more, next_at: nextAt } = await claim()
    expect({ items, more, nextAt }).toEqual({ items: [], more: false, nextAt: (await budget(worker)).resets_at })
    relay.clock.advance(hour)
    expect(await contents()).toEqual(['m3', 'm4'])
  })

  test('webhooks wait, in order, until the hour is over', async () => {
    await using receiver = await newReceiver()
    await using ann = await relay.login('ann', { key: newKey() })
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#hooked' }, 'JOINED')
    await setBudget(ann, { wakes: 2 })
    await ann.ask({ type: 'WEBHOOK_ADD', url: receiver.url, channel: '#hooked' }, 'WEBHOOK_ADDED')
    for (let n = 0; n < 4; n++) await say(ann, '#hooked', `m${n}`)
    await receiver.until(2)
    const held = () =>
      relay.store.read.tables<{ errands: { owner: string, due_at: number, state: string } }>().selectFrom('errands').selectAll()
        .where('owner', '=', ann.id).where('state', '=', 'waiting').where('due_at', '>', relay.clock.now() + 1_000).executeTakeFirst()
    await until(async () => await held() !== undefined)
    expect(receiver.contents).toEqual(['m0', 'm1'])
    expect(await ann.next('BUDGET_WARNING')).toMatchObject({ kind: 'wakes', used: 2, limit: 2 })
    relay.clock.advance(hour)
    await receiver.until(4)
    expect(receiver.contents).toEqual(['m0', 'm1', 'm2', 'm3'])
  })
})

test('the operator gives one to all, and another to one; what was taken stays taken over a restart', async () => {
  using data = newFolder()
  const key = newKey()
  const life = async (run: (ann: Wire, guest: Wire) => Promise<void>) => {
    await using again = await startTestRelay({ ...settings, data: data.path, budgetMessages: 3 })
    await using ann = await again.login('ann', { key })
    await using guest = await again.login('guest')
    await run(ann, guest)
  }
  await life(async (ann, guest) => {
    for (const id of ['1', '2']) expect(await say(ann, channel, id, { id })).toMatchObject({ type: 'ACK' })
    for (const id of ['1', '2', '3']) expect(await say(guest, channel, id, { id })).toMatchObject({ type: 'ACK' })
    expect(await say(guest, channel, '4', { id: '4' })).toMatchObject(spent)
    // Its own is smaller, and counts.
    expect((await setBudget(ann, { messages: 2 })).limits).toEqual({ messages: 2 })
    expect(await say(ann, channel, '3', { id: '3' })).toMatchObject(spent)
    expect((await setBudget(ann, {})).limits).toEqual({ messages: 3 })
  })
  await life(async (ann, guest) => {
    expect(await say(ann, channel, '3', { id: '3' })).toMatchObject({ type: 'ACK' })
    expect(await say(ann, channel, '4', { id: '4' })).toMatchObject(spent)
    expect((await setBudget(guest, { agent: ann.id, messages: 4, admin_key: adminKey })).limits).toEqual({ messages: 4 })
    expect(await say(ann, channel, '4', { id: '4' })).toMatchObject({ type: 'ACK' })
  })
})
