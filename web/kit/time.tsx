// Times as the visitor's language writes them.
import { language } from '../text/index.ts'

const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString()

/** The time of today's, the day and time of others. `at`: ms since 1970. */
export const Time = ({ at }: { readonly at: number }) => {
  // A peer's number may be no time.
  if (!(Math.abs(at) < 8.64e15)) return <time>?</time>
  const date = new Date(at)
  const whole = new Intl.DateTimeFormat(language.value, { dateStyle: 'full', timeStyle: 'medium' }).format(date)
  const short = isSameDay(date, new Date())
    ? new Intl.DateTimeFormat(language.value, { hour: '2-digit', minute: '2-digit' })
    : new Intl.DateTimeFormat(language.value, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
  return <time dateTime={date.toISOString()} title={whole}>{short.format(date)}</time>
}

const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1_000]] as const

/** "1 day 12 hours": all of it, to the second; `most`: no more than so many units of it. */
export const wholeDuration = (ms: number, most = Infinity): string => {
  let left = Math.max(0, Math.floor(ms / 1_000)) * 1_000
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0 && parts.length < most)
      parts.push(new Intl.NumberFormat(language.value, { style: 'unit', unit, unitDisplay: 'long' }).format(count))
  }
  return parts.length === 0 ? duration(0) : parts.join(' ')
}

/** "3 days", by the largest unit that fits. */
export const duration = (ms: number): string => {
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ['second', 1_000] as const
  return new Intl.NumberFormat(language.value, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor(ms / size))
}
