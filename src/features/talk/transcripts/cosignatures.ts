// What witnesses have cosigned of the channels of this relay: of each channel the newest head of each witness.
import type { Migration, TableReader, Tx } from '../../../store/store.ts'

export interface Cosigned {
  /** server_id of the witness */
  readonly witness: string
  /** Of this relay's log: heads of another life are of other trees. */
  readonly epoch: string
  readonly size: number
  /** The head as this relay signed it … */
  readonly checkpoint: string
  /** … and what the witness put under it. */
  readonly line: string
}

interface Tables {
  cosignatures: Cosigned & { readonly channel: string }
}

const schema = (number: string, end: string) =>
  `CREATE TABLE cosignatures (channel TEXT NOT NULL, witness TEXT NOT NULL, epoch TEXT NOT NULL, size ${number} NOT NULL, checkpoint TEXT NOT NULL,
    line TEXT NOT NULL, PRIMARY KEY (channel, witness))${end}`

export const cosignatureMigrations: Migration = {
  feature: 'cosignatures',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [{ expand: schema('BIGINT', '') }],
}

/** What stays where it is the newer one. */
export const addCosigned = async (tx: Tx, channel: string, cosigned: Cosigned): Promise<void> => {
  const former = await tx.tables<Tables>().selectFrom('cosignatures').select(['epoch', 'size']).where('channel', '=', channel)
    .where('witness', '=', cosigned.witness).executeTakeFirst()
  if (former !== undefined && former.epoch === cosigned.epoch && former.size >= cosigned.size) return
  const { witness: _, ...changed } = cosigned
  await tx.tables<Tables>().insertInto('cosignatures').values({ channel, ...cosigned })
    .onConflict(conflict => conflict.columns(['channel', 'witness']).doUpdateSet(changed)).execute()
}

/**
 * Heads with all that witnesses put under them, newest first, none larger than a size.
 * @param witnesses those that this relay knows now
 */
export const cosignedHeads = async (
  db: TableReader,
  channel: string,
  { epoch, size, witnesses }: { readonly epoch: string, readonly size: number, readonly witnesses: ReadonlySet<string> },
): Promise<readonly { readonly size: number, readonly text: string, readonly lines: string }[]> => {
  const rows = await db.tables<Tables>().selectFrom('cosignatures').selectAll().where('channel', '=', channel).where('epoch', '=', epoch)
    .where('size', '<=', size).orderBy('size', 'desc').orderBy('witness').execute()
  const heads = new Map<number, { size: number, checkpoint: string, lines: string }>()
  for (const { size: at, checkpoint, line, witness } of rows) {
    if (!witnesses.has(witness)) continue
    const head = heads.get(at)
    if (head === undefined) heads.set(at, { size: at, checkpoint, lines: line })
    else head.lines += line
  }
  return [...heads.values()].map(({ size: at, checkpoint, lines }) => ({ size: at, text: checkpoint + lines, lines }))
}
