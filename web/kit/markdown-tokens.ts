// Markdown of somebody else as tokens, in time that grows with its length: what the lexer does for each sign of it grows with the text that
// it is given, so it is given a text of many signs in parts.
import { Lexer, type Token, type Tokens } from 'marked'

/** What a sign weighs that may mean something, or an end of a line; each further blank of a row; and any other. So much is a part at most. */
const weights = { sign: 40, blank: 5, other: 3 } as const
const maxWeight = 300 * weights.sign
/** Where a text falls apart, the best first: behind a paragraph, before a line that stands by itself, behind a line. */
const seams = [/(?<=\n\n)(?=\S)/, /(?<=\n)(?=\S)/, /(?<=\n)/]

const isBlank = (code: number): boolean =>
  code <= 32 || (code > 126 && (code === 0xa0 || code === 0x3000 || code === 0xfeff || (code >= 0x2000 && code < 0x2070)))

const weightAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code === 10) return weights.sign
  if (isBlank(code)) return at > 0 && isBlank(text.charCodeAt(at - 1)) ? weights.blank : weights.other
  const isWord = code > 126 || (code >= 48 && code < 58) || (code >= 65 && code < 91) || (code >= 97 && code < 123)
  return isWord ? weights.other : weights.sign
}

const weigh = (text: string): number => {
  let weight = 0
  for (let i = 0; i < text.length; i++) weight += weightAt(text, i)
  return weight
}

/** A line that weighs more than a part may, in pieces. */
const piecesOf = (line: string): readonly string[] => {
  const pieces: string[] = []
  let [start, weight] = [0, 0]
  for (let i = 0; i < line.length; i++) {
    const more = weightAt(line, i)
    weight += more
    if (weight <= maxWeight) continue
    pieces.push(line.slice(start, i))
    ;[start, weight] = [i, more]
  }
  return [...pieces, line.slice(start)]
}

/** The parts of a text; together they are the text. */
export const partsOf = (text: string, seam = 0): readonly string[] => {
  if (weigh(text) <= maxWeight) return [text]
  const parts: string[] = []
  let [part, weight] = ['', 0]
  const end = (): void => {
    if (part !== '') parts.push(part)
    ;[part, weight] = ['', 0]
  }
  for (const chunk of seam < seams.length ? text.split(seams[seam]!) : piecesOf(text)) {
    const more = weigh(chunk)
    if (weight + more > maxWeight) end()
    if (more > maxWeight) parts.push(...partsOf(chunk, seam + 1))
    else [part, weight] = [part + chunk, weight + more]
  }
  end()
  return parts
}

const lexed = (text: string): readonly Token[] => {
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(text)
  } catch {
    return [{ type: 'text', raw: text, text } as Tokens.Text]
  }
}

const codeOf = (lines: readonly string[], isClosed: boolean): Tokens.Code => {
  const raw = lines.join('')
  return { type: 'code', raw, text: lines.slice(1, isClosed ? -1 : undefined).join('').replace(/\n$/, '') }
}

/** What a text says, as Markdown. Code between fences is no work, however long it is. */
export const tokensOf = (said: string): readonly Token[] => {
  const text = said.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  if (weigh(text) <= maxWeight) return lexed(text)
  const tokens: Token[] = []
  let lines: string[] = []
  /** What closes the code that is read; undefined: it is none. */
  let fence: string | undefined
  const end = (): void => {
    for (const part of partsOf(lines.join(''))) if (part !== '') tokens.push(...lexed(part))
    lines = []
  }
  for (const line of text.split(/(?<=\n)/)) {
    if (fence === undefined) {
      fence = /^(?:`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[0]
      if (fence !== undefined) end()
      lines.push(line)
    } else {
      lines.push(line)
      if (/^ {0,3}([`~]+) *\n?$/.exec(line)?.[1]?.startsWith(fence) !== true) continue
      tokens.push(codeOf(lines, true))
      ;[lines, fence] = [[], undefined]
    }
  }
  if (fence === undefined) end()
  else tokens.push(codeOf(lines, false))
  return tokens
}
