// Free-form JSON on the wire is bounded in depth and in size.

const maxDepth = 8

/** Whether a JSON value is nested no deeper than a few levels and takes at most so many characters. Never throws. */
export const isBounded = (value: unknown, maxChars: number): boolean =>
  isShallow(value, maxDepth) && JSON.stringify(value).length <= maxChars

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' || value === null || (levels > 0 && Object.values(value).every(item => isShallow(item, levels - 1)))
