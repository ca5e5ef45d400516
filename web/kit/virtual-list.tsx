// A list of any length: only what is looked at is there. It stays at its end as long as the visitor does.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useMemo, useReducer, useRef } from 'preact/hooks'

export interface VirtualListProps {
  readonly count: number
  readonly label: string
  /** What keeps its place when others come: the same for the same row. */
  readonly keyOf: (index: number) => string | number
  readonly row: (index: number) => ComponentChildren
  /** Which rows are shown, the last one included, and whether the end is in view. */
  readonly onRange?: (first: number, last: number, isAtEnd: boolean) => void
  /** Estimated height of a row, px. */
  readonly rowHeight: number
  /** Another list in the same place starts at its end again. */
  readonly of: string
  /** Where it stands when it is first shown; left out: at its end. */
  readonly begin?: ListPlace | undefined
  /** Where it was scrolled to; undefined: to its end. */
  readonly onPlace?: (at: ListPlace | undefined) => void
  readonly ref?: { current: ListHandle | null }
}

/** The row at the upper edge, and how much of it is above that, px. */
export interface ListPlace {
  readonly index: number
  readonly px: number
}

export interface ListHandle {
  readonly toEnd: () => void
  readonly toIndex: (index: number) => void
  readonly toPlace: (at: ListPlace) => void
}

/** So near to its end (px) the list follows it. */
const nearPx = 60

export const VirtualList = ({ count, label, keyOf, row, onRange, onPlace, begin, rowHeight, of, ref }: VirtualListProps) => {
  const scroller = useRef<HTMLDivElement>(null)
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const follows = useRef(true)
  /** Where it is held until somebody scrolls: rows turn out higher or lower than they were reckoned. `top`: how far that was scrolled, px. */
  const held = useRef<ListPlace & { readonly top?: number } | undefined>(undefined)
  const shown = useRef({ count, keyOf, rowHeight, onRange, onPlace })
  shown.current = { count, keyOf, rowHeight, onRange, onPlace }
  const virtual = useMemo(() =>
    new Virtualizer<HTMLDivElement, HTMLElement>({
      count,
      getScrollElement: () => scroller.current,
      estimateSize: () => shown.current.rowHeight,
      getItemKey: index => shown.current.keyOf(index),
      overscan: 8,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      onChange: () => redraw(undefined),
    }), [of])
  virtual.setOptions({ ...virtual.options, count })

  // Elements are measured when they come, not whenever the list is drawn.
  const measure = useMemo(() => (element: HTMLElement | null) => {
    if (element !== null) virtual.measureElement(element)
  }, [virtual])

  const hold = (at: ListPlace | undefined): void => {
    held.current = at
    // One of both says where it is.
    virtual.shouldAdjustScrollPositionOnItemSizeChange = at && (() => false)
  }
  /** Whenever it was scrolled, and when rows above turned out otherwise. */
  const tellPlace = (box: HTMLElement): void => {
    const item = follows.current ? undefined : virtual.getVirtualItemForOffset(box.scrollTop)
    shown.current.onPlace?.(item && { index: item.index, px: box.scrollTop - item.start })
  }
  const isElsewhere = (box: HTMLElement): boolean => Math.abs(box.scrollTop - (held.current?.top ?? box.scrollTop)) >= 2

  useLayoutEffect(() => {
    hold(begin)
    follows.current = begin === undefined
    return virtual._didMount()
  }, [virtual])
  useLayoutEffect(() => {
    virtual._willUpdate()
    const box = scroller.current
    if (box === null || count === 0) return
    if (follows.current) box.scrollTop = box.scrollHeight
    else if (isElsewhere(box)) hold(undefined)
    else if (held.current !== undefined) {
      const { index, px } = held.current
      const start = virtual.measurementsCache[Math.min(index, count - 1)]?.start ?? 0
      if (Math.abs(box.scrollTop - start - px) >= 1) box.scrollTop = start + px
      held.current = { index, px, top: box.scrollTop }
    } else tellPlace(box)
  })
  useLayoutEffect(() => {
    if (ref === undefined) return
    ref.current = {
      toEnd: () => {
        hold(undefined)
        follows.current = true
        redraw(undefined)
      },
      toIndex: index => {
        hold(undefined)
        follows.current = false
        virtual.scrollToIndex(index, { align: 'center' })
      },
      toPlace: at => {
        hold(at)
        follows.current = false
        redraw(undefined)
      },
    }
  }, [virtual, ref])

  const items = virtual.getVirtualItems()
  useLayoutEffect(() => {
    const first = items[0]
    if (first !== undefined) shown.current.onRange?.(first.index, items.at(-1)!.index, follows.current)
  }, [items[0]?.index, items.at(-1)?.index, count, follows.current])

  return (
    <div
      class='virtual'
      ref={scroller}
      role='log'
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget: box }) => {
        // It is this list that scrolled.
        if (held.current !== undefined && !isElsewhere(box)) return
        hold(undefined)
        const before = follows.current
        follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < nearPx
        tellPlace(box)
        if (follows.current !== before) redraw(undefined)
      }}
    >
      <div class='virtual-inner' style={{ height: `${virtual.getTotalSize()}px` }}>
        {items.map(item => (
          <div
            key={item.key}
            class='virtual-row'
            data-index={item.index}
            ref={measure}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  )
}
