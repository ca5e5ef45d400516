// By what something is written that may be taken away by another process meanwhile, by names: the agent itself (`@8addfe276526c9f6`), the
// address that it comes from, the agent's approval where only approved keys are admitted, a token or a hook (`Credential`), its session (`Seat`).
import { idsOf, type Credential } from './credentials.ts'
import type { Seat } from './store.ts'

export interface WrittenBy {
  /** undefined: nobody has logged in yet */
  readonly agent: string | undefined
  readonly address: string
  /** The agent is admitted by nothing else. */
  readonly isByApproval: boolean
  readonly credential: Credential | undefined
  /** By which the connection has its session. */
  readonly seat: Seat | undefined
}

export const addressWriter = (address: string): string => `address ${address}`
export const approvalWriter = (agent: string): string => `approval ${agent}`

export const addWriters = ({ agent, address, isByApproval, credential, seat }: WrittenBy, writers: Set<string>): void => {
  writers.add(addressWriter(address))
  if (agent === undefined) return
  writers.add(agent)
  if (isByApproval) writers.add(approvalWriter(agent))
  if (credential !== undefined) writers.add(credential)
  if (seat !== undefined) writers.add(seat)
}

/** Why nothing more is stored by it. @param out the writers that were locked out */
export const lockoutOf = (
  { agent, address, credential, seat }: WrittenBy,
  out: ReadonlySet<string>,
): { readonly code: 'BANNED' | 'NOT_ALLOWED' | 'DISPLACED', readonly message: string } | undefined => {
  if (agent !== undefined && out.has(agent)) return { code: 'BANNED', message: 'Banned, or your key was revoked' }
  if (out.has(addressWriter(address))) return { code: 'BANNED', message: 'Your address is banned from this relay' }
  if (agent !== undefined && out.has(approvalWriter(agent))) return { code: 'NOT_ALLOWED', message: 'This relay admits approved keys only' }
  if (seat !== undefined && out.has(seat)) return { code: 'DISPLACED', message: 'Identity claimed by another connection' }
  if (credential === undefined || !out.has(credential)) return undefined
  return { code: 'NOT_ALLOWED', message: `This ${credential.startsWith('token') ? 'token' : 'hook'} has ended` }
}

/** The addresses have one lock: they are banned rarely, and a batch may come from many. */
export const allAddresses = 'addresses'

/** What is locked by whoever locks a writer out, and shared by those who store something of it. */
export const lockOf = (writer: string): string => writer.startsWith('@') ? writer : idsOf([writer], 'approval')[0] ?? allAddresses
