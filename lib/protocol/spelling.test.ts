// What the library tells is camelCase through and through, and what is data or signed keeps its keys.
import { describe, expect, test } from 'vitest'
import type * as z from 'zod/mini'
import { frameDocs } from './docs/index.ts'
import { frames } from './frames.ts'
import { asked, told, type Asked, type Spelled, type Told } from './spelling.ts'
import { requests, type Frame, type FrameBody, type FrameType } from './table.ts'

/** The example of the documentation, with more or other fields. */
const example = <T extends FrameType>(type: T, more: object = {}): Frame<T> =>
  ({ type, ts: 1, ...frameDocs[type].example, ...more }) as unknown as Frame<T>

/** Where names with an underscore are, lists left out. */
const underscored = (value: unknown, path: string): readonly string[] =>
  Array.isArray(value)
    ? value.flatMap(each => underscored(each, path))
    : typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap((
      [key, each],
    ) => [...(key.includes('_') ? [`${path}.${key}`] : []), ...underscored(each, `${path}.${key}`)])
    : []

interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly catchall?: unknown
  readonly element?: z.core.$ZodType
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
}
const defOf = (schema: z.core.$ZodType) => schema._zod.def as Def
const within = (schema: z.core.$ZodType): readonly z.core.$ZodType[] => {
  const { shape = {}, element, innerType, in: into, options = [] } = defOf(schema)
  return [...Object.values(shape), element, innerType, into, ...options].filter(each => each !== undefined)
}
const all = (schema: z.core.$ZodType): readonly z.core.$ZodType[] => [schema, ...within(schema).flatMap(all)]
const holdsObjects = (schema: z.core.$ZodType) => within(schema).flatMap(all).some(each => defOf(each).shape !== undefined)

test('every name of every frame is respelled, except in what is open', () => {
  const left = new Set(Object.keys(frames).flatMap(type => underscored(told(example(type as FrameType)), type)))
  const documents = /\.(profile|skills|receipt|document|query|ratingChanges|detail)(\.|$)|Evidence\.items\.|^RECEIPTS\.receipts\./
  expect([...left].filter(path => !documents.test(path))).toEqual([])
  // The receipt's own document keeps its names wherever it is told; the frame around it does not.
  expect(Object.keys(told(example('RECEIPT')))).toContain('receiptId')
  expect(left).toContain('RECEIPT.receipt.proposal_id')
  expect(left).toContain('RECEIPTS.receipts.receipt_id')
})

test('what came is there as it came, on every object, and in no copy', () => {
  const frame = example('PROPOSAL_STATE')
  const state = told(frame)
  expect(state.frame).toBe(frame)
  expect(state.proposal.frame).toBe(frame.proposal)
  expect(state.proposal.eloStakes).toEqual(frame.proposal.elo_stakes)
  expect(JSON.stringify(state)).not.toMatch(/"frame"|_[a-z_]*":/)
})

describe('keys that are data', () => {
  test('ids, currencies and counts stay', () => {
    const ratings = { '@a_b': { before: 1_200, after_all: 1_210 } }
    expect(told(example('COMPLETE', { rating_changes: ratings })).ratingChanges).toEqual(ratings)
    const facets = { currency: { my_coin: 2 }, language: {}, availability: {}, presence: {} }
    expect(told(example('SEARCH_RESULTS', { facets })).facets).toEqual(facets)
  })

  test('what agents say of themselves stays, and cannot pass for what the relay says of them', () => {
    const [result] = example('SEARCH_RESULTS').results
    const own = { input_modes: ['text'], my_field: { a_b: 1 }, agentId: '@somebody_else', frame: 'mine' }
    const results = [{ ...JSON.parse('{"__proto__":{"agentRating":9}}') as object, ...own, ...result }]
    const [shown] = told(example('SEARCH_RESULTS', { results })).results
    expect(shown).toMatchObject({ agentId: result!.agent_id, input_modes: ['text'], my_field: { a_b: 1 } })
    expect(shown!.agentRating).toBe(result!.agent_rating)
    expect(shown!.frame).toBe(results[0])
    expect(Object.getPrototypeOf(shown)).toBe(Object.prototype)
  })

  test('what is signed is the same object', () => {
    const receipt = example('RECEIPTS').receipts[0]
    expect(told(example('RECEIPTS', { receipts: [receipt] })).receipts[0]).toBe(receipt)
    const profile = { availability_text: 'mornings', links: [{ url: 'https://a.example', my_note: 1 }] }
    const skills = [{ capability: 'x', output_modes: [] }]
    const shown = told(example('PROFILE', { profile, skills }))
    expect([shown.profile, shown.skills[0]]).toEqual([profile, skills[0]])
    expect(shown.profile).toBe(profile)
  })
})

test('events in a page are told by their own kind; of another version, as they are', () => {
  const events = [
    { type: 'MSG', ts: 1, seq: 1, from_name: 'ann', from_later: 1 },
    { type: 'SOMETHING_LATER', ts: 1, some_field: { a_b: 1 } },
    { type: 'VERDICT', ts: 1, votes: 'no list', rating_changes: 5 },
    { type: '__proto__', ts: 1, a_b: 1 },
  ]
  const shown = told(example('HISTORY', { events })).events
  expect(shown).toEqual([
    { type: 'MSG', ts: 1, seq: 1, fromName: 'ann', from_later: 1 },
    { type: 'SOMETHING_LATER', ts: 1, some_field: { a_b: 1 } },
    expect.objectContaining({ type: 'VERDICT', votes: 'no list' }),
    { type: '__proto__', ts: 1, a_b: 1 },
  ])
  expect(shown.map(({ frame }) => frame)).toEqual(events)
})

describe('the table', () => {
  const roots = [...Object.values(frames), ...Object.values(requests)].map(({ body }) => body as z.core.$ZodType)

  test('has no two names of one spelling, and none that is taken', () => {
    for (const { shape = {} } of roots.flatMap(all).map(defOf)) {
      const names = Object.keys(shape)
      expect(new Set(names.map(name => name.replaceAll('_', '').toLowerCase())).size).toBe(names.length)
      expect(names).not.toContain('frame')
    }
  })

  test('keeps the objects of frames where they are found: in fields, lists, and what may be missing', () => {
    for (const schema of Object.values(frames).flatMap(({ body }) => all(body as z.core.$ZodType)))
      if (holdsObjects(schema)) expect(['object', 'array', 'optional', 'nullable']).toContain(defOf(schema).type)
  })

  test('asks by names that come back, and needs no more than the outermost', () => {
    for (const [type, { body }] of Object.entries(requests)) {
      const names = Object.keys(body.shape)
      const fields = Object.fromEntries(names.map(name => [name.replace(/_(.)/g, (_, char: string) => char.toUpperCase()), 1]))
      expect(Object.keys(asked(fields)), type).toEqual(names)
    }
  })
})

test('fields that are not said are not there', () => {
  expect(asked({ proposalId: 'p', reason: undefined, deliverS: 5 })).toEqual({ proposal_id: 'p', deliver_s: 5 })
})

/** Compiles only where both are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const holds = <T extends true>(): T => true as T

test('the types say what is told', () => {
  holds<Same<Told<'WELCOME'>['limits']['maxFrameBytes'], number>>()
  holds<Same<Told<'WELCOME'>['frame'], Frame<'WELCOME'>>>()
  holds<Same<Told<'PROPOSAL_STATE'>['proposal']['eloStakes']['proposer'], number>>()
  holds<Same<Told<'RECEIPTS'>['receipts'][number], Frame<'RECEIPTS'>['receipts'][number]>>()
  holds<Same<NonNullable<Told<'PROFILE'>['profile']>, NonNullable<Frame<'PROFILE'>['profile']>>>()
  holds<Same<Told<'COMPLETE'>['ratingChanges'], Frame<'COMPLETE'>['rating_changes']>>()
  holds<Same<Told<'SEARCH_RESULTS'>['results'][number]['agentRating'], number>>()
  holds<Same<keyof Spelled<{ a_b: 1, cd: 2 }>, 'aB' | 'cd' | 'frame'>>()
  holds<Same<Asked<'JOIN'>['channel'], `#${string}`>>()
  holds<Same<Asked<'WATCH'>['agents'], readonly `@${string}`[]>>()
  holds<Same<Asked<'CREATE_CHANNEL'>['inviteOnly'], boolean | undefined>>()
  // @ts-expect-error a plain text is no channel
  const wrong: Asked<'JOIN'> = { channel: 'general' }
  expect(wrong).toBeDefined()
  const body: FrameBody<'ACK'> = { ts: 1, msg_id: 'm', to: '#general', seq: 1 }
  expect(told({ type: 'ACK', ...body } as Frame<'ACK'>).msgId).toBe('m')
})
