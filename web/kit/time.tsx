// Times as the visitor's language writes them.
import { language } from '../text/index.ts'

/** Each is made once: making one takes longer than all else of a row. */
const formats = new Map<string, Intl.DateTimeFormat>()
const formatOf = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${language.value} ${JSON.stringify(options)}`
  let format = formats.get(key)
  if (format === undefined) formats.set(key, format = new Intl.DateTimeFormat(language.value, options))
  return format
}
const whole = { dateStyle: 'full', timeStyle: 'medium' } as const
const today = { hour: '2-digit', minute: '2-digit' } as const
const other = { day: 'numeric', month: 'short', ...today } as const

const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString()

/** The time of today's, the day and time of others. `at`: ms since 1970. */
export const Time = ({ at }: { readonly at: number }) => {
  // A peer's number may be no time.
  if (!(Math.abs(at) < 8.64e15)) return <time>?</time>
  const date = new Date(at)
  const short = formatOf(isSameDay(date, new Date()) ? today : other)
  return <time dateTime={date.toISOString()} title={formatOf(whole).format(date)}>{short.format(date)}</time>
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
