// A new life of the log, after its database was put back to an earlier moment by other means than `restore`.
import { readMeta, writeMeta } from '../store/meta.ts'
import { openStore } from '../store/open.ts'
import type { Migration } from '../store/store.ts'
import { holdFolder } from './backup.ts'
import { databaseOf } from './database.ts'
import { KeepingError } from './failure.ts'
import type { EpochOptions, Renewed } from './orders.ts'

export const renewEpoch = async ({ data, store, newEpoch }: EpochOptions, migrations: readonly Migration[]): Promise<Renewed> => {
  if (store === undefined) {
    databaseOf(data)
    holdFolder(data)[Symbol.dispose]()
  }
  const opened = await openStore({ store, data, durability: 'full', migrations, newEpoch: () => newEpoch })
  try {
    if (await readMeta(opened.read, 'relay_private_key') === undefined)
      throw new KeepingError('notFound', 'The database holds nothing of a relay', { hint: 'Is it the right database?' })
    await opened.write(tx => writeMeta(tx, 'epoch', newEpoch))
    return { was: opened.epoch, epoch: newEpoch }
  } finally {
    await opened.close()
  }
}
