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
  readonly ref?: { current: ListHandle | null }
}

export interface ListHandle {
  readonly toEnd: () => void
  readonly toIndex: (index: number) => void
}

/** So near to its end (px) the list follows it. */
const nearPx = 60

export const VirtualList = ({ count, label, keyOf, row, onRange, rowHeight, of, ref }: VirtualListProps) => {
  const scroller = useRef<HTMLDivElement>(null)
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const follows = useRef(true)
  const shown = useRef({ count, keyOf, rowHeight, onRange })
  shown.current = { count, keyOf, rowHeight, onRange }
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

  useLayoutEffect(() => {
    follows.current = true
    return virtual._didMount()
  }, [virtual])
  useLayoutEffect(() => {
    virtual._willUpdate()
    const box = scroller.current
    if (box !== null && follows.current && count > 0) box.scrollTop = box.scrollHeight
  })
  useLayoutEffect(() => {
    if (ref === undefined) return
    ref.current = {
      toEnd: () => {
        follows.current = true
        const box = scroller.current
        if (box !== null) box.scrollTop = box.scrollHeight
      },
      toIndex: index => {
        follows.current = false
        virtual.scrollToIndex(index, { align: 'center' })
      },
    }
  }, [virtual, ref])

  const items = virtual.getVirtualItems()
  const box = scroller.current
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
      onScroll={() => {
        const at = scroller.current
        if (at !== null) follows.current = at.scrollHeight - at.scrollTop - at.clientHeight < nearPx
        if (follows.current !== (box !== null && follows.current)) redraw(undefined)
      }}
    >
      <div class='virtual-inner' style={{ height: `${virtual.getTotalSize()}px` }}>
        {items.map(item => (
          <div
            key={item.key}
            class='virtual-row'
            data-index={item.index}
            ref={element => {
              if (element !== null) virtual.measureElement(element)
            }}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  )
}
