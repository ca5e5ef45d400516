// Time that runs out: how much is left, second by second at the end; when it is over stands behind it, for whoever points at it.
import { useEffect, useReducer } from 'preact/hooks'
import { timerMs } from '../../lib/protocol/timer.ts'
import { language, t } from '../text/index.ts'
import { wholeDuration } from './time.tsx'

const hourMs = 3_600_000

/** The last that a date can be. */
const maxAt = 8.64e15
const dateOf = (at: number): Date => new Date(Math.min(at, maxAt))

/** The whole of a time, as the visitor's language writes it. `at`: ms since 1970. */
export const wholeTime = (at: number): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'full', timeStyle: 'medium' }).format(dateOf(at))

export const Countdown = ({ to }: { readonly to: number }) => {
  const [, again] = useReducer((n: number) => n + 1, 0)
  const left = to - Date.now()
  useEffect(() => {
    if (left <= 0) return
    const timer = setTimeout(again, timerMs(left < 2 * hourMs ? 1_000 : 60_000))
    return () => clearTimeout(timer)
  })
  const texts = t.value.deals
  return (
    <time class={left < hourMs ? 'soon' : ''} dateTime={dateOf(to).toISOString()} title={wholeTime(to)}>
      {left <= 0 ? texts.over : texts.left(wholeDuration(left, 2))}
    </time>
  )
}
