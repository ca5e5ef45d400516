// Parts of a JSON text as they stand in it. What was signed or hashed is a text, and a value that is written again is another one.

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const isOpening = (code: number) => code === 0x5b || code === 0x7b
const isClosing = (code: number) => code === 0x5d || code === 0x7d

const afterSpace = (text: string, at: number): number => {
  let i = at
  while (isSpace(text.charCodeAt(i))) i++
  return i
}

/** Behind the string that begins at `at`. */
const afterString = (text: string, at: number): number => {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) return i + 1
    if (code === backslash) i++
  }
  return text.length
}

/** Behind the value that begins at `at`. */
export const afterValue = (text: string, at: number): number => {
  let depth = 0
  for (let i = at; i < text.length;) {
    const code = text.charCodeAt(i)
    if (code === quote) {
      i = afterString(text, i)
      if (depth === 0) return i
    } else if (isOpening(code)) {
      depth++
      i++
    } else if (isClosing(code)) {
      if (depth === 0) return i
      i++
      if (--depth === 0) return i
    } else if (depth === 0 && (code === comma || isSpace(code))) return i
    else i++
  }
  return text.length
}

/**
 * The text of a field of a JSON object; of one that is there twice the last one, as `JSON.parse` reads it. `text` is known to be a JSON
 * object. undefined: it has no such field. `isFirst`: no field is there twice, and what follows is not looked at.
 * @example rawField('{"seq": 7, "event": {"b":1}}', 'event') // '{"b":1}'
 */
export const rawField = (text: string, name: string, isFirst = false): string | undefined => {
  let found: string | undefined
  let i = afterSpace(text, afterSpace(text, 0) + 1)
  while (text.charCodeAt(i) === quote) {
    const end = afterString(text, i)
    const key = text.slice(i, end)
    i = afterSpace(text, end)
    if (text.charCodeAt(i) === colon) i = afterSpace(text, i + 1)
    const from = i
    i = afterValue(text, from)
    if (key.length >= name.length + 2 && JSON.parse(key) === name) found = text.slice(from, i)
    if (isFirst && found !== undefined) return found
    i = afterSpace(text, i)
    if (text.charCodeAt(i) === comma) i = afterSpace(text, i + 1)
  }
  return found
}

/**
 * The texts of the items of a JSON array.
 * @example rawItems('[{"b":1}, 2]') // ['{"b":1}', '2']
 */
export const rawItems = (text: string): readonly string[] => {
  const items: string[] = []
  let i = afterSpace(text, afterSpace(text, 0) + 1)
  while (i < text.length && !isClosing(text.charCodeAt(i))) {
    const from = i
    i = afterValue(text, from)
    items.push(text.slice(from, i))
    i = afterSpace(text, i)
    if (text.charCodeAt(i) === comma) i = afterSpace(text, i + 1)
  }
  return items
}
