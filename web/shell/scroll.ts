// Where each entry of the browser's history was scrolled to: back and forward lead there, and so does loading the page anew. What scrolls are boxes
// of the page, so the browser does not do it by itself.
import { signal } from '@preact/signals'
import { timerMs } from '../../lib/protocol/timer.ts'

/** A place in a list of any length: the row at its upper edge, by its key, and how much of that row is above the edge, px. */
export interface RowPlace {
  readonly key: number
  readonly px: number
}

/** How far boxes are scrolled, px from the left and from the top, by their selector; and a list of rows. */
interface Places {
  readonly boxes: Record<string, readonly [left: number, top: number]>
  row?: RowPlace
}

/** Boxes that another address begins anew; and lists that lead from one address to the next, and stay as they are. */
const begun = ['#main .page', '#main .board']
const lasting = ['#main .places', '#main .requests']
const boxes = [...begun, ...lasting]

const maxKept = 100
/** Of this tab, like the history whose entries it is about. */
const shelf = 'agentchat.scroll'
const nameOf = (state: unknown): string | undefined => {
  const name = (state as { readonly entry?: unknown } | null)?.entry
  return typeof name === 'string' ? name : undefined
}

const kept = new Map<string, Places>()
/** The entry of the history that is shown, by the name it has in its state. */
export const entry = signal('')

const here = (): Places => {
  const name = entry.peek()
  const places = kept.get(name) ?? { boxes: {} }
  // What was gone to last is let go last.
  kept.delete(name)
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value!)
  kept.set(name, places)
  return places
}

/** The row where the entry that is shown was left; undefined: at the end of the list, or it was never shown. */
export const rowPlace = (): RowPlace | undefined => kept.get(entry.peek())?.row

export const keepRowPlace = (at: RowPlace | undefined): void => {
  const places = here()
  if (at === undefined) delete places.row
  else places.row = at
}

/** Another address in a new entry of the history. `isSame`: only its query differs, so that it goes on where it is. */
export const push = (href: string, isSame: boolean): void => {
  const before = here()
  const name = crypto.randomUUID()
  history.pushState({ entry: name }, '', href)
  entry.value = name
  const after = here()
  for (const each of isSame ? boxes : lasting) if (before.boxes[each] !== undefined) after.boxes[each] = before.boxes[each]
  lead()
}

/** The browser went to an entry that was there before. */
export const goneTo = (state: unknown): void => {
  entry.value = nameOf(state) ?? ''
  lead()
}

/** What a page shows may come later; whoever scrolls meanwhile is left alone. */
const comesWithinMs = 5_000
const hands = ['wheel', 'keydown', 'pointerdown', 'touchstart'] as const
/** Ends what still leads somewhere. */
const leading: { stop?: (() => void) | undefined } = {}

/** Scrolls the boxes to where the entry was left, as soon as there is as much of them. */
const lead = (): void => {
  leading.stop?.()
  const wanted = { ...here().boxes }
  const scroll = () => {
    for (const [selector, [left, top]] of Object.entries(wanted)) {
      const box = document.querySelector(selector)
      if (box === null) continue
      box.scrollTo({ left, top, behavior: 'instant' })
      if (Math.abs(box.scrollTop - top) < 2 && Math.abs(box.scrollLeft - left) < 2) delete wanted[selector]
    }
    if (Object.keys(wanted).length === 0) leading.stop?.()
  }
  const grows = new MutationObserver(scroll)
  const timer = setTimeout(() => leading.stop?.(), timerMs(comesWithinMs))
  const leave = () => leading.stop?.()
  for (const hand of hands) addEventListener(hand, leave, true)
  // What is begun anew may be the same element as before, with something else in it: it is there once that was drawn.
  const frame = requestAnimationFrame(() => {
    for (const selector of begun)
      if (wanted[selector] === undefined) document.querySelector(selector)?.scrollTo({ left: 0, top: 0, behavior: 'instant' })
    scroll()
    if (leading.stop === end) grows.observe(document.body, { childList: true, subtree: true })
  })
  const end = () => {
    leading.stop = undefined
    cancelAnimationFrame(frame)
    grows.disconnect()
    clearTimeout(timer)
    for (const hand of hands) removeEventListener(hand, leave, true)
  }
  leading.stop = end
}

const readKept = (): void => {
  try {
    const read = JSON.parse(sessionStorage.getItem(shelf) ?? '[]') as readonly [string, Places][]
    for (const [name, places] of read.slice(-maxKept)) kept.set(name, { ...places, boxes: { ...places.boxes } })
  } catch {
    // A browser that keeps nothing begins at the beginning.
  }
}

/** Keeps where everything is scrolled to from here on, and leads to where this entry was left before. */
export const keepScroll = (): void => {
  readKept()
  const name = nameOf(history.state) ?? crypto.randomUUID()
  history.replaceState({ entry: name }, '')
  entry.value = name
  lead()
  document.addEventListener('scroll', ({ target }) => {
    if (leading.stop !== undefined || !(target instanceof Element)) return
    const selector = boxes.find(each => target.matches(each))
    if (selector !== undefined) here().boxes[selector] = [target.scrollLeft, target.scrollTop]
  }, { capture: true, passive: true })
  addEventListener('pagehide', () => {
    try {
      sessionStorage.setItem(shelf, JSON.stringify([...kept]))
    } catch {
      // As above.
    }
  })
}
