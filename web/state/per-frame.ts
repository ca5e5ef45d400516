// What is drawn once in a frame, however much comes in between.
import { effect, type ReadonlySignal } from '@preact/signals'
import { useEffect, useReducer } from 'preact/hooks'
import { timerMs } from '../../lib/protocol/timer.ts'

/** A window that is not seen has no frames; its title is. */
const unseenMs = 200

/** Gives what asks for `run`: it runs once in the next frame, whatever asked until then. */
export const perFrame = (run: () => void): () => void => {
  let frame: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const now = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame)
    clearTimeout(timer)
    frame = timer = undefined
    run()
  }
  return () => {
    if (document.visibilityState === 'visible') frame ??= requestAnimationFrame(now)
    else timer ??= setTimeout(now, timerMs(unseenMs))
  }
}

/** Draws a component anew when one of these changes: once in a frame. They are read by `peek`. */
export const usePerFrame = (...signals: readonly ReadonlySignal<unknown>[]): void => {
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  useEffect(() => {
    const soon = perFrame(() => redraw(undefined))
    // Also at first: something may have changed since it was drawn.
    return effect(() => {
      for (const each of signals) void each.value
      soon()
    })
  }, signals)
}
