// Files over HTTP, by hand: tickets of a wire, and tus requests as they stand.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { TestRelay } from './relay.ts'
import type { Wire } from './wire.ts'

export const sha256Of = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface Ticket {
  readonly url: string
  readonly ticket: string
}

/** A request of tus at the relay. */
export const tus = (
  { httpUrl }: Pick<TestRelay, 'httpUrl'>,
  method: string,
  { url, ticket }: Ticket,
  headers: Readonly<Record<string, string>> = {},
  body?: string | Uint8Array,
): Promise<Response> =>
  fetch(`${httpUrl}${url}`, {
    method,
    headers: {
      authorization: `Bearer ${ticket}`,
      'tus-resumable': '1.0.0',
      ...(method === 'PATCH' && { 'content-type': 'application/offset+octet-stream' }),
      ...headers,
    },
    ...(body !== undefined && { body: body as string }),
  })

/** A piece of an upload. */
export const patch = (relay: Pick<TestRelay, 'httpUrl'>, ticket: Ticket, offset: number, body: string | Uint8Array): Promise<Response> =>
  tus(relay, 'PATCH', ticket, { 'upload-offset': String(offset) }, body)

/** A piece of an upload that comes as it is said, a chunk at a time; `status` of its answer, whenever that comes. */
export const patching = (relay: Pick<TestRelay, 'httpUrl'>, { url, ticket }: Ticket, offset: number) => {
  const line = request(`${relay.httpUrl}${url}`, {
    method: 'PATCH',
    agent: false,
    headers: {
      authorization: `Bearer ${ticket}`,
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
    },
  })
  const status = once(line, 'response').then(([response]) => {
    ;(response as IncomingMessage).resume()
    return (response as IncomingMessage).statusCode
  })
  // What goes wrong once it is answered says nothing.
  line.on('error', () => undefined)
  status.catch(() => undefined)
  return { status, send: (chunk: string | Uint8Array) => void line.write(chunk), end: () => void line.end() }
}

export const putTicket = async (wire: Wire, bytes: string | Uint8Array, sha256 = sha256Of(bytes)): Promise<Ticket> =>
  await wire.ask({ type: 'PUT_FILE', sha256, bytes: Buffer.byteLength(bytes) }, 'FILE_TICKET') as unknown as Ticket

/** A whole file; gives what a message says of it. */
export const bring = async (relay: Pick<TestRelay, 'httpUrl'>, wire: Wire, bytes: string | Uint8Array, name = 'hello.txt') => {
  const ticket = await putTicket(wire, bytes)
  const answer = await patch(relay, ticket, 0, bytes)
  if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`)
  return { sha256: sha256Of(bytes), bytes: Buffer.byteLength(bytes), name }
}

/** What is fetched by a message. */
export const fetched = async (
  relay: Pick<TestRelay, 'httpUrl'>,
  wire: Wire,
  msgId: string,
  headers: Readonly<Record<string, string>> = {},
) => {
  const { url, ticket } = await wire.ask({ type: 'GET_FILE', msg_id: msgId }, 'FILE_TICKET') as unknown as Ticket
  return fetch(`${relay.httpUrl}${url}`, { headers: { authorization: `Bearer ${ticket}`, ...headers } })
}
