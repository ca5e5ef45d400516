// Files: tus over the relay's own port, what a ticket allows, what is never served, what goes when nobody names it.
import { once } from 'node:events'
import { createReadStream, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { revocationText } from '../lib/identity/index.ts'
import { conversation } from '../lib/index.ts'
import { putFile } from '../lib/node/index.ts'
import { FilesDoor } from '../src/doors/files/door.ts'
import { ticketOf } from '../src/domain/file-ticket.ts'
import { FolderUploads } from '../src/files/folder-uploads.ts'
import { clientOf, collect, newIdentity } from './kit/client.ts'
import { bring, fetched, patch, patching, putTicket, sha256Of, tus } from './kit/files.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const dayMs = 24 * 60 * 60_000
const text = 'x'.repeat(100_000)
const say = async (wire: Wire, files: readonly object[], to = '#general') =>
  (await wire.ask({ type: 'MSG', to, content: 'see', files }, 'ACK')).msg_id as string
/** What is on the disk of it. */
const kept = (data: string, folder: 'files' | 'uploads'): readonly string[] =>
  existsSync(`${data}/${folder}`)
    ? readdirSync(`${data}/${folder}`, { recursive: true, encoding: 'utf8' }).filter(name => /[0-9a-f]{32}$/.test(name)).map(name =>
      name.split('/').at(-1)!
    )
    : []
/** Messages that are known to name files. */
const refsOf = async ({ store }: TestRelay): Promise<number> =>
  (await store.read.tables<{ file_refs: { id: string } }>().selectFrom('file_refs').select('id').execute()).length
/** Sweeps, until it holds: each looks at a part. */
const swept = async (relay: TestRelay, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200 && !await holds(); i++) {
    relay.clock.advance(1_001)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  expect(await holds()).toBe(true)
}

test('tus: an upload is created, told, brought in pieces, goes on after each, and is whole', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  const options = await tus(relay, 'OPTIONS', { ...ticket, url: '/uploads' })
  expect([options.status, options.headers.get('tus-version'), options.headers.get('tus-extension')])
    .toEqual([204, '1.0.0', 'creation,termination,expiration'])
  expect(options.headers.get('tus-max-size')).toBe(String(100 * 1024 ** 2))
  const created = await tus(relay, 'POST', { ...ticket, url: '/uploads' }, { 'upload-length': '100000' })
  expect([created.status, created.headers.get('location')]).toEqual([201, ticket.url])
  expect(Date.parse(created.headers.get('upload-expires')!)).toBeGreaterThan(relay.clock.now() + dayMs - 60_000)
  for (const [from, to] of [[0, 30_000], [30_000, 99_999]] as const) {
    const told = await tus(relay, 'HEAD', ticket)
    expect([told.status, told.headers.get('upload-offset'), told.headers.get('upload-length'), told.headers.get('cache-control')])
      .toEqual([200, String(from), '100000', 'no-store'])
    const brought = await patch(relay, ticket, from, text.slice(from, to))
    expect([brought.status, brought.headers.get('upload-offset')]).toEqual([204, String(to)])
  }
  expect(
    (await ann.refusal({ type: 'MSG', to: '#general', content: 'see', files: [{ sha256: sha256Of(text), bytes: 100_000, name: 'x' }] }))
      .code,
  )
    .toBe('FILE_MISSING')
  expect((await patch(relay, ticket, 99_999, 'x')).status).toBe(204)
  expect(kept(data.path, 'files')).toEqual([sha256Of(text)])
  expect(kept(data.path, 'uploads')).toEqual([])
  // Whose last answer was lost asks again, and is told that all of it is there.
  expect((await tus(relay, 'HEAD', ticket)).headers.get('upload-offset')).toBe('100000')
  expect((await patch(relay, ticket, 100_000, '')).status).toBe(204)
  expect((await tus(relay, 'DELETE', ticket)).status).toBe(403)
  const msgId = await say(ann, [{ sha256: sha256Of(text), bytes: 100_000, name: 'x' }])
  const file = await fetched(relay, ann, msgId)
  expect(await file.text()).toBe(text)
})

test('what is refused: no, a forged, a foreign, an old ticket; another version, type, offset, length; more than was said', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  const other = await putTicket(ann, `${text}y`)
  const statusOf = async (...asked: Parameters<typeof tus>) => (await tus(...asked)).status
  expect(await statusOf(relay, 'HEAD', { ...ticket, ticket: '' })).toBe(401)
  expect(await statusOf(relay, 'HEAD', { ...ticket, ticket: ticket.ticket.replace(/.$/, each => each === '0' ? '1' : '0') })).toBe(401)
  expect(await statusOf(relay, 'HEAD', { ...ticket, ticket: ticket.ticket.replace('.100000.', '.200000.') })).toBe(401)
  expect(await statusOf(relay, 'HEAD', { ...ticket, ticket: other.ticket })).toBe(403)
  expect(await statusOf(relay, 'HEAD', ticket, { 'tus-resumable': '0.2.1' })).toBe(412)
  expect(await statusOf(relay, 'POST', { ...ticket, url: '/uploads' }, { 'upload-length': '99' })).toBe(413)
  expect(await statusOf(relay, 'POST', { ...ticket, url: '/uploads' })).toBe(400)
  expect(await statusOf(relay, 'PUT', ticket)).toBe(405)
  expect(await statusOf(relay, 'PATCH', ticket, { 'content-type': 'text/plain', 'upload-offset': '0' }, 'x')).toBe(415)
  expect((await patch(relay, ticket, 5, 'x')).status).toBe(409)
  expect((await patch(relay, ticket, 0, `${text}x`)).status).toBe(413)
  expect(await statusOf(relay, 'PATCH', ticket, { 'upload-offset': '-1' }, 'x')).toBe(400)
  for (const url of ['/uploads/../files/x', '/uploads/%2e%2e', '/uploads/xyz', '/files/../../etc/passwd', `/files/${'0'.repeat(63)}`])
    expect([400, 404]).toContain(await statusOf(relay, 'GET', { ...ticket, url }))
  // For bringing, not for fetching.
  expect(await statusOf(relay, 'GET', { ...ticket, url: `/files/${sha256Of(text)}` })).toBe(401)
  relay.clock.advance(dayMs + 1)
  expect(await statusOf(relay, 'HEAD', ticket)).toBe(401)
})

const lockOuts = {
  'is banned': (key: Key) => ({ type: 'ADMIN_BAN', admin_key: 'an admin key', agent_id: key.id }),
  'revoked its key': (key: Key) => {
    const said = { reason: 'lost', timestamp: '2026-11-21T00:00:00.000Z' }
    const notice = { type: 'REVOCATION' as const, pubkey: key.pem, agent_id: key.id.slice(1), ...said }
    return { ...notice, signature: signWith(key, revocationText(notice)) }
  },
}

test.each(['is banned', 'revoked its key'] as const)('a ticket is worth nothing once its agent %s', async how => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, adminKey: 'an admin key', pingTimeoutMs: 3_600_000 })
  await using boss = await relay.login('boss', { key: newKey() })
  const key = newKey()
  await using ann = await relay.login('ann', { key })
  const [asked, brought, waiting] = [await putTicket(ann, text), await putTicket(ann, `${text}y`), await putTicket(ann, `${text}z`)]
  const lines = [brought, waiting].map(ticket => patching(relay, ticket, 0))
  lines[0]!.send(text)
  lines[1]!.send(text)
  const sizes = () => kept(data.path, 'uploads').map(name => statSync(`${data.path}/uploads/${name}`).size)
  await expect.poll(sizes).toEqual([100_000, 100_000])
  expect((await boss.answer(lockOuts[how](key))).type).not.toBe('ERROR')
  const answer = await patch(relay, asked, 0, text)
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('This agent is not admitted here any more')])
  expect((await tus(relay, 'POST', { ...asked, url: '/uploads' }, { 'upload-length': '100000' })).status).toBe(403)
  // Nor does a line that brings one go on: it ends, or is looked at while it comes.
  lines[0]!.send('y')
  lines[0]!.end()
  relay.clock.advance(30_000)
  lines[1]!.send('z')
  expect(await Promise.all(lines.map(({ status }) => status))).toEqual([403, 403])
  expect(kept(data.path, 'files')).toEqual([])
})

test('another file than was said leaves nothing behind, and can be brought again', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const lie = await putTicket(ann, text, sha256Of('something else'))
  const answer = await patch(relay, lie, 0, text)
  expect([answer.status, await answer.text()]).toEqual([460, 'This is another file than was said: its SHA-256 differs; nothing was kept\n'])
  expect([kept(data.path, 'files'), kept(data.path, 'uploads')]).toEqual([[], []])
  expect((await tus(relay, 'HEAD', lie)).status).toBe(410)
  await bring(relay, ann, text)
})

test('an upload that is given up goes; a body that is broken off leaves what came', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  const stop = new AbortController()
  const body = new ReadableStream({
    start: controller => controller.enqueue(Buffer.from(text.slice(0, 50_000))),
  })
  const broken = fetch(`${relay.httpUrl}${ticket.url}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${ticket.ticket}`,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body,
    duplex: 'half',
    signal: stop.signal,
  } as RequestInit).catch(() => undefined)
  for (let offset = '0'; offset !== '50000';) {
    await new Promise(resolve => setTimeout(resolve, 10))
    if (kept(data.path, 'uploads').length === 0) continue
    // Whoever asks takes its place: the line it came over may be gone.
    offset = (await tus(relay, 'HEAD', ticket)).headers.get('upload-offset')!
    if (offset !== '50000') break
  }
  stop.abort()
  await broken
  const offset = Number((await tus(relay, 'HEAD', ticket)).headers.get('upload-offset'))
  expect((await patch(relay, ticket, offset, text.slice(offset, 60_000))).status).toBe(204)
  expect((await tus(relay, 'DELETE', ticket)).status).toBe(204)
  expect(kept(data.path, 'uploads')).toEqual([])
  expect((await tus(relay, 'HEAD', ticket)).status).toBe(410)
})

test('what came of an upload goes when it is asked for with another size: it would count for nobody', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const ask = (bytes: number) => putTicket(ann, text.slice(0, bytes), sha256Of('not this'))
  for (let bytes = 1_000; bytes < 1_005; bytes++) expect((await patch(relay, await ask(bytes), 0, text.slice(0, 999))).status).toBe(204)
  const last = await ask(1_005)
  await expect.poll(() => kept(data.path, 'uploads')).toEqual([])
  expect((await patch(relay, last, 0, text.slice(0, 999))).status).toBe(204)
  expect(kept(data.path, 'uploads')).toEqual([last.url.split('/').at(-1)])
})

test('a line that goes on with an upload that was given up is told so, and holds nothing for long', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, pingTimeoutMs: 3_600_000 })
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  const line = patching(relay, ticket, 0)
  line.send(text.slice(0, 50_000))
  await expect.poll(() => kept(data.path, 'uploads').map(name => statSync(`${data.path}/uploads/${name}`).size)).toEqual([50_000])
  await putTicket(ann, `${text}x`, sha256Of(text))
  await expect.poll(() => kept(data.path, 'uploads')).toEqual([])
  // More of it would come for hours; that it is nobody's any more is seen while it does.
  relay.clock.advance(30_000)
  line.send('x')
  expect(await line.status).toBe(410)
  expect(kept(data.path, 'uploads')).toEqual([])
})

test('of two that go on with an upload at once one does, and the file has the bytes that were said', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  const stop = new AbortController()
  const first = fetch(`${relay.httpUrl}${ticket.url}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${ticket.ticket}`,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: new ReadableStream({ start: controller => controller.enqueue(Buffer.from(text.slice(0, 50_000))) }),
    duplex: 'half',
    signal: stop.signal,
  } as RequestInit).catch(() => undefined)
  const sizes = () => kept(data.path, 'uploads').map(name => statSync(`${data.path}/uploads/${name}`).size)
  await expect.poll(sizes).toEqual([50_000])
  // Whichever is the last goes on; the others are cut, or told where it is.
  await Promise.allSettled([1, 2, 3].map(() => patch(relay, ticket, 50_000, text.slice(50_000))))
  await first
  expect((await tus(relay, 'HEAD', ticket)).headers.get('upload-offset')).toBe('100000')
  const [sha] = kept(data.path, 'files')
  expect([sha, statSync(`${data.path}/files/${sha!.slice(0, 2)}/${sha}`).size]).toEqual([sha256Of(text), 100_000])
  expect(kept(data.path, 'uploads')).toEqual([])
})

test('a body that comes faster than it is stored is waited for, and is whole', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann')
  const big = Buffer.alloc(8_000_000, 'big')
  const { ticket, url } = await putTicket(ann, big)
  // The first chunks come before anybody takes them, and each waits a while for its disk.
  const open = FolderUploads.prototype.open
  const opened = vi.spyOn(FolderUploads.prototype, 'open').mockImplementation(async function(this: FolderUploads, id) {
    await new Promise(resolve => setTimeout(resolve, 100))
    const adding = await open.call(this, id)
    const { add } = adding
    return Object.assign(adding, {
      add: async (chunk: Buffer) => {
        await new Promise(resolve => setTimeout(resolve, 3))
        await add(chunk)
      },
    })
  })
  const { hostname, port } = new URL(relay.httpUrl)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(`PATCH ${url} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ticket}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n`
    + `Content-Type: application/offset+octet-stream\r\nContent-Length: ${big.length}\r\n\r\n`)
  // The body comes in packets of its own, as most clients send it.
  await new Promise(resolve => setTimeout(resolve, 20))
  socket.write(big)
  const [answer] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['cut'])]) as [Buffer]
  expect(answer.toString()).toContain('204 No Content')
  socket.destroy()
  opened.mockRestore()
})

test('of many that wait to go on with an upload one does, and the others are told so while it waits', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann')
  const ticket = await putTicket(ann, text)
  let goOn = () => {}
  const waits = new Promise<void>(resolve => goOn = resolve)
  const open = FolderUploads.prototype.open
  const opened = vi.spyOn(FolderUploads.prototype, 'open').mockImplementationOnce(async function(this: FolderUploads, id) {
    await waits
    return open.call(this, id)
  })
  const lines = Array.from({ length: 6 }, () => patching(relay, ticket, 0))
  const ends: unknown[] = lines.map(() => undefined)
  lines.forEach(({ status }, i) => void status.catch(() => 'cut').then(end => ends[i] = end))
  for (const line of lines) line.send('x')
  await expect.poll(() => ends.filter(end => end !== undefined)).toEqual([409, 409, 409, 409])
  expect(opened).toHaveBeenCalledOnce()
  goOn()
  await expect.poll(() => ends.filter(end => end === undefined)).toHaveLength(1)
  const last = lines[ends.indexOf(undefined)]!
  last.send(text.slice(1))
  last.end()
  expect(await last.status).toBe(204)
  opened.mockRestore()
})

test('a file that was opened for somebody who has gone is closed, and an override does not make a body that is not sent', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann')
  const msgId = await say(ann, [await bring(relay, ann, text)])
  const whole = await fetched(relay, ann, msgId, { 'x-http-method-override': 'HEAD' })
  expect(await whole.text()).toBe(text)
  let opened: Readable | undefined
  let gone = () => {}
  const isGone = new Promise<void>(resolve => gone = resolve)
  const files = {
    open: async () => {
      await isGone
      return opened = createReadStream(`${data.path}/files/${sha256Of(text).slice(0, 2)}/${sha256Of(text)}`)
    },
  }
  const secret = 'a secret'
  const door = new FilesDoor({ files, secret, clock: relay.clock, store: relay.store, log: {}, maxFileBytes: 1, keepMs: 1 } as never)
  const path = `/files/${sha256Of(text)}`
  const server = createServer((request, response) => {
    response.on('close', () => setImmediate(gone))
    door.answer({ request, response, path, isWelcome: true, isBanned: false, pace: () => 0, goesOn: () => undefined } as never)
    asking.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ticket = ticketOf(secret, { use: 'get', of: sha256Of(text), bytes: text.length, until: relay.clock.now() + 1_000 })
  const { port } = server.address() as AddressInfo
  const asking = get({ host: '127.0.0.1', port, path, headers: { authorization: `Bearer ${ticket}` } }).on('error', () => undefined)
  await isGone
  await expect.poll(() => opened?.destroyed).toBe(true)
  server.close()
})

test('nothing of a stranger is ever a page, whatever it is called; parts of it are served', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann')
  const page = '<script>alert(1)</script>'
  const msgId = await say(ann, [{ ...await bring(relay, ann, page, 'index.html'), mime: 'text/html' }])
  const { headers } = await fetched(relay, ann, msgId)
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'accept-ranges': 'bytes',
  })
  const part = await fetched(relay, ann, msgId, { range: 'bytes=1-6' })
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 1-6/25', 'script'])
  expect(await (await fetched(relay, ann, msgId, { range: 'bytes=-9' })).text()).toBe('</script>')
  expect((await fetched(relay, ann, msgId, { range: 'bytes=25-' })).status).toBe(416)
})

test('who may read the message may read its files, and nobody else', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob')
  await using eve = await relay.login('eve')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#closed', invite_only: true }, 'JOINED')
  const file = await bring(relay, ann, text)
  const inside = await say(ann, [file], '#closed')
  const direct = await say(ann, [file], bob.id)
  for (const msgId of [inside, direct])
    expect(await eve.refusal({ type: 'GET_FILE', msg_id: msgId })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  expect((await fetched(relay, bob, direct)).status).toBe(200)
  expect((await fetched(relay, ann, inside)).status).toBe(200)
  expect(await bob.refusal({ type: 'GET_FILE', msg_id: inside })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  // Knowing its hash is not having it.
  expect(await eve.refusal({ type: 'MSG', to: '#general', content: 'mine', files: [file] })).toMatchObject({ code: 'FILE_MISSING' })
  expect(await eve.ask({ type: 'PUT_FILE', sha256: file.sha256, bytes: file.bytes }, 'FILE_TICKET')).not.toHaveProperty('have')
})

test('what no message names goes after a day, an upload that stops at 99 % too; what one names stays as long as it', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, retentionCount: 1, pingTimeoutMs: 10 * dayMs })
  await using ann = await relay.login('ann', { key: newKey() })
  const named = await bring(relay, ann, text)
  const unnamed = await bring(relay, ann, 'nobody names me')
  const msgId = await say(ann, [named])
  const stopped = await putTicket(ann, 'y'.repeat(1_000))
  await patch(relay, stopped, 0, 'y'.repeat(990))
  await swept(relay, () => true)
  relay.clock.advance(dayMs)
  await swept(relay, () => !kept(data.path, 'files').includes(unnamed.sha256) && kept(data.path, 'uploads').length === 0)
  expect(kept(data.path, 'files')).toEqual([named.sha256])
  expect((await fetched(relay, ann, msgId)).status).toBe(200)
  // The message goes by its age, and the file a day later.
  await ann.ask({ type: 'MSG', to: '#general', content: 'next' }, 'ACK')
  await ann.ask({ type: 'MSG', to: '#general', content: 'next' }, 'ACK')
  await swept(relay, async () => await refsOf(relay) === 0)
  relay.clock.advance(dayMs + 1_000)
  await swept(relay, () => kept(data.path, 'files').length === 0)
  expect(await ann.refusal({ type: 'GET_FILE', msg_id: msgId })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
})

test('ERASE takes the files of what is erased with it', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path })
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob')
  const file = await bring(relay, ann, text)
  const msgId = await say(ann, [file])
  await bob.next('MSG')
  await ann.ask({ type: 'ERASE' }, 'ERASED')
  expect(await bob.refusal({ type: 'GET_FILE', msg_id: msgId })).toMatchObject({ code: 'FILE_MISSING' })
  await swept(relay, () => kept(data.path, 'files').length === 0)
})

test('equal files of two agents are one on the disk, and stay until neither names them', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, pingTimeoutMs: 10 * dayMs })
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  const file = await bring(relay, ann, text)
  await bring(relay, bob, text)
  expect(kept(data.path, 'files')).toEqual([file.sha256])
  const msgId = await say(bob, [file])
  await ann.ask({ type: 'ERASE' }, 'ERASED')
  await swept(relay, () => true)
  relay.clock.advance(dayMs)
  await swept(relay, () => true)
  expect((await fetched(relay, bob, msgId)).status).toBe(200)
})

test('quotas: of a file, an agent, its address, all; and of how many, so that 100,000 tiny ones are not taken', async () => {
  await using relay = await startTestRelay({ maxFileBytes: 1_000, fileQuotaBytes: 2_000, filesBytes: 9_000, maxFilesPerAgent: 5 })
  await using ann = await relay.login('ann')
  const ask = (wire: Wire, bytes: number, seed = `${Math.random()}`) => wire.answer({ type: 'PUT_FILE', sha256: sha256Of(seed), bytes })
  expect(await ask(ann, 1_001)).toMatchObject({ code: 'FILE_REFUSED' })
  expect(await ask(ann, 1_000)).toMatchObject({ type: 'FILE_TICKET' })
  expect(await ask(ann, 1_000, 'second')).toMatchObject({ type: 'FILE_TICKET' })
  expect(await ask(ann, 1)).toMatchObject({ code: 'LIMIT_REACHED', message: expect.stringContaining('fileQuotaBytes') as string })
  // What was asked for already is not counted again.
  expect(await ask(ann, 1_000, 'second')).toMatchObject({ type: 'FILE_TICKET' })
  await using tiny = await relay.login('tiny')
  let taken = 0
  for (let i = 0; i < 100; i++) if ((await ask(tiny, 1)).type === 'FILE_TICKET') taken++
  expect(taken).toBe(5)
  expect(await ask(tiny, 1)).toMatchObject({ message: expect.stringContaining('maxFilesPerAgent') as string })
  let bytes = 0
  for (let i = 0; i < 10; i++) {
    await using other = await relay.login(`other${i}`)
    for (let n = 0; n < 2; n++) if ((await ask(other, 1_000)).type === 'FILE_TICKET') bytes += 1_000
  }
  // Four times one agent's share for an address.
  expect(bytes).toBe(5_000)
  await using relay2 = await startTestRelay({ maxFileBytes: 0 })
  await using bob = await relay2.login('bob')
  expect(await ask(bob, 1)).toMatchObject({ code: 'FILE_REFUSED', message: expect.stringContaining('maxFileBytes') as string })
})

test('a repeated message names its files once; they are part of what it says', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann')
  const file = await bring(relay, ann, text)
  const message = { type: 'MSG', to: '#general', content: 'see', files: [file], id: 'once' }
  const { msg_id } = await ann.ask(message, 'ACK')
  expect(await ann.answer(message)).toMatchObject({ type: 'ACK', msg_id, duplicate: true })
  const other = await bring(relay, ann, 'another')
  expect(await ann.answer({ ...message, files: [other] })).toMatchObject({ code: 'ID_REUSED' })
  expect(await ann.answer({ ...message, id: 'twice', files: [file, file] })).toMatchObject({ code: 'INVALID_MSG' })
})

test('the operator may have files looked at: the path is all that the command is told', async () => {
  using data = newFolder()
  writeFileSync(data.at('check.sh'),
    `#!/bin/sh\necho "$# $(env | grep -c PLEASE_NOT)" >> ${data.at('told')}\ngrep -q EICAR "$1" && exit 1\nexit 0\n`, {
    mode: 0o755,
  })
  process.env['PLEASE_NOT'] = '1'
  await using relay = await startTestRelay({ data: data.path, fileCheck: data.at('check.sh') })
  await using ann = await relay.login('ann')
  await bring(relay, ann, 'harmless')
  const ticket = await putTicket(ann, 'EICAR')
  const answer = await patch(relay, ticket, 0, 'EICAR')
  expect([answer.status, await answer.text()]).toEqual([403, 'The relay takes no such file: what its operator looks for was found in it\n'])
  expect(kept(data.path, 'files')).toEqual([sha256Of('harmless')])
  delete process.env['PLEASE_NOT']
  // A command that cannot run refuses nothing for good: what came waits.
  await using relay2 = await startTestRelay({ fileCheck: '/does/not/exist' })
  await using bob = await relay2.login('bob')
  const waiting = await putTicket(bob, 'later')
  expect((await patch(relay2, waiting, 0, 'later')).status).toBe(503)
  expect((await tus(relay2, 'HEAD', waiting)).status).toBe(503)
})

test('an upload that is asked for with another size while it is looked at is not stored, and nothing of it stays', async () => {
  using data = newFolder()
  const check = `#!/bin/sh\n: > ${data.at('looks')}\nwhile [ ! -e ${data.at('seen')} ]; do sleep 0.02; done\n`
  writeFileSync(data.at('check.sh'), check, { mode: 0o755 })
  await using relay = await startTestRelay({ data: data.path, fileCheck: data.at('check.sh') })
  await using ann = await relay.login('ann')
  const answer = patch(relay, await putTicket(ann, text), 0, text)
  await expect.poll(() => existsSync(data.at('looks'))).toBe(true)
  await putTicket(ann, `${text}x`, sha256Of(text))
  writeFileSync(data.at('seen'), '')
  expect((await answer).status).toBe(410)
  await swept(relay, () => kept(data.path, 'files').length === 0 && kept(data.path, 'uploads').length === 0)
})

test('files are within what the sender signs, and a message that was taken back has none any more', async () => {
  using data = newFolder()
  writeFileSync(data.at('hello.txt'), 'Hello world')
  await using relay = await startTestRelay({ data: data.at('relay') })
  await using ann = await clientOf(relay, { identity: newIdentity('ann') })
  await using bob = await clientOf(relay, { identity: newIdentity('bob') })
  await ann.join('#general')
  await bob.join('#general')
  const coming = collect(bob, 1, '#general')
  const file = await putFile(ann, data.at('hello.txt'), { server: relay.url })
  const { msgId } = await ann.send('#general', 'see', { files: [file] })
  const [message] = await coming
  expect(message).toMatchObject({ signature: 'valid', frame: { files: [file], sig_v: 2 } })
  // Another file in the same message is another message.
  expect(await bob.signatureOf({ frame: { ...message!.frame, files: [{ ...file, sha256: 'f'.repeat(64) }] } })).toBe('invalid')
  await bob.request('GET_FILE', { msg_id: msgId })
  await ann.request('RETRACT', { msg_id: msgId })
  await expect(bob.request('GET_FILE', { msg_id: msgId })).rejects.toMatchObject({ code: 'FILE_MISSING' })
})

test('an edit keeps the files, signed where it names them, and they stay as long as it', async () => {
  using data = newFolder()
  writeFileSync(data.at('hello.txt'), 'Hello world')
  await using relay = await startTestRelay({ data: data.at('relay') })
  const identity = newIdentity('ann')
  await using ann = await clientOf(relay, { identity })
  await using bob = await clientOf(relay, { identity: newIdentity('bob') })
  await ann.join('#general')
  await bob.join('#general')
  const file = await putFile(ann, data.at('hello.txt'), { server: relay.url })
  const { edit, signatureOf } = conversation(ann, { identity })
  const coming = collect(bob, 4, '#general')
  const { msgId } = await ann.send('#general', 'see', { files: [file] })
  await edit(msgId, 'see this')
  await edit(msgId, 'see this file', { files: [file] })
  await edit(msgId, 'seen', { files: [] })
  const [, kept, named, dropped] = (await coming).map(({ frame }) => frame)
  expect([kept!.files, named!.files, dropped!.files]).toEqual([[file], [file], []])
  for (const frame of [kept!, named!, dropped!]) expect(await signatureOf(frame)).toBe('valid')
  expect(kept!.edit).toMatchObject({ kept: true })
  // Neither can files be put in or taken out, nor can it be said that they were not named.
  expect(await signatureOf({ ...named!, files: [{ ...file, name: 'other.txt' }] })).toBe('invalid')
  expect(await signatureOf({ ...dropped!, files: [file] })).toBe('invalid')
  expect(await signatureOf({ ...named!, edit: { ...named!.edit!, kept: true } })).toBe('invalid')
})

test('an edit keeps the files of its message also when that is gone', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.path, retentionCount: 1, pingTimeoutMs: 10 * dayMs })
  await using ann = await relay.login('ann', { key: newKey() })
  const first = await say(ann, [await bring(relay, ann, text)])
  const { msg_id } = await ann.ask({ type: 'EDIT', msg_id: first, content: 'see this', id: '1' }, 'ACK')
  await ann.ask({ type: 'EDIT', msg_id: first, content: 'see this', id: '1' }, 'ACK')
  expect(await refsOf(relay)).toBe(2)
  while (await refsOf(relay) > 1) {
    relay.clock.advance(1_001)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  expect(await ann.refusal({ type: 'GET_FILE', msg_id: first })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  relay.clock.advance(dayMs + 1_000)
  for (let i = 0; i < 5; i++) await swept(relay, () => true)
  expect((await fetched(relay, ann, msg_id)).status).toBe(200)
})

test('an upload that was whole when the relay was killed becomes so when it is asked for; what nobody knows goes', async () => {
  using data = newFolder()
  const key = newKey()
  let ticket
  {
    await using relay = await startTestRelay({ data: data.path })
    await using ann = await relay.login('ann', { key })
    ticket = await putTicket(ann, text)
    await patch(relay, ticket, 0, text.slice(0, 10))
  }
  // All bytes are here, and nothing more was done.
  writeFileSync(`${data.path}/uploads/${ticket.url.split('/').at(-1)!}`, text)
  writeFileSync(`${data.path}/uploads/${'0'.repeat(32)}`, 'of an upload that the store does not know')
  await using relay = await startTestRelay({ data: data.path })
  expect(kept(data.path, 'uploads')).toHaveLength(1)
  const told = await tus(relay, 'HEAD', ticket)
  expect([told.status, told.headers.get('upload-offset')]).toEqual([200, '100000'])
  expect([kept(data.path, 'files'), kept(data.path, 'uploads')]).toEqual([[sha256Of(text)], []])
  await using ann = await relay.login('ann', { key })
  await say(ann, [{ sha256: sha256Of(text), bytes: 100_000, name: 'x' }])
})
