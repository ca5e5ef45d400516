// Witnesses as they are named on the command line: by their keys, or by files that hold such.
import { existsSync, readFileSync } from 'node:fs'
import { IdentityError } from '../../lib/identity/index.ts'
import { witnessPolicy, type WitnessPolicy } from '../../lib/identity/transcripts/index.ts'
import { CliError } from './exit.ts'

/** As the options have it. */
export interface NamedWitnesses {
  readonly witness?: readonly string[]
  readonly need?: number
}

const keyOf = (named: string): string => named.includes('+') && !existsSync(named) ? named : readFileSync(named, 'utf8')

/** What the client's option `witnesses` takes; undefined: none are asked for. @throws CliError */
export const witnessesOf = ({ witness, need }: NamedWitnesses): { readonly keys: readonly string[], readonly need: number } | undefined => {
  if (witness === undefined) {
    if (need !== undefined)
      throw new CliError('usage', '--need says how many witnesses, and none is named', 'Name their keys: --witness KEY,KEY')
    return undefined
  }
  try {
    const witnesses = { keys: witness.map(keyOf), need: need ?? 1 }
    witnessPolicy(witnesses.keys, witnesses.need)
    return witnesses
  } catch (error) {
    if (!(error instanceof IdentityError))
      throw new CliError('notFound', `There is no file of a witness's key: ${(error as Error).message}`, undefined, error)
    throw new CliError('usage', error.message, 'A line NAME+ID+KEY, or a file with that or with the public key of a relay.', error)
  }
}

/** The same, read. @throws CliError */
export const witnessPolicyOf = (named: NamedWitnesses): WitnessPolicy | undefined => {
  const witnesses = witnessesOf(named)
  return witnesses && witnessPolicy(witnesses.keys, witnesses.need)
}
