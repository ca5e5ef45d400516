// The relay's log as it comes: the newest lines first seen, then what follows them.
import { signal } from '@preact/signals'
import type { Frame } from '../../lib/protocol/index.ts'
import { timerMs } from '../../lib/protocol/timer.ts'
import { operate } from './operating.ts'
import { isOpen } from './session.ts'
import { reasonOf } from '../text/reason.ts'

export type LogLine = Frame<'LOG'>['lines'][number]
export type LogLevel = LogLine['level']

const everyMs = 2_000
const maxLines = 2_000

export const lines = signal<readonly LogLine[]>([])
/** Lines that came and went unseen, while nobody looked. */
export const missed = signal(false)
export const logProblem = signal<string | undefined>(undefined)

/** Follows it from now on, as long as the page is seen; gives what ends it. */
export const followLog = (level: LogLevel, isPaused: () => boolean): () => void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  let after: number | undefined
  lines.value = []
  missed.value = false
  const look = async (): Promise<void> => {
    try {
      const page = await operate('ADMIN_LOG', { level, ...(after !== undefined && { after }) })
      if (isOver) return
      if (after !== undefined && page.oldest > after + 1) missed.value = true
      if (page.lines.length > 0) {
        after = page.lines.at(-1)!.n
        lines.value = [...lines.peek(), ...page.lines].slice(-maxLines)
      }
      logProblem.value = undefined
      if (page.more) await look()
    } catch (error) {
      logProblem.value = reasonOf(error)
    }
  }
  const next = async (): Promise<void> => {
    if (document.visibilityState === 'visible' && isOpen.peek() && !isPaused()) await look()
    if (!isOver) timer = setTimeout(() => void next(), timerMs(everyMs))
  }
  void next()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
