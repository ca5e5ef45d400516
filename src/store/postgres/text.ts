// Text as PostgreSQL can hold it: without a zero.

/** A zero is a character that text here cannot hold: what shows it stands in its place. */
const withoutZero = (value: unknown): unknown =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u2400') : value

export const storableOf = (value: unknown): unknown => Array.isArray(value) ? value.map(withoutZero) : withoutZero(value)

/** Ids of publish keys: two that differ are two keys here all the same. */
export const keyThere = (id: string): string => id.replace(/[\0\u2400]/g, each => each === '\0' ? '\u24000' : '\u2400\u2400')

/** The id that is stored so. */
export const keyHere = (stored: string): string => stored.replace(/\u2400([0\u2400])/g, (_, each: string) => each === '0' ? '\0' : '\u2400')
