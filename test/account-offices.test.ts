// What an account is at the relay: what its browser may ask by that, over a session like any other, and how sure it has to be who sits there.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { can, offices, rights, type Office, type RightRow } from '../lib/access/table.ts'
import { claimText, randomNonce } from '../lib/identity/index.ts'
import { requestDocs, requests, type RequestType } from '../lib/protocol/index.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'
import { loginOn, newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const adminKey = 'the key of the operator'
const types = (Object.keys(requests) as RequestType[]).filter(type => 'admin_key' in requests[type].body.shape)
const rowOf = (type: RequestType): RightRow => rights[requests[type].may]
/** Others than who operates it are asked of by its right alone. */
const byRight = types.filter(type => !can(['everyone', 'agent', 'member'], requests[type].may))

interface Person {
  readonly browser: Browser
  readonly passkey: Passkey
  readonly id: string
}

let relay: TestRelay
let origin: string
const clock = new TestClock()
/** Of an admin agent. */
const boss = newKey()
const people = {} as Record<Office | 'person', Person>

const later = () => clock.advance(11 * 60_000)
const headersOf = ({ browser: { cookie } }: Person) => ({ origin, cookie })
/** A session of a browser that is signed in. */
const sessionOf = async (person: Person, headers: Readonly<Record<string, string>> = headersOf(person)): Promise<Wire & AsyncDisposable> =>
  loginOn(await relay.connect(undefined, headers), relay.url, 'console', { key: newKey() })

const made = async (link: string, name: string): Promise<Person> => {
  const [browser, passkey] = [new Browser(() => relay.httpUrl, origin), new Passkey(origin)]
  await browser.setUp(link, passkey, name)
  const { account } = (await browser.ask('GET', '/account/me')).body as { account: { id: string, role: string } }
  expect(account.role).toBe(name)
  return { browser, passkey, id: account.id }
}

beforeAll(async () => {
  clock.stop()
  relay = await startTestRelay({ accounts: true, adminKey, adminAgents: [boss.id], circleReplies: 6, links: 'listed' }, {}, { clock })
  origin = relay.setUpUrl!.split('/account')[0]!
  people.operator = await made(relay.setUpUrl!, 'operator')
  for (const role of ['moderator', 'reviewer', 'auditor', 'person'] as const) {
    const { url } = (await people.operator.browser.post('/account/invitations', { role })).body as { url: string }
    people[role] = await made(url, role)
  }
})
afterAll(() => relay.drain())

describe.each(offices)('an account that is %s', office => {
  test('asks what the table says, and vouches anew for what cannot be undone', async () => {
    const person = people[office]
    await person.browser.signIn(person.passkey)
    for (const isFresh of [true, false]) {
      if (!isFresh) later()
      await using owner = await relay.loginInside('ann', { key: newKey() })
      await using wire = await sessionOf(person)
      for (const type of byRight) {
        const channel = `#${office}${isFresh ? 1 : 0}${byRight.indexOf(type)}`
        const isOfChannel = 'channel' in requests[type].body.shape
        if (isOfChannel) await owner.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
        const { admin_key: _, address: __, ...example } = requestDocs[type].example as Readonly<Record<string, unknown>>
        const before = wire.heard.length
        wire.send({
          ...example,
          ...(isOfChannel && { channel }),
          // A link that asks nothing of the other relay.
          ...(type === 'ADMIN_LINK' && { trust: 'off' }),
          ...(rowOf(type).of === 'agent' && { agent: '@0123456789abcdef' }),
          ...{ type, id: 'asked' },
        })
        await wire.barrier()
        const { code, message } = wire.heard.slice(before).find(frame => 're' in frame && frame.re === 'asked') as {
          code?: string
          message?: string
        }
        const isRefused = code === 'PASSKEY_ASKED' || message?.includes('your account is') === true
          || message?.startsWith('Only the owner of') === true
        const may = can([office], requests[type].may)
        expect([office, type, isRefused, message], message).toEqual([office, type, !may || (rowOf(type).aal === 2 && !isFresh), message])
        if (may && isRefused) expect(code).toBe('PASSKEY_ASKED')
      }
    }
  })
})

test('what is done by it is noted with its account', async () => {
  await using mallory = await relay.login('mallory', { key: newKey() })
  await using moderator = await sessionOf(people.moderator)
  await moderator.ask({ type: 'ADMIN_BAN', agent_id: mallory.id, reason: 'spam' }, 'ADMIN_RESULT')
  expect((await mallory.closed()).code).toBe(4502)
  await using auditor = await sessionOf(people.auditor)
  await auditor.ask({ type: 'ADMIN_AGENTS' }, 'CONNECTED')
  const { entries } = await auditor.ask({ type: 'AUDIT', of: mallory.id }, 'AUDIT')
  expect(entries).toMatchObject([{ action: 'ADMIN_BAN', by: moderator.id, account: people.moderator.id, detail: { reason: 'spam' } }])
  const { entries: [read] } = await auditor.ask({ type: 'AUDIT', by: auditor.id, limit: 1 }, 'AUDIT')
  expect(read).toMatchObject({ account: people.auditor.id })
  const { entries: [byKey] } = await auditor.ask({ type: 'AUDIT', admin_key: adminKey, limit: 1 }, 'AUDIT')
  expect(byKey).toMatchObject({ action: 'AUDIT' })
})

/** Both say that the agent is the person's. */
const own = async (key: Key, { browser, passkey, id }: Person): Promise<void> => {
  const claim = { agent: key.id, account: id, ts: clock.now(), nonce: randomNonce() }
  const sig = signWith(key, claimText({ ...claim, relay: relay.serverId }))
  expect((await browser.ask('POST', '/account/claims', { ...claim, sig }, { origin: '' })).status).toBe(202)
  await browser.signIn(passkey)
  expect((await browser.post(`/account/agents/${key.id}`)).status).toBe(204)
}

test('whoever is less than an operator bans no operator, no admin agent, no agent of theirs, and nowhere that one of these is', async () => {
  const { operator, moderator, person } = people
  await operator.browser.signIn(operator.passkey)
  await moderator.browser.signIn(moderator.passkey)
  const [mine, other] = [newKey(), newKey()]
  await using mod = await sessionOf(moderator)
  const refused = async (targets: readonly object[], types = ['ADMIN_BAN']) => {
    for (const type of types) {
      for (const target of targets)
        expect([target, await mod.refusal({ type, ...target })]).toMatchObject([target, {
          code: 'NOT_ALLOWED',
          message: expect.stringContaining('operator') as string,
        }])
    }
  }
  {
    await using agent = await relay.login('mine', { key: mine, from: '127.0.0.2' })
    await using admin = await relay.login('boss', { key: boss, from: '127.0.0.3' })
    await using page = await loginOn(await relay.connect('127.0.0.4', headersOf(operator)), relay.url, 'console', { key: newKey() })
    await using mallory = await relay.login('mallory', { key: other, from: '127.0.0.5' })
    // One whose owner is nothing at the relay is like any other.
    await own(mine, operator)
    await own(other, person)
    await refused([mine, boss, page].map(({ id }) => ({ agent_id: id })), ['ADMIN_KICK', 'ADMIN_BAN'])
    await refused(['127.0.0.2', '127.0.0.3', '127.0.0.4'].map(address => ({ address })))
    await refused([{ agent_id: mallory.id, address: '127.0.0.4' }, { agent_id: boss.id.slice(1), address: true }])
    for (const wire of [agent, admin, page, mallory]) await wire.barrier()
    await mod.ask({ type: 'ADMIN_BAN', agent_id: mallory.id, address: true }, 'ADMIN_RESULT')
    expect((await mallory.closed()).code).toBe(4502)
    // Operators, admin agents and who has the key do as before.
    await admin.ask({ type: 'ADMIN_KICK', agent_id: page.id }, 'ADMIN_RESULT')
    await page.closed()
    await using again = await sessionOf(operator)
    await again.ask({ type: 'ADMIN_BAN', agent_id: mine.id, address: '127.0.0.2' }, 'ADMIN_RESULT')
    await agent.closed()
    await mod.ask({ type: 'ADMIN_KICK', agent_id: boss.id, admin_key: adminKey }, 'ADMIN_RESULT')
    await admin.closed()
  }
  // Who they are does not depend on whether they are connected; where, does.
  await refused([mine, boss].map(({ id }) => ({ agent_id: id })))
  await mod.ask({ type: 'ADMIN_BAN', address: '127.0.0.4' }, 'ADMIN_RESULT')
  for (const address of ['127.0.0.2', '127.0.0.4', '127.0.0.5']) await mod.ask({ type: 'ADMIN_UNBAN', address }, 'ADMIN_RESULT')
})

test('who operates it is told to vouch where that would let him, and nobody else is', async () => {
  const { operator } = people
  await operator.browser.signIn(operator.passkey)
  later()
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#ours', invite_only: true }, 'JOINED')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#round' }, 'JOINED')
  await bob.ask({ type: 'JOIN', channel: '#round' }, 'JOINED')
  const { msg_id: hidden } = await ann.ask({ type: 'MSG', to: '#ours', content: 'spam' }, 'ACK')
  const { msg_id: first } = await ann.ask({ type: 'MSG', to: '#round', content: 'and you?' }, 'ACK')
  const { msg_id: direct } = await ann.ask({ type: 'MSG', to: bob.id, content: 'and you?' }, 'ACK')
  let last = first
  for (let n = 0; n < 7; n++)
    last = (await (n % 2 === 0 ? bob : ann).ask({ type: 'MSG', to: '#round', content: 'and you?', in_reply_to: last }, 'ACK')).msg_id
  expect(await ann.refusal({ type: 'MSG', to: '#round', content: 'and you?', in_reply_to: last })).toMatchObject({ code: 'CIRCLE_STOPPED' })
  const asks = [
    { type: 'RETRACT', msg_id: hidden },
    { type: 'RETRACT', msg_id: first },
    { type: 'SET_BUDGET', channel: '#ours', messages: 5 },
    { type: 'SET_BUDGET', channel: '#round', messages: 5 },
    { type: 'RELEASE_CIRCLE', msg_id: first },
  ]
  await using wire = await sessionOf(operator)
  await using plain = await relay.login('plain', { key: newKey() })
  for (const each of [wire, plain]) await each.ask({ type: 'JOIN', channel: '#round' }, 'JOINED')
  for (const ask of asks) {
    expect([ask, await wire.refusal(ask)]).toMatchObject([ask, { code: 'PASSKEY_ASKED' }])
    expect((await plain.refusal(ask)).code).not.toBe('PASSKEY_ASKED')
  }
  // What is no admin's either.
  for (const ask of [{ type: 'RETRACT', msg_id: direct }, { type: 'RELEASE_CIRCLE', msg_id: hidden }])
    expect(await wire.refusal(ask)).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  expect(await wire.refusal({ type: 'SET_BUDGET', channel: '#nowhere', messages: 5 })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
  await operator.browser.signIn(operator.passkey)
  const done = { RETRACT: 'ACK', SET_BUDGET: 'BUDGET', RELEASE_CIRCLE: 'OK' } as const
  for (const ask of [...asks].reverse()) await wire.ask(ask, done[ask.type as keyof typeof done])
})

test('without an admin key, who is refused is told of accounts', async () => {
  await using keyless = await startTestRelay({ accounts: true })
  await using wire = await keyless.login('ann', { key: newKey() })
  for (const key of [{}, { admin_key: adminKey }])
    expect(await wire.refusal({ type: 'ADMIN_LIST', ...key })).toMatchObject({
      code: 'INVALID_MSG',
      message: expect.stringContaining('sign in at /account') as string,
    })
})

test('who operates it sees every channel, and takes back what others said once the passkey vouched', async () => {
  await using ann = await relay.login('ann', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#closed', invite_only: true }, 'JOINED')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#open' }, 'JOINED')
  const said = await ann.ask({ type: 'MSG', to: '#open', content: 'spam' }, 'ACK')
  await using operator = await sessionOf(people.operator)
  await operator.ask({ type: 'JOIN', channel: '#open' }, 'JOINED')
  const { list } = await operator.ask({ type: 'LIST_CHANNELS', all: true }, 'CHANNELS')
  expect(list.map(({ name }) => name)).toContain('#closed')
  const taken = { type: 'RETRACT', msg_id: said.msg_id }
  later()
  await using again = await sessionOf(people.operator)
  await again.ask({ type: 'JOIN', channel: '#open' }, 'JOINED')
  expect(await again.refusal(taken)).toMatchObject({ code: 'PASSKEY_ASKED' })
  // By the same session: the sign-in is looked up each time.
  await people.operator.browser.signIn(people.operator.passkey)
  await again.ask(taken, 'ACK')
})

test('whoever came by a recovery code or a provider shows a passkey first', async () => {
  const { auditor: { browser, passkey }, auditor } = people
  await browser.signIn(passkey)
  await using wire = await sessionOf(auditor)
  await wire.ask({ type: 'AUDIT' }, 'AUDIT')
  await relay.store.write(tx => tx.tables<{ sign_ins: { level: number } }>().updateTable('sign_ins').set({ level: 1 }).execute())
  expect(await wire.refusal({ type: 'AUDIT' })).toMatchObject({ code: 'PASSKEY_ASKED' })
  for (const path of ['/account/people', '/account/audit?all=1'])
    expect(await browser.ask('GET', path)).toMatchObject({ status: 403, body: { code: 'PASSKEY_ASKED' } })
  expect((await browser.ask('GET', '/account/audit')).status).toBe(200)
  await browser.signIn(passkey)
  await wire.ask({ type: 'AUDIT' }, 'AUDIT')
  for (const each of Object.values(people)) await each.browser.signIn(each.passkey)
})

test('counts for nobody else: not without a cookie, not by what is no page of the relay, not for persons, not once it was taken away or signed out', async () => {
  const { operator, person, reviewer } = people
  await operator.browser.signIn(operator.passkey)
  const asks = { type: 'ADMIN_LIST' }
  const missing = { code: 'INVALID_MSG', message: 'admin_key: missing' }
  for (const headers of [{ origin }, { cookie: operator.browser.cookie }, headersOf(person)]) {
    await using wire = await sessionOf(operator, headers)
    expect(await wire.refusal(asks)).toMatchObject(missing)
  }
  await using wire = await sessionOf(reviewer)
  await wire.ask(asks, 'ADMIN_RESULT')
  const set = (who: Browser, role: string) => who.ask('PUT', `/account/people/${reviewer.id}`, { role })
  expect((await set(reviewer.browser, 'auditor')).status).toBe(403)
  expect((await set(operator.browser, 'operator')).status).toBe(400)
  expect((await operator.browser.ask('PUT', `/account/people/${operator.id}`, { role: 'person' })).status).toBe(404)
  expect((await set(operator.browser, 'auditor')).status).toBe(204)
  expect(await wire.refusal(asks)).toMatchObject({ code: 'NOT_ALLOWED' })
  expect((await set(operator.browser, 'person')).status).toBe(204)
  expect(await wire.refusal(asks)).toMatchObject(missing)
  const { items } = (await operator.browser.ask('GET', '/account/people')).body as { items: { id: string, role: string }[] }
  expect(items.map(({ id, role }) => [id, role])).toContainEqual([reviewer.id, 'person'])
  await using open = await sessionOf(operator)
  expect((await operator.browser.post('/signout')).status).toBe(204)
  expect(await open.closed()).toMatchObject({ code: 4505 })
})

test('a WebSocket looks its sign-in up and writes nothing: it lasts longer once an answer brings the cookie anew', async () => {
  const { person, person: { browser, passkey } } = people
  await browser.signIn(passkey)
  clock.advance(2 * 60 * 60_000)
  const before = await relay.store.read.tables<{ sign_ins: { seen: number } }>().selectFrom('sign_ins').select('seen').execute()
  await using wire = await sessionOf(person)
  expect(await wire.refusal({ type: 'ADMIN_LIST' })).toMatchObject({ code: 'INVALID_MSG' })
  expect(await relay.store.read.tables<{ sign_ins: { seen: number } }>().selectFrom('sign_ins').select('seen').execute()).toEqual(before)
  browser.setCookie = ''
  expect((await browser.ask('GET', '/account/me')).status).toBe(200)
  expect(browser.setCookie).toContain(browser.cookie)
})
