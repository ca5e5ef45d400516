// What a hook says of what it was sent: by its template, or as it came. It is a stranger's text: bounded, and fenced where it stands alone.

/** Of one field that is put in, and of all of it. */
const maxFieldChars = 1_000
const maxChars = 4 * 1024
/** Objects and lists that are spelled out: each may be all that was sent. */
const maxSpelled = 8

const clipped = (text: string, most: number): string => {
  if (text.length <= most) return text
  // Half a character is none.
  const end = /[\ud800-\udbff]/.test(text[most - 2] ?? '') ? most - 2 : most - 1
  return `${text.slice(0, end)}…`
}

/** Its own fields alone: nothing that an object merely has. */
const fieldAt = (value: unknown, path: string): unknown => {
  let at = value
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/** How a field is put in: each object is spelled out once, however often it is named. */
const speller = (): (value: unknown) => string => {
  const spelled = new Map<object, string>()
  return value => {
    if (typeof value !== 'object' || value === null)
      return value === undefined || value === null ? '' : clipped(String(value), maxFieldChars)
    if (!spelled.has(value)) {
      if (spelled.size >= maxSpelled) return '…'
      spelled.set(value, clipped(jsonOf(value), maxFieldChars))
    }
    return spelled.get(value)!
  }
}

/** What is nested too deep to be written again is left out. */
const jsonOf = (value: object): string => {
  try {
    return JSON.stringify(value)
  } catch {
    return '…'
  }
}

/** Between more marks than stand in it. */
const fenced = (text: string): string => {
  let longest = 2
  for (const { length } of text.match(/`+/g) ?? []) longest = Math.max(longest, length)
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}

/** undefined: the template wants JSON, and this is none. */
export const hookText = (body: string, template: string | null): string | undefined => {
  if (template === null) return fenced(clipped(body, maxChars))
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  const textOf = speller()
  return clipped(template.replace(/\{\{([^{}]{1,200})\}\}/g, (_, path: string) => textOf(fieldAt(value, path.trim()))), maxChars)
}
