// Free-form JSON on the wire is bounded in depth and in size.

const maxDepth = 8

/** Whether a JSON value is nested no deeper than a few levels and takes at most so many characters. Never throws. */
export const isBounded = (value: unknown, maxChars: number): boolean =>
  isShallow(value, maxDepth) && JSON.stringify(value).length <= maxChars

/** Texts below are not looked over before they are parsed: whatever they hold, it is little. */
const littleChars = 16 * 1024
const [quote, backslash, comma, colon] = [34, 92, 44, 58]
const [openBracket, closeBracket, openBrace, closeBrace] = [91, 93, 123, 125]

/**
 * Whether JSON text holds at most so many values, nested at most so deep. Told without parsing it: two megabytes of `[` or `{},`
 * cost the parser a hundred times what they cost to send. Texts of a few kilobytes always pass. Never throws.
 */
export const isModestJson = (text: string, maxValues: number, maxLevels: number): boolean => {
  if (text.length <= littleChars) return true
  let values = 0
  let level = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === quote) {
      at = endOfString(text, at)
      if (at < 0) return true
    } else if (char === comma || char === colon) {
      values++
    } else if (char === openBracket || char === openBrace) {
      values++
      if (++level > maxLevels) return false
    } else if (char === closeBracket || char === closeBrace) {
      level--
    }
    if (values > maxValues) return false
  }
  return true
}

/** Where the string that begins at `from` ends; below 0 where it does not, which the parser will tell. */
const endOfString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return at
  }
  return -1
}

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' || value === null || (levels > 0 && Object.values(value).every(item => isShallow(item, levels - 1)))
