// Text → request, at the relay. Decoding never throws: hostile input is a value like any other.
import * as z from 'zod'
import { isModestJson } from './bounded.ts'
import { explain, failure, parse, type DecodeFailure } from './codec.ts'
import { limits } from './limits.ts'
import { requests, type RequestBody, type RequestType } from './table.ts'

/** A request that was read and checked. */
export type DecodedRequest = { [T in RequestType]: { readonly ok: true, readonly type: T, readonly body: RequestBody<T> } }[RequestType]

/** The bodies once more, as the larger of the two spellings of the same schemas reads them: faster, and it says in words what is wrong. */
const bodies = Object.fromEntries(Object.entries(requests).map(([type, { body }]) => [type, z.object(body.shape)])) as unknown as {
  readonly [T in RequestType]: z.ZodType<RequestBody<T>>
}

/** Client → relay: text to a validated request. Unknown keys are dropped, unknown types refused. */
export const decodeRequest = (text: string): DecodedRequest | DecodeFailure => {
  if (!isModestJson(text, limits.maxFrameValues, limits.maxFrameLevels))
    return failure(`more than ${limits.maxFrameValues} values, or nested deeper than ${limits.maxFrameLevels} levels`)
  const raw = parse(text)
  if (typeof raw === 'string') return failure(raw)
  const type = raw['type']
  if (typeof type !== 'string') return failure('type: missing', raw)
  if (!Object.hasOwn(bodies, type)) return failure(`type: unknown (${JSON.stringify(type.slice(0, 40))})`, raw)
  return checkRequest(type as RequestType, raw)
}

/** The same of a body that is no text any more, without its `type`. */
export const checkRequest = (type: RequestType, raw: Record<string, unknown>): DecodedRequest | DecodeFailure => {
  const result = bodies[type].safeParse(raw)
  if (!result.success) return failure(explain(result.error), raw)
  return { ok: true, type, body: result.data } as DecodedRequest
}
