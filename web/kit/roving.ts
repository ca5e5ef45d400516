// One stop of the Tab key for a list; the arrows go through it.

/** For `onKeyDown` of what holds the items: links or buttons with `data-item`. */
export const rove = (event: KeyboardEvent): void => {
  const steps: Readonly<Record<string, number | 'first' | 'last'>> = { ArrowDown: 1, ArrowUp: -1, Home: 'first', End: 'last' }
  const step = steps[event.key]
  const { target } = event
  if (step === undefined || !(target instanceof Element)) return
  // Fields and dialogs have keys of their own; in a line only those that go along it.
  if (target.closest('textarea, select, dialog') !== null || (target.tagName === 'INPUT' && typeof step === 'string')) return
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[data-item]')]
  const at = items.findIndex(item => item.contains(document.activeElement))
  const next = step === 'first'
    ? items[0]
    : step === 'last' || (at === -1 && step < 0)
    ? items.at(-1)
    : items[Math.min(items.length - 1, Math.max(0, at + step))]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}
