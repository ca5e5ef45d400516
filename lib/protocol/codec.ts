// Text ↔ frame. Decoding never throws: hostile input is a value like any other.
import { z } from 'zod'
import { isModestJson } from './bounded.ts'
import { limits } from './limits.ts'
import { frames, requests, type Frame, type FrameBody, type FrameType, type RequestBody, type RequestType } from './table.ts'

/** Why a text is no frame, and the id of the request if it has one. */
export interface DecodeFailure {
  readonly ok: false
  readonly message: string /** the request's id, where one could be read */
  readonly id?: string
}
/** A request that was read and checked. */
export type DecodedRequest = { [T in RequestType]: { readonly ok: true, readonly type: T, readonly body: RequestBody<T> } }[RequestType]
/** A frame that was read and checked. */
export type DecodedFrame = { readonly ok: true, readonly frame: Frame }

const parse = (text: string): Record<string, unknown> | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object'
  return value as Record<string, unknown>
}

const failure = (message: string, raw?: Record<string, unknown>): DecodeFailure => {
  const id = raw?.['id']
  return typeof id === 'string' && id.length >= 1 && id.length <= 64 ? { ok: false, message, id } : { ok: false, message }
}

const explain = (error: z.core.$ZodError): string => {
  const issue = error.issues[0]
  if (issue === undefined) return 'invalid frame'
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`
}

/** Client → relay: text to a validated request. Unknown keys are dropped, unknown types refused. */
export const decodeRequest = (text: string): DecodedRequest | DecodeFailure => {
  if (!isModestJson(text, limits.maxFrameValues, limits.maxFrameLevels))
    return failure(`more than ${limits.maxFrameValues} values, or nested deeper than ${limits.maxFrameLevels} levels`)
  const raw = parse(text)
  if (typeof raw === 'string') return failure(raw)
  const type = raw['type']
  if (typeof type !== 'string') return failure('type: missing', raw)
  if (!Object.hasOwn(requests, type)) return failure(`type: unknown (${JSON.stringify(type.slice(0, 40))})`, raw)
  const result = requests[type as RequestType].body.safeParse(raw)
  if (!result.success) return failure(explain(result.error), raw)
  return { ok: true, type, body: result.data } as DecodedRequest
}

/** Relay → client: text to a validated frame. A type this version does not know is a failure that a client ignores. */
export const decodeFrame = (text: string): DecodedFrame | DecodeFailure => {
  const raw = parse(text)
  if (typeof raw === 'string') return failure(raw)
  const type = raw['type']
  if (typeof type !== 'string' || !Object.hasOwn(frames, type)) return failure('unknown type')
  const result = frames[type as FrameType].body.safeParse(raw)
  if (!result.success) return failure(`${type}: ${explain(result.error)}`)
  return { ok: true, frame: { type, ...result.data } as Frame }
}

/** A server frame's text: `type`, then the body in its own order. Existing clients know `ts` as its first field. */
export const encode = <T extends FrameType>(type: T, body: FrameBody<T>): string => `{"type":"${type}",${JSON.stringify(body).slice(1)}`
