// Messages signed for one relay, one moment and one place: what a relay that repeats, carries or changes them is found out by, on every way
// a message takes to its reader.
import { expect, onTestFinished, test } from 'vitest'
import type { Message, SignatureState, Transport } from '../lib/index.ts'
import { messageText, messageTextV2 } from '../lib/identity/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import { encode, type Frame } from '../lib/protocol/index.ts'
import { openKeeper } from '../src/app.ts'
import { messages } from '../src/features/talk/messages/handlers.ts'
import { Cli } from './kit/cli.ts'
import { clientOf, collect, newIdentity } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Wire } from './kit/wire.ts'

const nonce = '000102030405060708090a0b0c0d0e0f'
const minute = 60_000

type Body = Omit<Frame<'MSG'>, 'type' | 'msg_id' | 'seq' | 'replay'>

/** Puts an event into the log of a relay, as one that lies would. */
const forge = (relay: TestRelay, stream: string, { ts: at, ...body }: Body) =>
  relay.store.write(tx =>
    tx.log.append({ stream, author: body.from, inbox: [] }, at, ({ ts, seq, msgId }) =>
      Buffer.from(encode('MSG', { ts, ...body, msg_id: msgId, seq })))
  )

const statesOf = (messages: readonly Message[]) => messages.map(({ content, signature }) => [content, signature])

/** Everything in #general, as somebody who comes now reads it. */
const readAll = async (relay: TestRelay, count: number): Promise<readonly Message[]> => {
  await using reader = await clientOf(relay, { name: 'reader' })
  const heard = collect(reader, count)
  await reader.join('#general', { since: 0 })
  return await heard
}

/** A line on which what comes from the relay is changed, or becomes several texts. */
const changing = (change: (text: string) => readonly string[]): Transport => (url, handlers) =>
  wsTransport(url, { ...handlers, message: text => change(text).forEach(each => handlers.message(each)) })

const onlyOfMessages = (change: (frame: Frame<'MSG'>) => readonly object[]) => (text: string): readonly string[] =>
  text.startsWith('{"type":"MSG"') ? change(JSON.parse(text) as Frame<'MSG'>).map(frame => JSON.stringify(frame)) : [text]

test('a signature holds wherever the message is read at its relay: live, replayed, from the inbox, after a restart and a restore', async () => {
  using folder = newFolder()
  const [alice, bob] = [newIdentity('alice'), newIdentity('bob')]
  {
    await using relay = await startTestRelay({ data: folder.at('data') })
    await using reader = await clientOf(relay, { name: 'reader' })
    await (await clientOf(relay, { identity: bob })).close()
    await using client = await clientOf(relay, { identity: alice })
    await reader.join('#general')
    const live = collect(reader, 2)
    await client.join('#general')
    const first = await client.send('#general', 'hello')
    await client.send('#general', 'an answer', { inReplyTo: first.msgId })
    await client.send(bob.agentId, 'for you')
    expect(statesOf(await live)).toEqual([['hello', 'valid'], ['an answer', 'valid']])
    expect((await live)[0]!.frame).toMatchObject({
      sig_v: 2,
      relay: relay.serverId,
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    })
    expect(statesOf(await readAll(relay, 2))).toEqual([['hello', 'valid'], ['an answer', 'valid']])
  }
  {
    await using relay = await startTestRelay({ data: folder.at('data') })
    await using client = await clientOf(relay, { identity: bob })
    expect(statesOf(await collect(client, 1))).toEqual([['for you', 'valid']])
    const { events } = await client.history({ channel: '#general' })
    expect(await Promise.all(events.map(event => client.signatureOf(event)))).toEqual(['valid', 'valid'])
    // Read again it is the same message.
    expect(await client.signatureOf(events[0]!)).toBe('valid')
  }
  const keeper = await openKeeper()
  await keeper.backup({ data: folder.at('data'), target: folder.at('copy.db') })
  await keeper.restore({ file: folder.at('copy.db'), data: folder.at('back'), force: false, newEpoch: 'b'.repeat(16), now: 1 })
  await using restored = await startTestRelay({ data: folder.at('back') })
  expect(statesOf(await readAll(restored, 2))).toEqual([['hello', 'valid'], ['an answer', 'valid']])
})

test('what was said at another relay is foreign, in the first form weak', async () => {
  using folder = newFolder()
  const identity = newIdentity('alice')
  const signed: string[] = []
  {
    await using relay = await startTestRelay({ data: folder.at('data') })
    await using client = await clientOf(relay, { identity })
    await client.join('#general')
    await client.send('#general', 'hello')
    await using older = await clientOf(relay, {
      identity,
      session: 'older',
      transport: changing(text => [text.replace('"msg-v2"', '"other"')]),
    })
    await older.send('#general', 'older')
    const { events } = await client.history({ channel: '#general' })
    signed.push(...events.map(event => String(event['sigV'])))
  }
  expect(signed).toEqual(['2', 'undefined'])
  let text = ''
  const keeper = await openKeeper()
  await keeper.export({ data: folder.at('data'), now: 1, write: piece => void (text += piece) })
  await keeper.import({
    source: (async function*() {
      yield Buffer.from(text)
    })(),
    data: folder.at('new'),
    newEpoch: 'b',
  })
  await using relay = await startTestRelay({ data: folder.at('new') })
  expect(statesOf(await readAll(relay, 2))).toEqual([['hello', 'foreign'], ['older', 'weak']])
})

test('a relay that repeats, moves in time, carries over or changes what was said is found out, and the command line shows it', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using alice = await relay.login('alice', { key })
  const now = Date.now()
  const say = (content: string, ts: number, from: string, at = relay.serverId) => {
    const message = { by: key.id, relay: at, to: '#general', content, id: content, ts, nonce: nonce.replace(/^../, from) }
    return { content, sig_v: 2, sig_ts: ts, nonce: message.nonce, relay: at, pub_id: content, sig: signWith(key, messageTextV2(message)) }
  }
  const older = (content: string, ts: number) => ({
    content,
    sig_ts: ts,
    sig: signWith(key, messageText({ to: '#general', content, ts })),
  })
  const common = { from: alice.id, from_name: 'alice', to: '#general', ts: now, verified: false }
  const fresh = say('fresh', now, '01')
  const cases: readonly (readonly [object, SignatureState])[] = [
    [fresh, 'valid'],
    [fresh, 'duplicated'],
    [say('early', now - 6 * minute, '02'), 'stale'],
    [say('late', now + 6 * minute, '03'), 'stale'],
    [say('elsewhere', now, '04', 'f'.repeat(64)), 'foreign'],
    [{ ...say('said', now, '05'), content: 'never said' }, 'invalid'],
    [{ ...say('claimed', now, '06', 'f'.repeat(64)), relay: relay.serverId }, 'invalid'],
    [{ ...say('no nonce', now, '07'), nonce: undefined }, 'invalid'],
    [{ ...say('under another id', now, '08'), pub_id: 'other' }, 'invalid'],
    [{ ...say('an answer', now, '09'), in_reply_to: 'to what it did not answer' }, 'invalid'],
    [older('older', now), 'weak'],
    [older('older', now), 'duplicated'],
    [older('long ago', now - 6 * minute), 'stale'],
    [{ content: 'unsigned' }, 'none'],
  ]
  for (const [body] of cases) await forge(relay, '#general', { ...common, ...body } as Body)
  const expected = cases.map(([, state]) => state)

  expect((await readAll(relay, cases.length)).map(({ signature }) => signature)).toEqual(expected)
  using cli = new Cli()
  const env = { AGENTCHAT_URL: relay.url }
  expect((await cli.run(['history', '#general'], { env })).json.map(({ signature }) => signature)).toEqual(expected)
  const listened = await cli.run(['listen', '#general', '--since', 'all', '-m', `${cases.length}`], { env })
  expect(listened.json.map(({ signature }) => signature)).toEqual(expected)
  const { stdout } = await cli.run(['history', '#general'], { env, isTTY: true })
  const marks: Readonly<Record<SignatureState, string>> = {
    valid: '✓',
    weak: 'older form',
    stale: 'at another time',
    duplicated: 'said before',
    foreign: 'for another relay',
    invalid: "not this agent's",
    'unknown-key': 'cannot show',
    none: 'unsigned',
  }
  const lines = stdout.trimEnd().split('\n')
  for (const [i, state] of expected.entries()) {
    expect(lines[i]).toContain(marks[state])
    expect(lines[i]!.includes('✓')).toBe(state === 'valid')
  }
})

test.each<readonly [string, (frame: Frame<'MSG'>) => readonly object[], readonly SignatureState[]]>([
  ['said twice', frame => [frame, { ...frame, seq: frame.seq! + 1, msg_id: 'x' }], ['valid', 'duplicated']],
  ['said twice without a number', frame => [frame, { ...frame, seq: undefined, msg_id: undefined }], ['valid', 'duplicated']],
  ['dated a day later', frame => [{ ...frame, ts: frame.ts + 24 * 60 * minute }], ['stale']],
  ['stripped of what its signature covers', frame => [{ ...frame, relay: undefined }], ['invalid']],
])('a live message that the relay has %s', async (_, change, states) => {
  await using relay = await startTestRelay()
  await using alice = await clientOf(relay, { identity: newIdentity('alice') })
  await using bob = await clientOf(relay, { name: 'bob', transport: changing(onlyOfMessages(change)) })
  await alice.join('#general')
  await bob.join('#general')
  const heard = collect(bob, states.length)
  await alice.send('#general', 'once')
  expect((await heard).map(({ signature }) => signature)).toEqual(states)
})

test('what is kept back and told later is stale, though its time is the one at which it was said', async () => {
  await using relay = await startTestRelay()
  let ahead = 0
  await using alice = await clientOf(relay, { identity: newIdentity('alice') })
  await using bob = await clientOf(relay, { name: 'bob', now: () => Date.now() + ahead })
  await alice.join('#general')
  await bob.join('#general')
  const heard = bob.messages()
  await alice.send('#general', 'now')
  expect((await heard.next()).value).toMatchObject({ content: 'now', signature: 'valid' })
  ahead = 6 * minute
  await alice.send('#general', 'later')
  expect((await heard.next()).value).toMatchObject({ content: 'later', signature: 'stale' })
})

test('a signature that covers a field of a later version is checked over the text that came', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using alice = await relay.login('alice', { key })
  const sealed = { epoch: 3, data: 'OxY23GLrtwuz6dCjQkZ8rG71KQ+uqdugGq64dHW9ICA=' }
  await using bob = await clientOf(relay, {
    name: 'bob',
    transport: changing(onlyOfMessages(frame => {
      const ts = Date.now()
      const text = messageTextV2({ by: key.id, relay: relay.serverId, to: '#general', content: 'hi', ts, nonce, sealed })
      return [{ ...frame, sig_v: 2, sig_ts: ts, nonce, relay: relay.serverId, sealed, sig: signWith(key, text) }]
    })),
  })
  await bob.join('#general')
  const heard = collect(bob, 1)
  alice.send({ type: 'MSG', to: '#general', content: 'hi' })
  expect(statesOf(await heard)).toEqual([['hi', 'valid']])
  expect((await heard)[0]!.frame).not.toHaveProperty('sealed')
})

/** A request with a signature of the second form, over some fields other than those that are sent. */
const signedRequest = (wire: Wire, key: ReturnType<typeof newKey>, relay: string, other: object = {}) => {
  const message = { to: '#general', content: 'hi', id: 'one', ts: Date.now(), nonce }
  const text = messageTextV2({ ...message, by: wire.id, relay, ...other })
  return { type: 'MSG', ...message, sig_v: 2, sig: signWith(key, text) }
}

test('the relay stores no signature of the second form that does not hold for it, whether it verifies older ones or not', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using alice = await relay.login('alice', { key })
  const others = [
    { by: '@0000000000000000' },
    { relay: 'f'.repeat(64) },
    { to: '#help' },
    { content: 'ho' },
    { id: 'two' },
    { id: undefined },
    { ts: 1 },
    { nonce: nonce.replace('00', 'ff') },
    { in_reply_to: 'x' },
    { seen: { seq: 1 } },
  ]
  for (const other of others) {
    expect(await alice.refusal(signedRequest(alice, key, relay.serverId, other)), JSON.stringify(other)).toMatchObject({
      code: 'VERIFICATION_FAILED',
    })
  }
  expect(await alice.refusal({ ...signedRequest(alice, key, relay.serverId), nonce: undefined })).toMatchObject({
    code: 'VERIFICATION_FAILED',
  })
  expect(await alice.refusal(signedRequest(alice, newKey(), relay.serverId))).toMatchObject({ code: 'VERIFICATION_FAILED' })
  await using guest = await relay.login('guest')
  expect(await guest.refusal(signedRequest(guest, key, relay.serverId))).toMatchObject({ code: 'VERIFICATION_FAILED' })
  expect((await alice.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events).toEqual([])
  expect(await alice.ask(signedRequest(alice, key, relay.serverId), 'ACK')).toMatchObject({ seq: 1 })
})

test('what a relay says of itself names the forms of signatures that it knows', async () => {
  await using relay = await startTestRelay()
  const { features } = await (await fetch(`${relay.httpUrl}/.well-known/agentchat.json`)).json() as { readonly features: readonly string[] }
  expect(features).toEqual(expect.arrayContaining(['login-v3', 'trade-v3', 'msg-v2']))
  await using guest = await clientOf(relay)
  expect(guest.welcome?.features?.slice(0, 3)).toEqual(['login-v3', 'trade-v3', 'msg-v2'])
})

test('a message without a signature waits for nothing', () => {
  const asked: string[] = []
  const { handlers } = messages({
    maxContentBytes: 1_000,
    shares: undefined as never,
    redact: true,
    maxHereMembers: 0,
    serverId: 'f'.repeat(64),
    verifyMessages: false,
    policies: {},
    inCircle: undefined,
    answerFloor: () => Promise.resolve({}),
    nameFiles: () => Promise.resolve(),
    verifyMessage: (_by, _key, text) => {
      asked.push(text)
      return Promise.resolve(true)
    },
  })
  const { MSG: handler } = handlers
  if (!('write' in handler)) throw new Error('MSG is a write')
  const asker = { agent: { id: '@0000000000000000', pubkey: newKey().pem } } as never
  const unsigned = { to: '#general', content: 'hi', id: 'one' } as never
  expect(handler.prepare!(asker, unsigned)).toBeUndefined()
  // Nor does one of the first form, where the relay is not told to check those.
  expect(handler.prepare!(asker, { to: '#general', content: 'hi', ts: 1, sig: 'x' } as never)).toBeUndefined()
  expect(asked).toEqual([])
  void handler.prepare!(asker, { to: '#general', content: 'hi', ts: 1, sig: 'x', sig_v: 2, nonce } as never)
  expect(asked).toHaveLength(1)
})

test('however often a message is sent it is signed for the moment, under one nonce', async () => {
  await using relay = await startTestRelay({ msgRate: 1, msgBurst: 1 })
  const sent: { readonly content: string, readonly ts: number, readonly nonce: string, readonly sig: string }[] = []
  const transport: Transport = (url, handlers) => {
    const socket = wsTransport(url, handlers)
    return {
      send: text => {
        if (text.startsWith('{"type":"MSG"')) sent.push(JSON.parse(text) as (typeof sent)[number])
        socket.send(text)
      },
      close: (code, reason) => socket.close(code, reason),
    }
  }
  let ahead = 0
  await using alice = await clientOf(relay, { identity: newIdentity('alice'), transport, now: () => Date.now() + ahead++ })
  await alice.join('#general')
  await Promise.all(['one', 'two', 'three'].map(content => alice.send('#general', content, { timeoutMs: 30_000 })))
  const repeated = sent.filter(({ content }) => content === 'two')
  expect(repeated.length).toBeGreaterThan(1)
  expect(new Set(repeated.map(({ nonce }) => nonce)).size).toBe(1)
  expect(new Set(repeated.map(({ ts }) => ts)).size).toBe(repeated.length)
  expect(new Set(sent.map(({ nonce }) => nonce)).size).toBe(3)
  const { events } = await alice.history({ channel: '#general' })
  expect(await Promise.all(events.map(event => alice.signatureOf(event)))).toEqual(['valid', 'valid', 'valid'])
})

test('half a character is sent as it is, signed in the older form', async () => {
  await using relay = await startTestRelay()
  const alice = await clientOf(relay, { identity: newIdentity('alice') })
  onTestFinished(() => alice.close())
  const heard = collect(alice, 1)
  await alice.join('#general')
  await alice.send('#general', 'cut \ud83d')
  expect(statesOf(await heard)).toEqual([['cut \ud83d', 'weak']])
})
