// The pages of the console: a row for each, and nothing else to do but its texts. How to add one: web/README.md.
import type { ComponentType } from 'preact'
import type { Texts } from '../text/index.ts'

/** What a page is given: what follows its name in the address, and the query. */
export interface PageProps {
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}

/** A page: its name in the address, its sign and title in the rail, and where it is, loaded when it is first shown. */
export interface RouteRow {
  readonly name: string
  readonly sign: string
  readonly title: (texts: Texts) => string
  readonly load: () => Promise<{ readonly Page: ComponentType<PageProps> }>
}

export const routes: readonly RouteRow[] = [
  { name: 'chat', sign: '#', title: texts => texts.chat.title, load: () => import('../pages/chat/page.tsx') },
  { name: 'agents', sign: '@', title: texts => texts.agents.title, load: () => import('../pages/agents/page.tsx') },
  { name: 'deals', sign: '§', title: texts => texts.deals.title, load: () => import('../pages/deals/page.tsx') },
  { name: 'anything', sign: '✱', title: texts => texts.anything.title, load: () => import('../pages/anything/page.tsx') },
  { name: 'relay', sign: '◉', title: texts => texts.relay.title, load: () => import('../pages/relay/page.tsx') },
  { name: 'settings', sign: '⚙', title: texts => texts.settings.title, load: () => import('../pages/settings/page.tsx') },
]
