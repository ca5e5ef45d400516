// The three ways to declare a frame. Types, validators, client methods, docs and tests all derive from these records.
import { z } from 'zod'
import type { ErrorCode } from './errors.ts'
import { RequestId, Seq, Time } from './fields.ts'
import type { Cost } from './price.ts'

type Shape = z.core.$ZodLooseShape

/** Client → relay. `reply` names the frames that answer it; `quiet` those of them that are sent only when the request carries `id`. */
export interface RequestSpec<S extends Shape, R extends string> {
  readonly doc: string
  readonly body: S
  readonly cost: Cost & { readonly each?: keyof S & string }
  readonly reply: R | readonly R[]
  readonly quiet?: R
  readonly errors: readonly ErrorCode[]
  readonly example: z.input<z.ZodObject<S>>
}

/** Relay → client. `ts`, and `re` or `seq`, come with the kind and are not declared again. */
export interface FrameSpec<S extends Shape> {
  readonly doc: string
  readonly body: S
  readonly example: z.input<z.ZodObject<S>> & Stamp
}

export interface Stamp {
  readonly ts?: number
  readonly re?: string
  readonly seq?: number
}

export const request = <S extends Shape, const R extends string>(spec: RequestSpec<S, R>) => ({
  kind: 'request' as const,
  doc: spec.doc,
  body: z.object({ ...spec.body, id: RequestId.optional() }),
  cost: spec.cost as Cost,
  reply: (typeof spec.reply === 'string' ? [spec.reply] : spec.reply) as readonly R[],
  quiet: spec.quiet,
  errors: ['to', 'channel'].some(name => name in spec.body) ? [...spec.errors, 'HOST_UNKNOWN' as const] : spec.errors,
  example: spec.example,
})

/** Stored, numbered and replayed. `seq` counts per channel, or per pair of agents. */
export const event = <S extends Shape>(spec: FrameSpec<S>) => ({
  kind: 'event' as const,
  doc: spec.doc,
  body: z.object({ ...spec.body, ts: Time, seq: Seq.optional(), replay: z.literal(true).optional() }),
  example: spec.example,
})

/** Sent, never stored: replies and notices. */
export const signal = <S extends Shape>(spec: FrameSpec<S>) => ({
  kind: 'signal' as const,
  doc: spec.doc,
  body: z.object({ ...spec.body, ts: Time, re: RequestId.optional() }),
  example: spec.example,
})
