import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Skill } from '../../lib/protocol/index.ts'
import { fromCardSkills, skillsExtensionUri, toCardSkills, type A2aSkill } from './a2a-skills.ts'

/** Few words, so that they repeat and collide with numbered ids. */
const word = fc.oneof(fc.constantFrom('a', 'b', 'a-2', 'a-3', 'constructor', ''), fc.string({ maxLength: 5 }))
const words = fc.array(word, { maxLength: 3 })
const json = fc.jsonValue({ maxDepth: 2 }).map(value => JSON.parse(JSON.stringify(value)) as unknown)

const skill = fc.tuple(
  fc.dictionary(fc.string({ maxLength: 6 }).filter(key => key !== '__proto__'), json, { maxKeys: 3, noNullPrototype: true }),
  fc.record({
    capability: word,
    name: word,
    description: fc.option(word),
    tags: words,
    examples: words,
    input_modes: words,
    output_modes: words,
    rate: fc.option(fc.nat()),
    currency: fc.option(word),
    security: json,
    id: json,
  }, { requiredKeys: ['capability'] }),
).map(([extra, known]) => ({ ...extra, ...known }) as unknown as Skill)

const card = fc.uniqueArray(fc.record({
  id: word,
  name: word,
  description: word,
  tags: words,
  examples: words,
  inputModes: words,
  outputModes: words,
  security: json.filter(value => value !== null),
}, { requiredKeys: ['id', 'name', 'description', 'tags'] }), { selector: ({ id }) => id, maxLength: 5 }) as fc.Arbitrary<A2aSkill[]>

test('skills survive the way through a card and its JSON', () => {
  fc.assert(fc.property(fc.array(skill, { maxLength: 5 }), skills => {
    expect(fromCardSkills(JSON.parse(JSON.stringify(toCardSkills(skills))) as ReturnType<typeof toCardSkills>)).toEqual(skills)
  }), { numRuns: 1_000 })
})

test("a card's skills survive the way through ours", () => {
  fc.assert(fc.property(card, skills => {
    expect(toCardSkills(fromCardSkills({ skills })).skills).toEqual(skills)
  }), { numRuns: 1_000 })
})

test('ids of a card are unique', () => {
  fc.assert(fc.property(fc.array(skill, { maxLength: 8 }), skills => {
    const ids = toCardSkills(skills).skills.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  }))
})

test('a priced skill, as a card shows it', () => {
  expect(toCardSkills([{ capability: 'code-review', description: 'Reads code', rate: 5, currency: 'TEST' }, { capability: 'baking' }]))
    .toEqual({
      skills: [{ id: 'code-review', name: 'code-review', description: 'Reads code', tags: [] }, {
        id: 'baking',
        name: 'baking',
        description: '',
        tags: [],
      }],
      capabilities: {
        extensions: [{
          uri: skillsExtensionUri,
          description: expect.any(String) as string,
          required: false,
          params: { skills: { 'code-review': { rate: 5, currency: 'TEST' } } },
        }],
      },
    })
  expect(toCardSkills([{ capability: 'baking' }]).capabilities.extensions).toEqual([])
})

test('what is not ours in a card does no harm', () => {
  const skills = [{ id: 'x', name: 'X', description: 'd', tags: [] }]
  const expected = [{ capability: 'x', name: 'X', description: 'd' }]
  for (
    const extensions of [undefined, [], [null, 5, { uri: 'urn:other' }], [{ uri: skillsExtensionUri }], [{
      uri: skillsExtensionUri,
      params: { skills: { y: { rate: 1 } } },
    }]]
  ) {
    expect(fromCardSkills({ skills, capabilities: extensions === undefined ? {} : { extensions } })).toEqual(expected)
  }
})
