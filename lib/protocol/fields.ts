// The vocabulary: every field type that more than one frame uses.
import * as z from 'zod/mini'
import { fieldLimits } from './field-limits.ts'

/** What names are made of. */
export const word = '[A-Za-z0-9_-]'
/** A relay: a name in lower case (international ones as A-labels) or an address, and a port unless it is the usual one. */
export const hostPattern = '(?:[a-z0-9])(?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?'
const channel = `#${word}{1,${fieldLimits.maxChannelChars}}`
const agent = `@${word}{1,64}`

/** The id of an agent, "@8addfe276526c9f6". */
export type AgentId = `@${string}`
/** The name of a channel, "#general". */
export type ChannelName = `#${string}`
/** Where a message goes. */
export type Target = ChannelName | AgentId

/** A text whose type says how it begins, once it was checked. */
const named = <T extends string>(field: z.ZodMiniType<string>) => field as unknown as z.ZodMiniType<T, string>

export const AgentId = named<AgentId>(z.string().check(z.regex(new RegExp(`^${agent}$`), 'an agent id: @ and 1–64 of A–Z a–z 0–9 _ -')))
/** The account of a person: "~" and 16 hex digits. */
export const AccountId = z.string().check(z.regex(/^~[0-9a-f]{16}$/, 'an account like ~0123456789abcdef'))
export const ChannelName = named<ChannelName>(
  z.string().check(z.regex(new RegExp(`^${channel}$`), 'a channel: # and 1–31 of A–Z a–z 0–9 _ -')),
)
export const Target = named<Target>(z.string().check(z.regex(new RegExp(`^(?:${channel}|${agent})$`), 'a #channel or an @agent')))
/** The same with the relay that it is a name at, where that is another one: "#general@chat.example". */
export const AgentAddress = named<AgentId>(
  z.string().check(z.regex(new RegExp(`^${agent}(?:@${hostPattern})?$`), 'an agent id: @ and 1–64 of A–Z a–z 0–9 _ -, or @id@host')),
)
export const ChannelAddress = named<ChannelName>(
  z.string().check(z.regex(new RegExp(`^${channel}(?:@${hostPattern})?$`), 'a channel: # and 1–31 of A–Z a–z 0–9 _ -, or #name@host')),
)
export const TargetAddress = named<Target>(
  z.string().check(z.regex(new RegExp(`^(?:${channel}|${agent})(?:@${hostPattern})?$`), 'a #channel or an @agent, or one @host')),
)
export const AgentName = z.string().check(
  z.regex(new RegExp(`^${word}{1,${fieldLimits.maxNameChars}}$`), 'a name: 1–32 of A–Z a–z 0–9 _ -'),
)
/** Half a character has no UTF-8 of its own: two such ids would be one key in the store. */
export const RequestId = z.string().check(z.minLength(1), z.maxLength(fieldLimits.maxRequestIdChars),
  z.regex(/^\P{Surrogate}*$/u, 'an id without half a character'))
export const MsgId = z.string().check(z.minLength(1), z.maxLength(64))
/** Of an inbox entry that somebody holds. Opaque. */
export const Lease = z.string().check(z.minLength(1), z.maxLength(64))
export const Signature = z.string().check(z.minLength(1), z.maxLength(256))
export const PublicKey = z.string().check(z.minLength(1), z.maxLength(1_024))
/** Of a key: SHA-256 of its canonical PEM. An agent id is its first quarter. */
export const Fingerprint = z.string().check(z.regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits'))
export const ServerId = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'a server id: 64 hex digits'))
export const Hex32 = z.string().check(z.regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits'))
export const Time = z.int()
export const Seq = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER))
/** The most that one amount may be, in minor units: sums of them stay exact. */
export const maxMinor = 2 ** 43 - 1
/** An amount in whole minor units of its currency. */
export const Minor = z.int().check(z.gte(0), z.lte(maxMinor))
export const Presence = z.literal(['online', 'away', 'busy', 'offline', 'listening'])

/** An address that a browser opens. */
export const webUrl = z.refine<string>(text => /^https?:\/\//.test(text) && URL.canParse(text), 'an address like https://relay.example')

/** Words no agent may take as a name; compared in lower case. */
export const reservedNames: ReadonlySet<string> = new Set(
  ['server', 'admin', 'system', 'root', 'moderator', 'mod', 'bot', 'agentchat', 'operator', 'shadow', 'god', 'jc'],
)
