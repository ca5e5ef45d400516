// Conditions: short texts in CEL that agents and operators write, about words that a place declares. One is checked when it is saved, and
// cannot fail or take long when it runs.
import type { Environment } from '@marcbachmann/cel-js'
import { examine } from './forms.ts'
import type { Values, Vocabulary, Word } from './vocabulary.ts'

/** Characters of a condition. */
export const maxConditionChars = 4_000
const limits = { maxAstNodes: 500, maxDepth: 20, maxListElements: 200, maxMapEntries: 1, maxCallArguments: 4 }

/** What a condition says: yes or no, or how much. */
export type Says = 'bool' | 'int'

export interface Condition<V extends Vocabulary, S extends Says = 'bool'> {
  readonly source: string
  /** The words that it names. */
  readonly named: readonly string[]
  /** What a run takes at most: about so many nanoseconds. */
  readonly steps: number
  /** What it says of these values; of those only what it names is read. Never throws. */
  of(values: Values<V>): S extends 'bool' ? boolean : number
}

/** problem: why it may not be saved, as a sentence that says where. */
export type Compiled<V extends Vocabulary, S extends Says = 'bool'> = { readonly problem: string } | {
  readonly problem?: undefined
  readonly condition: Condition<V, S>
}

const types: Readonly<Record<Word['kind'], string>> = { text: 'string', texts: 'list<string>', number: 'int', flag: 'bool' }
const said = { bool: 'yes or no (bool)', int: 'a whole number (int)' }

/** What its errors have. */
interface Faulty {
  readonly summary?: unknown
  readonly range?: { readonly start: number } | undefined
}

const problemOf = ({ summary, range }: Faulty): string =>
  `${range === undefined ? '' : `at character ${range.start + 1}: `}${typeof summary === 'string' ? summary : 'it cannot be read'}`

/** The language of one place. What reads and runs it is loaded with the first condition. */
export class Conditions<V extends Vocabulary> {
  readonly #vocabulary: V
  #environment: Promise<Environment> | undefined

  constructor(vocabulary: V) {
    this.#vocabulary = vocabulary
  }

  /** Checks a condition and makes it ready to run. Never rejects for what stands in it. */
  async compile<S extends Says = 'bool'>(source: string, says: S = 'bool' as S): Promise<Compiled<V, S>> {
    if (source.length > maxConditionChars) return { problem: `it has ${source.length} characters, and ${maxConditionChars} are allowed` }
    const environment = await (this.#environment ??= this.#load())
    try {
      const parsed = environment.parse(source)
      const examined = examine(parsed.ast, this.#vocabulary)
      if ('problem' in examined) return { problem: `at character ${examined.problem.at + 1}: ${examined.problem.why}` }
      const { valid, type, error } = parsed.check()
      if (!valid) return { problem: problemOf(error as Faulty) }
      if (type !== says) return { problem: `it gives ${type}, and has to give ${said[says]}` }
      const names = Object.keys(this.#vocabulary).filter(name => examined.named.has(name))
      const of = (values: Values<V>) => {
        const context = Object.create(null) as Record<string, unknown>
        for (const name of names) {
          const value: unknown = values[name]
          context[name] = typeof value === 'number' ? BigInt(value) : value
        }
        const result: unknown = parsed(context)
        return typeof result === 'bigint' ? Number(result) : result
      }
      return { condition: { source, named: names, steps: examined.steps, of: of as Condition<V, S>['of'] } }
    } catch (error) {
      return { problem: problemOf(error as Faulty) }
    }
  }

  async #load(): Promise<Environment> {
    const { Environment } = await import('@marcbachmann/cel-js')
    const environment = new Environment({ limits })
    for (const [name, { kind }] of Object.entries(this.#vocabulary)) environment.registerVariable(name, types[kind])
    return environment
  }
}
