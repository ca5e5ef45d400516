// Deals: all of the visitor's, and each with all that was signed for it.
import type { PageProps } from '../../shell/routes.ts'
import { isKeyed, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Deal } from './deal.tsx'
import { Overview } from './overview.tsx'
import './deals.css'

export const Page = ({ rest: [id], query }: PageProps) => {
  const texts = t.value.deals
  if (opened.value === 0) return <div class='middle' aria-busy='true' />
  if (!isKeyed.value) {
    return (
      <div class='page'>
        <h1>{texts.title}</h1>
        <p>{texts.guest}</p>
      </div>
    )
  }
  return id === undefined ? <Overview query={query} /> : <Deal key={id} id={id} />
}
