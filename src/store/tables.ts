// What can be asked of tables, and what can be done to them.
import type { Kysely } from 'kysely'

export type ReadTables<T> = Pick<Kysely<T>, 'selectFrom'>
export type WriteTables<T> = Pick<Kysely<T>, 'selectFrom' | 'insertInto' | 'updateTable' | 'deleteFrom'>
