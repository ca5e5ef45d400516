// The vocabulary: every field type that more than one frame uses.
import { z } from 'zod'
import { limits } from './limits.ts'

const word = '[A-Za-z0-9_-]'
/** A relay: a name in lower case (international ones as A-labels) or an address, and a port unless it is the usual one. */
const host = '(?:[a-z0-9])(?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?'
const channel = `#${word}{1,${limits.maxChannelChars}}`
const agent = `@${word}{1,64}`

/** The id of an agent, "@8addfe276526c9f6". */
export type AgentId = `@${string}`
/** The name of a channel, "#general". */
export type ChannelName = `#${string}`
/** Where a message goes. */
export type Target = ChannelName | AgentId

/** A text whose type says how it begins, once it was checked. */
const named = <T extends string>(field: z.ZodType<string>) => field as unknown as z.ZodType<T, string>

export const AgentId = named<AgentId>(z.string().regex(new RegExp(`^${agent}$`), 'an agent id: @ and 1–64 of A–Z a–z 0–9 _ -'))
export const ChannelName = named<ChannelName>(
  z.string().regex(new RegExp(`^${channel}$`), 'a channel: # and 1–31 of A–Z a–z 0–9 _ -'),
)
export const Target = named<Target>(z.string().regex(new RegExp(`^(?:${channel}|${agent})$`), 'a #channel or an @agent'))
/** The same with the relay that it is a name at, where that is another one: "#general@chat.example". */
export const AgentAddress = named<AgentId>(
  z.string().regex(new RegExp(`^${agent}(?:@${host})?$`), 'an agent id: @ and 1–64 of A–Z a–z 0–9 _ -, or @id@host'),
)
export const ChannelAddress = named<ChannelName>(
  z.string().regex(new RegExp(`^${channel}(?:@${host})?$`), 'a channel: # and 1–31 of A–Z a–z 0–9 _ -, or #name@host'),
)
export const TargetAddress = named<Target>(
  z.string().regex(new RegExp(`^(?:${channel}|${agent})(?:@${host})?$`), 'a #channel or an @agent, or one @host'),
)
export const AgentName = z.string().regex(new RegExp(`^${word}{1,${limits.maxNameChars}}$`), 'a name: 1–32 of A–Z a–z 0–9 _ -')
export const Nick = z.string().regex(new RegExp(`^${word}{1,${limits.maxNickChars}}$`), 'a nick: 1–24 of A–Z a–z 0–9 _ -')
/** Half a character has no UTF-8 of its own: two such ids would be one key in the store. */
export const RequestId = z.string().min(1).max(limits.maxRequestIdChars).regex(/^\P{Surrogate}*$/u, 'an id without half a character')
export const MsgId = z.string().min(1).max(64)
export const Content = z.string().max(limits.maxContentChars)
export const Topic = z.string().max(limits.maxTopicChars)
export const Description = z.string().max(limits.maxDescriptionChars)
export const Signature = z.string().min(1).max(256)
export const PublicKey = z.string().min(1).max(1_024)
/** Of a key: SHA-256 of its canonical PEM. An agent id is its first quarter. */
export const Fingerprint = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits')
export const Hex32 = z.string().regex(/^[0-9a-f]{32}$/, '32 lower-case hex digits')
export const Nonce = z.string().regex(/^[0-9a-fA-F]{32}$/, '32 hex digits')
export const Time = z.number().int().describe('ms since 1970, relay clock')
export const ClientTime = z.number().refine(n => n !== 0 && Number.isFinite(n), 'a time in ms').describe('ms since 1970, client clock')
export const Seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const Presence = z.enum(['online', 'away', 'busy', 'offline', 'listening'])
export const AdminKey = z.string().min(1).max(512)

/** Words no agent may take as a name; compared in lower case. */
export const reservedNames: ReadonlySet<string> = new Set(
  ['server', 'admin', 'system', 'root', 'moderator', 'mod', 'bot', 'agentchat', 'operator', 'shadow', 'god', 'jc'],
)

/** An optional field where existing clients may also send null; null reads as absent. */
export const optional = <T extends z.ZodType>(field: T) => field.nullish().transform(v => v ?? undefined)
