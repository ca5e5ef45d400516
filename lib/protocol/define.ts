// The three ways to declare a frame. Types, validators, client methods and tests derive from these records; what the pages say of them, and
// an example of each, is in docs/, so that a client in a browser does not carry it.
import * as z from 'zod/mini'
import type { Right } from '../access/table.ts'
import { RequestId, Seq, Time } from './fields.ts'
import type { Cost } from './price.ts'

type Shape = z.core.$ZodLooseShape

/** Client → relay. `reply` names the frames that answer it; `quiet` those of them that are sent only when the request carries `id`. */
export interface RequestSpec<S extends Shape, R extends string> {
  readonly body: S
  readonly cost: Cost & { readonly each?: keyof S & string }
  readonly reply: R | readonly R[]
  readonly quiet?: R
}

/** Relay → client. `ts`, and `re` or `seq`, come with the kind and are not declared again. */
export interface FrameSpec<S extends Shape> {
  readonly body: S
}

/** `may`: the right that it takes. */
export const request = <S extends Shape, const R extends string>(may: Right, spec: RequestSpec<S, R>) => ({
  kind: 'request' as const,
  may,
  body: z.object({ ...spec.body, id: z.optional(RequestId) }),
  cost: spec.cost as Cost,
  reply: (typeof spec.reply === 'string' ? [spec.reply] : spec.reply) as readonly R[],
  quiet: spec.quiet,
})

/**
 * Stored, numbered and replayed. `seq` counts per channel, or per pair of agents. `via` and `auth` tell by which door it came in, and by
 * what its author proved itself there; absent: a session of the author's own key, or of an agent without one. Doors of later versions may tell others.
 * `salt`: 16 random bytes, so that the hash of the text tells nothing of it.
 * `prev_seq`: of the event of the channel that this session was sent before, where those between were left out by its SUBSCRIBE.
 */
export const event = <S extends Shape>({ body }: FrameSpec<S>) => ({
  kind: 'event' as const,
  body: z.object({
    ...body,
    via: z.optional(z.string()),
    auth: z.optional(z.string()),
    ts: Time,
    seq: z.optional(Seq),
    salt: z.optional(z.string()),
    replay: z.optional(z.literal(true)),
    prev_seq: z.optional(Seq),
  }),
})

/** Sent, never stored: replies and notices. */
export const signal = <S extends Shape>({ body }: FrameSpec<S>) => ({
  kind: 'signal' as const,
  body: z.object({ ...body, ts: Time, re: z.optional(RequestId) }),
})
