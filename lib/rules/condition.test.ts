import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Conditions, type Values } from './index.ts'

const vocabulary = {
  event: { kind: 'text', maxChars: 32, doc: '' },
  from: { kind: 'text', maxChars: 65, doc: '' },
  to: { kind: 'text', maxChars: 65, doc: '' },
  content: { kind: 'text', maxChars: 16_384, doc: '' },
  mentions: { kind: 'texts', maxItems: 20, maxChars: 64, doc: '' },
  chars: { kind: 'number', doc: '' },
  direct: { kind: 'flag', doc: '' },
} as const
const conditions = new Conditions(vocabulary)
const values: Values<typeof vocabulary> = {
  event: 'MSG',
  from: '@8addfe276526c9f6',
  to: '#builds',
  content: 'Build 12 FAILED, @ada please look',
  mentions: ['ada'],
  chars: 33,
  direct: false,
}

const problemOf = async (source: string) => (await conditions.compile(source)).problem

test.each([
  ['true', true],
  ['event == "MSG" && to == "#builds"', true],
  ["from in ['@a', '@8addfe276526c9f6']", true],
  ['content.contains("failed")', false],
  ['content.lowerAscii().contains("failed")', true],
  ['content.startsWith("Build") && !content.endsWith("!")', true],
  ['"ada" in mentions || direct', true],
  ['mentions.exists(m, content.contains(m))', true],
  ['mentions.exists(m, m == "bob")', false],
  ['mentions.all(m, m.size() < 5)', true],
  ['["error", "failed"].exists(w, content.lowerAscii().contains(w))', true],
  ['size(mentions) > 0 && chars >= 33 && size(content) != 32', true],
  ['direct ? chars > 100 : chars > 10', true],
  ['mentions == ["ada"]', true],
  ['// a remark\n  event == "MSG"', true],
  ['from in []', false],
])('%s', async (source, expected) => {
  const { condition, problem } = await conditions.compile(source) as { condition?: { of(v: typeof values): boolean }, problem?: string }
  expect(problem).toBeUndefined()
  expect(condition!.of(values)).toBe(expected)
})

test('how much, where a number is asked for', async () => {
  const price = await conditions.compile('chars > 1000 ? 10 : direct ? 2 : 1', 'int')
  if (price.problem !== undefined) throw new Error(price.problem)
  expect(price.condition.of(values)).toBe(1)
  expect((await conditions.compile('direct', 'int')).problem).toBe('it gives bool, and has to give a whole number (int)')
})

test.each([
  ['', 'at character 1: Unexpected token: EOF'],
  ['contnt.contains("a")', 'at character 1: there is no contnt here; there are event, from, to, content, mentions, chars, direct'],
  ['true || nope', 'at character 9: there is no nope here; there are event'],
  ['int == int', 'at character 1: there is no int here'],
  ['content ==', 'at character 11: '],
  ['chars', 'it gives int, and has to give yes or no (bool)'],
  ['chars > "5"', 'at character 1: no such overload: int > string'],
  ['content.contains(1)', 'at character 1: '],
  ['mentions.exists(m, m)', 'at character '],
  ['content.matches("(a+)+$")', 'at character 1: matches: what may be called is contains'],
  ['content.split("")  == []', 'at character 1: split: '],
  ['content.constructor == ""', 'at character 1: . is not one of the forms of a condition'],
  ['mentions[0] == "a"', 'at character 1: [] is not one'],
  ['chars / 0 == 1', 'at character 1: / is not one'],
  ['content + content == ""', 'at character 1: + is not one'],
  ['mentions.map(m, m) == []', 'at character 1: map: '],
  ['dyn(content) == 1', 'at character 1: dyn: '],
  ['cel.bind(x, content, x == x)', 'at character 1: bind: '],
  ['{"a": 1} == {}', 'at character 1: map is not one'],
  ['1.5 > 1.0', 'at character 1: only texts, whole numbers'],
  ['b"a" == b"a"', 'at character 1: only texts'],
  ['null == null', 'at character 1: only texts'],
  ['mentions.exists(m, mentions.exists(n, m == n))', 'at character 20: exists: exists and all may not stand in one another'],
  ['has(content.a)', 'at character 1: has: '],
  [`content == "${'a'.repeat(5_000)}"`, 'it has 5013 characters, and 4000 are allowed'],
  ['('.repeat(100) + 'true' + ')'.repeat(100), 'at character 21: Exceeded maxDepth (20)'],
  ['!'.repeat(3_000) + 'true', 'at character 2501: Exceeded maxAstNodes (500)'],
  [Array.from({ length: 300 }, () => 'true').join('||'), 'at character '],
  [`from in [${'"a",'.repeat(300)}]`, 'at character '],
  [Array.from({ length: 70 }, (_, i) => `content.contains("${i}")`).join('||'), 'at character 1: it is too much work: up to '],
  [`[${Array.from({ length: 90 }, (_, i) => `"${i}"`).join()}].exists(w, content.contains(w))`, 'at character 1: it is too much work'],
  ['content' + '.lowerAscii()'.repeat(19) + ' == ""', 'at character 1: it is too much work'],
  // A part that stands nowhere, and nearly everywhere: looking for a long one takes as long as both together.
  [`content.contains("ab${'a'.repeat(300)}")`, 'at character 1: it is too much work'],
  [`[${'"",'.repeat(190)}""].exists(m, ${Array(30).fill('m==m').join('&&')})`, 'at character 1: it is too much work'],
])('refused with a sentence that says where: %#', async (source, expected) => {
  expect(await problemOf(source)).toMatch(new RegExp(`^${expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`))
})

test('only what is named is read, and nothing of it is loaded twice', async () => {
  const read: string[] = []
  const watched = new Proxy(values, {
    get: (target, name) => {
      read.push(String(name))
      return target[name as keyof typeof values]
    },
  })
  const compiled = await conditions.compile('from == "@b" && "ada" in mentions')
  if (compiled.problem !== undefined) throw new Error(compiled.problem)
  compiled.condition.of(watched)
  expect(read.sort()).toEqual(['from', 'mentions'])
})

const said = fc.record({
  event: fc.string(),
  from: fc.string(),
  to: fc.string(),
  content: fc.string({ unit: 'binary' }),
  mentions: fc.array(fc.string(), { maxLength: 20 }),
  chars: fc.nat(),
  direct: fc.boolean(),
})

test('whatever is written: a sentence or a condition, never a throw', async () => {
  const word = fc.constantFrom(
    ...'content mentions chars direct from m nope "a" 1 18446744073709551616 1u -1 true [] ["a"] ( ) [ ] { } , . ? : ! - && || == < in + / %'
      .split(' '),
    ...'size( .size() .contains( .lowerAscii() .exists(m, .all(m, .matches( .map(m, has( dyn( int( ` \\ " \u{1F600} \u0000'.split(' '),
  )
  const source = fc.oneof(fc.array(word, { maxLength: 14 }).map(words => words.join(' ')), fc.string({ unit: 'binary', maxLength: 60 }))
  await fc.assert(
    fc.asyncProperty(source, said, async (text, given) => {
      const compiled = await conditions.compile(text)
      if (compiled.problem === undefined) expect(typeof compiled.condition.of(given)).toBe('boolean')
      else expect(compiled.problem).not.toBe('')
    }),
    { numRuns: 1_000 },
  )
})

test('what may be saved answers, whatever the values are', async () => {
  const { flag } = fc.letrec<{ flag: string, text: string, texts: string, number: string }>(tie => ({
    flag: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom('direct', 'true'),
      fc.tuple(tie('text'), fc.constantFrom('==', '<', '>='), tie('text')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie('number'), fc.constantFrom('==', '!=', '<=', '>'), tie('number')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie('text'), fc.constantFrom('contains', 'startsWith', 'endsWith'), tie('text')).map(([a, op, b]) => `${a}.${op}(${b})`),
      fc.tuple(tie('text'), tie('texts')).map(([a, b]) => `(${a} in ${b})`),
      fc.tuple(tie('flag'), fc.constantFrom('&&', '||', '=='), tie('flag')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(tie('flag'), tie('flag'), tie('flag')).map(([a, b, c]) => `(${a} ? ${b} : !${c})`),
      fc.tuple(tie('texts'), fc.constantFrom('exists', 'all'), tie('text')).map(([a, op, b]) => `${a}.${op}(m, m < ${b} || m.size() > 2)`),
    ),
    text: fc.oneof({ maxDepth: 2 }, fc.constantFrom('content', 'from', '"a"', "''"), tie('text').map(text => `${text}.lowerAscii()`)),
    texts: fc.oneof(fc.constantFrom('mentions', '[]', '["a", "b"]'), tie('text').map(text => `[${text}, "c"]`)),
    number: fc.oneof(fc.constantFrom('chars', '7'), tie('text').map(text => `size(${text})`), tie('texts').map(texts => `${texts}.size()`)),
  }))
  let ran = 0
  await fc.assert(
    fc.asyncProperty(flag as fc.Arbitrary<string>, said, async (text, given) => {
      const compiled = await conditions.compile(text)
      if (compiled.problem !== undefined) return
      ran++
      expect(typeof compiled.condition.of(given), text).toBe('boolean')
    }),
    { numRuns: 500 },
  )
  expect(ran).toBeGreaterThan(250)
})
