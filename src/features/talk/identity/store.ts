// Proofs asked of agents by other agents, until they are answered or time out.
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

export const proofMigrations: Migration = {
  feature: 'identity',
  steps: [
    'CREATE TABLE proofs (id TEXT PRIMARY KEY, requester TEXT NOT NULL, target TEXT NOT NULL, nonce TEXT NOT NULL, expires_at '
    + 'INTEGER NOT NULL) WITHOUT ROWID',
  ],
}

export const addProof = async (tx: Tx, proof: Proof): Promise<void> => {
  await tx.tables<Tables>().insertInto('proofs').values(proof).execute()
}

/** Takes an open proof: whoever has it may end it, once. */
export const takeProof = (tx: Tx, id: string): Promise<Proof | undefined> =>
  tx.tables<Tables>().deleteFrom('proofs').where('id', '=', id).returningAll().executeTakeFirst()

export const findProof = (tx: Tx, id: string): Promise<Proof | undefined> =>
  tx.tables<Tables>().selectFrom('proofs').selectAll().where('id', '=', id).executeTakeFirst()

export const countProofsOf = async (tx: Tx, requester: string): Promise<number> =>
  Number(
    (await tx.tables<Tables>().selectFrom('proofs').select(eb => eb.fn.countAll().as('n')).where('requester', '=', requester)
      .executeTakeFirstOrThrow()).n,
  )

export const expiredProofs = async (tx: Tx, now: number): Promise<readonly Proof[]> => {
  const tables = tx.tables<Tables>()
  const due = await tables.selectFrom('proofs').selectAll().where('expires_at', '<=', now).execute()
  if (due.length > 0) await tables.deleteFrom('proofs').where('expires_at', '<=', now).execute()
  return due
}
