// From a host to the relay there: the signed document at its well-known address, checked, and the key that was there before.
import { serverDocumentProblem, succeeds, type ServerDocumentProblem } from '../identity/index.ts'
import { ServerDocument, limits } from '../protocol/index.ts'
import { AddressError, RelayDoubtError, TimeoutError, type RelayDoubt } from './errors.ts'
import { hostOf, isSameHost, refusalOf } from './hosts.ts'
import { doubtOf, type KnownRelays } from './known-relays.ts'
import { inTime, type CallOptions } from './pending.ts'

/** The relay of a host, as it says of itself, under its signature. */
export interface ResolvedRelay {
  readonly host: string
  /** where it is dialled; ws:// only where the program named it so */
  readonly url: string
  readonly serverId: string
  readonly document: ServerDocument
}

/**
 * Reads the text at an http(s) url: no more than so many bytes of it, and without following where it points to. Rejects with an AddressError, or
 * with what went wrong on the way.
 */
export type ReadDocument = (url: string, options: { readonly maxBytes: number, readonly signal: AbortSignal }) => Promise<string>

/** How a host is resolved: what the program knows itself, what was known before, and how documents are read. */
export interface ResolveOptions extends CallOptions {
  /** Urls that the program itself knows relays at: their hosts are asked there, wherever that is. */
  readonly relays: readonly string[]
  readonly read: ReadDocument
  readonly knownRelays: KnownRelays
  /** Asked where the key is not the one that is known there, and nothing that the former key signed leads to it. */
  readonly confirmRelay?: ((doubt: RelayDoubt) => boolean | Promise<boolean>) | undefined
  /** ms since 1970 */
  readonly now: () => number
}

/** A document is at most 16 Ki characters; each takes at most four bytes, or six where it is escaped. */
const maxDocumentBytes = 6 * limits.maxServerChars

/** The address of what a relay says of itself: wss://host/chat → https://host/chat/.well-known/agentchat.json */
export const documentUrl = (url: string): string => {
  const target = new URL(url.replace(/^ws/i, 'http'))
  target.pathname = `${target.pathname.replace(/\/+$/, '')}/.well-known/agentchat.json`
  target.search = target.hash = ''
  return target.href
}

/**
 * The relay of a host. The key that answered there first is kept, and another one is refused unless the former key signed for it.
 * @throws AddressError; RelayDoubtError RELAY_CHANGED, RELAY_ELSEWHERE; TimeoutError
 */
export const resolveHost = async (host: string, options: ResolveOptions): Promise<ResolvedRelay> => {
  const { relays, read, signal, timeoutMs = 15_000 } = options
  const known = relays.find(url => isSameHost(hostOf(url), host))
  const refusal = known === undefined ? refusalOf(host) : undefined
  if (refusal !== undefined) {
    throw new AddressError('HOST_REFUSED', host,
      `${host} is not asked, because ${refusal}. A relay that you know there is named by its url`)
  }
  const asked = documentUrl(known ?? `wss://${host}`)
  const over = new AbortController()
  const text = await inTime(read(asked, { maxBytes: maxDocumentBytes, signal: over.signal }), { signal, timeoutMs },
    ms => new TimeoutError(`${host} did not say who it is within ${ms} ms`)).catch((error: unknown) => {
      if (error instanceof AddressError || error instanceof TimeoutError || signal?.aborted === true) throw error
      throw new AddressError('HOST_UNREACHABLE', host, `${host} cannot be asked who it is: ${(error as Error).message}`)
    }).finally(() => over.abort())
  const found = relayIn(text, { host, known, options })
  await settle(found, options)
  return found
}

/** What a document says, where it is one, of this host, signed, and in time. */
const relayIn = (
  text: string,
  { host, known, options: { now } }: { readonly host: string, readonly known: string | undefined, readonly options: ResolveOptions },
): ResolvedRelay => {
  const parsed = ServerDocument.safeParse(jsonOf(text))
  if (!parsed.success) throw new AddressError('NO_DOCUMENT', host, `What answers at ${host} is no relay that describes itself`)
  const document = parsed.data
  const problem = serverDocumentProblem(document, { now: now() })
  if (problem !== undefined)
    throw new AddressError(problem === 'early' || problem === 'expired' ? 'DOCUMENT_EXPIRED' : 'DOCUMENT_INVALID', host,
      `${host}: ${problems[problem]}`)
  // Over the network a relay is dialled by TLS: a url without it is another one's, whoever wrote it.
  const url = document.urls.find(url => isSameHost(hostOf(url), host) && (known !== undefined || new URL(url).protocol === 'wss:'))
  if (url === undefined && (known === undefined || document.urls.length > 0)) {
    throw new AddressError('OTHER_HOST', host, document.urls.length === 0
      ? `The relay at ${host} does not say where it is; its operator can: agentchat serve --public-urls`
      : `The relay at ${host} says that it is at ${document.urls.join(', ')}`)
  }
  return { host, url: known ?? url!, serverId: document.server_id, document }
}

const problems: Readonly<Record<ServerDocumentProblem, string>> = {
  key: 'what it says of itself is under the id of another key',
  signature: 'what it says of itself is not signed by its key',
  early: 'what it says of itself is from the future: its clock or this one is wrong',
  expired: 'what it says of itself is over: an old copy answers, or a clock is wrong',
}

/** Keeps the key for the place, unless another one was there that did not hand over to it. */
const settle = async ({ url, serverId, document }: ResolvedRelay, { knownRelays, confirmRelay }: ResolveOptions): Promise<void> => {
  const doubt = doubtOf(knownRelays, url, serverId)
  // That it is at this place too, the key itself has signed.
  const isVouched = doubt === undefined || (doubt.kind === 'elsewhere' ? document.urls.length > 0 : succeeds(document, doubt.known))
  if (!isVouched && await confirmRelay?.(doubt) !== true) throw new RelayDoubtError(doubt)
  knownRelays.remember(url, serverId)
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads by the platform's `fetch`. In browsers the relay's pages have to be open to other origins; those of this one are. */
export const fetchDocument: ReadDocument = async (url, { maxBytes, signal }) => {
  const { host } = new URL(url)
  const response = await fetch(url, { redirect: 'manual', credentials: 'omit', referrerPolicy: 'no-referrer', signal })
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new AddressError('NO_DOCUMENT', host,
      `${host} answers ${response.status || 'with another address'} where a relay describes itself`)
  }
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  for (let size = 0;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.length
    if (size > maxBytes) {
      await reader.cancel()
      throw new AddressError('NO_DOCUMENT', host, `${host} says more than ${maxBytes} bytes where a relay describes itself`)
    }
    text += decoder.decode(value, { stream: true })
  }
}
