// What an operator asks of the relay: by the right of the agent, by what his account is here, or by the admin key that this tab was given.
import { signal } from '@preact/signals'
import { RelayError, type AgentId } from '../../lib/index.ts'
import type { Frame, ReplyType, RequestInput, RequestType } from '../../lib/protocol/index.ts'
import { can, type Office, type Right } from '../../lib/access/table.ts'
import { account, fresh, lookWhoIsIn } from './account.ts'
import { adminKey, withKey } from './admin-key.ts'
import { reasonOf } from '../text/reason.ts'
import { here } from './session.ts'

export type Settings = Frame<'SETTINGS'>['settings']
export type Connected = Frame<'CONNECTED'>['agents'][number]

/** Whether the visitor operates this relay; no: the key is asked for. */
export const right = signal<'unknown' | 'no' | 'yes'>('unknown')
/** What the relay said to who asked without a key. */
export const refusal = signal('')
export const settings = signal<Settings>([])
/** As what the visitor is here: admin agents, and whoever has the key, may all. */
const office = signal<Office>('operator')

/** Whether the visitor may do this to the relay. */
export const mayHere = (name: Right): boolean => can([office.value], name)

/** Asks as an operator; what cannot be undone asks an account for its passkey again. @throws RelayError, TimeoutError, ConnectionError */
export const operate = <T extends RequestType>(type: T, body: Omit<RequestInput<T>, 'id' | 'admin_key'>): Promise<Frame<ReplyType<T>>> =>
  fresh(() => here().request(type, { ...withKey(), ...body } as unknown as RequestInput<T>))

/** Finds out whether the visitor may, by asking for the settings, or for who is there. @throws what is no refusal */
export const enter = async (): Promise<void> => {
  try {
    await lookWhoIsIn()
    office.value = (adminKey.peek() === undefined ? account.peek()?.office : undefined) ?? 'operator'
    if (mayHere('relay.inspect')) settings.value = (await operate('ADMIN_SETTINGS', {})).settings
    else await operate('ADMIN_AGENTS', { limit: 1 })
    right.value = 'yes'
  } catch (error) {
    right.value = 'no'
    refusal.value = reasonOf(error)
    if (!(error instanceof RelayError) || adminKey.peek() !== undefined) throw error
  }
}

/** Tries a key; one that is wrong is forgotten. @throws RelayError AUTH_REQUIRED, RATE_LIMITED */
export const enterWithKey = async (key: string): Promise<void> => {
  adminKey.value = key
  try {
    await enter()
  } catch (error) {
    adminKey.value = undefined
    throw error
  }
}

/** Forgets the key, and what was seen with it. */
export const leave = (): void => {
  adminKey.value = undefined
  settings.value = []
  right.value = 'no'
}

export const kick = (agent: AgentId, reason: string) => operate('ADMIN_KICK', { agent_id: agent, ...(reason !== '' && { reason }) })
export const ban = (agent: AgentId, reason: string, withAddress: boolean) =>
  operate('ADMIN_BAN', { agent_id: agent, ...(reason !== '' && { reason }), ...(withAddress && { address: true as const }) })
