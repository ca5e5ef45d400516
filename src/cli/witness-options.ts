// The options by which commands ask for witnesses.
import { count } from './command.ts'

export const witnessOptions = {
  witness: {
    value: 'KEY,…',
    doc: 'Relays whose cosignatures count (docs/TRANSCRIPTS.md): files with their public keys, or lines NAME+ID+KEY',
    parse: (text: string) => text.split(','),
  },
  need: { value: 'N', doc: 'So many of them have to have cosigned (default: 1)', parse: count },
} as const
