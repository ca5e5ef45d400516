// One deal: how it stands, what was agreed, every step with its signature, the money, the receipt.
import { useEffect } from 'preact/hooks'
import type { Proposal } from '../../../lib/index.ts'
import { deadlineOf, isFinal } from '../../../lib/protocol/deal-table.ts'
import { Countdown, wholeTime } from '../../kit/countdown.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { dealOf, lookAtDeal, type ShownDeal } from '../../state/deal.ts'
import { versionOf } from '../../state/deals.ts'
import { opened } from '../../state/session.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'
import { Acts } from './acts.tsx'
import { Case } from './case.tsx'
import { minorText, priceText } from './money.ts'
import { titleOf } from './overview.tsx'
import { Receipts } from './receipt.tsx'
import { Steps } from './steps.tsx'
import { Terms } from './terms.tsx'
import { reasonOf } from '../../text/reason.ts'

export const Deal = ({ id }: { readonly id: string }) => {
  const texts = t.value.deals
  const found = dealOf(id).value
  const version = versionOf(id).value
  useEffect(() => void lookAtDeal(id), [id, version, opened.value])
  return (
    <div class='page deals'>
      <p>
        <a href={hrefOf('deals')}>← {texts.back}</a>
      </p>
      {found === undefined
        ? (
          <>
            <h1>{texts.id}</h1>
            <p aria-busy='true'>{texts.asking}</p>
          </>
        )
        : found instanceof Error
        ? (
          <>
            <h1>{texts.id}</h1>
            <p role='alert' class='wrong'>
              <Why reason={reasonOf(found)} />
            </p>
          </>
        )
        : <Shown deal={found} />}
    </div>
  )
}

const Shown = ({ deal }: { readonly deal: ShownDeal }) => {
  const { proposal, events, receipts, court } = deal
  const texts = t.value.deals
  const { status, due, supersedes, supersededBy, proposalId } = proposal
  const deadline = deadlineOf(status)
  useWatched([proposal.from, proposal.to])
  return (
    <>
      <header class='deal-head'>
        <h1>
          <bdi>{titleOf(proposal)}</bdi>
        </h1>
        <p class='facts'>
          <span class={`chip state ${status}`}>{texts.states[status]}</span>
          <strong>{priceText(proposal) ?? texts.noPrice}</strong>
          <code>{plain(proposalId)}</code>
        </p>
        {deadline !== undefined && due !== null && (
          <p class='due'>
            {texts.deadline[deadline]}:{' '}
            <strong>
              <Countdown to={due} />
            </strong>{' '}
            <span class='small'>{wholeTime(due)}</span>
          </p>
        )}
        {supersededBy !== null && (
          <p>
            {texts.supersededBy} <a href={hrefOf('deals', supersededBy)}>{plain(supersededBy)}</a>
          </p>
        )}
        {supersedes !== null && (
          <p>
            {texts.supersedes} <a href={hrefOf('deals', supersedes)}>{plain(supersedes)}</a>
          </p>
        )}
        <Acts deal={deal} />
      </header>
      <div class='columns'>
        <div>
          <section class='card' aria-labelledby='terms'>
            <h2 id='terms'>{texts.terms}</h2>
            <Terms deal={proposal} />
          </section>
          <Steps steps={events} />
        </div>
        <div>
          <Money deal={proposal} />
          {court !== undefined && <Case court={court} currency={proposal.currency} />}
          {(isFinal(status) || receipts.length > 0) && <Receipts receipts={receipts} />}
        </div>
      </div>
    </>
  )
}

const Money = ({ deal }: { readonly deal: Proposal }) => {
  const texts = t.value.deals
  const { heldMinor, capturedMinor, returnedMinor, currency, funding } = deal
  const rows = [[texts.held, heldMinor], [texts.paid, capturedMinor], [texts.returned, returnedMinor]] as const
  return (
    <section class='card' aria-labelledby='money'>
      <h2 id='money'>{texts.money}</h2>
      <dl class='sums'>
        <dt>{texts.price}</dt>
        <dd>{priceText(deal) ?? texts.noPrice}</dd>
        {rows.map(([label, minor]) => (
          <div key={label} class='pair'>
            <dt>{label}</dt>
            <dd>
              <strong>{minorText(minor, currency)}</strong>
            </dd>
          </div>
        ))}
      </dl>
      {funding === 'pending' && <p role='status'>{texts.fundingPending}</p>}
    </section>
  )
}
