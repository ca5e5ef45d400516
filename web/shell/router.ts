// Which page is shown: what stands behind /console/ in the address, one segment after the other.
import { signal } from '@preact/signals'
import { goneTo, push } from './scroll.ts'

/** Where the visitor is: a page, what follows its name, and the query. */
export interface Place {
  readonly page: string
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

const base = '/console/'

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const read = (): Place => {
  const [page = '', ...rest] = location.pathname.slice(base.length).split('/').filter(part => part !== '').map(decoded)
  return { page, rest, query: new URLSearchParams(location.search) }
}

export const place = signal<Place>(read())

/** The address of a page. @example hrefOf('chat', '#general') // '/console/chat/%23general' */
export const hrefOf = (page: string, ...rest: readonly string[]): string => base + [page, ...rest].map(encodeURIComponent).join('/')

/** Goes there, within the console. */
export const go = (href: string, { replace = false }: { readonly replace?: boolean } = {}): void => {
  const { pathname } = location
  if (replace) history.replaceState(history.state, '', href)
  else push(href, new URL(href, location.href).pathname === pathname)
  place.value = read()
}

/** Links of the console lead to its pages without loading it anew; those that are to open elsewhere do. */
export const followLinks = (): void => {
  addEventListener('popstate', ({ state }) => {
    goneTo(state)
    place.value = read()
  })
  document.addEventListener('click', event => {
    const link = (event.target as Element | null)?.closest?.('a')
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.target !== '' || link.origin !== location.origin || !link.pathname.startsWith(base)) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}
