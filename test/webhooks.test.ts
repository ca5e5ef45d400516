// Webhooks out: in order, at least once, signed as the official library checks it, over restarts and receivers that fail; and never
// anything that their agents may not read, nor anywhere that the relay may not connect to.
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { fingerprintOf, messageTextV2 } from '../lib/identity/index.ts'
import type { Config } from '../src/app.ts'
import { isOnPostgres } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { newReceiver, type Receiver } from './kit/receiver.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Wire } from './kit/wire.ts'

const settings: Partial<Config> = {
  webhooks: true,
  outboundAllow: ['127.0.0.1'],
  channels: ['#general'],
  autoJoin: [],
  verifiedChannels: [],
  adminKey: "the operator's key",
}
/** What is done by the clock, often: on a database server each of its statements is waited for. */
const pace = { sweepMs: isOnPostgres ? 250 : 20 }
const minute = 60_000

const started = (more: Partial<Config> = {}, parts: Parameters<typeof startTestRelay>[1] = {}) =>
  startTestRelay({ ...settings, ...more }, { pace, random: () => 0.5, ...parts })

const add = (wire: Wire, url: string, more: object = {}) => wire.ask({ type: 'WEBHOOK_ADD', url, ...more }, 'WEBHOOK_ADDED')
const logOf = async (wire: Wire, webhook_id: string) => (await wire.ask({ type: 'WEBHOOK_LOG', webhook_id }, 'WEBHOOK_LOG')).items
const stateOf = async (wire: Wire, id: string) =>
  (await wire.ask({ type: 'WEBHOOKS' }, 'WEBHOOKS')).list.find(({ webhook_id }) => webhook_id === id)!

/** Resolves when it is so. */
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 10_000; !await isSo();) {
    if (Date.now() > end) throw new Error(`still not: ${isSo.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** As a receiver checks it with the official library, at the time at which it was signed. */
const verify = (secret: string, { text, headers }: Receiver['received'][number]): unknown => {
  const offsetMs = Number(headers['webhook-timestamp']) * 1_000 - Date.now()
  const { now } = Date
  Date.now = () => now() + offsetMs
  try {
    return new Webhook(secret).verify(text, headers)
  } finally {
    Date.now = now
  }
}

/** An owner, its channel, and who talks there. */
const room = async (relay: TestRelay, key = newKey()) => {
  const ada = await relay.login('ada', { key })
  // There already in a later life.
  await ada.answer({ type: 'CREATE_CHANNEL', channel: '#builds' })
  await ada.ask({ type: 'JOIN', channel: '#builds' }, 'JOINED')
  const say = (content: string) => ada.ask({ type: 'MSG', to: '#builds', content }, 'ACK')
  return { ada, key, say }
}

test("a channel's messages arrive in order, signed, each once its predecessor was taken, over a restart and a receiver that was away", async () => {
  using data = newFolder()
  await using receiver = await newReceiver()
  const clock = new TestClock()
  const key = newKey()
  let webhook: { webhook_id: string, secret: string } | undefined
  const sent: string[] = []
  const life = async (run: (relay: TestRelay, say: (content: string) => Promise<unknown>, ada: Wire) => Promise<void>) => {
    await using relay = await startTestRelay({ ...settings, data: data.path }, { pace, random: () => 0.5 }, { clock })
    const { ada, say } = await room(relay, key)
    await using _ada = ada
    await run(relay, content => {
      sent.push(content)
      return say(content)
    }, ada)
  }
  await life(async (_relay, say, ada) => {
    webhook = await add(ada, receiver.url, { channel: '#builds' })
    for (const n of [1, 2, 3]) await say(`m${n}`)
    await receiver.until(3)
    // The receiver is away, and the relay ends meanwhile.
    receiver.answering = response => void response.writeHead(503).end()
    await say('m4')
    await say('m5')
    await receiver.until(4)
    await until(async () => (await logOf(ada, webhook!.webhook_id))[0]!.state === 'waiting')
  })
  expect(receiver.contents).toEqual(['m1', 'm2', 'm3', 'm4'])
  receiver.answering = response => void response.writeHead(204).end()
  await life(async (_relay, say, ada) => {
    await say('m6')
    clock.advance(10_000)
    await receiver.until(7)
    // What was received is noted a turn later.
    await until(async () => (await logOf(ada, webhook!.webhook_id)).filter(({ state }) => state === 'delivered').length === 6)
    expect((await logOf(ada, webhook!.webhook_id)).map(({ state, attempts, status }) => [state, attempts, status])).toEqual([
      ['delivered', 1, 204],
      ['delivered', 1, 204],
      ['delivered', 2, 204],
      ['delivered', 1, 204],
      ['delivered', 1, 204],
      ['delivered', 1, 204],
    ])
  })
  expect(receiver.contents).toEqual(['m1', 'm2', 'm3', 'm4', 'm4', 'm5', 'm6'])
  expect(receiver.received[3]!.id).toBe(receiver.received[4]!.id)
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(6)
  for (const each of receiver.received) {
    expect(verify(webhook!.secret, each)).toEqual(each.body)
    expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, each)).toThrow()
  }
})

describe('what is posted', () => {
  test('direct messages and mentions, as they are stored, with who signed them; thin ones without', async () => {
    await using receiver = await newReceiver()
    await using relay = await started()
    const { ada, key } = await room(relay)
    const bob = newKey()
    await using other = await relay.login('bob', { key: bob })
    await other.ask({ type: 'JOIN', channel: '#builds' }, 'JOINED')
    const { webhook_id: id, secret } = await add(ada, receiver.url)
    const [content, ts, nonce] = ['for ada', relay.clock.now(), 'a'.repeat(32)]
    const text = messageTextV2({ by: bob.id, relay: relay.serverId, to: key.id, content, id: '7', ts, nonce })
    await other.ask({ type: 'MSG', to: key.id, content, id: '7', ts, nonce, sig_v: 2, sig: signWith(bob, text) }, 'ACK')
    await other.ask({ type: 'MSG', to: '#builds', content: 'not for her' }, 'ACK')
    await other.ask({ type: 'MSG', to: '#builds', content: `look, ${key.id}` }, 'ACK')
    await receiver.until(2)
    const [first, second] = receiver.received as [Receiver['received'][number], Receiver['received'][number]]
    expect(first.body).toMatchObject({
      type: 'message.received',
      data: { relay: relay.serverId, agent: key.id, webhook: id, seq: 1, from: bob.id, to: key.id, signature: 'valid' },
    })
    expect(first.body.data).toMatchObject({
      ...{ signed_by: { agent: bob.id, key: fingerprintOf(bob.pem) }, key_age_ms: expect.any(Number) as number },
      ...{ trust: 'known', hops: 0 },
    })
    expect(second.body).toMatchObject({ type: 'mention.received', data: { to: '#builds', signature: 'none', signed_by: null } })
    // The same bytes that were sent to a socket, as they are stored.
    const stored = ada.texts.find(each => each.includes('"for ada"'))!
    expect(first.text).toContain(`"event":${stored}`)
    expect(verify(secret, first)).toBeTruthy()
    await add(ada, receiver.url, { thin: true })
    await other.ask({ type: 'MSG', to: key.id, content: 'only that it is there' }, 'ACK')
    await receiver.until(4)
    expect(receiver.received.filter(({ text }) => text.includes('only that it is there'))).toHaveLength(1)
  })

  test('both secrets sign for a day after a rotation; a test is posted; what was delivered is again, under its id', async () => {
    await using receiver = await newReceiver()
    await using relay = await started()
    const { ada, say } = await room(relay)
    const { webhook_id, secret } = await add(ada, receiver.url, { channel: '#builds' })
    const { secret: next } = await ada.ask({ type: 'WEBHOOK_ROTATE', webhook_id }, 'WEBHOOK_ROTATED')
    await say('one')
    await receiver.until(1)
    for (const each of [secret, next]) expect(verify(each, receiver.received[0]!)).toBeTruthy()
    await until(async () => (await logOf(ada, webhook_id))[0]?.state === 'delivered')
    relay.clock.advance(24 * 60 * minute + 1)
    await say('two')
    await receiver.until(2)
    expect(verify(next, receiver.received[1]!)).toBeTruthy()
    expect(() => verify(secret, receiver.received[1]!)).toThrow()
    await ada.ask({ type: 'WEBHOOK_TEST', webhook_id }, 'OK')
    await receiver.until(3)
    expect(receiver.received[2]!.body.type).toBe('webhook.test')
    await until(async () => (await logOf(ada, webhook_id)).some(({ seq, state }) => seq === 0 && state === 'delivered'))
    const from_seq = Number(receiver.received[0]!.body.data['seq'])
    await ada.ask({ type: 'WEBHOOK_REPLAY', webhook_id, from_seq }, 'OK')
    await receiver.until(5)
    expect(receiver.received.slice(3).map(({ id }) => id)).toEqual(receiver.received.slice(0, 2).map(({ id }) => id))
  })

  test('what its agent may read when it is posted, and nothing else: not after the channel, the standing or the membership went', async () => {
    await using receiver = await newReceiver()
    receiver.answering = response => void response.writeHead(503).end()
    await using relay = await started()
    const { ada, key } = await room(relay)
    await using bob = await relay.login('bob', { key: newKey() })
    await bob.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
    await bob.ask({ type: 'INVITE', channel: '#secret', agent: key.id }, 'OK')
    await ada.ask({ type: 'JOIN', channel: '#secret' }, 'JOINED')
    const { webhook_id } = await add(ada, receiver.url)
    await bob.ask({ type: 'MSG', to: key.id, content: 'before' }, 'ACK')
    await receiver.until(1)
    await bob.ask({ type: 'MSG', to: '#secret', content: `a secret for ${key.id}` }, 'ACK')
    await bob.ask({ type: 'REMOVE_MEMBER', channel: '#secret', agent: key.id }, 'OK')
    await bob.ask({ type: 'MSG', to: key.id, content: 'after' }, 'ACK')
    receiver.answering = response => void response.writeHead(204).end()
    relay.clock.advance(6_000)
    await receiver.until(3)
    expect(receiver.contents).toEqual(['before', 'before', 'after'])
    await until(async () => (await logOf(ada, webhook_id)).some(({ state }) => state === 'delivered'))
    // A channel that is another's now, under the same name.
    const ofChannel = await add(ada, receiver.url, { channel: '#builds' })
    await ada.ask({ type: 'DELETE_CHANNEL', channel: '#builds' }, 'OK')
    await until(async () => (await bob.answer({ type: 'CREATE_CHANNEL', channel: '#builds' })).type === 'JOINED')
    await bob.ask({ type: 'MSG', to: '#builds', content: 'not hers any more' }, 'ACK')
    await until(async () => (await stateOf(ada, ofChannel.webhook_id)).state === 'off')
    expect((await stateOf(ada, ofChannel.webhook_id)).problem).toBe('its agent does not own #builds any more')
    await using boss = await relay.connect()
    await bob.ask({ type: 'MSG', to: key.id, content: 'the last one' }, 'ACK')
    await receiver.until(5)
    await boss.ask({ type: 'ADMIN_BAN', admin_key: settings.adminKey, agent_id: key.id }, 'ADMIN_RESULT')
    await bob.refusal({ type: 'MSG', to: key.id, content: 'to nobody' })
    // Behind it, what the relay told her of the webhook.
    expect(receiver.contents.slice(3)).toEqual([expect.stringContaining('was switched off'), 'the last one'])
  })
})

describe('a condition', () => {
  test('what it is not true of moves the cursor and is neither posted nor noted, however much of it there is', async () => {
    await using receiver = await newReceiver()
    await using relay = await started({ msgRate: 0, addressRate: 0, frameRate: 0, addressFrameRate: 0 })
    const { ada, key, say } = await room(relay)
    const bob = newKey()
    await using other = await relay.login('bob', { key: bob })
    const { webhook_id: ofRoom } = await add(ada, receiver.url, { channel: '#builds', when: 'content.lowerAscii().contains("failed")' })
    const { webhook_id: ofInbox } = await add(ada, receiver.url, { when: `from == '${bob.id}' && !content.startsWith("ok")` })
    await say('build 1 FAILED')
    for (let n = 2; n < 252; n++) ada.send({ type: 'MSG', to: '#builds', content: `build ${n} is green` })
    const { seq } = await say('build 252 failed')
    await receiver.until(2)
    for (const content of ['ok 1', 'no 2', 'ok 3']) await other.ask({ type: 'MSG', to: key.id, content }, 'ACK')
    await receiver.until(3)
    const last = await say('build 253 is green')
    // Both came to the end of what there is, and have done with it.
    await until(async () => (await stateOf(ada, ofRoom)).seq === last.seq && (await stateOf(ada, ofInbox)).seq === 3)
    expect(receiver.contents).toEqual(['build 1 FAILED', 'build 252 failed', 'no 2'])
    expect((await logOf(ada, ofRoom)).map(entry => [entry.seq, entry.state])).toEqual([[seq, 'delivered'], [1, 'delivered']])
    expect((await logOf(ada, ofInbox)).map(entry => entry.seq)).toEqual([2])
    expect((await stateOf(ada, ofInbox)).when).toContain('startsWith')
  })

  test('that is wrong, huge or slow is refused when it is saved, with where; nothing is made', async () => {
    await using relay = await started()
    const { ada } = await room(relay)
    const refused = async (when: string) => {
      const { message } = await ada.ask({ type: 'WEBHOOK_ADD', url: 'http://127.0.0.1:9/in', when }, 'ERROR')
      return message
    }
    expect(await refused('direct &&')).toMatch(/^when: at character 10: /)
    expect(await refused('content.matches("(a+)+$")')).toMatch(/^when: at character 1: matches: /)
    expect(await refused('mentions.all(a, mentions.all(b, a == b))')).toMatch(/^when: at character 17: all: /)
    expect(await refused('chars')).toBe('when: it gives int, and has to give yes or no (bool)')
    expect(await refused('('.repeat(999))).toMatch(/^when: at character 21: /)
    expect(await refused(' '.repeat(1_001))).toContain('when')
    expect((await ada.ask({ type: 'WEBHOOKS' }, 'WEBHOOKS')).list).toEqual([])
  })
})

describe('receivers that fail', () => {
  test('ten tries over a day, then it is off and its agent told; it goes on from there, by its agent or by the operator', async () => {
    await using receiver = await newReceiver()
    receiver.answering = response => void response.writeHead(500).end()
    await using relay = await started()
    const { ada, key, say } = await room(relay)
    const { webhook_id } = await add(ada, receiver.url, { channel: '#builds' })
    const from = relay.clock.now()
    await say('first')
    await say('second')
    await receiver.until(1)
    for (let tries = 1; tries < 10; tries++) {
      await until(async () => (await logOf(ada, webhook_id))[0]?.attempts === tries)
      const next = (await logOf(ada, webhook_id))[0]!.next_at!
      relay.clock.advance(next - relay.clock.now() - 500)
      expect(receiver.received).toHaveLength(tries)
      relay.clock.advance(600)
      await receiver.until(tries + 1)
    }
    expect(relay.clock.now() - from).toBeGreaterThan(24 * 60 * minute)
    await until(async () => (await stateOf(ada, webhook_id)).state === 'off')
    const told = await ada.next('MSG').then(async frame => frame.from === '@server' ? frame : ada.next('MSG'))
    await until(() => Promise.resolve(ada.heard.some(frame => frame.type === 'MSG' && frame.from === '@server' && frame.to === key.id)))
    expect(told).toBeDefined()
    expect((await stateOf(ada, webhook_id)).problem).toBe('it answers 500')
    expect(new Set(receiver.contents)).toEqual(new Set(['first']))
    expect(await relay.metric('agentchat_webhook_posts_total{outcome="off"}')).toBe(1)
    receiver.answering = response => void response.writeHead(204).end()
    await using boss = await relay.connect()
    const admin_key = settings.adminKey
    const { items } = await boss.ask({ type: 'ADMIN_ERRANDS', admin_key, state: 'dead' }, 'ERRANDS')
    expect(items).toMatchObject([{ kind: 'webhook', owner: key.id, ref: webhook_id, attempts: 10, problem: 'it answers 500' }])
    await boss.ask({ type: 'ADMIN_ERRAND_RETRY', admin_key, errand: items[0]!.errand }, 'ERRANDS')
    await receiver.until(12)
    expect(receiver.contents.slice(10)).toEqual(['first', 'second'])
    await until(async () => (await stateOf(ada, webhook_id)).state === 'on')
    receiver.answering = response => void response.writeHead(410).end()
    await say('third')
    await until(async () => (await stateOf(ada, webhook_id)).state === 'off')
    receiver.answering = response => void response.writeHead(204).end()
    await ada.ask({ type: 'WEBHOOK_REPLAY', webhook_id }, 'OK')
    await receiver.until(14)
    expect(receiver.contents.slice(12)).toEqual(['third', 'third'])
  })

  test('Retry-After is obeyed; a redirect is followed nowhere; an answer without end is taken by its status; one that breaks off is not', async () => {
    await using receiver = await newReceiver()
    await using inside = await newReceiver()
    await using relay = await started()
    const { ada, say } = await room(relay)
    const { webhook_id } = await add(ada, receiver.url, { channel: '#builds' })
    receiver.answering = response => void response.writeHead(429, { 'retry-after': '3600' }).end()
    await say('a')
    await until(async () => (await logOf(ada, webhook_id))[0]?.status === 429)
    const [entry] = await logOf(ada, webhook_id)
    expect(entry!.next_at! - entry!.at).toBe(3_600_000)
    receiver.answering = response => void response.writeHead(307, { location: inside.url }).end()
    relay.clock.advance(3_601_000)
    await until(async () => (await logOf(ada, webhook_id))[0]?.status === 307)
    expect(inside.received).toEqual([])
    receiver.answering = response => void response.destroy()
    relay.clock.advance(10 * minute)
    await until(async () => (await logOf(ada, webhook_id))[0]?.attempts === 3)
    expect((await logOf(ada, webhook_id))[0]).toMatchObject({ problem: 'the connection broke off' })
    let written = 0
    receiver.answering = response => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024
      }
      response.on('drain', more)
      more()
    }
    relay.clock.advance(60 * minute)
    await until(async () => (await logOf(ada, webhook_id))[0]?.state === 'delivered')
    expect(written).toBeLessThan(16 * 1024 * 1024)
  })

  test('four are under way to one host; a lease is kept alive, and an answer behind its end is not believed', async () => {
    await using receiver = await newReceiver()
    const open: (() => void)[] = []
    receiver.answering = response => void open.push(() => response.writeHead(204).end())
    await using relay = await started()
    const owners = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(name => relay.login(name, { key: newKey() })))
    await using bob = await relay.login('bob')
    const made: { readonly webhook_id: string }[] = []
    for (const owner of owners) {
      made.push(await add(owner, receiver.url))
      await bob.ask({ type: 'MSG', to: owner.id, content: owner.id }, 'ACK')
    }
    await receiver.until(4)
    for (let i = 0; i < 5; i++) {
      relay.clock.advance(9_000)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    // A lease of 20 s would have been over twice; what waits has not got in.
    expect(receiver.received).toHaveLength(4)
    relay.clock.advance(60_000)
    await until(async () => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return receiver.received.length >= 4
    })
    for (const answer of open.splice(0)) answer()
    receiver.answering = response => void response.writeHead(204).end()
    await until(async () => {
      for (const answer of open.splice(0)) answer()
      const states = await Promise.all(owners.map(async (owner, i) => (await logOf(owner, made[i]!.webhook_id))[0]?.state))
      return states.every(state => state === 'delivered')
    })
    expect(new Set(receiver.contents).size).toBe(6)
    for (const owner of owners) await owner.close()
  })
})

describe('where to', () => {
  test('a name that is found elsewhere the second time is not reached, and the webhook is off', async () => {
    let lookups = 0
    await using relay = await started({ outboundAllow: [] }, {
      resolve: () => Promise.resolve([{ address: ++lookups === 1 ? '8.8.8.8' : '169.254.169.254', family: 4 }]),
    })
    const { ada, say } = await room(relay)
    const { webhook_id } = await add(ada, 'https://trick.example/in', { channel: '#builds' })
    await say('to nobody')
    await until(async () => (await stateOf(ada, webhook_id)).state === 'off')
    expect(lookups).toBe(2)
    expect((await stateOf(ada, webhook_id)).problem).toBe('it is at an address that this relay may not reach')
  })

  test.each([
    'https://127.0.0.1/in',
    'https://[::1]/in',
    'https://2130706433/in',
    'https://localhost/in',
    'http://8.8.8.8/in',
    'https://user:word@8.8.8.8/in',
  ])('%s is refused when it is saved', async url => {
    await using relay = await started({ outboundAllow: [] })
    await using ada = await relay.login('ada', { key: newKey() })
    expect(await ada.refusal({ type: 'WEBHOOK_ADD', url })).toMatchObject({ code: 'INVALID_MSG' })
  })

  test('secrets are kept sealed, and an agent has so many', async () => {
    await using receiver = await newReceiver()
    await using relay = await started({ maxWebhooks: 6 })
    await using ada = await relay.login('ada', { key: newKey() })
    await using bob = await relay.login('bob', { key: newKey() })
    const { secret } = await add(ada, receiver.url)
    const rows = await relay.store.read.tables<{ webhooks: { secret: string } }>().selectFrom('webhooks').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(secret.slice(6))
    for (let i = 0; i < 4; i++) await add(ada, receiver.url)
    expect(await ada.refusal({ type: 'WEBHOOK_ADD', url: receiver.url })).toMatchObject({ code: 'LIMIT_REACHED' })
    await add(bob, receiver.url)
    expect(await bob.refusal({ type: 'WEBHOOK_ADD', url: receiver.url })).toMatchObject({ code: 'LIMIT_REACHED' })
  })
})

test('a webhook that a token made ends when it is revoked: whoever had it does not hear on', async () => {
  await using receiver = await newReceiver()
  await using relay = await started()
  const { ada, say } = await room(relay)
  const made = async (): Promise<{ readonly token_id: string, readonly webhook_id: string }> => {
    const { token, token_id } = await ada.ask({ type: 'TOKEN_CREATE', scopes: ['read', 'manage'] }, 'TOKEN_CREATED')
    const response = await fetch(`${relay.httpUrl}/v1/webhooks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': `w-${token_id}` },
      body: JSON.stringify({ url: receiver.url, channel: '#builds' }),
    })
    expect(response.status).toBe(201)
    return { token_id, ...await response.json() as { readonly webhook_id: string } }
  }
  const asked = async (scopes: readonly string[], path: string) => {
    const { token } = await ada.ask({ type: 'TOKEN_CREATE', scopes }, 'TOKEN_CREATED')
    const response = await fetch(`${relay.httpUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': path },
      body: JSON.stringify(path === '/v1/webhooks' ? { url: receiver.url } : {}),
    })
    return [response.status, (await response.json() as { readonly code?: string }).code]
  }
  const [stolen, kept] = [await made(), await made()]
  // It hears what the agent is sent; and what signs is changed by the key alone.
  expect(await asked(['manage'], '/v1/webhooks')).toEqual([403, 'SCOPE_MISSING'])
  expect(await asked(['read', 'manage'], `/v1/webhooks/${kept.webhook_id}/rotate`)).toEqual([403, 'SIGNATURE_REQUIRED'])
  const own = await add(ada, receiver.url, { channel: '#builds' })
  expect(await stateOf(ada, stolen.webhook_id)).toMatchObject({ token_id: stolen.token_id })
  expect(await stateOf(ada, own.webhook_id)).not.toHaveProperty('token_id')
  await ada.ask({ type: 'TOKEN_REVOKE', token_id: stolen.token_id }, 'OK')
  expect(await stateOf(ada, stolen.webhook_id)).toBeUndefined()
  await say('a secret')
  await until(async () => receiver.received.length >= 2)
  expect(receiver.received.map(({ headers }) => headers['webhook-id']!.split('_').slice(0, 2).join('_')).sort())
    .toEqual([kept.webhook_id, own.webhook_id].sort())
  await ada.close()
})
