// Webhooks out: one signed POST to an address that an agent named, as Standard Webhooks says. Where to is judged when it is saved and again
// when it is dialled; nothing is followed, and of the answer only its status and Retry-After are of use.
import { createHmac } from 'node:crypto'
import { isIP } from 'node:net'
import { addressGuard, AddressRefused, type Resolve } from './guard.ts'
import { OutboundError, sendRequest } from './request.ts'

export interface WebhookOptions {
  /** Networks that may be reached though they are not public, and the only ones that are reached without TLS. */
  readonly allow: readonly string[]
  readonly resolve?: Resolve | undefined
  /** Certificates in PEM that are trusted beside those of the public authorities. */
  readonly ca?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** For one POST, from the look-up of the name to the end of the answer. Default: 15 s */
  readonly timeoutMs?: number | undefined
}

export interface WebhookPost {
  readonly url: string
  /** The same however often it is posted. */
  readonly id: string
  readonly body: string
  /** `whsec_…`: each of them signs. */
  readonly secrets: readonly string[]
  /** ms */
  readonly at: number
}

/** done; later: it may be taken another time; never: it will not. */
export type WebhookAnswer =
  | { readonly kind: 'done', readonly status: number }
  | { readonly kind: 'later', readonly status?: number, readonly problem: string, readonly retryAfterMs: number }
  | { readonly kind: 'never', readonly status?: number, readonly problem: string }

const defaultTimeoutMs = 15_000
const maxBytes = 4 * 1024
/** Nobody is told to come back later than that. */
const maxRetryAfterMs = 24 * 60 * 60_000

/** `v1,…` of each secret. https://www.standardwebhooks.com */
export const webhookSignature = ({ id, body, secrets, at }: Omit<WebhookPost, 'url'>): string =>
  secrets.map(secret =>
    `v1,${
      createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${id}.${Math.floor(at / 1_000)}.${body}`)
        .digest('base64')
    }`
  ).join(' ')

/** The headers that a receiver checks. */
export const webhookHeaders = (post: Omit<WebhookPost, 'url'>): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  'webhook-id': post.id,
  'webhook-timestamp': String(Math.floor(post.at / 1_000)),
  'webhook-signature': webhookSignature(post),
})

const retryAfterMs = (header: string | undefined, now: number): number => {
  const value = header?.trim() ?? ''
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : value.length > 40 ? 0 : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.min(maxRetryAfterMs, Math.max(0, ms)) : 0
}

export interface WebhookSender {
  /** Why nothing may be posted there, in words for whoever named it; undefined: it may. */
  check(url: string): Promise<string | undefined>
  post(post: WebhookPost): Promise<WebhookAnswer>
}

export const webhookSender = ({ allow, resolve, ca, signal, timeoutMs = defaultTimeoutMs }: WebhookOptions): WebhookSender => {
  const open = addressGuard({ allow }, resolve)
  const named = addressGuard({ allow, isStrict: true }, resolve)
  const guardOf = (url: string) => url.startsWith('https:') ? open : named

  return {
    async check(url) {
      if (!URL.canParse(url)) return 'it is no address'
      const { protocol, hostname, username, password } = new URL(url)
      if (protocol !== 'https:' && protocol !== 'http:') return 'it has to begin with https://'
      if (username !== '' || password !== '') return 'a name and a password in it are not sent'
      const host = hostname.replace(/^\[|\]$/g, '')
      const guard = guardOf(`${protocol}//`)
      const refused = protocol === 'https:'
        ? `${host} is at an address that this relay may not reach (its setting outboundAllow)`
        : `without https only addresses are reached that the operator named (its setting outboundAllow)`
      if (isIP(host) !== 0) return guard.mayReach(host) ? undefined : refused
      return new Promise(done =>
        guard.lookup(host, { all: true }, error =>
          done(error === null ? undefined : error instanceof AddressRefused ? refused : `${host} is not found`))
      )
    },

    async post(post) {
      try {
        const { status, headers } = await sendRequest(guardOf(post.url), {
          url: post.url,
          method: 'POST',
          headers: { ...webhookHeaders(post), 'user-agent': 'agentchat' },
          body: post.body,
          timeoutMs,
          maxBytes,
          isBodyOptional: true,
          ca,
          ...(signal !== undefined && { signal }),
        })
        if (status >= 200 && status < 300) return { kind: 'done', status }
        if (status === 410) return { kind: 'never', status, problem: 'it answers 410: gone for good' }
        const problem = status >= 300 && status < 400 ? `it redirects (${status}); that is not followed` : `it answers ${status}`
        return { kind: 'later', status, problem, retryAfterMs: retryAfterMs(headers['retry-after'], post.at) }
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error
        if (error.kind === 'address') return { kind: 'never', problem: 'it is at an address that this relay may not reach' }
        return { kind: 'later', problem: problems[error.kind], retryAfterMs: 0 }
      }
    },
  }
}

/** In words of our own: what a peer's library says of itself is not told to others. */
const problems = {
  unreachable: 'nothing answers there',
  timeout: 'no answer in time',
  'too-large': 'its answer is too large',
  failed: 'the connection broke off',
} as const
