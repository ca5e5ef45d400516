// How much of a time a relay answered, from looks that were counted by the hour.

export interface Hour {
  /** hours since 1970 */ readonly hour: number
  readonly ok: number
  readonly total: number
}

export const hourMs = 60 * 60_000
export const dayHours = 24
export const weekHours = 7 * 24

/** The share of looks that were answered, 0 to 1, each hour weighing the same; null where nobody looked. */
export const uptimeOf = (hours: readonly Hour[], now: number, lastHours: number): number | null => {
  const from = Math.floor(now / hourMs) - lastHours
  const counted = hours.filter(({ hour, total }) => hour > from && total > 0)
  if (counted.length === 0) return null
  const sum = counted.reduce((share, { ok, total }) => share + ok / total, 0)
  return Math.round(sum / counted.length * 10_000) / 10_000
}
