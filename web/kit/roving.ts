// One stop of the Tab key for a list; the arrows go through it.

/** For `onKeyDown` of what holds the items: links or buttons with `data-item`. */
export const rove = (event: KeyboardEvent): void => {
  const steps: Readonly<Record<string, number | 'first' | 'last'>> = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last' }
  const step = steps[event.key]
  if (step === undefined) return
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[data-item]')]
  const at = items.indexOf(document.activeElement as HTMLElement)
  const next = step === 'first' ? items[0] : step === 'last' ? items.at(-1) : items[Math.min(items.length - 1, Math.max(0, at + step))]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}
