// A new life of the log, after its database was put back to an earlier moment by other means than `restore`.
import { readMeta, writeMeta } from '../store/meta.ts'
import { openStore } from '../store/open.ts'
import { renewSearchFile } from '../store/sqlite/search-file.ts'
import type { Migration } from '../store/store.ts'
import { holdFolder } from './backup.ts'
import { databaseOf } from './database.ts'
import { KeepingError } from './failure.ts'
import type { EpochOptions, Renewed } from './orders.ts'

export const renewEpoch = async (options: EpochOptions, migrations: readonly Migration[]): Promise<Renewed> => {
  const { data, store, newEpoch } = options
  if (store === undefined) {
    databaseOf(data)
    holdFolder(data)[Symbol.dispose]()
  }
  const renewed = await renewIn(options, migrations)
  if (store === undefined) {
    using _lock = holdFolder(data)
    renewSearchFile(data, renewed.was, newEpoch)
  }
  return renewed
}

const renewIn = async ({ data, store, newEpoch }: EpochOptions, migrations: readonly Migration[]): Promise<Renewed> => {
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
