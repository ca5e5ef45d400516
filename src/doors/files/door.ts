// THE DOOR OF FILES: tus 1.0.0 (core, creation, termination, expiration) brings them, GET fetches them. A ticket of the relay's says who may
// what; nothing that is fetched here is ever a page.
import type { Readable } from 'node:stream'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { readTicket, type FileTicket } from '../../domain/file-ticket.ts'
import type { Files } from '../../files/files.ts'
import { VaultError, type Range } from '../../files/vault.ts'
import type { DoorVisit, HttpDoor } from '../../relay/inside.ts'
import { findUpload, finishUpload, removeOwner, touchOwner, type OwnerRow } from '../../store/files.ts'
import { refusalOf as whyNot, standingOf } from '../../store/standing.ts'
import { BusyError, StorageError, type Store } from '../../store/store.ts'
import { Refusal } from './refusal.ts'

export interface FilesDoorOptions {
  readonly files: Files
  readonly store: Pick<Store, 'read' | 'write'>
  readonly clock: Clock
  readonly log: Logger
  readonly secret: string
  readonly maxFileBytes: number
  /** An upload that nothing came of goes after so long. */
  readonly keepMs: number
}

const version = '1.0.0'
const extensions = 'creation,termination,expiration'
/** No cookie counts here, so that a page elsewhere has nothing to ride on. */
const everywhere = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, Tus-Version, Tus-Extension, '
    + 'Tus-Max-Size, Content-Range, Accept-Ranges, ETag',
}
const preflight = {
  'access-control-allow-methods': 'POST, HEAD, PATCH, DELETE, GET, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type, Range, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, '
    + 'X-HTTP-Method-Override, X-Requested-With',
  'access-control-max-age': '86400',
}
/** What a stranger brought is bytes, whatever it looks like. */
const inert = {
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'private, max-age=31536000, immutable',
}
/** A body, or a reader, from whom nothing came for so long has gone; whether a body that comes is wanted still is seen as often. */
const silenceMs = 30_000

interface Bringing {
  readonly stop: () => void
  readonly done: Promise<unknown>
  /** Somebody waits to go on with it: that another one came later. */
  tellWaiting: (() => void) | undefined
}

export class FilesDoor implements HttpDoor {
  readonly #options: FilesDoorOptions
  /** Who brings an upload at the moment: whoever comes later takes its place. */
  readonly #bringing = new Map<string, Bringing>()

  /** Uploads that become whole at the moment: whoever asks meanwhile is told what comes of it. */
  readonly #finishing = new Map<string, Promise<void>>()

  constructor(options: FilesDoorOptions) {
    this.#options = options
  }

  takes(path: string): boolean {
    return path === '/uploads' || path.startsWith('/uploads/') || path.startsWith('/files/')
  }

  answer(visit: DoorVisit): void {
    this.#answer(visit).catch((error: unknown) => {
      const { response } = visit
      const refusal = refusalOf(error)
      if (error instanceof VaultError) this.#options.log.warn({ err: error }, error.message)
      if (refusal === undefined) this.#options.log.error({ err: error, path: visit.path.slice(0, 200) }, 'the door of files failed')
      if (response.headersSent) {
        response.destroy()
        return
      }
      const { status, message, headers } = refusal ?? new Refusal(500, 'The relay has a fault; its log says more')
      // What comes of a body that is not wanted is not waited for.
      answerText(visit, status, `${message}\n`, { ...headers, ...(visit.request.complete ? {} : { connection: 'close' }) })
    })
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, response, path } = visit
    if (!visit.isWelcome) throw new Refusal(429, 'Too many connections of this address, or in all', { 'retry-after': '5' })
    if (visit.isBanned) throw new Refusal(403, 'Your address is banned from this relay')
    const asked = request.method ?? 'GET'
    // What is fetched has a body or none by the method that the socket's other end knows of.
    const method = path.startsWith('/files/') ? asked : methodOf(request.headers['x-http-method-override']) ?? asked
    const upload = /^\/uploads\/([0-9a-f]{32})$/.exec(path)?.[1]
    if (method === 'OPTIONS') {
      response.writeHead(204, { ...tus(), ...preflight, 'tus-max-size': String(this.#options.maxFileBytes) }).end()
      return
    }
    const file = /^\/files\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (file !== undefined) return this.#fetch(visit, method, file)
    if (path !== '/uploads' && upload === undefined) throw new Refusal(404, 'There is nothing here')
    if (request.headers['tus-resumable'] !== version) throw new Refusal(412, `This is tus ${version}: send Tus-Resumable`, tus())
    const ticket = this.#ticket(visit, 'put')
    if (upload !== undefined && upload !== ticket.of) throw new Refusal(403, 'Your ticket is for another upload')
    const row = await findUpload(this.#options.store.read, ticket.of)
    if (row === undefined) throw goneAlready(upload === undefined ? 403 : 410)
    await this.#checkOwner(row)
    if (upload === undefined && method === 'POST') return this.#create(visit, row)
    if (upload !== undefined && method === 'HEAD') return this.#tell(visit, row)
    if (upload !== undefined && method === 'PATCH') return this.#bring(visit, row)
    if (upload !== undefined && method === 'DELETE') return this.#giveUp(visit, row)
    throw new Refusal(405, `Not ${method.slice(0, 20)}`, { allow: upload === undefined ? 'POST, OPTIONS' : 'HEAD, PATCH, DELETE, OPTIONS' })
  }

  /** The upload was made when its ticket was asked for: this says where it is. */
  #create({ request, response }: DoorVisit, row: OwnerRow): void {
    const length = numberOf(request.headers['upload-length'])
    if (length !== row.bytes)
      throw new Refusal(length === undefined ? 400 : 413, `Your ticket is for ${row.bytes} bytes: Upload-Length`, tus())
    response.writeHead(201, { ...tus(), location: `/uploads/${row.upload}`, ...this.#expires(row), 'content-length': 0 }).end()
  }

  async #tell({ response }: DoorVisit, row: OwnerRow): Promise<void> {
    const { files } = this.#options
    const bringing = this.#bringing.get(row.upload)
    // The line that it came over may be gone and nobody know yet.
    if (bringing !== undefined) {
      bringing.stop()
      await bringing.done
    }
    const isFinishing = this.#finishing.has(row.upload)
    const offset = row.whole === 1 || isFinishing ? row.bytes : await files.uploads.size(row.upload)
    if (row.whole === 0 && offset >= row.bytes) await this.#finish(row)
    response.writeHead(200, {
      ...tus(),
      'upload-offset': offset,
      'upload-length': row.bytes,
      ...this.#expires(row),
      'cache-control': 'no-store',
    }).end()
  }

  async #bring(visit: DoorVisit, row: OwnerRow): Promise<void> {
    const { request, response } = visit
    const { files, store, clock } = this.#options
    if (request.headers['content-type'] !== 'application/offset+octet-stream')
      throw new Refusal(415, 'Send application/offset+octet-stream', tus())
    const offset = numberOf(request.headers['upload-offset'])
    if (offset === undefined) throw new Refusal(400, 'Upload-Offset: from which byte on this is', tus())
    const { upload, bytes, whole } = row
    if (whole === 1 && offset !== bytes) throw new Refusal(409, 'The upload is whole', { ...tus(), 'upload-offset': String(bytes) })
    if (whole === 1) {
      response.writeHead(204, { ...tus(), 'upload-offset': bytes }).end()
      return
    }
    if (offset + (numberOf(request.headers['content-length']) ?? 0) > bytes) throw new Refusal(413, `The upload has ${bytes} bytes`, tus())
    // Of several that wait for one before them the last one is next, and the others need not wait: two at once would add to the same file.
    for (let before: Bringing | undefined; (before = this.#bringing.get(upload)) !== undefined;) {
      before.stop()
      before.tellWaiting?.()
      const isLater = await Promise.race([before.done, new Promise(resolve => before!.tellWaiting = () => resolve('later'))])
      if (isLater === 'later') throw broughtByAnother()
    }
    const stop = new AbortController()
    const done = (async () => {
      // Whoever came before may have brought the rest of it.
      await this.#finishing.get(upload)
      if ((await findUpload(store.read, upload))?.whole !== 0)
        throw new Refusal(409, 'The upload is whole, or was given up', { ...tus(), 'upload-offset': String(bytes) })
      const adding = await files.uploads.open(upload)
      if (adding === undefined) throw new Refusal(413, 'The upload came in too many pieces: give it up (DELETE), and begin anew', tus())
      let lookedAt = clock.now()
      try {
        if (adding.size !== offset)
          throw new Refusal(409, `The upload goes on at byte ${adding.size}`, { ...tus(), 'upload-offset': String(adding.size) })
        await taken(visit, stop.signal, async chunk => {
          if (adding.size + chunk.length > bytes) throw new Refusal(413, `The upload has ${bytes} bytes`, tus())
          if (clock.now() - lookedAt >= silenceMs) {
            lookedAt = clock.now()
            await this.#stillKnown(upload)
          }
          await adding.add(chunk)
        })
        return adding.size
      } finally {
        await adding.close()
      }
    })()
    const entry: Bringing = { stop: () => stop.abort(), done: done.catch(() => undefined), tellWaiting: undefined }
    this.#bringing.set(upload, entry)
    let size: number
    try {
      size = await done
    } finally {
      if (this.#bringing.get(upload) === entry) this.#bringing.delete(upload)
      await this.#stillKnown(upload)
    }
    if (size === bytes) await this.#finish(row)
    else await store.write(tx => touchOwner(tx, row, clock.now()))
    response.writeHead(204, { ...tus(), 'upload-offset': size, ...this.#expires(row) }).end()
  }

  /** What was added after it was given up, or was whole, goes: it counts for nobody. @throws Refusal where none may bring it any more */
  async #stillKnown(upload: string): Promise<void> {
    const { files, store } = this.#options
    const row = await findUpload(store.read, upload)
    if (row?.whole === 0) return this.#checkOwner(row)
    await files.discard(upload)
    if (row === undefined) throw goneAlready()
  }

  /** A ticket is worth what its agent is worth now. @throws Refusal */
  async #checkOwner({ agent }: OwnerRow): Promise<void> {
    // Whether a relay of approved keys admits it was seen to when the ticket was asked for: there are exempt ones.
    const refusal = whyNot(await standingOf(this.#options.store.read, agent), false)
    if (refusal !== undefined) throw new Refusal(403, `This agent is not admitted here any more: ${refusal.message}`, tus())
  }

  #finish(row: OwnerRow): Promise<void> {
    const finishing = this.#finishing.get(row.upload) ?? this.#finishNow(row).finally(() => this.#finishing.delete(row.upload))
    this.#finishing.set(row.upload, finishing)
    return finishing
  }

  async #finishNow({ upload, sha256, bytes }: OwnerRow): Promise<void> {
    const { files, store, clock, log } = this.#options
    const finished = await files.finish(upload, sha256, bytes, () => store.write(tx => finishUpload(tx, { upload, sha256 }, clock.now())))
    if (finished === 'whole') return
    if (finished === 'failed') {
      log.warn({ upload }, 'the command that checks files failed: nothing is taken until it works (fileCheck)')
      throw new Refusal(503, 'The relay cannot check files now', { ...tus(), 'retry-after': '30' })
    }
    // It is all there: whoever asks for it again finishes it.
    if (finished === 'going') throw new Refusal(503, 'The relay has such a file go at this moment', { ...tus(), 'retry-after': '1' })
    // Another process of the relay may have finished it.
    if (finished === 'gone' && (await findUpload(store.read, upload))?.whole === 1) return
    if (finished === 'gone') throw goneAlready()
    await this.#remove(upload)
    throw finished === 'other'
      ? new Refusal(460, 'This is another file than was said: its SHA-256 differs; nothing was kept', tus())
      : new Refusal(403, 'The relay takes no such file: what its operator looks for was found in it', tus())
  }

  async #giveUp({ response }: DoorVisit, { upload, whole }: OwnerRow): Promise<void> {
    if (whole === 1) throw new Refusal(403, 'The upload is whole: the file goes when no message names it any more', tus())
    const bringing = this.#bringing.get(upload)
    bringing?.stop()
    await bringing?.done
    if (this.#finishing.has(upload)) throw new Refusal(409, 'The upload becomes whole at the moment', tus())
    await this.#options.files.discard(upload)
    await this.#remove(upload)
    response.writeHead(204, tus()).end()
  }

  async #remove(upload: string): Promise<void> {
    const { files, store } = this.#options
    await store.write(async tx => {
      const row = await findUpload(tx, upload)
      if (row !== undefined) await removeOwner(tx, row)
    })
    // A line at another process may have added to it until then; what it adds from now on it takes away itself.
    await files.discard(upload)
  }

  async #fetch(visit: DoorVisit, method: string, sha256: string): Promise<void> {
    const { request, response } = visit
    if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, `Not ${method.slice(0, 20)}`, { allow: 'GET, HEAD, OPTIONS' })
    const { of, bytes } = this.#ticket(visit, 'get')
    if (of !== sha256) throw new Refusal(403, 'Your ticket is for another file')
    const range = rangeOf(request.headers.range, bytes)
    if (range === 'none') throw new Refusal(416, `The file has ${bytes} bytes`, { 'content-range': `bytes */${bytes}` })
    const { start, end } = range ?? { start: 0, end: bytes - 1 }
    const content = await this.#options.files.open(sha256, { start, end })
    if (content === undefined) throw new Refusal(404, 'The file is no longer here')
    response.writeHead(range === undefined ? 200 : 206, {
      ...everywhere,
      ...inert,
      'accept-ranges': 'bytes',
      etag: `"${sha256}"`,
      'content-length': end - start + 1,
      ...(range !== undefined && { 'content-range': `bytes ${start}-${end}/${bytes}` }),
    })
    if (method === 'HEAD') {
      content.destroy()
      response.end()
    } else await sent(visit, content)
  }

  #ticket({ request, pace }: DoorVisit, use: FileTicket['use']): FileTicket {
    const { secret, clock } = this.#options
    const text = /^Bearer (\S{1,300})$/i.exec(request.headers.authorization ?? '')?.[1]
    const ticket = text === undefined ? undefined : readTicket(secret, text, clock.now())
    if (ticket?.use === use) return ticket
    // Guessing costs what a message costs.
    const waitMs = pace()
    if (waitMs > 0) throw new Refusal(429, 'Too many requests of this address', { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
    throw new Refusal(401, `Send a ticket: Authorization: Bearer, as ${use === 'put' ? 'PUT_FILE' : 'GET_FILE'} gives it`, {
      'www-authenticate': 'Bearer realm="agentchat"',
    })
  }

  #expires({ at }: OwnerRow): { readonly 'upload-expires': string } {
    return { 'upload-expires': new Date(at + this.#options.keepMs).toUTCString() }
  }
}

const tus = () => ({ ...everywhere, 'tus-resumable': version, 'tus-version': version, 'tus-extension': extensions })

const broughtByAnother = (): Refusal => new Refusal(409, 'Another request brings this upload now', tus())

const goneAlready = (status = 410): Refusal => new Refusal(status, 'The upload was given up, or its time is over', tus())

const answerText = ({ response }: DoorVisit, status: number, text: string, headers: Readonly<Record<string, string>>): void => {
  response.writeHead(status, {
    ...everywhere,
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

/** undefined: a fault. */
const refusalOf = (error: unknown): Refusal | undefined =>
  error instanceof Refusal
    ? error
    : error instanceof BusyError || error instanceof StorageError || error instanceof VaultError
    ? new Refusal(503, 'The relay cannot reach its storage now', { ...tus(), 'retry-after': '1' })
    : undefined

const methodOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' && /^[A-Za-z]{1,20}$/.test(header) ? header.toUpperCase() : undefined

const numberOf = (header: string | readonly string[] | undefined): number | undefined =>
  typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined

/** One range of bytes; undefined: all of it; none: nothing of the file is in it. */
const rangeOf = (header: string | undefined, bytes: number): Range | 'none' | undefined => {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1]!, match[2]!]
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  return start > end ? 'none' : { start, end }
}

/** Hands on what comes of the body, a chunk at a time, until it ends or breaks off; both leave what came. @throws what `add` throws */
const taken = ({ request, owe, took, goesOn }: DoorVisit, signal: AbortSignal, add: (chunk: Buffer) => Promise<void>): Promise<void> => {
  goesOn()
  return new Promise((resolve, reject) => {
    let adding: Promise<void> = Promise.resolve()
    let isOver = false
    const end = (error?: unknown) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      request.off('data', onData)
      signal.removeEventListener('abort', onStop)
      // What is being written is, before anybody looks at how much there is.
      adding.then(() => error === undefined ? resolve() : reject(error as Error), reject)
    }
    const onStop = () => {
      request.destroy()
      end(broughtByAnother())
    }
    const onData = (chunk: Buffer) => {
      timer.refresh()
      request.pause()
      owe(chunk.length)
      adding = add(chunk).then(() => {
        took(chunk.length)
        request.resume()
      })
      adding.catch(end)
    }
    const timer = setTimeout(onStop, timerMs(silenceMs))
    if (signal.aborted) return onStop()
    signal.addEventListener('abort', onStop)
    request.on('data', onData)
    request.on('end', () => end())
    request.on('error', () => end())
    request.on('close', () => end())
  })
}

/** Sends a file as fast as it is taken, holding no more than a piece of it. */
const sent = ({ response, goesOn }: DoorVisit, content: Readable): Promise<void> => {
  // Whoever went while it was opened closes nothing any more.
  if (response.destroyed) {
    content.destroy()
    return Promise.resolve()
  }
  goesOn()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => response.destroy(), timerMs(silenceMs))
    content.on('data', () => timer.refresh())
    response.on('drain', () => timer.refresh())
    response.on('close', () => {
      clearTimeout(timer)
      content.destroy()
      resolve()
    })
    content.on('error', error => {
      response.destroy()
      reject(error)
    })
    content.pipe(response)
  })
}
