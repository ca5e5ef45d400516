// What an operator does with a relay's data from outside the relay: carry it over, copy it, check a copy, put one back.
import type { Migration } from '../store/store.ts'
import { backup, restore } from './backup.ts'
import { checkDatabase, stepsOf } from './database.ts'
import { renewEpoch } from './epoch.ts'
import { exportArchive, exportToFile } from './exporter.ts'
import { importArchive } from './importer.ts'
import { importedTo, moveBack, moveToPostgres, withCopy } from './move.ts'
import type { Keeper } from './orders.ts'
import { readArchive } from './reader.ts'
import { rotateKey } from './relay-key.ts'

export const createKeeper = async (migrations: readonly Migration[]): Promise<Keeper> => {
  const steps = await stepsOf(migrations)
  const from = <T>(
    { data, store, signal }: { readonly data: string, readonly store?: string, readonly signal?: AbortSignal },
    use: (data: string) => Promise<T>,
  ): Promise<T> => store === undefined ? use(data) : withCopy(store, migrations, signal === undefined ? {} : { signal }, use)
  return {
    export: options => from(options, data => exportArchive({ ...options, data }, steps)),
    exportToFile: (file, options) => from(options, data => exportToFile(file, { ...options, data }, steps)),
    import: options => {
      const { store, newEpoch, onProgress: _, ...watched } = options
      return store === undefined
        ? importArchive(options, migrations)
        : importedTo(store, { newEpoch, now: 0, ...watched }, migrations, data => importArchive({ ...options, data }, migrations))
    },
    verifyArchive: async (source, asked) => {
      const { header: { server_id, server_pubkey, epoch }, ...read } = await readArchive(source, {}, asked)
      return { serverId: server_id, serverPubkey: server_pubkey, epoch, ...read }
    },
    backup: options => backup(options, steps),
    verify: (file, watched) => checkDatabase(file, steps, watched),
    restore: options => restore(options, steps),
    rotateKey: options => rotateKey(options, migrations),
    renewEpoch: options => renewEpoch(options, migrations),
    moveToPostgres: options => moveToPostgres(options, migrations),
    moveBack: options => moveBack(options, migrations),
  }
}
