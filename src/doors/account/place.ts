// What stands at a path of this door: who may ask, what is in the body, and what is told.
import * as z from 'zod'
import { can, rights, type Right, type Role } from '../../../lib/access/table.ts'
import type { DoorVisit } from '../../relay/inside.ts'
import { readJson } from '../http/body.ts'
import { Problem } from '../http/problem.ts'
import type { Opened, SignedIn, Visitor } from './port.ts'

export interface Asked {
  readonly visit: DoorVisit
  readonly visitor: Visitor
  /** What is behind the path of the place. */
  readonly rest: string
  readonly me: SignedIn | undefined
}
export interface AskedBy extends Asked {
  readonly me: SignedIn
}

export interface Told {
  readonly status?: number
  readonly body?: object
  /** Signed in now; null: not any more. */
  readonly opened?: Opened | null
  /** Whose cookie that gets; undefined: of the page that asked. */
  readonly origin?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What anybody may, or who has the key of an agent. */
type Open = 'account.enter' | 'account.claim'

/** What is asked by whom the table of rights says: a right with level 2 wants a passkey that vouched a moment ago. */
export type OwnPlace = {
  readonly may: Exclude<Right, Open>
  /** What is asked may be guessed: an account has so many tries as an address. */
  readonly guesses?: true
  /** Who has no passkey yet makes his first by having signed in a moment ago. */
  readonly orFirst?: true
  answer(asked: AskedBy): Promise<Told>
}
export type Place = { readonly may: Open, answer(asked: Asked): Promise<Told> } | OwnPlace

export const isOwn = (place: Place): place is OwnPlace => !can(['everyone', 'agent'], place.may)

/** Whose place at the relay an account has. */
const rolesOf = ({ account }: SignedIn): readonly Role[] => ['person', account.role]

export const passkeyAsked = (): Problem =>
  new Problem('PASSKEY_ASKED', 'This wants your passkey again: POST /signin/passkey/options and verify, then ask again')

/** By what an account is at the relay nothing is told to a browser that no passkey opened, as over the wire. @throws Problem */
export const checkRole = (me: SignedIn, may: Right): void => {
  if (!can(rolesOf(me), may)) throw new Problem('NOT_ALLOWED', `${rights[may].doc}: that is for ${rights[may].held.join(', ')}`)
  if (!can(['person'], may) && me.signIn.level < 2) throw passkeyAsked()
}

/** By method and path; one that ends with / takes what is behind it. */
export type Places = Readonly<Record<string, Place>>

const maxBodyBytes = 32 * 1024

/** @throws Problem */
export const bodyOf = async <T extends z.ZodType>(visit: DoorVisit, shape: T): Promise<z.output<T>> => {
  const read = shape.safeParse(await readJson(visit, maxBodyBytes))
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new Problem('INVALID_MSG', `${issue!.path.join('.').slice(0, 100) || 'body'}: ${issue!.message.slice(0, 200)}`)
}

/** A number in a query, of at most `most`. @throws Problem */
export const numberIn = ({ query }: DoorVisit, name: string, most: number): number | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw new Problem('INVALID_MSG', `${name}: a number from 1 on`)
  return Math.min(Number(text), most)
}

const length = '1 to 64 characters'
/** One line that drives no terminal. */
export const Line = z.string().min(1, length).max(64, length).regex(/^[^\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]*$/u, 'one line')
export const Nothing = z.object({})
export const AgentIn = z.string().regex(/^@[0-9a-f]{16}$/, 'an agent like @8addfe276526c9f6')
/** 32 bytes that cannot be guessed, or a hash. */
export const Secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/, '43 of A–Z a–z 0–9 _ -')
/** What an agent's key signed. */
export const Claim = z.object({
  agent: AgentIn,
  account: z.string().regex(/^~[0-9a-f]{16}$/, 'an account like ~0123456789abcdef'),
  ts: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, '16 to 64 of A–Z a–z 0–9 _ -'),
  sig: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'a signature of Ed25519 in base64'),
})
