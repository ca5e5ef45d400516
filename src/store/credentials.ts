// What lets somebody write in an agent's name without its key, and may be taken back: tokens and hooks.
import type { ReadTables, TableReader } from './store.ts'

export type Credential = `token ${string}` | `hook ${string}`

interface Tables {
  door_tokens: { id: string }
  hooks: { id: string }
}

const places = { token: 'door_tokens', hook: 'hooks' } as const

export type CredentialKind = keyof typeof places

export const credentialKinds = Object.keys(places) as readonly CredentialKind[]

export const tableOf = (kind: CredentialKind): string => places[kind]

/** Whether one of these is taken back by removing it. */
export const haveCredential = (names: readonly string[]): boolean =>
  names.some(name => credentialKinds.some(kind => name.startsWith(`${kind} `)))

/** The ids of one kind among names of agents and credentials, or of what else something is written by. */
export const idsOf = (names: readonly string[], kind: CredentialKind | 'address' | 'approval' | 'seat'): readonly string[] =>
  names.flatMap(name => name.startsWith(`${kind} `) ? name.slice(kind.length + 1) : [])

/** Those of the asked for that are not among the found. */
export const missing = (kind: CredentialKind, ids: readonly string[], found: readonly { readonly id: string }[]): readonly string[] => {
  const there = new Set(found.map(({ id }) => id))
  return ids.flatMap(id => there.has(id) ? [] : `${kind} ${id}`)
}

/** Those that are not there any more. */
export const endedOf = async (db: TableReader, names: readonly string[]): Promise<readonly string[]> => {
  const tables: ReadTables<Tables> = db.tables<Tables>()
  const ended: string[] = []
  for (const kind of credentialKinds) {
    const ids = idsOf(names, kind)
    if (ids.length > 0)
      ended.push(...missing(kind, ids, await tables.selectFrom(places[kind]).select('id').where('id', 'in', ids).execute()))
  }
  return ended
}
