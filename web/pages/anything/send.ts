// How any request is sent: as it stands, or by those parts of the library that sign it with the key of this browser.
import { isTradeAction } from '../../../lib/identity/index.ts'
import type { AgentChatClient } from '../../../lib/index.ts'
import type { Target } from '../../../lib/protocol/index.ts'

export type Body = Readonly<Record<string, unknown>>

/** Who signs a request, if anybody: the library; nobody, though it can be signed; or it carries no signature. */
export type Signing = 'signed' | 'unsigned' | 'none'

/** What a signature is made of: fields that nobody fills in where the library does. */
const signatures = ['sig', 'sig_v', 'sig_ts', 'sig_nonce'] as const

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Requests beside those of trade that a part of the library signs. */
const byLibrary: Readonly<Record<string, (client: AgentChatClient, body: Body) => Promise<unknown>>> = {
  MSG: (client, { to, content, ...rest }) =>
    client.send(to as Target, content as string, Object.fromEntries(Object.entries(rest).map(([name, value]) => [camel(name), value]))),
  SET_PROFILE: (client, { profile }) => client.people.setProfile(profile as never),
  REGISTER_SKILLS: (client, { skills }) => client.people.registerSkills(skills as never),
}
/** … and what of them it fills in beside the signature. */
const alsoSigned: Readonly<Record<string, readonly string[]>> = {
  MSG: ['ts', 'nonce'],
  SET_PROFILE: ['nonce'],
  REGISTER_SKILLS: ['nonce'],
}

export const signingOf = (type: string, names: readonly string[]): Signing =>
  isSigned(type) ? 'signed' : names.includes('sig') ? 'unsigned' : 'none'

const isSigned = (type: string): boolean => type in byLibrary || type === 'COUNTER' || isTradeAction(type)

/** Fields that whoever sends it fills in by itself. */
export const filledIn = (type: string): ReadonlySet<string> =>
  new Set(['id', ...(isSigned(type) ? [...signatures, ...alsoSigned[type] ?? []] : [])])

/** @throws RelayError, TimeoutError, ConnectionError */
export const send = (client: AgentChatClient, type: string, body: Body): Promise<unknown> =>
  byLibrary[type]?.(client, body)
    ?? (type === 'COUNTER' || isTradeAction(type)
      ? client.requestSigned(type, body as never)
      : client.request(type as 'PING', body as never))
