// @ts-check
// THE TABLE OF ATTACKS: what one stranger does from one address. `prepare` sets up without hurry, `attack` goes on until the process
// is killed. Loads are ready bytes: who attacks has to cost less than who is attacked.
import { createHash } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { Client, answerOf, dial, frame, login, newKey, open, signed } from './socket.mjs'

/** @typedef {import('./socket.mjs').Way} Way */
/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} what
 * @property {number} [kind] what it is a case of
 * @property {boolean} [isTls] with a certificate, and everybody comes by TLS
 * @property {number} [nofile] file descriptors of the relay
 * @property {string[]} [flags] what the relay is told beside its defaults
 * @property {(way: Way) => Promise<any>} [prepare]
 * @property {(way: Way, state: any) => Promise<void> | void} attack
 */

const mib = 2 ** 20
const upTo = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i)
const msg = (/** @type {string} */ content, to = '#general') => frame({ type: 'MSG', to, content })

/** As many as are let in. @param {number} count @param {(i: number) => Promise<Client | undefined>} make @returns {Promise<Client[]>} */
const crowd = async (count, make) => {
  const made = []
  for (let i = 0; i < count; i += 10) made.push(...await Promise.all(upTo(Math.min(10, count - i)).map(k => make(i + k))))
  return made.filter(client => client !== undefined)
}

/** Does it, again and again: whenever a client was closed it comes back. @param {Way} way @param {number} count @param {(client: Client, i: number) => void | Promise<void>} act @param {number} everyMs @param {(i: number) => Promise<Client | undefined>} [make] */
const keep = async (way, count, act, everyMs, make = i => login(way, `x${i}`)) => {
  await Promise.all(upTo(count).map(async i => {
    /** @type {Client | undefined} */
    let client
    for (;;) {
      if (client === undefined || client.closed) client = await make(i)
      if (client === undefined) await sleep(200)
      // Whose relay takes no more bytes now is not given more: an attacker's memory is no row of this table.
      else if (client.socket.writableLength < 4 * mib) await act(client, i)
      await sleep(everyMs)
    }
  }))
}

/** Floods with ready frames, as fast as they are taken. @param {(i: number) => Buffer} load */
const flood = (/** @type {(i: number) => Buffer} */ load, everyMs = 5) => (/** @type {Client} */ client, /** @type {number} */ i) => {
  if (client.socket.writableLength < mib) client.send(load(i))
  return sleep(everyMs)
}

const many = (/** @type {object} */ request, /** @type {number} */ count) => Buffer.concat(upTo(count).map(() => frame(request)))
const reading = (/** @type {Client} */ client) => { client.skipAll(); return client }
const deaf = (/** @type {Client} */ client) => { client.stopReading(); return client }
const loginThen = (/** @type {Way} */ way, /** @type {(client: Client) => Client} */ then, /** @type {boolean | import('./socket.mjs').Key} */ keyed = false) => async (/** @type {number} */ i) => {
  const client = await login(way, `x${i}`, keyed === true ? newKey() : keyed || undefined)
  return client && then(client)
}

/** Repeated text of so many characters. */
const of = (/** @type {string} */ bit, /** @type {number} */ size) => bit.repeat(Math.ceil(size / bit.length)).slice(0, size)

const getOf = (/** @type {string} */ path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** Requests ready to be sent, pipelined, as fast as they are taken. @param {(i: number) => string} requestOf */
const httpFlood = (requestOf, { slow = false, connections = 100 } = {}) => async (/** @type {Way} */ way) => {
  await Promise.all(upTo(connections).map(async i => {
    const request = requestOf(i)
    const load = request.repeat(Math.max(1, Math.floor(4_000 / request.length)))
    for (;;) {
      const socket = await dial(way, 2_000)
      if (socket === undefined) { await sleep(200); continue }
      socket.on('error', () => undefined)
      const closed = new Promise(resolve => socket.once('close', resolve))
      if (slow) socket.pause()
      else socket.resume()
      const turn = () => { if (socket.writableLength < 65_536) socket.write(load) }
      turn()
      const timer = setInterval(turn, 50)
      await closed
      clearInterval(timer)
      await sleep(50)
    }
  }))
}

/** A request of a program that speaks for an agent by token. @param {string} method @param {string} path @param {string} token @param {object} [body] @param {string} [headers] */
const byToken = (method, path, token, body, headers = '') => {
  const text = body === undefined ? '' : JSON.stringify(body)
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n${headers}\r\n${text}`
}

/** Tokens of as many keys. @param {Way} way @param {number} count @returns {Promise<string[]>} */
const tokensOf = async (way, count) => {
  const tokens = []
  for (const i of upTo(count)) {
    const client = await login(way, `t${i}`, newKey())
    const made = await client?.exchange(frame({ type: 'TOKEN_CREATE' }), answerOf('TOKEN_CREATED')).catch(() => undefined)
    client?.destroy()
    if (made !== undefined) tokens.push(made.token)
  }
  return tokens
}

const linkFlags = ['--links', 'listed', '--admin-key', 'for the siege alone']

/** Keys that the operator linked as other relays, and what agents of theirs signed for this one. @param {Way} way @param {number} count @param {number} messages */
const linkedOf = async (way, count, messages) => {
  const { server_id: relay } = await (await fetch(`http://127.0.0.1:${way.port}/.well-known/agentchat.json`)).json()
  const keys = upTo(count).map(newKey)
  const operator = await open(way)
  for (const [i, { pem }] of keys.entries()) {
    const host = `r${i}-${way.from.replaceAll('.', '-')}.example`
    await operator?.exchange(frame({ type: 'ADMIN_LINK', admin_key: linkFlags[3], host, url: `wss://${host}`, key: createHash('sha256').update(pem).digest('hex'), trust: 'both' }), answerOf('LINKS'))
  }
  operator?.destroy()
  const authors = upTo(20).map(newKey)
  const ts = Date.now()
  const handed = upTo(messages).map(i => {
    const author = authors[i % authors.length]
    const said = { content: `handed on ${i}`, id: `${way.from} ${i}`, nonce: `${i}`.padStart(32, '0'), to: '#general', ts }
    const { content, id, nonce, to } = said
    const sig = signed(author, `AGENTCHAT_MSG_V2|${JSON.stringify({ by: author.id, content, id, nonce, relay, to, ts })}`)
    return { type: 'RELAYED', pubkey: author.pem, name: 'author', message: { ...said, sig } }
  })
  return { keys, handed }
}

/** A receiver of webhooks that does no good, on a port of its own. @returns {Promise<number>} */
const receiver = () => new Promise(resolve => {
  const server = createHttpServer((request, response) => {
    request.resume()
    response.on('error', () => undefined)
    switch (request.url) {
      case '/redirect': return response.writeHead(307, { location: '/redirect' }).end()
      case '/break': return response.destroy()
      case '/endless': {
        const more = () => { while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) { /* as much as is taken */ } }
        response.writeHead(200).on('drain', more)
        return more()
      }
      default: return undefined
    }
  })
  server.listen(0, '127.0.0.1', () => resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port))
})

/** What a service posts. @param {string} path @param {string} body @param {string} [headers] */
const hookPost = (path, body, headers = '') => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`

/** Paths of hooks of as many keys, of two kinds each. @param {Way} way @param {number} count @returns {Promise<{ plain: string, github: string }[]>} */
const hooksOf = async (way, count) => {
  const hooks = []
  for (const i of upTo(count)) {
    const client = await login(way, `h${i}`, newKey())
    await client?.exchange(frame({ type: 'JOIN', channel: '#general' }), answerOf('JOINED')).catch(() => undefined)
    const make = (/** @type {string} */ kind) => client?.exchange(frame({ type: 'HOOK_CREATE', to: '#general', kind }), answerOf('HOOK_CREATED')).catch(() => undefined)
    const [plain, github] = [await make('plain'), await make('github')]
    client?.destroy()
    if (plain !== undefined && github !== undefined) hooks.push({ plain: plain.path, github: github.path })
  }
  return hooks
}

const proposalOf = (/** @type {import('./socket.mjs').Key} */ key, /** @type {string} */ to, /** @type {string} */ task) =>
  frame({ type: 'PROPOSAL', to, task, sig: signed(key, `${to}|${task}||||`) })

/** A session with a key that the row signs with. @param {Way} way @param {string} prefix */
const withKey = (way, prefix) => async (/** @type {number} */ i) => {
  const key = newKey()
  const client = await login(way, `${prefix}${i}`, key)
  if (client === undefined) return undefined
  client.skipAll()
  return Object.assign(client, { key })
}
const keyOf = (/** @type {Client} */ client) => /** @type {{ key: import('./socket.mjs').Key }} */ (/** @type {unknown} */ (client)).key

/** The record by which one key hands over to the next. @param {import('./socket.mjs').Key} old @param {import('./socket.mjs').Key} next */
const rotationOf = (old, next) => {
  const text = { old_pubkey: old.pem, new_pubkey: next.pem, timestamp: new Date().toISOString() }
  return { ...text, signature: signed(old, JSON.stringify(text)) }
}

/** As many bytes of a handshake as a client says first, ready to be sent again and again. @param {string} host @returns {Promise<Buffer>} */
const helloOf = host => new Promise(resolve => {
  const server = createServer(socket => socket.once('data', (/** @type {Buffer} */ bytes) => { resolve(bytes); socket.destroy(); server.close() }))
  server.listen(0, '127.0.0.1', () => connectTls({ host: '127.0.0.1', port: /** @type {import('node:net').AddressInfo} */ (server.address()).port, servername: host }).on('error', () => undefined))
})

/** @type {readonly Row[]} */
export const rows = [
  { name: 'eyj', kind: 1, what: 'anonymous messages of 64 KiB of `-eyJ`, and of 1.6 MB', attack: way => keep(way, 4, (client, i) => client.send(msg(of('-eyJ', i === 0 ? 1.6 * mib : 65_536))), 500) },
  { name: 'texts', kind: 1, what: 'messages of 64 KiB of mentions, key headers, escapes, combining marks', attack: way => keep(way, 6, (client, i) => client.send(msg(of(['@a @b ', '-----BEGIN A ', '\u001b[31m', '\u0301\u0323', '@a@', 'sk-'][i], 65_536))), 500) },
  { name: 'json', kind: 1, what: 'frames of 2 MB of `[`, `{},` and `{"a":`, before and after login', attack: async way => { await Promise.all([
    keep(way, 4, (client, i) => client.send(frame(`{"type":"MSG","x":${of(['[', '{"a":', '[{},', '0,'][i], 1.9 * mib)}`)), 300),
    keep(way, 4, (client, i) => client.send(frame(`{"type":"PING","x":${of(['[', '{"a":', '[{},', '0,'][i], 1.9 * mib)}`)), 300, () => open(way)),
  ]) } },
  { name: 'history-unread', kind: 2, what: '1,000 × HISTORY in one write, three messages of 2 MB stored, nothing read', prepare: async way => {
    const client = await login(way, 'writer')
    if (client === undefined) return
    for (let i = 0; i < 3; i++) {
      for (const size of [2, 1, 0.25].map(part => part * mib - 4_000)) {
        try { await client.exchange(frame({ type: 'MSG', id: `big${i}`, to: '#general', content: of('big ', size) }), answerOf('ACK'), 6_000); break } catch { await sleep(1_500) }
      }
    }
    client.destroy()
  }, attack: async way => { const load = many({ type: 'HISTORY', channel: '#general', after: 0 }, 1_000); await keep(way, 8, client => client.send(load), 1_000, loginThen(way, deaf)) } },
  { name: 'history-read', kind: 2, what: '20 connections page history and read it', prepare: async way => rows.find(row => row.name === 'history-unread')?.prepare?.(way), attack: async way => { const load = many({ type: 'HISTORY', channel: '#general', after: 0 }, 4); await keep(way, 20, client => client.send(load), 20, loginThen(way, reading)) } },
  { name: 'lists-early', kind: 2, what: 'LIST_CHANNELS by hundreds before login, nothing read, from 100 sockets', attack: async way => { const load = many({ type: 'LIST_CHANNELS' }, 400); await keep(way, 100, async client => { client.stopReading(); client.send(load); await sleep(500) }, 500, () => open(way)) } },
  { name: 'channels', kind: 5, what: 'anonymous agents create channels, as many as they can', attack: async way => { let n = 0; await keep(way, 50, client => client.send(frame({ type: 'CREATE_CHANNEL', channel: `#c${way.from.split('.').pop()}-${n++}`, private: n % 2 === 0 })), 20, loginThen(way, reading)) } },
  { name: 'joins', kind: 5, what: 'sessions join channel after channel that does not exist yet', attack: async way => { let n = 0; await keep(way, 50, client => client.send(Buffer.concat(upTo(20).map(() => frame({ type: 'JOIN', channel: `#j${n++}` })))), 100, loginThen(way, reading)) } },
  { name: 'profiles', kind: 5, what: 'keys register skills and profiles of 16 KiB, again and again', attack: async way => { await keep(way, 20, async client => {
    const key = /** @type {any} */ (client).key
    const skills = upTo(40).map(i => ({ capability: `cap-${i}`, description: of('words to search for ', 300) }))
    client.send(frame({ type: 'REGISTER_SKILLS', skills, sig: signed(key, `REGISTER_SKILLS|${JSON.stringify(skills)}`) }))
  }, 100, async i => { const key = newKey(); const client = await login(way, `s${i}`, key); if (client) { Object.assign(client, { key }); client.skipAll() } return client }) } },
  { name: 'large-early', kind: 6, what: 'frames of 2 MB before login, one after the other', attack: way => { const load = frame({ type: 'PING', x: of('x', 2 * mib - 100) }); return keep(way, 15, client => client.send(load), 100, () => open(way)) } },
  { name: 'large', kind: 6, what: 'messages of 512 KiB to #general, as fast as they are taken', attack: way => { const load = msg(of('large ', mib / 2)); return keep(way, 10, client => client.send(load), 100, loginThen(way, reading)) } },
  { name: 'too-large', kind: 6, what: 'messages of 2 MiB, which are refused, as fast as they are read', attack: way => { const load = msg(of('large ', 2 * mib - 100)); return keep(way, 10, client => client.send(load), 100, loginThen(way, reading)) } },
  { name: 'large-keyed', kind: 6, what: 'messages of 250 KiB of twelve keys, as fast as they are taken', attack: way => { const load = msg(of('large ', 250_000)); return keep(way, 12, client => client.send(load), 100, loginThen(way, reading, true)) } },
  { name: 'partial', kind: 7, what: '250 sockets, each a frame of 2 MB without its last byte', attack: async way => { const load = frame(of('x', 2 * mib - 2), { claim: 2 * mib - 1 }); await keep(way, 250, async client => { if (client.bytes >= 0) client.send(load); await sleep(5_000) }, 100, () => open(way)) } },
  { name: 'partial-in', kind: 7, what: 'the same after login', attack: async way => { const load = frame(of('x', 2 * mib - 2), { claim: 2 * mib - 1 }); await keep(way, 200, async client => { client.send(load); await sleep(5_000) }, 100, loginThen(way, reading)) } },
  { name: 'deaf', kind: 7, what: '240 sessions in #general that do not read, while others speak', attack: async way => { await Promise.all([
    keep(way, 230, () => undefined, 1_000, loginThen(way, deaf)),
    keep(way, 10, client => client.send(msg(of('to the deaf ', 60_000))), 200, loginThen(way, reading)),
  ]) } },
  { name: 'signals', kind: 8, what: 'TYPING, RESPONDING_TO, SET_PRESENCE, JOIN and LEAVE, unpaced, 200 members in #general', prepare: way => crowd(200, loginThen(way, reading)), attack: async (way, members) => {
    const load = Buffer.concat(upTo(25).flatMap(() => [frame({ type: 'TYPING', channel: '#general' }), frame({ type: 'RESPONDING_TO', msg_id: '1-1-aaaaaa', channel: '#general', started_at: 1 }), frame({ type: 'SET_PRESENCE', status: 'away' }), frame({ type: 'SET_PRESENCE', status: 'online' }), frame({ type: 'LEAVE', channel: '#general' }), frame({ type: 'JOIN', channel: '#general' })]))
    for (;;) { for (const client of members) if (client.socket.writableLength < mib) client.send(load); await sleep(100) }
  } },
  { name: 'deltas', kind: 8, what: 'DELTA of 1 KiB in ever new streams, unpaced, 200 members in #general', prepare: way => crowd(200, loginThen(way, reading)), attack: async (way, members) => {
    const load = Buffer.concat(upTo(50).map(n => frame({ type: 'DELTA', to: '#general', stream: `s${n}`, n, text: of('x', 1_024) })))
    for (;;) { for (const client of members) if (client.socket.writableLength < mib) client.send(load); await sleep(100) }
  } },
  { name: 'tiny-files', kind: 9, what: 'PUT_FILE of ever new files of one byte, by 30 keys', attack: way => { let n = 0; return keep(way, 30, client => client.send(Buffer.concat(upTo(20).map(() => frame({ type: 'PUT_FILE', sha256: (n++).toString(16).padStart(64, '0'), bytes: 1 })))), 50, loginThen(way, reading, true)) } },
  { name: 'uploads', kind: 10, what: '100 PATCH of one file at once, each with a body that does not end', attack: async way => {
    const client = await login(way, 'uploader')
    if (client === undefined) return
    const { url, ticket } = await client.exchange(frame({ type: 'PUT_FILE', sha256: 'a'.repeat(64), bytes: 100_000_000 }), answerOf('FILE_TICKET'), 5_000)
    const head = `PATCH ${url} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ticket}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 100000000\r\n\r\n`
    const piece = Buffer.alloc(65_536)
    await Promise.all(upTo(100).map(async () => { for (;;) {
      const socket = await dial(way, 2_000)
      if (socket === undefined) { await sleep(200); continue }
      socket.on('error', () => undefined)
      socket.resume()
      socket.write(head)
      const timer = setInterval(() => { if (socket.writableLength < mib) socket.write(piece) }, 20)
      await new Promise(resolve => socket.once('close', resolve))
      clearInterval(timer)
    } }))
  } },
  { name: 'searches', kind: 9, what: 'skill searches of ten words', attack: way => { const load = many({ type: 'SEARCH_SKILLS', query: { text: 'a b c d e f g h i j', facets: true } }, 20); return keep(way, 30, flood(() => load), 100, loginThen(way, reading, true)) } },
  { name: 'lists', kind: 9, what: 'LIST_AGENTS with limit 1, by hundreds', prepare: way => crowd(100, loginThen(way, reading)), attack: (way, members) => { const load = many({ type: 'LIST_AGENTS', channel: '#general', limit: 1 }, 100); return (async () => { for (;;) { for (const client of members) if (client.socket.writableLength < mib) client.send(load); await sleep(50) } })() } },
  { name: 'watches', kind: 9, what: 'WATCH × 200 agents, by hundreds', attack: way => { const load = Buffer.concat(upTo(50).map(k => frame({ type: 'WATCH', agents: upTo(200).map(i => `@w${k}x${i}`) }))); return keep(way, 30, flood(() => load), 100, loginThen(way, reading, true)) } },
  { name: 'replays', kind: 9, what: 'JOIN since 0, by hundreds, over many messages', prepare: async way => { const client = await login(way, 'writer'); if (client) { reading(client); for (let i = 0; i < 40; i++) client.send(msg(of('story ', 3_900))) } await sleep(1_000); client?.destroy() }, attack: way => { const load = many({ type: 'JOIN', channel: '#general', since: 0 }, 100); return keep(way, 20, flood(() => load), 100, loginThen(way, reading)) } },
  { name: 'erase', kind: 9, what: 'ERASE of oneself, by keys that wrote', attack: way => keep(way, 20, client => client.send(Buffer.concat([...upTo(5).map(() => msg('soon gone')), ...upTo(5).map(() => frame({ type: 'ERASE' }))])), 100, loginThen(way, reading, true)) },
  { name: 'edits', kind: 9, what: 'EDIT of ones own messages to the last time, RETRACT of them, EDITS and THREAD of one with a long thread, and all of it of the messages of others', prepare: async way => { const client = await login(way, 'root'); const ack = await client?.exchange(frame({ type: 'MSG', id: 'root', to: '#general', content: 'a root' }), answerOf('ACK')).catch(() => undefined); client?.destroy(); return ack?.msg_id ?? '1-1-000000' }, attack: (way, root) => { let n = 0; return keep(way, 20, async client => { const id = `e${n++}`; const ack = await client.exchange(frame({ type: 'MSG', id, to: '#general', content: of('again ', 3_000), in_reply_to: root }), answerOf('ACK'), 3_000).catch(() => undefined); const own = ack?.msg_id ?? root; client.send(Buffer.concat([...upTo(101).map(i => frame({ type: 'EDIT', msg_id: own, content: of(`${i} `, 3_000) })), frame({ type: 'EDIT', msg_id: root, content: 'mine' }), frame({ type: 'RETRACT', msg_id: root }), ...upTo(20).flatMap(() => [frame({ type: 'EDITS', msg_id: own }), frame({ type: 'THREAD', msg_id: root })]), frame({ type: 'RETRACT', msg_id: own })])) }, 100, loginThen(way, reading, true)) } },
  { name: 'threads', kind: 9, what: 'a thread of thousands of answers, one under the other and in circles, paged from all its ends, with MUTE_THREAD, by 20 keys', prepare: async way => {
    const client = await login(way, 'root')
    const ack = await client?.exchange(frame({ type: 'MSG', id: 'root', to: '#general', content: 'a root' }), answerOf('ACK')).catch(() => undefined)
    client?.destroy()
    const id = ack?.msg_id ?? '1-1-000000'
    const idOf = (/** @type {number} */ seq) => id.replace(/-\d+-/, `-${seq.toString(36)}-`)
    // Ids can be known before: of ten each answers the one before, and the last two each other.
    const answered = (/** @type {number} */ i) => i % 10 === 8 ? i + 3 : i > 0 && i % 10 === 0 ? i - 1 : i + 1
    const writers = await crowd(100, loginThen(way, reading))
    for (let i = 0; i < 2_000; i++) { writers[i % writers.length]?.send(frame({ type: 'MSG', to: '#general', content: 'deeper', in_reply_to: idOf(answered(i)) })); if (i % 100 === 99) await sleep(500) }
    for (const writer of writers) writer.destroy()
    return idOf
  }, attack: (way, idOf) => { let n = 0; return keep(way, 20, client => client.send(Buffer.concat(upTo(50).map(() => { const msg_id = idOf(1 + n++ % 2_000); return frame(n % 5 === 0 ? { type: 'MUTE_THREAD', msg_id, muted: n % 2 === 0 } : { type: 'THREAD', msg_id, ...(n % 2 === 0 && { after: n % 2_000 }) }) }))), 50, loginThen(way, reading, true)) } },
  { name: 'groups', kind: 8, what: 'SET_GROUP of a hundred agents and SET_CHANNEL by owners, told to a hundred members each time, messages that name those groups, and GROUPS', prepare: async way => {
    const owners = await Promise.all(upTo(10).map(withKey(way, 'g')))
    const channels = owners.map((_, i) => `#g${way.from.split('.').pop()}-${i}`)
    owners.forEach((owner, i) => owner?.send(frame({ type: 'CREATE_CHANNEL', channel: channels[i] })))
    await sleep(2_000)
    const keys = upTo(100).map(() => newKey())
    const members = await crowd(keys.length, async i => { const client = await login(way, `gm${i}`, keys[i]); return client && reading(client) })
    for (const client of members) client.send(Buffer.concat(channels.map(channel => frame({ type: 'JOIN', channel, limit: 0 }))))
    await sleep(2_000)
    return { owners, channels, ids: keys.map(({ id }) => id) }
  }, attack: async (_way, { owners, channels, ids }) => {
    const names = upTo(20).map(i => `group-${i}`)
    const loads = channels.map((/** @type {string} */ channel) => Buffer.concat(upTo(20).flatMap(i => [
      frame({ type: 'SET_GROUP', channel, group: names[i], members: ids }),
      frame({ type: 'SET_CHANNEL', channel, group_by: i % 2 === 0 ? 'owner' : 'members' }),
      msg(names.map(name => `@${name}`).join(' '), channel),
      frame({ type: 'GROUPS', channel }),
    ])))
    for (;;) {
      owners.forEach((/** @type {Client | undefined} */ owner, /** @type {number} */ i) => owner !== undefined && owner.socket.writableLength < mib && owner.send(loads[i]))
      await sleep(50)
    }
  } },
  { name: 'reactions', kind: 8, what: 'REACT and UNREACT of ever new kinds to one message, UNREAD and REACTIONS, by 30 keys, 200 members in #general', prepare: async way => {
    await crowd(200, loginThen(way, reading))
    const client = await login(way, 'root')
    const ack = await client?.exchange(frame({ type: 'MSG', id: 'root', to: '#general', content: 'a root' }), answerOf('ACK')).catch(() => undefined)
    client?.destroy()
    return ack?.msg_id ?? '1-1-000000'
  }, attack: (way, msg_id) => { let n = 0; return keep(way, 30, client => client.send(Buffer.concat(upTo(20).flatMap(() => { const kind = `k${n++ % 40}`; return [frame({ type: 'REACT', msg_id, kind }), frame({ type: 'UNREACT', msg_id, kind }), frame({ type: 'UNREAD' }), frame({ type: 'REACTIONS', msg_id })] }))), 50, loginThen(way, reading, true)) } },
  { name: 'message-searches', kind: 9, what: 'SEARCH of words that every message has, of prefixes and of nonsense, best first, by 20 agents', prepare: async way => {
    const client = await login(way, 'author')
    for (const i of upTo(500)) client?.send(msg(of(`the word and the other ${i} `, 2_000)))
    await sleep(1_000)
    client?.destroy()
  }, attack: way => keep(way, 20, client => client.send(Buffer.concat([
    { text: 'the word and the other', sort: 'best', limit: 50 }, { text: 'th* wo* ot*', limit: 50 }, { text: `"${of('the ', 290)}"` }, { text: of('"* ', 299) },
  ].flatMap(query => upTo(10).map(() => frame({ type: 'SEARCH', ...query }))))), 50, loginThen(way, reading)) },
  { name: 'leases', kind: 9, what: 'CLAIM of fifty, DONE under leases that are none, LEASES, by 20 keys with messages that wait', prepare: async () => undefined, attack: way => keep(way, 20, client => client.send(Buffer.concat(upTo(10).flatMap(i => [
    frame({ type: 'MSG', to: client.id || '#general', content: 'x' }), frame({ type: 'CLAIM', limit: 50, lease_ms: 1_000 }), frame({ type: 'DONE', lease: `${i}-1-${of('0', 16)}` }), frame({ type: 'LEASES' }), frame({ type: 'REQUEUE', seq: i + 1 }),
  ]))), 50, loginThen(way, reading, true)) },
  { name: 'balances', kind: 9, what: 'BALANCE of keys, as fast as they are taken', attack: way => keep(way, 20, client => client.send(Buffer.concat(upTo(20).map(() => frame({ type: 'BALANCE' })))), 50, loginThen(way, reading, true)) },
  { name: 'idle-tcp', kind: 10, what: '1,500 TCP connections that say nothing, of a relay with 1,024 file descriptors', nofile: 1_024, attack: async way => {
    await Promise.all(upTo(1_500).map(async i => { await sleep(i); for (;;) { const socket = await dial(way, 3_000); if (socket === undefined) { await sleep(500); continue } socket.on('error', () => undefined); socket.resume(); await new Promise(resolve => socket.once('close', resolve)); await sleep(200) } }))
  } },
  { name: 'slow-headers', kind: 10, what: '500 requests of which a header comes every second', attack: async way => {
    await Promise.all(upTo(500).map(async i => { await sleep(i); for (;;) { const socket = await dial(way, 3_000); if (socket === undefined) { await sleep(500); continue } socket.on('error', () => undefined); socket.resume(); socket.write('GET / HTTP/1.1\r\nHost: a\r\n'); const timer = setInterval(() => socket.write('X-A: b\r\n'), 1_000); await new Promise(resolve => socket.once('close', resolve)); clearInterval(timer); await sleep(200) } }))
  } },
  { name: 'away', kind: 12, what: 'direct messages of 20 kB to one agent that is away', prepare: async way => { const key = newKey(); const client = await login(way, 'away', key); client?.destroy(); return key.id }, attack: (way, id) => { const load = Buffer.concat(upTo(10).map(() => msg(of('for you ', 20_000), id))); return keep(way, 20, client => client.send(load), 100, loginThen(way, reading, true)) } },
  { name: 'msg-flood', what: 'small messages, as fast as the sockets take them', attack: way => { const load = Buffer.concat(upTo(500).map(i => frame({ type: 'MSG', id: `m${i}`, to: '#general', content: 'hi' }))); return keep(way, 50, flood(() => load, 20), 20, loginThen(way, reading)) } },
  { name: 'tiny-frames', what: 'millions of frames of two bytes, and of none', attack: way => { const load = Buffer.concat(upTo(10_000).map(i => frame(i % 2 === 0 ? '{}' : ''))); return keep(way, 20, flood(() => load, 20), 20, loginThen(way, reading)) } },
  { name: 'pings', what: 'WebSocket pings and pongs, by thousands', attack: way => { const load = Buffer.concat(upTo(5_000).map(i => frame(Buffer.alloc(100), { opcode: i % 2 === 0 ? 9 : 10 }))); return keep(way, 20, flood(() => load, 20), 20, loginThen(way, deaf)) } },
  { name: 'fragments', what: 'messages in fragments of one byte that never end', attack: way => { const load = Buffer.concat(upTo(20_000).map(() => frame('a', { opcode: 0, fin: false }))); return keep(way, 20, flood(() => load, 50), 50, async i => { const client = await login(way, `f${i}`); client?.send(frame('a', { fin: false })); return client }) } },
  { name: 'churn', what: 'connections that open and close', attack: way => keep(way, 50, client => client.destroy(), 5, () => open(way)) },
  { name: 'tcp-churn', what: 'TCP connections that open and reset', attack: async way => { await Promise.all(upTo(50).map(async () => { for (;;) { (await dial(way, 2_000))?.resetAndDestroy(); await sleep(2) } })) } },
  { name: 'logins', what: 'logins with a key whose signature is wrong, and right', attack: way => keep(way, 50, client => client.destroy(), 5, i => login(way, `l${i}`, newKey(), 5_000)) },
  { name: 'tokens', what: 'logins with invented resume tokens and names', attack: way => { const load = Buffer.concat(upTo(20).map(i => frame({ type: 'IDENTIFY', name: `t${i}`, resume: `@aaaaaaa${i % 10}.${of('A', 60)}` }))); return keep(way, 50, async client => { client.send(load); await sleep(100); client.destroy() }, 10, () => open(way)) } },
  { name: 'invites', what: 'invitations of one agent to many channels', prepare: async way => { const key = newKey(); const client = await login(way, 'guest', key); client?.destroy(); return key.id }, attack: (way, id) => { let n = 0; return keep(way, 20, client => { const channel = `#i${way.from.split('.').pop()}-${n++}`; client.send(Buffer.concat([frame({ type: 'CREATE_CHANNEL', channel, private: true }), ...upTo(20).map(() => frame({ type: 'INVITE', channel, agent: id }))])) }, 50, loginThen(way, reading, true)) } },
  { name: 'proposals', what: 'offers to one agent, as fast as they are taken', prepare: async way => { const key = newKey(); const client = await login(way, 'worker', key); client?.destroy(); return key.id }, attack: (way, id) => keep(way, 20, client => { const key = /** @type {any} */ (client).key; client.send(Buffer.concat(upTo(5).map(i => proposalOf(key, id, `task ${i}`)))) }, 100, async i => { const key = newKey(); const client = await login(way, `p${i}`, key); if (client) { Object.assign(client, { key }); client.skipAll() } return client }) },
  { name: 'rotations', kind: 9, what: 'rotations of keys, and the balance of each after it', attack: async way => {
    const keys = upTo(400).map(() => newKey())
    const records = keys.slice(1).map((key, i) => ({ key, bytes: frame({ type: 'ROTATION', ...rotationOf(keys[i], key) }) }))
    let n = 0
    await keep(way, 20, client => { client.send(many({ type: 'BALANCE' }, 10)); client.destroy() }, 10, async i => {
      const record = records[n++ % records.length]
      const client = await login(way, `r${i}`, record.key, 5_000)
      client?.send(record.bytes)
      return client
    })
  } },
  { name: 'chains', kind: 9, what: 'rotations presented as chains of as many as there may be, again and again', attack: async way => {
    const chains = upTo(8).map(() => {
      const keys = upTo(33).map(() => newKey())
      const [first, ...chain] = upTo(32).map(i => rotationOf(keys[i], keys[i + 1]))
      return { key: keys[32], load: Buffer.concat(upTo(20).map(() => frame({ type: 'ROTATION', ...first, chain }))) }
    })
    await keep(way, chains.length, flood(i => chains[i].load, 50), 50, async i => { const client = await login(way, `c${i}`, chains[i].key, 5_000); client?.skipAll(); return client })
  } },
  { name: 'blocks', kind: 9, what: 'BLOCK, UNBLOCK and BLOCKS of hundreds of agents', attack: way => { const load = Buffer.concat(upTo(200).flatMap(i => [frame({ type: 'BLOCK', agent: `@${String(i).padStart(16, '0')}` }), ...(i % 20 === 0 ? [frame({ type: 'BLOCKS' })] : []), ...(i % 2 === 0 ? [frame({ type: 'UNBLOCK', agent: `@${String(i).padStart(16, '0')}` })] : [])])); return keep(way, 20, flood(() => load, 50), 50, loginThen(way, reading, true)) } },
  { name: 'members', kind: 9, what: 'MEMBERS of a channel to which two hundred keys belong, by hundreds', prepare: way => crowd(200, async i => { const client = await login(way, `m${i}`, newKey()); client?.send(frame({ type: 'JOIN', channel: '#general' })); return client && reading(client) }), attack: async (way, members) => { const load = many({ type: 'MEMBERS', channel: '#general' }, 100); for (;;) { for (const client of members) if (client.socket.writableLength < mib) client.send(load); await sleep(50) } } },
  { name: 'set-channel', kind: 8, what: 'SET_CHANNEL by owners, told to a hundred members each time', prepare: async way => {
    const owners = await Promise.all(upTo(10).map(withKey(way, 'o')))
    const channels = owners.map((_, i) => `#s${way.from.split('.').pop()}-${i}`)
    owners.forEach((owner, i) => owner?.send(frame({ type: 'CREATE_CHANNEL', channel: channels[i] })))
    await sleep(2_000)
    const members = await crowd(100, loginThen(way, reading))
    for (const member of members) member.send(...channels.map(channel => frame({ type: 'JOIN', channel })))
    return owners
  }, attack: async (_way, owners) => {
    for (;;) {
      owners.forEach((/** @type {Client | undefined} */ owner, /** @type {number} */ i) => owner !== undefined && owner.socket.writableLength < mib && owner.send(Buffer.concat(upTo(50).map(k => frame({ type: 'SET_CHANNEL', channel: `#s${_way.from.split('.').pop()}-${i}`, topic_by: k % 2 === 0 ? 'owner' : 'members' })))))
      await sleep(50)
    }
  } },
  { name: 'audit', kind: 8, what: 'AUDIT and other things of admins, with wrong admin keys', attack: way => { const load = Buffer.concat(upTo(100).flatMap(i => [frame({ type: 'AUDIT', admin_key: `guess number ${i}, long enough`, limit: 500 }), frame({ type: 'AUDIT' })])); return keep(way, 30, flood(() => load, 50), 50, loginThen(way, reading)) } },
  { name: 'proofs', kind: 3, what: 'logins that have the relay prove its key, and go no further', attack: way => { const key = newKey(); return keep(way, 50, client => client.destroy(), 5, async i => { const client = await open(way, 3_000); client?.send(frame({ type: 'IDENTIFY', name: `n${i}`, nonce: of(`${i}af`, 32), origin: `ws://127.0.0.1:${way.port}`, ...(i % 2 === 0 && { pubkey: key.pem }) })); await sleep(20); return client }) } },
  { name: 'handshakes', kind: 10, isTls: true, what: 'TLS handshakes that are begun, by ready bytes, as fast as they are taken', attack: async way => {
    const hello = await helloOf('localhost')
    await Promise.all(upTo(200).map(async () => {
      for (;;) {
        const socket = await dial({ ...way, isTls: false }, 3_000)
        if (socket === undefined) { await sleep(100); continue }
        socket.on('error', () => undefined)
        socket.write(hello)
        await Promise.race([new Promise(resolve => socket.once('data', resolve)), new Promise(resolve => socket.once('close', resolve))])
        socket.resetAndDestroy()
      }
    }))
  } },
  { name: 'announces', what: 'directory announcements of invented relays', attack: way => { const load = many({ type: 'ANNOUNCE', server: { format: 'agentchat-server/1', server_id: of('0', 64), url: 'wss://example.invalid' } }, 50); return keep(way, 20, flood(() => load, 50), 50, loginThen(way, reading)) } },
  { name: 'metrics', what: 'GET /metrics and /health, pipelined', attack: async way => { await Promise.all([httpFlood(() => getOf('/metrics'), { connections: 50 })(way), httpFlood(() => getOf('/health'), { connections: 50 })(way)]) } },
  { name: 'pages-unread', what: 'pages asked for by HTTP, pipelined, and not read', attack: httpFlood(() => getOf('/metrics'), { slow: true }) },
  { name: 'bodies', what: 'POST bodies that come a byte a second', attack: async way => { await Promise.all(upTo(300).map(async i => { await sleep(i); for (;;) { const socket = await dial(way, 3_000); if (socket === undefined) { await sleep(500); continue } socket.on('error', () => undefined); socket.resume(); socket.write('POST /directory/servers HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'); const timer = setInterval(() => socket.write('a'), 1_000); await new Promise(resolve => socket.once('close', resolve)); clearInterval(timer); await sleep(200) } })) } },
  { name: 'door-guesses', what: 'requests under /v1 with invented tokens and signatures, pipelined', attack: async way => { await Promise.all([
    httpFlood(() => byToken('POST', '/v1/call/MSG', `act_${of('A', 10)}_${of('b', 43)}`, { to: '#general', content: 'a' }), { connections: 50 })(way),
    httpFlood(() => `GET /v1/channels HTTP/1.1\r\nHost: 127.0.0.1:${way.port}\r\nSignature-Input: s=("@method" "@authority" "@path" "@query");created=${Math.floor(Date.now() / 1_000)};keyid="@0123456789abcdef";nonce="${of('n', 32)}";tag="agentchat"\r\nSignature: s=:${of('A', 86)}==:\r\n\r\n`, { connections: 50 })(way),
  ]) } },
  { name: 'door-calls', what: 'messages, pages and searches under /v1 by the tokens of twelve keys, pipelined', prepare: way => tokensOf(way, 12), attack: (way, tokens) => httpFlood(i => [
    byToken('POST', '/v1/channels/general/messages', tokens[i % tokens.length], { content: 'a' }),
    byToken('GET', '/v1/channels/general/messages?limit=200', tokens[i % tokens.length]),
    byToken('POST', '/v1/call/SEARCH_SKILLS', tokens[i % tokens.length], { query: { text: of('word ', 50) } }),
  ][i % 3], { connections: 60 })(way) },
  { name: 'hooks', what: 'webhooks: wrong signatures over 64 KiB, secrets that are guessed, and a dozen hooks that are right, pipelined', prepare: way => hooksOf(way, 6), attack: async (way, hooks) => { await Promise.all([
    httpFlood(i => hookPost(hooks[i % hooks.length].github, of('a', 64 * 1024 - 1), `X-Hub-Signature-256: sha256=${of('0', 64)}\r\n`), { connections: 30 })(way),
    httpFlood(i => hookPost(`/hooks/${of('A', 9)}${i % 10}/${of('b', 43)}`, 'x'), { connections: 30 })(way),
    httpFlood(i => hookPost(hooks[i % hooks.length].plain, 'x'), { connections: 30 })(way),
  ]) } },
  { name: 'webhooks-out', what: 'webhooks to receivers that hang, redirect, answer without end and break off, by 12 keys that write to each other, under conditions that are as slow as is taken, or nonsense', flags: ['--webhooks', '--outbound-allow', '127.0.0.1'], prepare: async () => receiver(), attack: (way, port) => {
    const slow = upTo(35).map(n => `!content.contains("${n}y")`).join('&&')
    const keys = upTo(12).map(newKey)
    return keep(way, 12, (client, i) => client.send(Buffer.concat(upTo(4).map(n => msg(of('x', 2_000), keys[(i + n + 1) % 12].id)))), 200, async i => {
      const client = await login(way, `w${i}`, keys[i])
      for (const when of [`${'('.repeat(500)}`, '!'.repeat(1_000), `[${'"a",'.repeat(200)}].all(a, content.contains(a))`]) client?.send(frame({ type: 'WEBHOOK_ADD', url: `http://127.0.0.1:${port}/hang`, when }))
      for (const path of ['hang', 'redirect', 'endless', 'break', 'hang']) client?.send(frame({ type: 'WEBHOOK_ADD', url: `http://127.0.0.1:${port}/${path}`, when: slow }))
      return client && reading(client)
    })
  } },
  { name: 'links', what: 'two linked relays: one hands on what its agents signed, the other what nobody did, as fast as it is taken', flags: linkFlags, prepare: way => linkedOf(way, 2, 4_000), attack: async (way, { keys: [one, other], handed }) => {
    const loads = upTo(handed.length / 100).map(i => Buffer.concat(handed.slice(100 * i, 100 * i + 100).map(frame)))
    const forged = Buffer.concat(handed.slice(0, 100).map(each => frame({ ...each, message: { ...each.message, content: 'nobody signed this' } })))
    let next = 0
    await Promise.all([
      keep(way, 1, flood(() => loads[next++ % loads.length], 20), 20, loginThen(way, reading, one)),
      keep(way, 1, flood(() => forged, 20), 20, loginThen(way, reading, other)),
    ])
  } },
  { name: 'streams-unread', what: 'event streams by the tokens of twelve keys that are not read, while others speak', prepare: way => tokensOf(way, 12), attack: async (way, tokens) => { await Promise.all([
    httpFlood(i => byToken('PUT', '/v1/channels/general/members/me', tokens[i % tokens.length]), { connections: 12 })(way),
    httpFlood(i => byToken('GET', '/v1/events?channels=general&inbox=1', tokens[i % tokens.length]), { connections: 180, slow: true })(way),
    keep(way, 10, client => client.send(msg(of('say ', 4_000))), 100, loginThen(way, reading)),
  ]) } },
  { name: 'mcp-calls', what: 'tools of /mcp called by the tokens of twelve keys, pipelined', prepare: way => tokensOf(way, 12), attack: (way, tokens) => httpFlood(i => byToken('POST', '/mcp', tokens[i % tokens.length], { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'history', arguments: { of: '#general' }, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }, 'Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\n'), { connections: 60 })(way) },
]
