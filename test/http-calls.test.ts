// Every request of the protocol over HTTP: the same story told to two relays, to one by sockets and to the other by signed requests, and each
// answer is the same but for what a relay draws.
import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { commitmentOf, profileText, receiptText, signHttpRequest, signTrade, skillsText, type TradeAction } from '../lib/identity/index.ts'
import { requestDocs, requests, type Receipt, type RequestType } from '../lib/protocol/index.ts'
import { closedReason, needs } from '../src/doors/http/scopes.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { identityOf, newKey, signWith, type Key, type Wire } from './kit/wire.ts'

type Fields = Readonly<Record<string, unknown>>
type Who = 'ada' | 'bob'
const adminKey = 'a-key-of-32-characters-and-more-x'

/** A relay to which the story is told. */
abstract class World {
  readonly relay: TestRelay
  readonly keys: Readonly<Record<Who, Key>>
  /** The last answer of each type. */
  readonly last = new Map<string, Fields>()
  readonly asked = new Set<RequestType>()
  /** What it drew → what that is called in both. */
  readonly #names = new Map<string, string>()

  constructor(relay: TestRelay, keys: World['keys']) {
    this.relay = relay
    this.keys = keys
  }

  abstract answerTo(who: Who, type: RequestType, body: Fields): Promise<Fields>

  async ask(who: Who, type: RequestType, body: Fields): Promise<unknown> {
    this.asked.add(type)
    const answer = await this.answerTo(who, type, body)
    this.last.set(String(answer['type']), answer)
    return this.#plain(answer)
  }

  /** A step in trade as its agent signs it here. */
  signed(who: Who, type: TradeAction | 'COUNTER', fields: Fields): Fields {
    const key = this.keys[who]
    const stamp = { relay: this.relay.serverId, ts: this.relay.clock.now() }
    return { ...fields, ...signTrade({ agentId: key.id, sign: text => signWith(key, text) }, type, fields, stamp) }
  }

  stamp(who: Who): { readonly by: string, readonly relay: string, readonly ts: number, readonly nonce: string } {
    return { by: this.keys[who].id, relay: this.relay.serverId, ts: this.relay.clock.now(), nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f' }
  }

  /** A field of the last answer of a type, or of the first entry of a list in it. */
  of(type: string, field: string, list?: string): string {
    const answer = this.last.get(type)!
    const found = list === undefined ? answer : (answer[list] as readonly Fields[])[0]!
    return String(found[field])
  }

  /** Without what differs: when and for which request it was said, by which door it came, and the names of what was drawn. */
  #plain(value: unknown, field = ''): unknown {
    if (typeof value === 'string') {
      if (drawn.has(field) && !this.#names.has(value)) this.#names.set(value, `<${field} ${this.#names.size}>`)
      const whole = this.#names.get(value)
      if (whole !== undefined) return whole
      let text = value
      for (const [own, name] of this.#names) text = text.replaceAll(own, name)
      return text
    }
    if (Array.isArray(value)) return value.map(each => this.#plain(each, field))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).filter(([name]) => !['ts', 're', 'via'].includes(name)).map(([name, each]) => [name, this.#plain(each, name)]),
    )
  }
}

/** Fields with ids, secrets, hashes and signatures. */
const drawn = new Set([
  ...['msg_id', 'proposal_id', 'dispute_id', 'request_id', 'receipt_id', 'token_id', 'hook_id', 'webhook_id', 'lease', 'event_id'],
  ...[
    'token',
    'ticket',
    'secret',
    'server_nonce',
    'path',
    'url',
    'nonce',
    'sig',
    'sig_nonce',
    'salt',
    'hash',
    'prev',
    'checkpoint',
    'epoch',
    'server_id',
    'relay',
  ],
  // … and the key of the relay, and what a nonce that it draws leads to.
  ...['relay_sig', 'root', 'proof', 'hashes', 'pubkey', 'seed'],
])

class ByWire extends World {
  readonly wires: Readonly<Record<Who, Wire>>

  constructor(relay: TestRelay, keys: World['keys'], wires: ByWire['wires']) {
    super(relay, keys)
    this.wires = wires
  }

  async answerTo(who: Who, type: RequestType, body: Fields): Promise<Fields> {
    return await this.wires[who].answer({ type, ...body }) as unknown as Fields
  }
}

class ByHttp extends World {
  answerTo(who: Who, type: RequestType, body: Fields): Promise<Fields> {
    const path = `/v1/call/${type}`
    const text = JSON.stringify(body)
    const plain: Readonly<Record<string, string>> = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
    }
    const headers = {
      ...plain,
      ...signHttpRequest(identityOf(this.keys[who]), {
        method: 'POST',
        authority: new URL(this.relay.httpUrl).host,
        path,
        query: '',
        header: name => plain[name],
        body: Buffer.from(text),
      }, this.relay.clock.now()),
    }
    return new Promise((resolve, reject) => {
      const asking = httpRequest(`${this.relay.httpUrl}${path}`, { method: 'POST', headers }, response => {
        let told = ''
        response.setEncoding('utf8').on('data', (part: string) => told += part).on('end', () => {
          const answer = JSON.parse(told) as Fields
          if (response.statusCode === 200) return resolve(answer)
          const { code, detail: message, retry_after_ms } = answer
          resolve({ type: 'ERROR', code, message, ...(retry_after_ms !== undefined && { retry_after_ms }) })
        })
      })
      asking.on('error', reject)
      asking.end(text)
    })
  }
}

type Step = readonly [who: Who, type: RequestType, body?: Fields | ((world: World) => Fields)]
const trade = (who: Who, type: TradeAction | 'COUNTER', fields: Fields | ((world: World) => Fields)): Step => [
  who,
  type,
  world => world.signed(who, type, typeof fields === 'function' ? fields(world) : fields),
]
const msg = (world: World): Fields => ({ msg_id: world.of('ACK', 'msg_id') })
const deal = (world: World): Fields => ({ proposal_id: (world.last.get('PROPOSAL_STATE')!['proposal'] as Fields)['proposal_id'] })
const room = { channel: '#work' }
const offer = ({ keys }: World): Fields => ({ to: keys.bob.id, task: 'Review the patch', amount: 5, currency: 'USD' })
const sha256 = '6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72'

/** What none of these come to is asked by the example of its documentation. */
const story: readonly Step[] = [
  ['ada', 'PING'],
  ['bob', 'PING'],
  ['ada', 'CREATE_CHANNEL', { ...room, invite_only: true, topic: 'What we build' }],
  ['ada', 'INVITE', ({ keys }) => ({ ...room, agent: keys.bob.id })],
  ['bob', 'JOIN', room],
  ['ada', 'SET_TOPIC', { ...room, topic: 'Friday' }],
  ['ada', 'SET_CHANNEL', { ...room, edit_window_ms: 60_000 }],
  ['ada', 'LIST_CHANNELS'],
  ['ada', 'LIST_AGENTS', room],
  ['ada', 'MEMBERS', room],
  ['ada', 'WHOIS', ({ keys }) => ({ agent: keys.bob.id })],
  ['ada', 'SET_GROUP', ({ keys }) => ({ ...room, group: 'reviewers', members: [keys.bob.id] })],
  ['bob', 'GROUPS', room],
  ['ada', 'MSG', { to: '#work', content: 'deploy on friday', id: 'said-1' }],
  ['ada', 'MSG', { to: '#work', content: 'deploy on friday', id: 'said-1' }],
  ['ada', 'EDIT', world => ({
    ...msg(world),
    content: 'deploy on monday',
    prev: createHash('sha256').update('deploy on friday').digest('hex'),
  })],
  ['ada', 'EDITS', ({ last }) => ({ msg_id: last.get('REACTED')?.['msg_id'] ?? last.get('ACK')!['msg_id'] })],
  ['bob', 'THREAD', msg],
  ['bob', 'MUTE_THREAD', msg],
  ['bob', 'REACT', world => ({ ...msg(world), kind: '👍' })],
  ['bob', 'REACTIONS', msg],
  ['bob', 'UNREACT', world => ({ ...msg(world), kind: '👍' })],
  ['ada', 'PIN', world => ({ ...room, ...msg(world) })],
  ['ada', 'PINS', room],
  ['ada', 'UNPIN', world => ({ ...room, ...msg(world) })],
  ['bob', 'CLAIM_FLOOR', world => ({ ...room, ...msg(world) })],
  ['bob', 'LEAVE_FLOOR', world => ({ ...room, ...msg(world) })],
  ['bob', 'TYPING', room],
  ['bob', 'RESPONDING_TO', world => ({ ...room, ...msg(world), started_at: world.relay.clock.now() })],
  ['ada', 'DELTA', { to: '#work', stream: 'answer-1', n: 0, text: 'The first' }],
  ['ada', 'STATUS', msg],
  ['ada', 'READ', msg],
  ['bob', 'UNREAD'],
  ['bob', 'HISTORY', room],
  ['bob', 'HEAD', room],
  ['bob', 'ERASURES', room],
  ['bob', 'SUBSCRIBE', { ...room, when: 'content.contains("deploy")' }],
  ['bob', 'SEARCH', { text: 'friday' }],
  ['ada', 'RETRACT', msg],
  ['ada', 'MSG', ({ keys }) => ({ to: keys.bob.id, content: 'a task', id: 'task-1' })],
  ['bob', 'INBOX'],
  ['bob', 'CLAIM', { lease_ms: 60_000, limit: 1 }],
  ['bob', 'EXTEND', world => ({ lease: world.of('CLAIMED', 'lease', 'items'), lease_ms: 90_000 })],
  ['bob', 'LEASES', { state: 'held' }],
  ['bob', 'UNCLAIM', world => ({ lease: world.of('CLAIMED', 'lease', 'items'), delay_ms: 0 })],
  ['bob', 'CLAIM', { lease_ms: 60_000, limit: 1 }],
  ['bob', 'DONE', world => ({ lease: world.of('CLAIMED', 'lease', 'items'), outcome: 'read' })],
  ['bob', 'RECEIVED', { seq: 1 }],
  ['ada', 'PUT_FILE', { sha256, bytes: 11 }],
  ['bob', 'GET_FILE', world => ({ ...msg(world), sha256 })],
  ['ada', 'FILE_CHUNK', ({ keys }) => ({ to: keys.bob.id, content: '{"_ft":"chunk"}' })],
  ['ada', 'RELEASE_CIRCLE', msg],
  ['ada', 'SET_BUDGET', { messages: 200, tokens: 100_000, wakes: 60 }],
  ['ada', 'BUDGET', room],
  ['bob', 'BLOCK', { agent: '@8addfe276526c9f6' }],
  ['bob', 'BLOCKS'],
  ['bob', 'UNBLOCK', { agent: '@8addfe276526c9f6' }],
  ['ada', 'SET_PRESENCE', { presence: 'online', status: 'busy' }],
  ['ada', 'WATCH', ({ keys }) => ({ agents: [keys.bob.id] })],
  ['ada', 'UNWATCH'],
  ['ada', 'SET_NICK', { nick: 'ada2' }],
  ['bob', 'REGISTER_SKILLS', world => {
    const { ts, nonce, ...stamp } = world.stamp('bob')
    const skills = [{ capability: 'code-review', rate: 5, currency: 'USD' }]
    const sig = signWith(world.keys.bob, skillsText(skills, { ...stamp, ts, nonce }))
    return { skills, sig, sig_v: 2, sig_ts: ts, nonce }
  }],
  ['ada', 'SEARCH_SKILLS', { query: { capability: 'code-review' } }],
  ['bob', 'SET_PROFILE', world => {
    const { ts, nonce, ...stamp } = world.stamp('bob')
    const profile = { description: 'Reviews code', languages: ['en'] }
    const sig = signWith(world.keys.bob, profileText(profile, { ...stamp, ts, nonce }))
    return { profile, sig, sig_v: 2, sig_ts: ts, nonce }
  }],
  ['ada', 'PROFILE', ({ keys }) => ({ agent: keys.bob.id })],
  ['ada', 'VERIFY_REQUEST', ({ keys }) => ({ target: keys.bob.id, nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f' })],

  ['ada', 'BALANCE'],
  trade('ada', 'TRANSFER', ({ keys }) => ({ to: keys.bob.id, currency: 'USD', amount_minor: 100 })),
  ['bob', 'STATEMENT', { currency: 'USD' }],
  trade('ada', 'PROPOSAL', offer),
  trade('bob', 'COUNTER', world => ({ ...offer(world), ...deal(world), to: world.keys.ada.id, amount: 6 })),
  trade('ada', 'REJECT', world => ({ ...deal(world), reason: 'no time' })),
  trade('ada', 'PROPOSAL', offer),
  trade('ada', 'CANCEL', deal),
  trade('ada', 'PROPOSAL', offer),
  trade('bob', 'ACCEPT', deal),
  trade('ada', 'FUND', deal),
  trade('bob', 'SUBMIT', world => ({ ...deal(world), text: 'Done' })),
  trade('ada', 'REVISE', world => ({ ...deal(world), reason: 'the tests fail' })),
  trade('bob', 'SUBMIT', world => ({ ...deal(world), text: 'Done again' })),
  trade('ada', 'RELEASE', deal),
  ['ada', 'RECLAIM', deal],
  ['ada', 'PROPOSALS'],
  ['ada', 'PROPOSAL_EVENTS', deal],
  trade('ada', 'PROPOSAL', world => ({ to: world.keys.bob.id, task: 'without money' })),
  trade('bob', 'ACCEPT', deal),
  trade('bob', 'COMPLETE', world => ({ ...deal(world), proof: 'https://example.org/patch' })),
  ['bob', 'RECEIPTS', { unsigned: true }],
  ['bob', 'RECEIPT_SIGN', world => {
    const [{ receipt_id, receipt } = { receipt_id: '', receipt: {} }] = world.last.get('RECEIPTS')!['receipts'] as readonly {
      readonly receipt_id: string
      readonly receipt: Receipt
    }[]
    return { receipt_id, sig: signWith(world.keys.bob, receiptText(receipt as Receipt)) }
  }],
  trade('ada', 'PROPOSAL', offer),
  trade('bob', 'ACCEPT', deal),
  trade('ada', 'DISPUTE', world => ({ ...deal(world), reason: 'nothing was delivered' })),
  trade('ada', 'DISPUTE_INTENT', world => ({ ...deal(world), reason: 'nothing', commitment: commitmentOf('a secret until now') })),
  trade('ada', 'DISPUTE_REVEAL', world => ({ ...deal(world), nonce: 'a secret until now' })),
  ['ada', 'DISPUTES'],
  ['ada', 'RATING', ({ keys }) => ({ agent: keys.bob.id })],
  ['ada', 'LEADERBOARD'],

  ['ada', 'TOKEN_CREATE', { name: 'ci', scopes: ['read'] }],
  ['ada', 'TOKENS'],
  ['ada', 'TOKEN_REVOKE', world => ({ token_id: world.of('TOKENS', 'token_id', 'list') })],
  ['ada', 'HOOK_CREATE', { to: '#work', kind: 'plain', name: 'ci' }],
  ['ada', 'HOOKS'],
  ['ada', 'HOOK_REMOVE', world => ({ hook_id: world.of('HOOK_CREATED', 'hook_id') })],
  ['ada', 'WEBHOOK_ADD', { url: 'https://ci.example/agentchat', ...room, name: 'ci' }],
  ['ada', 'WEBHOOKS'],
  ['ada', 'REMOVE_MEMBER', ({ keys }) => ({ ...room, agent: keys.bob.id })],
  ['bob', 'LEAVE', room],
  ['ada', 'INVITE', ({ keys }) => ({ ...room, agent: keys.bob.id })],
  ['ada', 'UNINVITE', ({ keys }) => ({ ...room, agent: keys.bob.id })],
  ['ada', 'DELETE_CHANNEL', room],
  ['bob', 'ERASE'],
]

/** Behind the story: what ends the agent last. */
const examples: readonly Step[] = (Object.keys(requests) as RequestType[])
  .filter(type => needs[type] !== 'closed' && !story.some(([, told]) => told === type))
  .map(type => ['ada', type, requestDocs[type].example as Fields])

test('what is asked on a session alone is refused over HTTP, with its reason', async () => {
  await using relay = await startTestRelay({ adminKey })
  const key = newKey()
  await (await relay.login('ada', { key })).close()
  const byHttp = new ByHttp(relay, { ada: key, bob: key })
  const closed = (Object.keys(requests) as RequestType[]).filter(type => needs[type] === 'closed')
  expect(closed.filter(type => !type.startsWith('ADMIN_'))).toEqual([
    ...['IDENTIFY', 'VERIFY_IDENTITY', 'CAPTCHA_RESPONSE', 'COSIGN', 'AUDIT', 'SET_RETENTION', 'ANNOUNCE', 'RELAYED'],
  ])
  for (const type of closed) {
    const { code, message } = await byHttp.answerTo('ada', type, { ...requestDocs[type].example as Fields, admin_key: adminKey })
    expect([type, code, message]).toEqual([type, 'NOT_ALLOWED', expect.stringContaining(closedReason(type)!)])
  }
})

test('every request is answered over HTTP as on a socket, but re, ts, via and what a relay draws', async () => {
  const keys = { ada: newKey(), bob: newKey() }
  const started = () => startTestRelay({ adminKey, outboundAllow: ['127.0.0.1'] })
  await using wired = await started()
  await using webbed = await started()
  for (const relay of [wired, webbed]) relay.clock.stop()
  webbed.clock.stop(wired.clock.now())
  const wires = {
    ada: await wired.login('ada', { key: keys.ada, inbox: 'none', autojoin: false }),
    bob: await wired.login('bob', { key: keys.bob, inbox: 'none', autojoin: false }),
  }
  for (const who of ['ada', 'bob'] as const) await (await webbed.login(who, { key: keys[who], autojoin: false })).close()
  for (const relay of [wired, webbed]) {
    await using operator = await relay.login('op')
    await operator.ask({
      type: 'ADMIN_CREDIT',
      admin_key: adminKey,
      agent_id: keys.ada.id,
      currency: 'USD',
      amount_minor: 10_000,
      note: 'paid',
    }, 'ADMIN_RESULT')
  }
  const byWire = new ByWire(wired, keys, wires)
  const byHttp = new ByHttp(webbed, keys)
  const answered = new Set<string>()
  const refused: string[] = []
  for (const [index, [who, type, body = {}]] of [...story, ...examples].entries()) {
    // What is listed by its time stands in one order.
    for (const relay of [wired, webbed]) relay.clock.advance(10)
    const bodyOf = (world: World) => typeof body === 'function' ? body(world) : body
    const expected = await byWire.ask(who, type, bodyOf(byWire)) as Fields
    const told = await byHttp.ask(who, type, bodyOf(byHttp))
    expect.soft([index, who, type, told]).toEqual([index, who, type, expected])
    if (expected['type'] === 'ERROR') refused.push(`${type} ${String(expected['code'])} ${String(expected['message'])}`)
    else answered.add(type)
  }
  // Most of them do something; the others are refused, with the same words.
  expect(answered.size, refused.join('\n')).toBeGreaterThan(90)
  const all = Object.keys(requests) as RequestType[]
  expect(all.filter(type => !byHttp.asked.has(type))).toEqual(all.filter(type => needs[type] === 'closed'))
}, 120_000)
