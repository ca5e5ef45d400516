// What an operator does with a relay's data from outside the relay: carry it over, copy it, check a copy, put one back.
import type { Migration } from '../store/store.ts'
import { backup, restore } from './backup.ts'
import { checkDatabase, stepsOf } from './database.ts'
import { exportArchive, exportToFile } from './exporter.ts'
import { importArchive } from './importer.ts'
import { moveBack, moveToPostgres } from './move.ts'
import type { Keeper } from './orders.ts'

export const createKeeper = async (migrations: readonly Migration[]): Promise<Keeper> => {
  const steps = await stepsOf(migrations)
  return {
    export: options => exportArchive(options, steps),
    exportToFile: (file, options) => exportToFile(file, options, steps),
    import: options => importArchive(options, migrations),
    backup: options => backup(options, steps),
    verify: (file, watched) => checkDatabase(file, steps, watched),
    restore: options => restore(options, steps),
    moveToPostgres: options => moveToPostgres(options, migrations),
    moveBack: options => moveBack(options, migrations),
  }
}
