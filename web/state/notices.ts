// What the console has to say for a moment: what went wrong, and what to do.
import { signal } from '@preact/signals'
import { timerMs } from '../../lib/protocol/timer.ts'
import { reasonOf } from '../text/reason.ts'

export interface Notice {
  readonly id: number
  readonly kind: 'good' | 'bad'
  readonly text: string
}

const shownMs = 8_000
const maxShown = 4

export const notices = signal<readonly Notice[]>([])
const ids = signal(0)

export const dismiss = (id: number): void => {
  notices.value = notices.value.filter(each => each.id !== id)
}

export const notify = (kind: Notice['kind'], text: string): void => {
  const id = ++ids.value
  notices.value = [...notices.value.slice(1 - maxShown), { id, kind, text }]
  setTimeout(() => dismiss(id), timerMs(shownMs))
}

/** Says why something failed, in the words of whoever refused it. */
export const tellFailure = (error: unknown): void => notify('bad', reasonOf(error))
