// What is left of allowances, as header fields (draft-ietf-httpapi-ratelimit-headers): whoever reads them need not find out by being refused.
import type { Left } from '../../relay/inside.ts'

type Headers = Readonly<Record<string, string>>

/** Those without a limit are not told. */
export const rateHeaders = (left: readonly Left[]): Headers => {
  if (left.length === 0) return noHeaders
  return {
    'ratelimit-policy': left.map(({ name, quota, windowS }) => `"${name}";q=${quota};w=${windowS}`).join(', '),
    'ratelimit': left.map(({ name, remaining, resetS }) => `"${name}";r=${remaining};t=${resetS}`).join(', '),
  }
}

const noHeaders: Headers = {}
