// The table in the spelling of TypeScript: what users of the library read and write is camelCase, and each name is derived from the table,
// in the types as in a running program. What is open stays as it is, with everything in it: its keys are data, or an agent signed them.
import { frames } from './frames.ts'
import { StoredEvent } from './messages.ts'
import { ReceiptDocument } from './receipts.ts'
import { SearchResult } from './skills.ts'
import type { Frame, FrameType, RequestBody, RequestType } from './table.ts'
import type * as z from 'zod/mini'

type Camel<K extends string> = K extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : K
type Key<K> = K extends string ? Camel<K> : K

/** Open, and yet with names of the relay's beside those that are not. */
type Mixed = z.output<typeof StoredEvent> | z.output<typeof SearchResult>
type Receipt = z.output<typeof ReceiptDocument>
type Document<T> = [T] extends [Receipt] ? [Receipt] extends [T] ? true : false : false

/** A value of the protocol in camelCase; each object also has it as it came, as `frame`, which neither a copy nor JSON has. */
export type Spelled<T> = T extends readonly (infer E)[] ? Spelled<E>[]
  : T extends object ? Document<T> extends true ? T
    : T extends Mixed ? Respelled<T>
    : string extends keyof T ? T
    : Respelled<T>
  : T
type Respelled<T> = { [K in keyof T as Key<K>]: Spelled<T[K]> } & { readonly frame: T }

/** A frame of the relay as the library tells it: in camelCase, and as it came in `frame`. */
export type Told<T extends FrameType = FrameType> = Spelled<Frame<T>>

type Lent<T> = T extends readonly (infer E)[] ? readonly E[] : T
type Fields<B> =
  & { readonly [K in keyof B as undefined extends B[K] ? never : Key<K>]: Lent<B[K]> }
  & { readonly [K in keyof B as undefined extends B[K] ? Key<K> : never]?: Lent<B[K]> | undefined }

/** The fields of a request in camelCase; what they hold is as it is on the wire. */
export type Asked<T extends RequestType> = Fields<Omit<RequestBody<T>, 'id'>>
/** The same of a part of a request. */
export type AskedPart<B> = Fields<B>

interface Def {
  readonly shape?: Shape
  readonly catchall?: unknown
  readonly innerType?: z.core.$ZodType
  readonly element?: z.core.$ZodType
}
type Shape = Readonly<Record<string, z.core.$ZodType>>

/** Names of the table that were respelled: no more than it has. */
const known = new Map<string, string>()

/** Of a name of the table. */
const camel = (name: string): string => {
  const found = known.get(name)
  if (found !== undefined) return found
  const made = name.replace(/_(.)/g, (_, char: string) => char.toUpperCase())
  known.set(name, made)
  return made
}

/** A frame in camelCase, through and through. What its schema does not name keeps its name; where that is taken, the relay's is told. */
export const told = <T extends FrameType>(frame: Frame<T>): Told<T> => spelled(frames[frame.type].body, frame) as Told<T>

const spelled = (schema: z.core.$ZodType, value: unknown): unknown => {
  const { shape, catchall, innerType, element } = schema._zod.def as Def
  if (innerType !== undefined) return spelled(innerType, value)
  if (typeof value !== 'object' || value === null) return value
  if (element !== undefined) return Array.isArray(value) ? value.map(each => spelled(element, each)) : value
  if (schema === StoredEvent) {
    const { type } = value as Frame
    return respelled(Object.hasOwn(frames, type) ? frames[type].body.def.shape : shape!, value)
  }
  return shape === undefined || schema === ReceiptDocument || (catchall !== undefined && schema !== SearchResult)
    ? value
    : respelled(shape, value)
}

const respelled = (shape: Shape, value: object): object => {
  const own: [string, unknown][] = []
  const named: [string, unknown][] = []
  for (const [key, field] of Object.entries(value)) {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined
    if (schema === undefined) own.push([key, field])
    else named.push([camel(key), spelled(schema, field)])
  }
  return Object.defineProperty(Object.fromEntries([...own, ...named]), 'frame', { value, enumerable: false })
}

/** Fields as they stand on the wire. What is undefined is not there: what is signed is what is sent. */
export const asked = (fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key.replace(/[A-Z]/g, char => `_${char.toLowerCase()}`), value]),
  )
