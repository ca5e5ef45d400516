// What the console reads as Markdown: a text in parts says what it says in one, and no text is much work.
import { Lexer } from 'marked'
import { describe, expect, test } from 'vitest'
import { partsOf, tokensOf } from '../web/kit/markdown-tokens.ts'

const whole = (text: string) => new Lexer({ gfm: true, breaks: true }).lex(text)
/** What stands where, without the empty lines between. */
const told = (tokens: readonly { readonly type: string, readonly raw: string, readonly text?: string }[]) =>
  tokens.filter(({ type }) => type !== 'space').map(({ type, text, raw }) => [type, (text ?? raw).trimEnd()])
const signs = (count: number): string => '(a) '.repeat(count / 2)

describe('the parts of a text', () => {
  test('are the text, whatever it is, and have few signs', () => {
    for (const bit of ['*a_', '\n', 'a\n\n', '- a\n', '  - a\n', '`', ' ', ' \t\u00a0', '> a\n> b\n\n', 'plain ', '[a](b "c")', '🙂*']) {
      const text = bit.repeat(4_000)
      const parts = partsOf(text)
      expect(parts.join('')).toBe(text)
      for (const part of parts) expect(part.match(/[!-/:-@[-`{-~\n]/g)?.length ?? 0).toBeLessThanOrEqual(300)
    }
  })

  test('end behind paragraphs, else before lines that stand by themselves: lists stay lists', () => {
    const paragraph = `${signs(100)}\n\n`
    expect(partsOf(paragraph.repeat(6)).map(part => part.length / paragraph.length)).toEqual([2, 2, 2])
    const item = `- one\n  two ${signs(50)}\n`
    expect(partsOf(item.repeat(20)).every(part => part.startsWith('- one'))).toBe(true)
  })

  test('a text of few signs is one, but for one that is much longer than what is shown at once', () => {
    expect(partsOf('words '.repeat(600))).toHaveLength(1)
    for (const part of partsOf('words '.repeat(10_000))) expect(part.length).toBeLessThanOrEqual(4_000)
  })
})

test.each([
  ['paragraphs and code', `a *b*\n\n\`\`\`js\nx*y*z\n\n# no\n\`\`\`\nc\n\n~~~\n\`\`\`\n~~~\n\n${signs(200)}\n\n${signs(200)}\n`],
  ['code that does not end', `${signs(400)}\n\n\`\`\`\n${signs(400)}\n~~~\n`],
  ['line ends of others', `${signs(200)}\r\n\r\n\`\`\`\r\n*a*\r\n\`\`\`\r\n${signs(200)}\r\r> a\r`],
  ['what only looks like code', `${signs(200)}\n\n\`\`\`a\`b\n${signs(200)}\n`],
  ['lists, quotes and headings', `# a\n\n${'- b\n  - c\n\n'.repeat(60)}${'> d\n\n'.repeat(60)}${signs(200)}\n\n## e\n`],
])('%s: in parts it says the same', (_what, text) => {
  expect(partsOf(text).length).toBeGreaterThan(1)
  const [parts, one] = [told(tokensOf(text)), told(whole(text))]
  // A list or a row of quotes may be several.
  const joined = (tokens: readonly (readonly string[])[]) => tokens.map(([type]) => type).filter((type, i, all) => type !== all[i - 1])
  expect(joined(parts)).toEqual(joined(one))
  expect(parts.filter(([type]) => type === 'code')).toEqual(one.filter(([type]) => type === 'code'))
})
