// Every use of an admin's right, whatever the request: kept in the transaction that does it, and logged once that is committed.
import { agentIdOf, canonicalPem } from '../../lib/identity/index.ts'
import type { RequestType } from '../../lib/protocol/index.ts'
import type { Logger } from '../base/log.ts'
import { addAudit, type AuditRow } from '../store/audit.ts'
import type { Tx } from '../store/store.ts'
import type { Connection } from './connection.ts'

/** Fields that say of whom or what a request is; the first that is there does. */
const targets = ['agent_id', 'agent', 'address', 'channel', 'proposal_id', 'dispute_id', 'announcement_id'] as const
/** Whose connection, and by the right of which account, if by that of one. */
export interface Actor {
  readonly connection: Connection
  readonly account: string | undefined
}

const maxTextChars = 200

export class Audit {
  readonly #log: Logger
  readonly #keep: number

  /** `keep` entries stay; older ones go. */
  constructor(log: Logger, keep: number) {
    this.#log = log
    this.#keep = keep
  }

  /** Keeps what was asked; gives what is to be called after the commit. */
  async note(
    tx: Tx,
    { connection: { agent, address }, account }: Actor,
    action: RequestType,
    body: object,
    now: number,
  ): Promise<() => void> {
    const target = targetOf(body)
    const [by, detail] = [agent?.id ?? null, detailOf(body)]
    const row: Omit<AuditRow, 'n'> = { at: now, by, account: account ?? null, address, action, target, detail }
    await addAudit(tx, row, this.#keep)
    return () => this.#log.info({ by: account ?? agent?.id ?? 'the admin key', address, action, target }, 'an admin acted')
  }
}

const targetOf = (body: object): string | null => {
  const fields = body as Readonly<Record<string, unknown>>
  if (typeof fields['pubkey'] === 'string') return agentIdOf(canonicalPem(fields['pubkey']))
  for (const name of targets) {
    const value = fields[name]
    if (typeof value === 'string') return name === 'agent_id' && !value.startsWith('@') ? `@${value}` : value
  }
  return null
}

/** Without the key, and no longer than a line: an audit is read, and a peer's text in it is not to fill it. */
const detailOf = (body: object): string =>
  JSON.stringify(body, (name, value: unknown) => {
    if (name === 'admin_key' || name === 'id' || name === 'pubkey' || value === undefined) return undefined
    return typeof value === 'string' && value.length > maxTextChars ? `${value.slice(0, maxTextChars)}…` : value
  })
