// Deals: all of the visitor's, and each with all that was signed for it.
import { useEffect } from 'preact/hooks'
import type { PageProps } from '../../shell/routes.ts'
import { dealOf, lookAtDeal } from '../../state/deal.ts'
import { isKeyed, opened } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { CasePage } from './case.tsx'
import { Deal } from './deal.tsx'
import { Overview } from './overview.tsx'
import { Propose } from './propose.tsx'
import './deals.css'

export const Page = ({ rest: [first, second], query }: PageProps) => {
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
  if (first === undefined) return <Overview query={query} />
  if (first === 'new') return <Propose key={query.toString()} query={query} />
  if (first === 'case' && second !== undefined) return <CasePage key={second} id={second} />
  return second === 'counter' ? <Counter key={first} id={first} /> : <Deal key={first} id={first} />
}

const Counter = ({ id }: { readonly id: string }) => {
  const found = dealOf(id).value
  useEffect(() => void lookAtDeal(id), [id])
  return found === undefined || found instanceof Error ? <Deal id={id} /> : <Propose instead={found.proposal} />
}
