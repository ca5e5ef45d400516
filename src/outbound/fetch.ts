// `fetch` for packages that bring their own requests: bounded in time and bytes, to where a guard lets it, never redirected.
import type { AddressGuard } from './guard.ts'
import { sendRequest } from './request.ts'

export interface GuardedFetch {
  /** Of the host that is asked. */
  readonly guardOf: (host: string) => AddressGuard
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Ends what is under way. */
  readonly signal?: AbortSignal
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** @throws OutboundError */
export const guardedFetch =
  ({ guardOf, timeoutMs, maxBytes, signal }: GuardedFetch) => async (url: string, asked: Asked): Promise<Response> => {
    const { status, headers, body } = await sendRequest(guardOf(new URL(url).hostname), {
      url,
      method: asked.method === 'POST' ? 'POST' : 'GET',
      headers: { ...asked.headers },
      timeoutMs,
      maxBytes,
      ...(asked.body !== undefined && asked.body !== null && { body: String(asked.body) }),
      ...(signal !== undefined && { signal }),
    })
    const told = new Headers()
    for (const [name, value] of Object.entries(headers)) for (const each of [value ?? []].flat()) told.append(name, each)
    const hasBody = ![204, 205, 304].includes(status)
    return new Response(hasBody ? new Uint8Array(body) : null, { status, headers: told })
  }
