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

const flowForm = /^[A-Za-z0-9_-]{1,2000}$/
const flowName = (origin: string): string => `${cookieName(origin)}-oidc`

/** Of who went to an identity provider: it is sent along with the page that comes back from there, and nowhere but where that comes in. */
export const setFlowCookie = (sealed: string, origin: string, maxAgeMs: number): string => {
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${flowName(origin)}=${sealed}; Path=/; Max-Age=${Math.floor(maxAgeMs / 1_000)}; HttpOnly; SameSite=Lax${secure}`
}

/** undefined: there is none, or more than one. */
export const flowCookieOf = (request: Pick<IncomingMessage, 'headers'>, origins: readonly string[]): string | undefined =>
  heldIn(request, origins, flowName, flowForm)?.secret

/** What a cookie holds, and where it is good. */
interface Held {
  readonly secret: string
  /** One of the relay's own that calls its cookie so. */
  readonly origin: string
}

/** undefined: there is none, or more than one, of which nobody knows who set which. */
export const cookieOf = (request: Pick<IncomingMessage, 'headers'>, origins: readonly string[]): Held | undefined =>
  heldIn(request, origins, cookieName, secretForm)

const heldIn = (
  { headers }: Pick<IncomingMessage, 'headers'>,
  origins: readonly string[],
  nameOf: (origin: string) => string,
  form: RegExp,
): Held | undefined => {
  // A browser sends those of every port of a machine to each: the one of the port that was asked counts.
  const asked = origins.filter(origin => new URL(origin).host === headers.host)
  const named = new Map((asked.length > 0 ? asked : origins).map(origin => [`${nameOf(origin)}=`, origin]))
  const found = (headers.cookie ?? '').split(';').map(part => part.trim()).filter(part => named.has(part.slice(0, part.indexOf('=') + 1)))
  const [name, secret] = found.length === 1 ? cutBehind(found[0]!, '=') : ['', '']
  return form.test(secret) ? { secret, origin: named.get(name)! } : undefined
}

const cutBehind = (text: string, sign: string): readonly [string, string] => {
  const at = text.indexOf(sign) + 1
  return [text.slice(0, at), text.slice(at)]
}
