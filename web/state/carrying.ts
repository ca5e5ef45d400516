// Files of messages: brought to the relay before a message names them, and fetched from it; each is what its SHA-256 says, or it is none.
import { ConnectionError, RelayError, type Asked } from '../../lib/index.ts'
import { timerMs } from '../../lib/protocol/timer.ts'
import { sha256Of } from './files.ts'
import { here } from './session.ts'
import { t } from '../text/index.ts'

/** A file as a message names it. */
export type FileRef = NonNullable<Asked<'MSG'>['files']>[number]

/** It is hashed as a whole, and so it is in memory. The relay says how much it takes. */
const maxBytes = 256 * 1024 * 1024
const maxTries = 6
const pauseMs = 500

const asOctets = 'application/offset+octet-stream'

/** A name that the relay takes: what would lead somewhere, hide or reorder is a line. */
const nameFor = (name: string): string => name.replace(/[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029/\\]/gu, '_').slice(0, 255) || 'file'

const pause = (tries: number): Promise<unknown> => new Promise(resolve => setTimeout(resolve, timerMs(pauseMs * 2 ** tries)))

/** What the relay says of a request that it refused. */
const refusalOf = async (response: Response): Promise<RelayError> =>
  new RelayError('FILE_REFUSED', (await response.text()).trim().slice(0, 300) || `It answered ${response.status}`)

/** Later it may well do: the relay is away, or wants to be asked later, or another request was at it. */
const passes = (status: number): boolean => status === 409 || status === 429 || status >= 500

/** Brings a file to the relay; a line that breaks is gone on with. Gives what a message names it by. @throws RelayError, ConnectionError */
export const bring = async (file: File): Promise<FileRef> => {
  if (file.size === 0 || file.size > maxBytes) throw new Error(t.peek().chat.badFile(file.name))
  const bytes = file.size
  const sha256 = await sha256Of(await file.arrayBuffer())
  const ref = { sha256, bytes, name: nameFor(file.name), ...(/^[\w.+-]{1,40}\/[\w.+-]{1,59}$/.test(file.type) && { mime: file.type }) }
  const { have, url, ticket } = await here().request('PUT_FILE', { sha256, bytes })
  if (have === true || url === undefined) return ref
  const ask = (method: string, more: Record<string, string>, body?: Blob) =>
    fetch(url, {
      method,
      headers: { authorization: `Bearer ${ticket}`, 'tus-resumable': '1.0.0', ...more },
      ...(body !== undefined && { body }),
    }).catch((error: unknown) => error as Error)
  for (let tries = 0; tries < maxTries; tries++) {
    const told = await ask('HEAD', {})
    if (!(told instanceof Error)) {
      if (!told.ok && !passes(told.status)) throw await refusalOf(told)
      const offset = Number(told.headers.get('upload-offset') ?? 0)
      if (told.ok && offset >= bytes) return ref
      const headers = { 'content-type': asOctets, 'upload-offset': String(offset) }
      const brought = told.ok ? await ask('PATCH', headers, file.slice(offset)) : told
      if (!(brought instanceof Error)) {
        if (brought.ok) return ref
        if (!passes(brought.status)) throw await refusalOf(brought)
      }
    }
    await pause(tries)
  }
  throw new ConnectionError('UNREACHABLE', t.peek().chat.notBrought(file.name))
}

/** Fetches a file that a message names. @throws RelayError; Error where what came is not what was named */
export const take = async (msgId: string, { sha256, bytes, name }: FileRef): Promise<Uint8Array<ArrayBuffer>> => {
  if (bytes > maxBytes) throw new Error(t.peek().chat.badFile(name))
  const { url, ticket } = await here().request('GET_FILE', { msg_id: msgId, sha256 })
  const response = await fetch(url ?? `/files/${sha256}`, { headers: { authorization: `Bearer ${ticket ?? ''}` } })
  if (!response.ok) throw await refusalOf(response)
  const content = new Uint8Array(await response.arrayBuffer())
  if (content.length !== bytes || await sha256Of(content) !== sha256) throw new Error(t.peek().chat.otherFile(name))
  return content
}
