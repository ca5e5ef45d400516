// Files: brought to a relay and fetched from it over HTTP. What is broken off goes on where it was, also in another process.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { rootCertificates } from 'node:tls'
import type { AgentChatClient, Asked } from '../client/index.ts'
import { ConnectionError, RelayError } from '../client/index.ts'
import { timerMs } from '../protocol/timer.ts'

/** A file as a message names it. */
export type FileRef = NonNullable<Asked<'MSG'>['files']>[number]

/** Where the relay is, and who is told how it goes. */
export interface FileTransferOptions {
  /** The url that the client connects to. */
  readonly server: string
  /** Certificates (PEM) that are trusted too. */
  readonly ca?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Bytes that are done, and all of them; while a file is hashed `isHashing`. */
  readonly onProgress?: ((done: number, all: number, isHashing: boolean) => void) | undefined
}

/** A line without a byte for so long is given up, and made again. */
const silenceMs = 30_000
/** Lines that break without a byte having come over them, one after the other, before it is given up. */
const maxFailures = 8
const minPauseMs = 250
const maxPauseMs = 10_000

const urlOf = (server: string, path: string): URL =>
  new URL(`${server.replace(/^ws/i, 'http').replace(/[?#].*$/, '').replace(/\/$/, '')}${path}`)

/** A refusal that no repeating helps against. */
const refusalOf = (status: number, text: string): RelayError =>
  new RelayError(status === 403 || status === 460 || status === 413 ? 'FILE_REFUSED' : status === 404 ? 'FILE_MISSING' : 'INVALID_MSG',
    text.trim() === '' ? `The relay answered ${status}` : text.trim().slice(0, 300))

const answered = (
  method: string,
  { server, ca, signal }: FileTransferOptions,
  { url, ticket }: { readonly url: string, readonly ticket: string },
  headers: Readonly<Record<string, string>>,
  body?: { readonly path: string, readonly start: number, readonly onRead: (bytes: number) => void },
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const at = urlOf(server, url)
    const request = (at.protocol === 'https:' ? httpsRequest : httpRequest)(at, {
      method,
      agent: false,
      headers: { authorization: `Bearer ${ticket}`, 'tus-resumable': '1.0.0', ...headers },
      ...(signal !== undefined && { signal }),
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    }, resolve)
    request.setTimeout(timerMs(silenceMs), () => request.destroy(new Error(`nothing came for ${silenceMs / 1_000} s`)))
    request.on('error', reject)
    if (body === undefined) return void request.end()
    const file = createReadStream(body.path, { start: body.start })
    file.on('data', chunk => body.onRead(chunk.length))
    pipeline(file, request).catch(reject)
  })

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response) if (text.length < 1_000) text += String(chunk)
  return text
}

/** Again and again, as long as something comes over: the line may break. @throws the refusal, or why the last line broke */
const persistently = async <T>(
  signal: AbortSignal | undefined,
  attempt: () => Promise<{ readonly done: T } | { readonly came: boolean }>,
): Promise<T> => {
  let failures = 0
  for (;;) {
    let cause: unknown
    try {
      const outcome = await attempt()
      if ('done' in outcome) return outcome.done
      failures = outcome.came ? 0 : failures + 1
    } catch (error) {
      if (error instanceof RelayError || signal?.aborted === true) throw error
      cause = error
      failures++
    }
    if (failures >= maxFailures)
      throw new ConnectionError('UNREACHABLE',
        `The relay cannot be reached over HTTP: ${(cause as Error | undefined)?.message ?? 'lines break'}`)
    await new Promise(resolve => setTimeout(resolve, timerMs(Math.min(maxPauseMs, minPauseMs * 2 ** failures))))
  }
}

const hashOf = async (path: string, bytes: number, { signal, onProgress }: FileTransferOptions): Promise<string> => {
  const hash = createHash('sha256')
  let done = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal?.throwIfAborted()
    hash.update(chunk as Buffer)
    onProgress?.(done += (chunk as Buffer).length, bytes, true)
  }
  return hash.digest('hex')
}

/**
 * Brings a file to the relay; what came of it before, by this program or another run of it, is not sent again. Gives what a message names it
 * by: `client.send(to, text, { files: [file] })`.
 * @throws RelayError FILE_REFUSED, LIMIT_REACHED …; ConnectionError; the file system's error
 * @example const file = await putFile(client, 'report.pdf', { server })
 */
export const putFile = async (
  client: Pick<AgentChatClient, 'request'>,
  path: string,
  options: FileTransferOptions & { readonly name?: string | undefined, readonly mime?: string | undefined },
): Promise<FileRef> => {
  const { size: bytes } = await stat(path)
  const sha256 = await hashOf(path, bytes, options)
  const { name = basename(path), mime, signal, onProgress } = options
  const file = { sha256, bytes, name, ...(mime !== undefined && { mime }) }
  const { have, url, ticket } = await client.request('PUT_FILE', { sha256, bytes }, { ...(signal !== undefined && { signal }) })
  if (have === true || url === undefined || ticket === undefined) return file
  await persistently(signal, async () => {
    const told = await answered('HEAD', options, { url, ticket }, {})
    const text = await textOf(told)
    const { statusCode: status = 0, headers } = told
    if (status === 429 || status >= 500) return { came: false }
    if (status !== 200) throw refusalOf(status, text)
    const offset = Number(headers['upload-offset'])
    onProgress?.(offset, bytes, false)
    if (offset >= bytes) return { done: undefined }
    let done = offset
    const brought = await answered('PATCH', options, { url, ticket }, {
      'content-type': 'application/offset+octet-stream',
      'content-length': String(bytes - offset),
      'upload-offset': String(offset),
    }, { path, start: offset, onRead: more => onProgress?.(done += more, bytes, false) }).catch((error: unknown) => {
      if (done > offset && signal?.aborted !== true) return undefined
      throw error
    })
    if (brought === undefined) return { came: true }
    const answer = await textOf(brought)
    if (brought.statusCode === 204) return { done: undefined }
    if (brought.statusCode === 409 || brought.statusCode === 429 || brought.statusCode! >= 500) return { came: false }
    throw refusalOf(brought.statusCode!, answer)
  })
  return file
}

/** What a message names, and a file of it. */
export interface FoundFile {
  /** All that the message names. */
  readonly files: readonly FileRef[]
  readonly file: FileRef
  /** Writes it to a path, when all of it is there and is what it is called; a part that came before goes on. Replaces what is there. */
  save(path: string): Promise<void>
}

/**
 * Finds a file by a message that names it, by its SHA-256, or by both.
 * @throws RelayError MESSAGE_NOT_FOUND, FILE_MISSING
 * @example await (await getFile(client, { msgId }, { server })).save('report.pdf')
 */
export const getFile = async (
  client: Pick<AgentChatClient, 'request'>,
  { msgId, sha256 }: { readonly msgId?: string | undefined, readonly sha256?: string | undefined },
  options: FileTransferOptions,
): Promise<FoundFile> => {
  const { signal, onProgress } = options
  const ask = () =>
    client.request('GET_FILE', { ...(msgId !== undefined && { msg_id: msgId }), ...(sha256 !== undefined && { sha256 }) }, {
      ...(signal !== undefined && { signal }),
    })
  const first = await ask()
  const files = first.files ?? []
  const file = sha256 === undefined ? files[0] : files.find(each => each.sha256 === sha256)
  if (file === undefined) throw new RelayError('FILE_MISSING', 'The relay named no such file')
  const save = async (path: string): Promise<void> => {
    const part = `${path}.part`
    let ticket = first
    await persistently(signal, async () => {
      const start = (await stat(part).catch(() => undefined))?.size ?? 0
      if (start >= file.bytes) return { done: undefined }
      const response = await answered('GET', options, { url: ticket.url!, ticket: ticket.ticket! }, { range: `bytes=${start}-` })
      const { statusCode: status = 0 } = response
      if (status !== 206 && status !== 200) {
        const text = await textOf(response)
        if (status === 401) ticket = await ask()
        else if (status !== 429 && status < 500) throw refusalOf(status, text)
        return { came: false }
      }
      let done = start
      response.on('data', (chunk: Buffer) => onProgress?.(done += chunk.length, file.bytes, false))
      await pipeline(response, createWriteStream(part, { flags: 'a', mode: 0o600 })).catch((error: unknown) => {
        if (done === start || signal?.aborted === true) throw error
      })
      return done >= file.bytes ? { done: undefined } : { came: done > start }
    })
    if (await hashOf(part, file.bytes, options) !== file.sha256) {
      await rm(part, { force: true })
      throw new RelayError('FILE_MISSING', 'What came is another file than the message names; nothing was kept')
    }
    await rename(part, path)
  }
  return { files, file, save }
}
