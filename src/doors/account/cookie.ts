// The cookie by which a browser is known again: only its own host gets it, and no script reads it.
import type { IncomingMessage } from 'node:http'

/** A site's cookie, and how it is set. */
export interface CookieOptions {
  /** https://relay.example */
  readonly origin: string
  readonly maxAgeMs: number
}

const secretForm = /^[A-Za-z0-9_-]{43}$/

/** With TLS nobody but this very host can have set it. On the machine itself ports share their cookies, so that each has its own name. */
export const cookieName = (origin: string): string =>
  origin.startsWith('https:') ? '__Host-agentchat' : `agentchat-${new URL(origin).port || '80'}`

/** @param secret '' ends it */
export const setCookie = (secret: string, { origin, maxAgeMs }: CookieOptions): string => {
  const ends = secret === '' ? 0 : Math.floor(maxAgeMs / 1_000)
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${cookieName(origin)}=${secret}; Path=/; Max-Age=${ends}; HttpOnly; SameSite=Strict${secure}`
}

/** What it holds; undefined: there is none, or more than one, of which nobody knows who set which. */
export const cookieOf = ({ headers }: IncomingMessage, origins: readonly string[]): string | undefined => {
  const names = new Set(origins.map(cookieName))
  const found = (headers.cookie ?? '').split(';').map(part => part.trim()).filter(part => names.has(part.slice(0, part.indexOf('='))))
  const secret = found.length === 1 ? found[0]!.slice(found[0]!.indexOf('=') + 1) : ''
  return secretForm.test(secret) ? secret : undefined
}
