// What discovery asks over HTTP: a relay for its description or its health, a directory for its list, and a directory to list us.
import type { AddressGuard } from './guard.ts'
import { OutboundError, sendRequest, type OutboundResponse } from './request.ts'

export interface DiscoveryOptions {
  readonly guard: AddressGuard
  /** Certificates in PEM that are trusted at a url beside the public ones. */
  readonly caOf?: (url: string) => string | undefined
  /** of one request */
  readonly timeoutMs?: number
  /** Ends what is under way. */
  readonly signal?: AbortSignal
}

/** A relay's answer: its description, or from relays that have none only their health. Neither is checked here. */
export type Look = { readonly latencyMs: number } & ({ readonly document: unknown } | { readonly health: unknown })

export interface DirectoryPage {
  readonly servers: readonly unknown[]
  /** path of the next page */
  readonly next?: string | undefined
  readonly etag?: string | undefined
}

export interface Discovery {
  /** Asks a relay, by its ws(s) or http(s) url. @throws OutboundError */
  look(url: string): Promise<Look>
  /** One page of a directory, or of a file of relays that lies at a url; undefined: as it was at `etag`. @throws OutboundError */
  page(url: string, etag?: string): Promise<DirectoryPage | undefined>
  /** Announces a description. @throws OutboundError */
  announce(directory: string, document: object): Promise<{ readonly ok: boolean, readonly message: string, readonly retryAfterMs?: number }>
}

const maxDocumentBytes = 64 * 1024
const maxPageBytes = 4 * 1024 * 1024
const defaultTimeoutMs = 5_000

/** ws://host:1/path → http://host:1/path */
export const httpOf = (url: string): string => url.replace(/^ws/i, 'http')

/** A page of a relay, which stands beside it wherever a proxy puts both: wss://host/chat → https://host/chat/health */
export const pageOf = (url: string, page: string): string => {
  const target = new URL(httpOf(url))
  target.pathname = `${target.pathname.replace(/\/+$/, '')}/${page}`
  target.search = ''
  target.hash = ''
  return target.href
}

const listPage = 'directory/servers'

/** A directory is named by its relay's url, or by the whole url of a list or a file. */
export const listUrl = (url: string): string => {
  const target = new URL(httpOf(url))
  const isRelay = /^ws/i.test(url) || (target.pathname === '/' && target.search === '')
  return isRelay ? pageOf(url, listPage) : target.href
}

/** A list says where it goes on from the root of its relay, which a proxy may have put under a path. */
const nextOf = (list: string, next: string): URL => {
  const { pathname } = new URL(list)
  const root = pathname.endsWith(`/${listPage}`) ? pathname.slice(0, -listPage.length - 1) : ''
  return new URL(next.startsWith(`${root}/`) ? next : `${root}${next}`, list)
}

export const discovery = ({ guard, timeoutMs = defaultTimeoutMs, caOf, signal }: DiscoveryOptions): Discovery => {
  const ask = (
    url: string,
    more: {
      readonly method?: 'GET' | 'POST'
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly maxBytes?: number
      readonly ca?: string | undefined
    } = {},
  ) => sendRequest(guard, { method: 'GET', maxBytes: maxDocumentBytes, timeoutMs, ...more, url, ...(signal !== undefined && { signal }) })
  return {
    async look(url) {
      const startedAt = performance.now()
      const response = await ask(pageOf(url, '.well-known/agentchat.json'), { ca: caOf?.(url) })
      const latencyMs = Math.round((performance.now() - startedAt) * 10) / 10
      if (response.status === 200) return { document: jsonOf(response), latencyMs }
      if (response.status !== 404) throw new OutboundError('failed', `it answers ${response.status}`)
      return { health: jsonOf(await ask(pageOf(url, 'health'), { ca: caOf?.(url) }), 200), latencyMs }
    },
    async page(url, etag) {
      const response = await ask(listUrl(url), {
        maxBytes: maxPageBytes,
        ca: caOf?.(url),
        ...(etag !== undefined && { headers: { 'if-none-match': etag } }),
      })
      if (response.status === 304) return undefined
      const body = jsonOf(response, 200) as { readonly servers?: unknown, readonly next?: unknown } | null
      const servers = Array.isArray(body) ? body as unknown[] : body?.servers
      if (!Array.isArray(servers)) throw new OutboundError('failed', 'it is no list of relays')
      // Pages are turned at the same place: a directory does not send its readers elsewhere.
      const next = typeof body?.next === 'string' && body.next.startsWith('/') ? nextOf(listUrl(url), body.next) : undefined
      return { servers, ...(next?.origin === new URL(listUrl(url)).origin && { next: next.href }), etag: response.headers.etag }
    },
    async announce(directory, document) {
      const response = await ask(listUrl(directory), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(document),
      })
      const retryAfterS = Number(response.headers['retry-after'])
      const { message, problem, status } = jsonOf(response) as {
        readonly message?: unknown
        readonly problem?: unknown
        readonly status?: unknown
      }
      return {
        ok: response.status < 300,
        message: String(message ?? problem ?? status ?? response.status).slice(0, 300),
        ...(retryAfterS > 0 && { retryAfterMs: Math.min(retryAfterS, 86_400) * 1_000 }),
      }
    },
  }
}

const jsonOf = ({ status, body }: OutboundResponse, wanted?: number): unknown => {
  if (wanted !== undefined && status !== wanted) throw new OutboundError('failed', `it answers ${status}`)
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new OutboundError('failed', `it answers ${status}, and not in JSON`)
  }
}
