// Who comes in at the door of MCP: pages of welcome origins, and whoever proves who they are. Only then is anything loaded or read.
import type { DoorVisit } from '../../relay/inside.ts'
import { isRefused, problem, refuse, tooMany } from './node-http.ts'

export interface GateOptions<C> {
  /** Who comes. @throws Refused */
  readonly authenticate: (visit: DoorVisit) => Promise<C>
  /** Whether a page of this origin, at this host, may ask; without an origin it is no page. */
  readonly isWelcome: (origin: string | undefined, host: string | undefined) => boolean
  readonly failed: (error: unknown) => string
}

export class Gate<C> {
  readonly #options: GateOptions<C>

  constructor(options: GateOptions<C>) {
    this.#options = options
  }

  /** Answers who is not let in, and what goes wrong with who is; never throws. */
  async pass(visit: DoorVisit, answer: (caller: C) => Promise<void>): Promise<void> {
    const { request, response } = visit
    const { authenticate, isWelcome, failed } = this.#options
    const { origin, host } = request.headers
    try {
      if (!isWelcome(origin, host)) {
        const waitMs = visit.pace()
        return waitMs > 0
          ? refuse(request, response, tooMany, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })
          : refuse(request, response, { status: 403, title: 'Pages of this origin may not ask here (allowedOrigins)' })
      }
      await answer(await authenticate(visit))
    } catch (error) {
      if (isRefused(error) && !response.headersSent) return refuse(request, response, error, error.headers)
      const incident = failed(error)
      if (response.headersSent) response.destroy()
      else problem(response, { status: 500, title: `Something went wrong here (incident ${incident})` })
    }
  }
}
