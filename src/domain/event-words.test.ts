import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Conditions } from '../../lib/rules/index.ts'
import { askerWords } from './policies.ts'
import { EventFacts, eventWords } from './event-words.ts'

const isTrue = async (source: string, said: ConstructorParameters<typeof EventFacts>[0]) => {
  const compiled = await new Conditions(eventWords).compile(source)
  if (compiled.problem !== undefined) throw new Error(compiled.problem)
  return compiled.condition.of(new EventFacts(said))
}

test('words of an event are found where it has them, and are empty where it has not', async () => {
  const said = {
    type: 'MSG',
    from: '@a',
    from_name: 'Ada',
    to: '@b',
    content: 'hi @bob',
    in_reply_to: 'x',
    sig: 's',
    files: [{}, {}],
    edit: {},
  }
  expect(await isTrue('event == "MSG" && from == "@a" && from_name == "Ada" && to == "@b" && direct && content == "hi @bob"', said)).toBe(
    true,
  )
  expect(await isTrue('mentions == ["bob"] && thread == "x" && in_reply_to == "x" && change == "edit" && signed && files == 2', said)).toBe(
    true,
  )
  const nothing = [
    'from == "" && to == "" && !direct && content == "" && chars == 0 && mentions == [] && thread == "" && change == ""',
    '!verified && !signed && files == 0 && from_name == "" && in_reply_to == ""',
  ]
  for (const source of nothing) {
    expect(await isTrue(source, { type: 'DISPUTE' })).toBe(true)
    expect(await isTrue(source, { type: 'DISPUTE', from: 1, to: {}, content: [], files: 'x', thread: null })).toBe(true)
  }
  expect(await isTrue('size(content) == 16384 && chars == 600000', { type: 'MSG', content: 'é'.repeat(600_000) })).toBe(true)
})

test('docs/CONDITIONS.md says what each word is', () => {
  const page = readFileSync('docs/CONDITIONS.md', 'utf8')
  for (const words of [eventWords, askerWords]) {
    const rows = Object.entries(words).map(([name, { doc }]) => `| \`${name}\` | ${doc} |\n`)
    expect(page).toContain(`|---|---|\n${rows.join('')}\n`)
  }
})
