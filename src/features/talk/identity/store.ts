// Proofs asked of agents by other agents, until they are answered or time out.
import { releaseShare } from '../../../store/shares.ts'
import type { Migration, Tx } from '../../../store/store.ts'

export interface Proof {
  readonly id: string
  readonly requester: string
  readonly target: string
  readonly nonce: string
  readonly expires_at: number
}

interface Tables {
  proofs: Proof
}

const expiredAtOnce = 500

export const proofMigrations: Migration = {
  feature: 'identity',
  steps: [
    'CREATE TABLE proofs (id TEXT PRIMARY KEY, requester TEXT NOT NULL, target TEXT NOT NULL, nonce TEXT NOT NULL, expires_at '
    + 'INTEGER NOT NULL) WITHOUT ROWID',
    "INSERT INTO shares SELECT 'proofs', id, requester, '' FROM proofs",
  ],
  postgres: [
    'CREATE TABLE proofs (id TEXT PRIMARY KEY, requester TEXT NOT NULL, target TEXT NOT NULL, nonce TEXT NOT NULL, expires_at BIGINT NOT NULL)',
  ],
}

export const addProof = async (tx: Tx, proof: Proof): Promise<void> => {
  await tx.tables<Tables>().insertInto('proofs').values(proof).execute()
}

/** Takes an open proof: whoever has it may end it, once. */
export const takeProof = async (tx: Tx, id: string): Promise<Proof | undefined> => {
  await releaseShare(tx, 'proofs', id)
  return tx.tables<Tables>().deleteFrom('proofs').where('id', '=', id).returningAll().executeTakeFirst()
}

export const findProof = (tx: Tx, id: string): Promise<Proof | undefined> =>
  tx.tables<Tables>().selectFrom('proofs').selectAll().where('id', '=', id).executeTakeFirst()

/** Takes those that timed out, a bounded number at once: the ones that are there to be taken. */
export const expiredProofs = async (tx: Tx, now: number): Promise<readonly Proof[]> => {
  const due = await tx.tables<Tables>().selectFrom('proofs').select('id').where('expires_at', '<=', now).limit(expiredAtOnce).execute()
  if (due.length === 0) return []
  const taken = await tx.tables<Tables>().deleteFrom('proofs').where(tx.dialect.isAmong('id', due.map(({ id }) => id))).returningAll()
    .execute()
  for (const { id } of taken) await releaseShare(tx, 'proofs', id)
  return taken
}
