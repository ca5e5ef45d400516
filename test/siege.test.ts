// A siege, counted: what one stranger makes wait, and how much of it is done, with the limits as they are by default. The same
// attacks with time and memory: npm run siege.
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { fingerprintOf } from '../lib/identity/index.ts'
import { defaultConfig } from '../src/app.ts'
import { sparing } from '../src/relay/http.ts'
import { newFolder } from './kit/folder.ts'
import { adminKey, signedFor, startLinkable } from './kit/linked.ts'
import { newReceiver } from './kit/receiver.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'
import { metricsOf } from './kit/vitals.ts'

const { msgRate, maxPendingBytes } = defaultConfig()
const times = <T>(count: number, make: (i: number) => T): readonly T[] => Array.from({ length: count }, (_, i) => make(i))

test('a thousand pages asked for in one write and not read: a bounded number is made, and the honest are served', async () => {
  await using relay = await startTestRelay({ msgRate })
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  await stranger.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(60_000) }, 'ACK')
  await stranger.barrier()
  stranger.pause()
  const before = (await metricsOf(relay.httpUrl))['agentchat_sent_bytes_total']!
  stranger.send(...times(1_000, () => ({ type: 'HISTORY', channel: '#general', after: 0 })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  const metrics = await metricsOf(relay.httpUrl)
  // 60 MB were asked for.
  expect(metrics['agentchat_sent_bytes_total']! - before).toBeLessThan(2 * maxPendingBytes)
  expect(metrics['agentchat_queued_bytes']).toBeLessThan(2 * maxPendingBytes)
  expect(metrics['agentchat_owed_bytes']).toBeLessThan(metrics['agentchat_owed_limit_bytes']!)
})

test('lists asked for before login: the allowance of a newcomer, and no more', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const wire = await relay.connect()
  const honest = await relay.login('honest')
  wire.send(...times(400, () => ({ type: 'LIST_CHANNELS' })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  expect(wire.heard.length).toBeLessThan(100)
})

test('messages as fast as the socket takes them: a burst is stored, the rest is refused or waits', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  stranger.send(...times(500, i => ({ type: 'MSG', id: `m${i}`, to: '#general', content: 'hi' })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  const { agentchat_messages_stored_total: stored, agentchat_queue_frames: queued } = await metricsOf(relay.httpUrl)
  expect(stored).toBeLessThanOrEqual(10)
  expect(queued).toBeLessThanOrEqual(10)
})

test('frames of brackets are not parsed, those of small values neither', async () => {
  await using relay = await startTestRelay({ msgRate })
  const wire = await relay.login('stranger')
  for (const bomb of ['['.repeat(100_000), `[${'0,'.repeat(60_000)}0]`]) {
    wire.send(`{"type":"PING","x":${bomb}}`)
    expect(await wire.next('ERROR')).toMatchObject({ code: 'INVALID_MSG', message: expect.stringContaining('values') as string })
  }
})

test('signals without end: an honest member hears a few', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  await honest.clear()
  const heard = honest.heard.length
  stranger.send(
    ...times(300,
      i => i % 3 === 0 ? { type: 'TYPING', channel: '#general' } : { type: 'SET_PRESENCE', status: i % 2 === 0 ? 'away' : 'online' }),
  )
  for (let i = 0; i < 5; i++) await honest.barrier()
  expect(honest.heard.length - heard - 5).toBeLessThan(50)
})

test('settings and groups of a channel set without end, and named: an honest member hears a burst, and finds a few in its inbox', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const key = newKey()
  const [stranger, honest] = [await relay.login('stranger', { key: newKey() }), await relay.login('honest', { key, inbox: 'manual' })]
  await stranger.ask({ type: 'CREATE_CHANNEL', channel: '#theirs' }, 'JOINED')
  await honest.ask({ type: 'JOIN', channel: '#theirs' }, 'JOINED')
  await honest.clear()
  const heard = honest.heard.length
  const members = [key.id, ...times(99, i => `@a${i}`)]
  stranger.send(...times(500, i =>
    [
      { type: 'SET_GROUP', channel: '#theirs', group: `group-${i % 20}`, members },
      { type: 'SET_CHANNEL', channel: '#theirs', welcome: `${i}` },
      { type: 'MSG', to: '#theirs', content: times(20, n => `@group-${n}`).join(' ') },
    ][i % 3]!))
  for (let i = 0; i < 5; i++) await honest.barrier()
  // What is in its inbox is offered beside, once.
  const told = honest.heard.slice(heard).filter(({ type }) => type !== 'PONG' && type !== 'INBOX')
  expect(told.length).toBeGreaterThan(0)
  expect(told.length).toBeLessThanOrEqual(10)
  expect((await honest.ask({ type: 'INBOX' }, 'INBOX')).items.length).toBeLessThanOrEqual(10)
})

test('heads of a long stream, asked for without end: it is read once, a page at a time, and the honest are served', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  const events = 20_000
  await relay.store.write(async tx => {
    for (let i = 0; i < events; i++) {
      void tx.log.append({ stream: '#general', author: '@a' }, 1, ({ ts, seq, msgId }) =>
        Buffer.from(JSON.stringify({ type: 'MSG', ts, from: '@a', from_name: 'a', to: '#general', content: 'x', msg_id: msgId, seq })))
    }
    await tx.log.flush()
  })
  const pages = vi.spyOn(relay.store.read.log, 'page')
  stranger.send(...times(300, () => ({ type: 'HEAD', channel: '#general' })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  expect(await honest.ask({ type: 'HEAD', channel: '#general' }, 'HEAD')).toMatchObject({ size: events })
  expect(pages.mock.calls.length).toBeLessThanOrEqual(Math.ceil(events / 256) + 2)
  expect(pages.mock.calls.every(([, { limit }]) => limit <= 256)).toBe(true)
  vi.restoreAllMocks()
})

test('subscriptions without end, with heavy conditions: few are read, few hold, and what is said is delivered', async () => {
  await using relay = await startTestRelay()
  relay.clock.stop()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  for (let i = 0; i < 17; i++) await stranger.ask({ type: 'CREATE_CHANNEL', channel: `#c${i}` }, 'JOINED')
  const subscribe = (channel: string) => ({ type: 'SUBSCRIBE', channel, digest_ms: 86_400_000 })
  for (let i = 0; i < 16; i++) await stranger.ask(subscribe(`#c${i}`), 'SUBSCRIBED')
  expect(await stranger.refusal(subscribe('#c16'))).toMatchObject({ code: 'LIMIT_REACHED' })
  // One that has ended makes room, though what comes next there still has to say behind what it comes.
  await honest.ask({ type: 'JOIN', channel: '#c0' }, 'JOINED')
  await honest.ask({ type: 'MSG', to: '#c0', content: 'left out' }, 'ACK')
  await honest.next('MSG')
  await stranger.ask({ type: 'SUBSCRIBE', channel: '#c0' }, 'SUBSCRIBED')
  await stranger.ask(subscribe('#c16'), 'SUBSCRIBED')
  await stranger.ask({ type: 'SUBSCRIBE', channel: '#c16' }, 'SUBSCRIBED')
  const heavy = (i: number) => `["a", "b", "c"].exists(w, content.lowerAscii().contains(w)) || content.contains("${i}")`
  stranger.send(...times(2_000, i => ({ type: 'SUBSCRIBE', channel: '#general', when: heavy(i) })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  // However fast they are read: others have their turns long before the last of them.
  expect(stranger.heard.filter(({ type }) => type === 'SUBSCRIBED').length).toBeLessThan(1_000)
  await honest.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(16_000) }, 'ACK')
  await honest.next('MSG')
  const metrics = await metricsOf(relay.httpUrl)
  expect(metrics['agentchat_owed_bytes']).toBeLessThan(metrics['agentchat_owed_limit_bytes']!)
})

test('a thread of two thousand answers, one under the other and in circles: pages of it are pages, from whatever end', async () => {
  await using relay = await startTestRelay()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  const { msg_id: root } = await stranger.ask({ type: 'MSG', to: '#general', content: 'root' }, 'ACK')
  const idOf = (seq: number) => root.replace(/-\d+-/, `-${seq.toString(36)}-`)
  // Ids can be known before. Of ten messages each answers the one before, and the last two each other.
  const answered = (i: number) => [i === 0 ? 1 : i - 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 3, i + 1][i % 10]!
  stranger.send(...times(2_000, i => ({ type: 'MSG', to: '#general', content: 'x'.repeat(1_000), in_reply_to: idOf(answered(i)) })))
  await stranger.barrier()
  const thread = (msg_id: string, more: object = {}) => stranger.ask({ type: 'THREAD', msg_id, ...more }, 'THREAD')
  const first = await thread(root, { limit: 1 })
  expect(first).toMatchObject({ msg_id: root, replies: 1_600, more: true })
  for (const seq of [2, 999, 1_999]) expect(await thread(idOf(seq), { limit: 1 })).toMatchObject({ msg_id: root, replies: 1_600 })
  for (const seq of [10, 11]) expect(await thread(idOf(seq))).toMatchObject({ msg_id: idOf(10), replies: 1, more: false })
  await honest.clear()
  const before = (await metricsOf(relay.httpUrl))['agentchat_sent_bytes_total']!
  stranger.pause()
  stranger.send(...times(1_000, i => ({ type: 'THREAD', msg_id: idOf(1 + 2 * i) })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  expect((await metricsOf(relay.httpUrl))['agentchat_sent_bytes_total']! - before).toBeLessThan(2 * maxPendingBytes)
})

test('pieces of growing messages without end: an honest member hears a burst', async () => {
  await using relay = await startTestRelay({ msgRate })
  relay.clock.stop()
  const [stranger, honest] = [await relay.login('stranger'), await relay.login('honest')]
  stranger.send(...times(500, n => ({ type: 'DELTA', to: '#general', stream: `s${n}`, n: 0, text: 'x'.repeat(1_000) })))
  for (let i = 0; i < 5; i++) await honest.barrier()
  expect(honest.heard.filter(({ type }) => type === 'DELTA').length).toBeLessThanOrEqual(40)
})

test('bodies of uploads as fast as the sockets take them: a piece of each waits', async () => {
  await using relay = await startTestRelay({ msgRate })
  const stranger = await relay.login('stranger')
  const port = Number(new URL(relay.url).port)
  const { url, ticket } = await stranger.ask({ type: 'PUT_FILE', sha256: 'a'.repeat(64), bytes: 50_000_000 }, 'FILE_TICKET') as unknown as {
    readonly url: string
    readonly ticket: string
  }
  const sockets = await Promise.all(times(20, () =>
    new Promise<Socket>(resolve => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket))
      socket.on('error', () => undefined)
    })))
  for (const socket of sockets) {
    socket.write(`PATCH ${url} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ticket}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n`
      + 'Content-Type: application/offset+octet-stream\r\nContent-Length: 50000000\r\n\r\n')
    socket.write(Buffer.alloc(2_000_000))
  }
  const honest = await relay.login('honest')
  let most = 0
  for (let i = 0; i < 20; i++) {
    await honest.barrier()
    most = Math.max(most, (await metricsOf(relay.httpUrl))['agentchat_owed_bytes']!)
  }
  expect(most).toBeLessThan(20 * 256 * 1_024)
  for (const socket of sockets) socket.destroy()
})

test("what follows a stranger's frame that is too large is not kept while he is told to go", async () => {
  await using relay = await startTestRelay({ msgRate })
  const port = Number(new URL(relay.url).port)
  const sockets = await Promise.all(times(20, () => upgraded(port)))
  const owed = async () => {
    const { agentchat_owed_bytes: waiting, agentchat_parting_bytes: parting } = await metricsOf(relay.httpUrl)
    return waiting! + parting!
  }
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0, 0, 0, 0])
  for (const socket of sockets) socket.write(Buffer.concat([head, Buffer.alloc(1_000_000)]))
  // Each write of the honest comes behind what was read before.
  for (let i = 0; i < 5; i++) await relay.login(`honest${i}`)
  expect(await owed()).toBeLessThan(20 * 256 * 1_024)
  for (const socket of sockets) socket.destroy()
})

const upgraded = (port: number): Promise<Socket> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
      + 'Sec-WebSocket-Key: YmVuY2ggYmVuY2ggYmVuYw==\r\n\r\n')
    socket.once('data', () => resolve(socket))
  })

test('requests piled up in one write: one is answered, and the others are not even parsed', async () => {
  await using relay = await startTestRelay({ msgRate })
  const port = Number(new URL(relay.url).port)
  const honest = await relay.login('honest')
  const cpuBefore = await metricsOf(relay.httpUrl)
  const sockets = await Promise.all(times(20, () => dialled(port)))
  let answers = 0
  for (const socket of sockets) {
    socket.on('data', (bytes: Buffer) => answers += bytes.toString().split('HTTP/1.1 200').length - 1)
    socket.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000))
  }
  for (let i = 0; i < 5; i++) await honest.barrier()
  const { agentchat_http_requests_total: requests } = await metricsOf(relay.httpUrl)
  expect(requests! - cpuBefore['agentchat_http_requests_total']!).toBeLessThan(200)
  expect(answers).toBeLessThan(100)
  for (const socket of sockets) socket.destroy()
})

test('requests cost their address work, like frames: it is heard later, and others at once', async () => {
  await using relay = await startTestRelay({ msgRate, addressFrameRate: 100, addressFrameBurst: 100 })
  relay.clock.stop()
  const get = (path: string) => fetch(`${relay.httpUrl}${path}`).then(answer => answer.status)
  expect(await Promise.all(times(21, () => get('/healthz')))).toEqual(times(21, () => 200))
  let isAnswered = false
  const late = get('/healthz').then(status => {
    isAnswered = true
    return status
  })
  const elsewhere = await relay.connect('127.0.0.9')
  for (let i = 0; i < 5; i++) await elsewhere.ask({ type: 'PING' }, 'PONG')
  expect(isAnswered).toBe(false)
  relay.clock.advance(10_000)
  expect(await late).toBe(200)
})

test('files of the console asked for again and again: their bytes are paid like those of any answer', async () => {
  using folder = newFolder()
  writeFileSync(folder.at('index.html'), 'x'.repeat(1_048_576))
  await using relay = await startTestRelay({ msgRate, console: true, addressFrameRate: 100, addressFrameBurst: 100 }, {
    consoleFolder: folder.path,
  })
  relay.clock.stop()
  let answered = 0
  const asked = times(20, async () => {
    await (await fetch(`${relay.httpUrl}/console/`, { headers: { accept: 'text/html' } })).arrayBuffer()
    answered++
  })
  const elsewhere = await relay.connect('127.0.0.9')
  await expect.poll(() => answered).toBeGreaterThan(0)
  for (let i = 0; i < 5; i++) await elsewhere.ask({ type: 'PING' }, 'PONG')
  expect(answered).toBeLessThan(6)
  const moving = setInterval(() => relay.clock.advance(10_000), 5)
  await Promise.all(asked)
  clearInterval(moving)
})

test('metrics asked for without pause are put together a few times', async () => {
  let rendered = 0
  let now = 0
  const metrics = sparing(() => Promise.resolve({ contentType: '', text: String(++rendered) }), () => now)
  for (let i = 0; i < 1_000; i++) await metrics()
  expect(rendered).toBeLessThanOrEqual(50)
  now += 10_000
  expect((await metrics()).text).toBe(String(rendered))
})

const dialled = (port: number): Promise<Socket> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', () => undefined)
  })

test('webhooks to receivers that hang, by keys that write to each other: four are under way to a host, and the honest are served', async () => {
  await using receiver = await newReceiver()
  receiver.answering = () => undefined
  await using relay = await startTestRelay({ msgRate, webhooks: true, outboundAllow: ['127.0.0.1'] }, { pace: { sweepMs: 20 } })
  const honest = await relay.login('honest')
  const strangers = await Promise.all(times(6, i => relay.login(`s${i}`, { key: newKey() })))
  for (const stranger of strangers) {
    for (const _ of times(5, i => i)) await stranger.ask({ type: 'WEBHOOK_ADD', url: receiver.url }, 'WEBHOOK_ADDED')
    for (const other of strangers) stranger.send({ type: 'MSG', to: other.id, content: 'x' })
  }
  await receiver.until(4)
  for (let i = 0; i < 20; i++) await honest.barrier()
  expect(receiver.received).toHaveLength(4)
})

test('floors claimed without end, by many of one address: a share of them, and the honest have theirs', async () => {
  const maxFloorsPerAddress = 40
  await using relay = await startTestRelay({ maxFloorsPerAddress })
  const honest = await relay.login('honest', { from: '127.0.0.2' })
  const ids: string[] = []
  for (let i = 0; i < 25; i++) ids.push((await honest.ask({ type: 'MSG', to: '#general', content: 'who can help?' }, 'ACK')).msg_id)
  const strangers = await Promise.all(times(4, i => relay.login(`stranger-${i}`)))
  const claims = ids.map(msg_id => ({ type: 'CLAIM_FLOOR', channel: '#general', msg_id, wait: true, hold_ms: 600_000 }))
  const answers = await Promise.all(strangers.flatMap(stranger => claims.map(claim => stranger.answer(claim))))
  const refused = answers.filter(answer => answer.type === 'ERROR')
  expect(answers.length - refused.length).toBe(maxFloorsPerAddress)
  for (const each of refused) expect(each).toMatchObject({ code: 'LIMIT_REACHED' })
  const { msg_id } = await honest.ask({ type: 'MSG', to: '#general', content: 'and this?' }, 'ACK')
  expect(await honest.ask({ type: 'CLAIM_FLOOR', channel: '#general', msg_id }, 'FLOOR')).toMatchObject({ holder: honest.id })
})

test('a linked relay that floods: what is taken from a link at once, of however many agents, and the honest are served', async () => {
  await using relay = await startLinkable({ msgRate })
  relay.clock.stop()
  const [linkKey, authors] = [newKey(), times(10, newKey)]
  const [link, operator] = [await relay.login('a-relay', { key: linkKey }), await relay.connect()]
  const named = { host: 'a.example', url: 'wss://a.example', key: fingerprintOf(linkKey.pem), trust: 'both' }
  await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, ...named }, 'LINKS')
  const [one, other] = await Promise.all(times(2, i => relay.login(`honest${i}`, { key: newKey(), from: '127.0.0.2', autojoin: false })))
  const handed = times(700, i => {
    const author = authors[i % authors.length]!
    const { type: _, sig_v: __, ...message } = signedFor(relay, author, '#general', `flood ${i}`, `m${i}`, relay.clock.now())
    return { type: 'RELAYED', id: `r${i}`, pubkey: author.pem, name: 'author', message }
  })
  link.send(...handed)
  await one!.ask({ type: 'MSG', to: other!.id, content: 'among ourselves' }, 'ACK')
  expect(await other!.next('MSG')).toMatchObject({ content: 'among ourselves' })
  const answers = await link.take('ERROR', 200)
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['RATE_LIMITED']))
  expect(await relay.metric('agentchat_link_relayed_total')).toBe(500)
  expect(await relay.metric('agentchat_link_refusals_total{code="RATE_LIMITED"}')).toBe(200)
})
