// By what a service proves that a hook is its own, and which delivery it is.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { HookKind } from '../../../lib/protocol/index.ts'

/** How far a signature's time may be from the relay's. */
const toleranceMs = 5 * 60_000
/** Those of a secret that is being changed, and no list to work through. */
const maxSignatures = 5
const maxIdChars = 256

export interface Asked {
  readonly headers: IncomingHttpHeaders
  /** What stands behind the hook's id in the path. */
  readonly inPath: string | undefined
  readonly now: number
}

/** What can be told before the body is read. */
export type Claim =
  | { readonly problem: string }
  | {
    /** Of the delivery; undefined: it has none. */
    readonly id: string | undefined
    readonly isTrue: (body: Uint8Array) => boolean
  }

/** An empty one is none: by it all deliveries would be the same. */
const one = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
const isId = (id: string | undefined): boolean => id === undefined || /^[ -~]*$/.test(id.slice(0, maxIdChars)) && id.length <= maxIdChars

/** https://www.standardwebhooks.com: v1 signatures, with a secret that both have. */
const standard = ({ headers, now }: Asked, secret: string): Claim => {
  const id = one(headers, 'webhook-id')
  const at = one(headers, 'webhook-timestamp')
  const given = one(headers, 'webhook-signature')
  if (id === undefined || given === undefined || !/^\d{1,12}$/.test(at ?? ''))
    return { problem: 'webhook-id, webhook-timestamp and webhook-signature: each once' }
  if (Math.abs(now - Number(at) * 1_000) > toleranceMs) return { problem: 'webhook-timestamp: more than 5 minutes from the time here' }
  const signatures = given.slice(0, 1_024).split(' ').filter(each => each.startsWith('v1,')).slice(0, maxSignatures)
  return {
    id,
    isTrue: body => {
      const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${id}.${at}.`).update(body)
        .digest()
      return signatures.some(each => isSame(Buffer.from(each.slice(3), 'base64'), expected))
    },
  }
}

const github = ({ headers }: Asked, secret: string): Claim => {
  const given = /^sha256=([0-9a-f]{64})$/.exec(one(headers, 'x-hub-signature-256') ?? '')?.[1]
  if (given === undefined) return { problem: 'x-hub-signature-256: sha256= and 64 hex digits' }
  return {
    id: one(headers, 'x-github-delivery'),
    isTrue: body => isSame(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest()),
  }
}

/** Whoever knows the path. */
const plain = ({ headers, inPath }: Asked, secret: string): Claim =>
  isSame(digest(inPath ?? ''), digest(secret))
    ? { id: one(headers, 'idempotency-key'), isTrue: () => true }
    : { problem: 'The path is not the one of this hook' }

const kinds: Readonly<Record<HookKind, (asked: Asked, secret: string) => Claim>> = { standard, github, plain }

export const claimOf = (kind: HookKind, asked: Asked, secret: string): Claim => {
  if (kind !== 'plain' && asked.inPath !== undefined) return { problem: 'The path of this hook ends with its id' }
  const claim = kinds[kind](asked, secret)
  return 'id' in claim && !isId(claim.id) ? { problem: `The id of a delivery has at most ${maxIdChars} printable characters` } : claim
}

/** One delivery is said once: the id of its message. */
export const requestIdOf = (hook: string, delivery: string): string => `hook-${hook}-${digest(delivery).toString('base64url').slice(0, 22)}`
