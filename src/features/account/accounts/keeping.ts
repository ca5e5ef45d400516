// What an operator does with accounts at the machine of the data, the relay running or not: who they are, and a link for who lost his passkeys.
import type { TableReader, TableWriter } from '../../../store/store.ts'
import { sha256Hex, setUpMs } from './accounts.ts'
import { ownedBy } from './claims-store.ts'
import { addAccountAudit, addLink, allAccounts, passkeysOf, removeLinksTo, signInsOf, type AccountRow } from './store.ts'

export interface AccountSummary extends AccountRow {
  readonly passkeys: number
  readonly agents: number
  readonly signIns: number
}

/** The oldest first. */
export const summaries = async (db: TableReader, now: number): Promise<readonly AccountSummary[]> => {
  const all: AccountSummary[] = []
  for (const account of await allAccounts(db)) {
    const { id } = account
    const [passkeys, agents, signIns] = [await passkeysOf(db, id), await ownedBy(db, id), await signInsOf(db, id, now)]
    all.push({ ...account, passkeys: passkeys.length, agents: agents.length, signIns: signIns.length })
  }
  return all
}

/** Who is meant: an id, a name, or, where nothing is named, the operator. There may be none, or several. */
export const accountsCalled = async (db: TableReader, name: string | undefined): Promise<readonly AccountRow[]> => {
  const all = await allAccounts(db)
  // However somebody else calls himself.
  const byId = all.filter(({ id }) => id === name)
  return byId.length > 0 ? byId : all.filter(each => name === undefined ? each.role === 'operator' : each.name === name)
}

export interface Recovery {
  readonly account: AccountRow
  /** What is behind the # of its link. */
  readonly secret: string
  readonly expires: number
}

/** A link by which the account gets a passkey more, once and within an hour; it takes the place of a former one. */
export const recover = async (tx: TableWriter, account: AccountRow, secret: string, now: number): Promise<Recovery> => {
  const expires = now + setUpMs
  await removeLinksTo(tx, account.id)
  await addLink(tx, { hash: sha256Hex(secret), role: account.role, account: account.id, by: null, created: now, expires })
  const entry = { at: now, account: account.id, sign_in: null, action: 'recover_link', target: null, address: '' }
  // How many entries stay is a setting of the relay, which sees to it with its next one.
  await addAccountAudit(tx, entry, Number.MAX_SAFE_INTEGER)
  return { account, secret, expires }
}
