// What features answer over plain HTTP: finding whose page a path is, and asking for it.
import type { Logger } from '../base/log.ts'
import type { Awaitable, Scope, Tx } from '../store/store.ts'
import type { HttpAnswer, Route, RouteCtx } from './feature.ts'
import type { PageRequest } from './http.ts'

export interface PagesDeps {
  readonly routes: readonly Route[]
  readonly ctx: () => Omit<RouteCtx, 'query'>
  readonly isBanned: (address: string) => boolean
  readonly isDraining: () => boolean
  readonly write: <R>(decide: (tx: Tx, now: number) => Awaitable<R>, scope: Scope | undefined) => Promise<R>
  readonly log: Logger
}

export class Pages {
  readonly #deps: PagesDeps

  constructor(deps: PagesDeps) {
    this.#deps = deps
  }

  /** Whether there is a page at a path, and whether it takes a POST. */
  kind(path: string): 'get' | 'post' | undefined {
    const route = this.#routeAt(path)
    return route && (route.post === undefined ? 'get' : 'post')
  }

  /** The answer of a feature's route; what fails in it is logged and told as a fault. */
  async answer({ path, query, address, body }: PageRequest): Promise<HttpAnswer> {
    const { ctx, isBanned, isDraining, write, log } = this.#deps
    const route = this.#routeAt(path)!
    const asked: RouteCtx = { ...ctx(), query }
    try {
      if (isBanned(address)) return { status: 403, contentType: 'text/plain', body: 'Your address is banned from this relay\n' }
      if (body === undefined) return await route.get(asked, decode(path.slice(route.path.length)))
      if (isDraining()) return { status: 503, contentType: 'text/plain', body: 'draining\n', headers: { 'retry-after': '5' } }
      return await route.post!({ ...asked, address, write: decide => write(decide, route.scope) }, body)
    } catch (error) {
      log.error({ err: error, route: route.path }, 'a page failed')
      throw error
    }
  }

  #routeAt(path: string): Route | undefined {
    return this.#deps.routes.find(({ path: place }) => place.endsWith('/') ? path.startsWith(place) : path === place)
  }
}

/** A path's percent signs undone; as it stands where they mean nothing. */
const decode = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
