// Text ↔ frame. Decoding never throws: hostile input is a value like any other.
import type * as z from 'zod/mini'
import { frames } from './frames.ts'
import type { Frame, FrameBody, FrameType } from './table.ts'

/** Why a text is no frame, and the id of the request if it has one. */
export interface DecodeFailure {
  readonly ok: false
  readonly message: string /** the request's id, where one could be read */
  readonly id?: string
}
/** A frame that was read and checked. */
export type DecodedFrame = { readonly ok: true, readonly frame: Frame }

/** The object that a text is, or what it is instead. */
export const parse = (text: string): Record<string, unknown> | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object'
  return value as Record<string, unknown>
}

/** With the id, where one can be read. */
export const failure = (message: string, raw?: Record<string, unknown>): DecodeFailure => {
  const id = raw?.['id']
  return typeof id === 'string' && id.length >= 1 && id.length <= 64 ? { ok: false, message, id } : { ok: false, message }
}

/** The first thing that is wrong. */
export const explain = (error: z.core.$ZodError): string => {
  const issue = error.issues[0]
  if (issue === undefined) return 'invalid frame'
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`
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
