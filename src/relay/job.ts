// What waits for its turn to be decided and stored.
import type { RequestType } from '../../lib/protocol/index.ts'
import type { Credential } from '../store/credentials.ts'
import type { Awaitable, Scope, Tx } from '../store/store.ts'
import type { WrittenBy } from '../store/writers.ts'
import type { Connection } from './connection.ts'
import type { Outcome } from './feature.ts'

/** A write that waits for its turn. */
export interface Job {
  readonly connection: Connection | undefined
  readonly bytes: number
  readonly re: string | undefined
  readonly type: RequestType | undefined
  /** What it decides about, where others must not decide at the same time. */
  readonly scope?: Scope | undefined
  /** By what its agent is spoken for: what is taken back meanwhile stores nothing. */
  readonly credential?: Credential | undefined
  decide(tx: Tx, now: number): Awaitable<Outcome | undefined>
  /** What it comes to where the storage takes nothing: it needs no more of it than its place in line. */
  readonly anyway?: Outcome
  /** What comes behind it is decided when it is delivered. */
  readonly endsBatch?: boolean
  /** Called once its result is delivered. */
  delivered?(): void
}

/** A job of the relay's own, which answers nobody; with a connection it waits behind that one's writes. */
export const ownJob = (decide: Job['decide'], more: Partial<Pick<Job, 'connection' | 'delivered' | 'scope'>> = {}): Job => ({
  connection: undefined,
  bytes: 0,
  re: undefined,
  type: undefined,
  decide,
  ...more,
})

/** One that stores nothing, and is done behind what came before it, whether that could be stored or not. */
export const lineJob = (anyway: Outcome, more: Pick<Job, 'connection' | 'delivered' | 'endsBatch'>): Job => ({
  ...ownJob(() => anyway, more),
  anyway,
})

/** By what it is written that may be taken away meanwhile; undefined: by the relay itself, of which nothing is refused. */
export const writtenBy = ({ type, connection, credential }: Job, allowlistStrict: boolean): WrittenBy | undefined => {
  if (type === undefined || connection === undefined) return undefined
  const { agent, address, seat } = connection
  return { agent: agent?.id, address, isByApproval: allowlistStrict && agent?.exempt === false, credential, seat }
}
