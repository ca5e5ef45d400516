// A list that comes in pages: what is here of it, and the next page when it is asked for.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Why } from '../../kit/why.tsx'
import { opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly more: boolean
  /** How many there are in all, where that is told. */
  readonly count?: number
}

export interface Paged<Item> {
  readonly items: readonly Item[]
  readonly more: boolean
  readonly count: number | undefined
  readonly isBusy: boolean
  readonly problem: string | undefined
  readonly next: () => Promise<void>
  /** From the beginning. */
  readonly again: () => Promise<void>
}

/** `read` gives the page behind the last item; it is asked anew for another `of`, and after a reconnect. */
export const usePaged = <Item,>(of: string, read: (last: Item | undefined) => Promise<Page<Item>>): Paged<Item> => {
  const state = useSignal<Page<Item>>({ items: [], more: false })
  const isBusy = useSignal(true)
  const problem = useSignal<string | undefined>(undefined)
  const round = useRef(0)
  const fetchPage = async (isFirst: boolean): Promise<void> => {
    const mine = ++round.current
    isBusy.value = true
    try {
      const before = isFirst ? [] : state.peek().items
      const page = await read(before.at(-1))
      if (round.current !== mine) return
      state.value = { ...page, items: [...before, ...page.items] }
      problem.value = undefined
    } catch (error) {
      if (round.current === mine) problem.value = reasonOf(error)
    } finally {
      if (round.current === mine) isBusy.value = false
    }
  }
  useEffect(() => void fetchPage(true), [of, opened.value])
  return {
    ...state.value,
    count: state.value.count,
    isBusy: isBusy.value,
    problem: problem.value,
    next: () => fetchPage(false),
    again: () => fetchPage(true),
  }
}

/** How many of all are shown, what went wrong, and the way to the others. `shown`: after a filter */
export const PagedFoot = <Item,>({ list, shown, none }: { readonly list: Paged<Item>, readonly shown: number, readonly none: string }) => {
  const texts = t.value.relay
  return (
    <div class='actions paged-foot'>
      {list.problem !== undefined && (
        <p class='wrong' role='alert'>
          <Why reason={list.problem} />
        </p>
      )}
      <span class='small' role='status'>
        {list.isBusy && list.items.length === 0
          ? t.value.shell.loading
          : list.items.length === 0 && list.problem === undefined
          ? none
          : texts.shown(shown, list.count ?? list.items.length, list.count === undefined && list.more)}
      </span>
      {list.more && <button type='button' disabled={list.isBusy} onClick={() => void list.next()}>{texts.more}</button>}
      <button type='button' class='quiet' disabled={list.isBusy} onClick={() => void list.again()}>{texts.again}</button>
    </div>
  )
}
