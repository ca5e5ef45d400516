// The operator's policies: conditions that say who may write, join, create and sign up here, and what a message counts for. One that is not
// set is not there: whoever asks looks whether it is undefined, and that is all it costs.
import { Conditions, type Condition, type Says, type Values, type Vocabulary } from '../../lib/rules/index.ts'
import { fieldLimits } from '../../lib/protocol/field-limits.ts'
import { EventFacts, eventWords, type SaidFields } from './event-words.ts'

/** Words for who asks: to join and to create with the channel that is meant, to sign up without. */
export const askerWords = {
  agent: { kind: 'text', maxChars: 65, doc: 'the id of the agent, with its @; empty: it has none yet' },
  name: { kind: 'text', maxChars: fieldLimits.maxNameChars, doc: 'its name' },
  keyed: { kind: 'flag', doc: 'whether it has a key' },
  verified: { kind: 'flag', doc: 'whether it is verified here' },
  channel: { kind: 'text', maxChars: 32, doc: 'the channel with its #; empty: it signs up' },
  address: { kind: 'text', maxChars: 64, doc: 'the address that it comes from' },
} as const satisfies Vocabulary

export type AskerFacts = Values<typeof askerWords>

interface Who {
  readonly id: string
  readonly name: string
  readonly pubkey: string | null
  readonly verified: boolean
}

/** What conditions see of whoever asks. */
export const askerFacts = ({ id, name, pubkey, verified }: Who, { address }: { readonly address: string }, channel = ''): AskerFacts => ({
  agent: id,
  name,
  keyed: pubkey !== null,
  verified,
  channel,
  address,
})

const table = {
  write: { setting: 'policyWrite', words: eventWords, says: 'bool' },
  price: { setting: 'policyPrice', words: eventWords, says: 'int' },
  join: { setting: 'policyJoin', words: askerWords, says: 'bool' },
  create: { setting: 'policyCreate', words: askerWords, says: 'bool' },
  sign_up: { setting: 'policySignUp', words: askerWords, says: 'bool' },
} as const satisfies Readonly<Record<string, { readonly setting: string, readonly words: Vocabulary, readonly says: Says }>>

export type PolicyName = keyof typeof table
export const policyNames = Object.keys(table) as readonly PolicyName[]
export const settingOf = (name: PolicyName) => table[name].setting
export const wordsOf = (name: PolicyName): Vocabulary => table[name].words

/** The settings of policies, as the configuration has them. */
export type PolicySettings = { readonly [N in (typeof table)[PolicyName]['setting']]?: string | undefined }

/** Most that one message counts for. */
export const maxPrice = 1_000
export const boundedPrice = (price: number): number => Math.min(Math.max(price, 0), maxPrice)

/** What is asked where something is done. Each is there only if it is set. */
export interface Policies {
  readonly write?: (said: SaidFields) => boolean
  /** How many messages it counts for, 0 to `maxPrice`. */
  readonly price?: (said: SaidFields) => number
  readonly join?: (who: AskerFacts) => boolean
  readonly create?: (who: AskerFacts) => boolean
  readonly signUp?: (who: AskerFacts) => boolean
}

/** Whether an agent may say something, of which only what the author adds is given; admins are not asked. */
export const mayWrite = (
  write: NonNullable<Policies['write']>,
  { id, name, verified, admin }: Pick<Who, 'id' | 'name' | 'verified'> & { readonly admin: boolean },
  said: Omit<SaidFields, 'type'>,
): boolean => admin || write({ ...said, type: 'MSG', from: id, from_name: name, verified })

/** @throws PolicyError */
const compiled = async <V extends Vocabulary, S extends Says>(words: V, source: string, says: S): Promise<Condition<V, S>> => {
  const found = await new Conditions(words).compile(source, says)
  if (found.problem !== undefined) throw new PolicyError(found.problem)
  return found.condition
}

/** A policy that cannot be used. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
}

/** Says yes or no of what was said, or what it counts for. @throws PolicyError */
export const policyOfEvents = async (name: 'write' | 'price', source: string): Promise<(said: SaidFields) => boolean | number> => {
  const condition = await compiled(eventWords, source, table[name].says)
  return said => condition.of(new EventFacts(said))
}

const policyOfAskers = async (source: string): Promise<(who: AskerFacts) => boolean> => {
  const condition = await compiled(askerWords, source, 'bool')
  return who => condition.of(who)
}

/** @throws PolicyError */
export const checkPolicySource = async (name: PolicyName, source: string): Promise<void> => {
  await (name === 'write' || name === 'price' ? policyOfEvents(name, source) : policyOfAskers(source))
}

/** Nothing is loaded where none is set. `onProblem`: told of those that cannot be used, which are left out. */
export const policiesOf = async (settings: PolicySettings, onProblem: (setting: string, problem: string) => void): Promise<Policies> => {
  const made = async <P>(setting: keyof PolicySettings, make: (source: string) => Promise<P>): Promise<P | undefined> => {
    const source = settings[setting]
    if (source === undefined) return undefined
    try {
      return await make(source)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      onProblem(setting, error.message)
      return undefined
    }
  }
  const write = await made('policyWrite', source => policyOfEvents('write', source) as Promise<(said: SaidFields) => boolean>)
  const price = await made('policyPrice', source => policyOfEvents('price', source) as Promise<(said: SaidFields) => number>)
  const join = await made('policyJoin', policyOfAskers)
  const create = await made('policyCreate', policyOfAskers)
  const signUp = await made('policySignUp', policyOfAskers)
  return {
    ...(write !== undefined && { write }),
    ...(price !== undefined && { price: said => boundedPrice(price(said)) }),
    ...(join !== undefined && { join }),
    ...(create !== undefined && { create }),
    ...(signUp !== undefined && { signUp }),
  }
}

/** What a condition says as a policy of one thing (without `of`: whether it can be used), and what its words are of that. */
export const explainPolicy = async (
  name: PolicyName,
  source: string,
  of: Readonly<Record<string, unknown>> | undefined,
): Promise<
  | { readonly problem: string }
  | { readonly setting: string, readonly says?: boolean | number, readonly words: Readonly<Record<string, unknown>> }
> => {
  const { setting, says } = table[name]
  const isOfEvents = name === 'write' || name === 'price'
  const facts: Readonly<Record<string, unknown>> = isOfEvents
    ? new EventFacts({ ...of, type: typeof of?.['type'] === 'string' ? of['type'] : 'MSG' }) as never
    : { ...emptyAsker, ...pick(of) }
  const found = isOfEvents ? await new Conditions(eventWords).compile(source, says) : await new Conditions(askerWords).compile(source, says)
  if (found.problem !== undefined) return { problem: found.problem }
  const { named, of: ask } = found.condition
  const words = of === undefined ? {} : Object.fromEntries(named.map(word => [word, facts[word]]))
  return { setting, words, ...(of !== undefined && { says: ask(facts as never) }) }
}

const emptyAsker: AskerFacts = { agent: '', name: '', keyed: false, verified: false, channel: '', address: '' }

/** Those fields that are words, of the kind that they have. */
const pick = (of: Readonly<Record<string, unknown>> | undefined): object =>
  Object.fromEntries(
    Object.entries(of ?? {}).filter(([word, value]) => typeof value === typeof (emptyAsker as Record<string, unknown>)[word]),
  )
