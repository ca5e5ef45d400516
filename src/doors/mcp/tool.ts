// What a tool is: a name, a sentence, what it takes, and what it does at a seat.
import * as z from 'zod'
import type { Codes } from './confirm.ts'
import type { Reader } from './reader.ts'
import type { Reply } from './reply.ts'
import { Refusal, type Seat } from './seat.ts'
import type { Telling } from './shown.ts'
import type { Patience } from './waiting.ts'

/** What is asked before a step that binds or costs: a code of the model (default), a person through the host, or nothing. */
export type Confirming = 'code' | 'elicit' | 'none'

/** Asks whoever sits at the host, before anything is done: what they say comes back with the same call, under a code. */
export class Question {
  readonly reply: Reply
  readonly code: string

  constructor(reply: Reply, code: string) {
    this.reply = reply
    this.code = code
  }
}

/** Whoever sits at the host, and what they said to a question of this call. */
export interface Person {
  readonly answer?: { readonly code: string, readonly agrees: boolean } | undefined
}

/** What the operator allows. */
export interface ToolLimits {
  /** ms that a call may take at most */
  readonly maxWaitMs: number
  readonly confirm: Confirming
  /** the most that one step may cost; undefined: nothing is capped */
  readonly maxAmount?: { readonly minor: number, readonly currency: string } | undefined
}

/** One call: who calls, from where, and how long they can wait. */
export interface Call extends Patience, Telling {
  readonly seat: Seat
  /** What the seat has been shown. */
  readonly reader: Reader
  readonly codes: Codes
  readonly limits: ToolLimits
  /** undefined: this host asks nobody */
  readonly person: Person | undefined
  /** ms since 1970 */
  readonly now: () => number
  /** What is said, for the one who asks: a model, or a program. */
  readonly newReply: () => Reply
  /** A new id to send something under. */
  readonly newId: () => string
}

export interface ToolHints {
  readonly readOnlyHint?: true
  readonly destructiveHint?: boolean
  readonly idempotentHint?: true
}

export interface Tool {
  readonly name: string
  readonly description: string
  readonly input: z.ZodObject
  readonly hints: ToolHints
  run(call: Call, input: never): Promise<Reply | Question>
}

/** Adds types to a tool, and refuses what it does not take: made once, since making a schema takes longer than most calls. */
export const tool = <S extends z.ZodRawShape>(
  record: Omit<Tool, 'input' | 'run'> & {
    readonly input: z.ZodObject<S>
    readonly run: (call: Call, input: z.infer<z.ZodObject<S>>) => Promise<Reply | Question>
  },
): Tool => ({ ...record, input: record.input.strict() })

/** What a tool takes, read from what came. @throws Refusal INVALID_MSG */
export const inputOf = (tool: Tool, given: unknown): Readonly<Record<string, unknown>> => {
  const { success, data, error } = tool.input.safeParse(given ?? {})
  if (success) return data
  const { message, path } = error.issues[0]!
  throw new Refusal('INVALID_MSG', `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`.slice(0, 300))
}

/** An agent's id, as tools take it. */
export const Agent = z.string().regex(/^@[\w-]{1,64}$/, 'an agent id: @ and its digits')
/** A channel's name, as tools take it. */
export const Channel = z.string().regex(/^#[\w-]{1,64}$/, 'a channel: # and its name')
export const Place = z.string().regex(/^[#@][\w-]{1,64}$/, 'a #channel or an @agent')
