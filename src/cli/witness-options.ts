// The options by which commands ask for witnesses.
import { count } from './command.ts'
import type { NamedWitnesses } from './witnesses.ts'

export const witnessOptions = {
  witness: {
    value: 'KEY,…',
    doc: 'Relays whose cosignatures count (docs/TRANSCRIPTS.md): files with their public keys, or lines NAME+ID+KEY',
    parse: (text: string) => text.split(','),
  },
  need: { value: 'N', doc: 'So many of them have to have cosigned (default: 1)', parse: count },
} as const

/** What reads them, loaded where they are given; undefined: none are. */
export const witnessesNamed = async ({ witness, need }: NamedWitnesses): Promise<typeof import('./witnesses.ts') | undefined> =>
  witness === undefined && need === undefined ? undefined : import('./witnesses.ts')
