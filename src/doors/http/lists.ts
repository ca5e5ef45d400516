// Queries as fields of requests, and answers that are lists: items, and where the next page is.
import * as z from 'zod'
import { rawField, rawItems } from '../../../lib/protocol/raw.ts'
import type { DoorVisit } from '../../relay/inside.ts'
import type { Headers } from './answer.ts'
import type { Fields } from './asking.ts'
import { Problem } from './problem.ts'
import type { Resource } from './resources.ts'

export type Shape = Readonly<Record<string, z.core.$ZodType>>

/** A query as fields of a request: texts, and what only a number or a boolean can be. @throws Problem */
export const fieldsOf = (query: URLSearchParams, shape: Shape, names: Readonly<Record<string, string>> = {}): Fields => {
  const fields: Record<string, unknown> = {}
  for (const [parameter, text] of query) {
    const name = Object.hasOwn(names, parameter) ? names[parameter]! : parameter
    const field = Object.hasOwn(shape, name) && name !== 'id' ? shape[name] : undefined
    if (field === undefined) throw new Problem('INVALID_MSG', `${parameter.slice(0, 40)}: there is no such parameter here`)
    if (Object.hasOwn(fields, name)) throw new Problem('INVALID_MSG', `${parameter}: once`)
    const number = /^-?\d{1,16}(?:\.\d{1,8})?$/.test(text) ? [Number(text)] : []
    const read = [
      // What can only be a number is not tried as a text first: finding out that it does not fit takes longer than the rest of this.
      ...(number.length > 0 && isNumber(field) ? number : [text, ...number]),
      ...(text === 'true' ? [true] : text === 'false' ? [false] : []),
    ]
    fields[name] = read.find(value => z.safeParse(field, value).success) ?? read.at(-1)
  }
  return fields
}

const isNumber = ({ _zod: { def } }: z.core.$ZodType): boolean =>
  def.type === 'optional' ? isNumber((def as z.core.$ZodOptionalDef).innerType) : def.type === 'number'

export const linkTo = ({ path, query }: DoorVisit, field: string, value: string): Headers => {
  const next = new URLSearchParams(query)
  next.delete('before')
  next.set(field, value)
  return { link: `<${path}?${next.toString()}>; rel="next"` }
}

/** The next page of a list, if there is one. */
export const nextOf = (visit: DoorVisit, { next }: Resource, frame: Fields, items: readonly Fields[]): Headers => {
  if (next === undefined) return {}
  if (next.of === 'count') {
    const seen = Number(visit.query.get(next.field) ?? 0) + items.length
    return items.length > 0 && seen < Number(frame['total']) ? linkTo(visit, next.field, String(seen)) : {}
  }
  if (next.back !== undefined && !visit.query.has(next.field)) {
    const value = frame['more'] === true ? items[0]?.[next.of] : undefined
    return value === undefined ? {} : linkTo(visit, next.back, String(value as number))
  }
  const value = frame['next'] ?? (frame['more'] === true ? items.at(-1)?.[next.of] : undefined)
  return typeof value === 'string' || typeof value === 'number' ? linkTo(visit, next.field, String(value)) : {}
}

const eventsMark = Buffer.from(',"events":[')

/**
 * A page of stored events, the list last: as items, the events as the bytes they are. Nothing of them is read but where the next page
 * begins. undefined: it is no such page.
 */
export const eventPage = (
  visit: DoorVisit,
  resource: Resource,
  text: Buffer,
): { readonly parts: readonly [string, Buffer], readonly link: Headers } | undefined => {
  // A quote inside a text is escaped, and what stands before the list holds no other.
  const at = text.indexOf(eventsMark)
  if (at < 0) return undefined
  const events = text.subarray(at + eventsMark.length)
  const before = text.toString('utf8', 0, at)
  const head = JSON.parse(`${before}}`) as Fields
  const seq = head['more'] === true ? seqAtEnd(events, visit.query.has(resource.next?.field ?? '')) : undefined
  const seen = seq === undefined ? [] : [{ seq }]
  return { parts: [`${before},"items":[`, events], link: nextOf(visit, resource, head, seen) }
}

/** Most events are shorter. */
const firstBytes = 2_048
const brace = 0x7d

/** The number of the first of them, or of the last, whichever the next page is asked by. What stands in them besides is not read. */
const seqAtEnd = (events: Buffer, isForward: boolean): number | undefined => {
  // Up to where something ends: else half of a number could pass for it.
  const end = events.lastIndexOf(brace, firstBytes - 1) + 1
  const raw = isForward
    ? rawField(rawItems(`[${events.toString('latin1', 0, events.length - 1)}`).at(-1) ?? '{}', 'seq')
    : rawField(events.toString('latin1', 0, end), 'seq', true) ?? rawField(events.toString('latin1'), 'seq', true)
  return raw === undefined ? undefined : Number(raw)
}
