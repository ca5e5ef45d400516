// What an operator does with a relay's data from outside the relay: carry it over, copy it, check a copy, put one back.
import type { Migration } from '../store/store.ts'
import { backup, restore, type BackupOptions, type RestoreOptions, type Restored } from './backup.ts'
import { checkDatabase, stepsOf, type Checked, type Watched } from './database.ts'
import { exportArchive, exportToFile, type Exported, type ExportOptions } from './exporter.ts'
import { importArchive, type ImportOptions, type Imported } from './importer.ts'

/** @throws KeepingError */
export interface Keeper {
  export(options: ExportOptions): Promise<Exported>
  /** Into a file that must not be there yet. */
  exportToFile(file: string, options: Omit<ExportOptions, 'write'>): Promise<Exported>
  import(options: ImportOptions): Promise<Imported>
  backup(options: BackupOptions): Promise<{ readonly epoch: string, readonly bytes: number }>
  verify(file: string, watched?: Watched): Promise<Checked>
  restore(options: RestoreOptions): Promise<Restored>
}

export const createKeeper = async (migrations: readonly Migration[]): Promise<Keeper> => {
  const steps = await stepsOf(migrations)
  return {
    export: options => exportArchive(options, steps),
    exportToFile: (file, options) => exportToFile(file, options, steps),
    import: options => importArchive(options, migrations),
    backup: options => backup(options, steps),
    verify: (file, watched) => checkDatabase(file, steps, watched),
    restore: options => restore(options, steps),
  }
}
