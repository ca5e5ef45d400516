// Posting to Moltbook, as carefully as its operators ask: one host, no redirect, one post at a time, and questions go to a person.
// Its posting API is described by its public skill file only: answers are read with tolerance, and what is unclear counts as
// "perhaps posted".
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { AddressGuard } from './guard.ts'
import { OutboundError, sendRequest, type OutboundResponse } from './request.ts'

export interface MoltbookOptions {
  readonly key: string
  /** Without it nothing is sent at all. */
  readonly isLive: boolean
  readonly submolt: string
  readonly guard: AddressGuard
  readonly now: () => number
  readonly signal?: AbortSignal
  readonly base?: string
}

type Later = { readonly kind: 'later', readonly retryAfterMs: number, readonly problem: string }
type Sure = { readonly kind: 'refused' | 'unknown', readonly problem: string }
type Posted =
  | { readonly kind: 'posted', readonly url: string | null }
  | { readonly kind: 'dry-run' }
  | { readonly kind: 'challenged', readonly challenge: string, readonly question: string, readonly answerBy: number }
  | Later
  | Sure
type Answered = { readonly kind: 'posted', readonly url: string | null } | { readonly kind: 'failed', readonly problem: string } | Later

/** The bare host redirects, and a redirect would carry the key along. */
const moltbookBase = 'https://www.moltbook.com/api/v1'
const timeoutMs = 20_000
const maxBytes = 256 * 1024
/** One post in half an hour; an agent's first day one in two hours. A little more, for clocks that differ. */
const postEveryMs = 30 * 60_000 + 10_000
const postEveryMsAtFirst = 2 * 60 * 60_000 + 10_000
const youngMs = 24 * 60 * 60_000
/** What is known of the agent is good for a while: reads are counted too. */
const standingMs = 10 * 60_000
const challengeMs = 5 * 60_000
/** An answer on the way still has to arrive. */
const marginMs = 10_000

const Challenge = z.looseObject({
  verification_code: z.string().min(1).max(500),
  challenge_text: z.string().max(4_000).optional(),
  challenge: z.string().max(4_000).optional(),
  expires_at: z.string().optional(),
})
const PostAnswer = z.looseObject({
  success: z.boolean().optional(),
  verification_required: z.boolean().optional(),
  verification: Challenge.optional(),
  post: z.looseObject({ id: z.union([z.string(), z.number()]).optional(), verification: Challenge.optional() }).optional(),
})
const Standing = z.looseObject({
  status: z.string().optional(),
  agent: z.looseObject({ created_at: z.string().optional() }).optional(),
  created_at: z.string().optional(),
})

export const moltbook = ({ key, isLive, submolt, guard, now, signal, base = moltbookBase }: MoltbookOptions) => {
  let standing: { readonly at: number, readonly nextInMs: number } | undefined

  const ask = (method: 'GET' | 'POST', path: string, body?: object): Promise<OutboundResponse> =>
    sendRequest(guard, {
      url: `${base}${path}`,
      method,
      timeoutMs,
      maxBytes,
      ...(signal !== undefined && { signal }),
      headers: {
        authorization: `Bearer ${key}`,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  /** Whether the agent may post, and how often. */
  const look = async (): Promise<{ readonly nextInMs: number } | Later | Sure> => {
    if (standing !== undefined && now() - standing.at < standingMs) return standing
    const status = await ask('GET', '/agents/status')
    if (status.status === 429) return later(status, 'it asks to wait')
    if (status.status === 401 || status.status === 403) return { kind: 'refused', problem: 'it does not take the key' }
    if (status.status !== 200) return later(status, `it answers ${status.status}`)
    if (Standing.safeParse(jsonOf(status)).data?.status !== 'claimed')
      return { kind: 'later', retryAfterMs: standingMs, problem: 'the agent is not claimed yet: a person has to do that there' }
    const me = await ask('GET', '/agents/me')
    const parsed = me.status === 200 ? Standing.safeParse(jsonOf(me)).data : undefined
    const createdAt = Date.parse(parsed?.agent?.created_at ?? parsed?.created_at ?? '')
    // An age that is not known is taken for a day not over.
    standing = { at: now(), nextInMs: now() - createdAt >= youngMs ? postEveryMs : postEveryMsAtFirst }
    return standing
  }

  const later = ({ headers }: OutboundResponse, problem: string): Later => {
    const retryAfterMs = Math.max(Number(headers['retry-after']) * 1_000 || 0, untilReset(headers, now()), 60_000)
    return { kind: 'later', retryAfterMs: Math.min(retryAfterMs, youngMs), problem }
  }

  /** Why nothing is known. The end of this process is no fault of the place. */
  const silence = (error: unknown, what: string): string =>
    signal?.aborted === true ? `the relay ended while it was ${what}` : `no answer (${(error as Error).message})`

  const urlOf = (id: unknown): string | null => id === undefined ? null : `${new URL(base).origin}/post/${encodeURIComponent(String(id))}`
  /** Posts whose challenge is open, so that their address can be told later. */
  const urls = new Map<string, string | null>()

  const postLive = async (
    { title, text, url }: { readonly title: string, readonly text: string, readonly url: string | null },
  ): Promise<{ readonly posted: Posted, readonly nextInMs: number }> => {
    const may = await look()
    if ('kind' in may) return { posted: may, nextInMs: postEveryMs }
    const { nextInMs } = may
    const content = url === null ? text : text === '' ? url : `${text}\n\n${url}`
    let response: OutboundResponse
    try {
      response = await ask('POST', '/posts', { submolt_name: submolt, title, content: content.slice(0, 40_000), type: 'text' })
    } catch (error) {
      // Only what never left is surely not there.
      const hasLeft = !(error instanceof OutboundError && (error.kind === 'address' || error.kind === 'unreachable'))
      return {
        posted: hasLeft
          ? {
            kind: 'unknown',
            problem: `${silence(error, 'posted')}: look there whether it was. It is not posted again`,
          }
          : { kind: 'later', retryAfterMs: 5 * 60_000, problem: (error as Error).message },
        nextInMs,
      }
    }
    return { posted: readPost(response), nextInMs: Math.max(nextInMs, untilReset(response.headers, now())) }
  }

  const readPost = (response: OutboundResponse): Posted => {
    const { status } = response
    if (status >= 300 && status < 400) return { kind: 'refused', problem: `it redirects (${status}); that is not followed` }
    if (status === 429) return later(response, 'it asks to wait')
    if (status >= 500) return { kind: 'unknown', problem: `it answers ${status}: look there whether it was posted. It is not posted again` }
    if (status >= 400) return { kind: 'refused', problem: errorOf(response) }
    const answer = PostAnswer.safeParse(jsonOf(response))
    if (!answer.success || answer.data.success === false)
      return { kind: 'unknown', problem: 'its answer cannot be read: look there whether it was posted. It is not posted again' }
    const { post, verification = post?.verification, verification_required } = answer.data
    if (verification === undefined)
      return verification_required === true
        ? { kind: 'unknown', problem: 'it asks something that cannot be read' }
        : { kind: 'posted', url: urlOf(post?.id) }
    const { verification_code: challenge, challenge_text, challenge: other, expires_at = '' } = verification
    urls.set(challenge, urlOf(post?.id))
    const until = Date.parse(expires_at)
    return {
      kind: 'challenged',
      challenge,
      question: challenge_text ?? other ?? '',
      answerBy: Math.min(Number.isNaN(until) ? Infinity : until, now() + challengeMs) - marginMs,
    }
  }

  return {
    name: 'moltbook',
    account: `moltbook:${createHash('sha256').update(key).digest('hex').slice(0, 16)}`,
    paceMs: postEveryMsAtFirst,
    async post(announcement: Parameters<typeof postLive>[0]): Promise<{ readonly posted: Posted, readonly nextInMs: number }> {
      if (!isLive) return { posted: { kind: 'dry-run' }, nextInMs: postEveryMs }
      return postLive(announcement).catch((error: unknown): { posted: Later, nextInMs: number } => ({
        posted: { kind: 'later', retryAfterMs: 5 * 60_000, problem: (error as Error).message },
        nextInMs: postEveryMs,
      }))
    },
    async answer(challenge: string, answer: string): Promise<Answered> {
      const value = Number(answer.trim().replace(',', '.'))
      if (answer.trim() === '' || !Number.isFinite(value))
        return { kind: 'later', retryAfterMs: 0, problem: 'the answer has to be a number, like 15 or 15.00' }
      try {
        const response = await ask('POST', '/verify', { verification_code: challenge, answer: value.toFixed(2) })
        if (response.status === 429) return later(response, 'it asks to wait')
        const isTaken = response.status === 200 && (jsonOf(response) as { readonly success?: unknown } | null)?.success !== false
        if (!isTaken) return { kind: 'failed', problem: errorOf(response) }
        const url = urls.get(challenge) ?? null
        urls.delete(challenge)
        return { kind: 'posted', url }
      } catch (error) {
        return { kind: 'failed', problem: `${silence(error, 'answered')}: look there whether it was taken` }
      }
    },
  }
}

/** X-RateLimit-Remaining 0 means: nothing before X-RateLimit-Reset (s since 1970, or s from now). */
const untilReset = (headers: OutboundResponse['headers'], now: number): number => {
  if (headers['x-ratelimit-remaining'] !== '0') return 0
  const reset = Number(headers['x-ratelimit-reset'])
  if (!Number.isFinite(reset)) return 60_000
  return Math.max(0, reset > 1e9 ? (reset > 1e12 ? reset : reset * 1_000) - now : reset * 1_000)
}

const jsonOf = ({ body }: OutboundResponse): unknown => {
  try {
    return JSON.parse(body.toString())
  } catch {
    return null
  }
}

const errorOf = (response: OutboundResponse): string => {
  const { error, hint } = (jsonOf(response) ?? {}) as { readonly error?: unknown, readonly hint?: unknown }
  return [`it answers ${response.status}`, ...[error, hint].filter(text => typeof text === 'string').map(text => text.slice(0, 200))].join(
    ': ',
  )
}
