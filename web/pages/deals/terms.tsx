// The terms of a deal, all of them: who does what for whom, for how much, until when, and what is at stake.
import type { AgentId, Proposal } from '../../../lib/index.ts'
import { deadlines, isFinal, type Deadline } from '../../../lib/protocol/deal-table.ts'
import { plainNumber } from '../../../lib/protocol/money.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { Countdown, wholeTime } from '../../kit/countdown.tsx'
import { Markdown } from '../../kit/markdown.tsx'
import { wholeDuration } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { t } from '../../text/index.ts'
import { priceText } from './money.ts'

const dayMs = 86_400_000

/** How long a deadline of a deal runs, ms. */
export const lastsMs = (deadline: Deadline, seconds: number | null): number =>
  seconds === null ? deadlines[deadline].defaultDays * dayMs : seconds * 1_000

/** What a milestone is worth and what became of it. */
export const Milestones = ({ deal }: { readonly deal: Proposal }) => {
  const texts = t.value.deals
  const { milestones, released, status, capturedMinor, currency } = deal
  if (milestones === null) return null
  const hasBegun = status !== 'pending' && status !== 'accepted'
  const isAllPaid = status === 'completed' && capturedMinor > 0
  const stateOf = (part: number) =>
    isAllPaid || part < released
      ? texts.milestone.paid
      : part > released || isFinal(status)
      ? texts.milestone.later
      : status === 'submitted'
      ? texts.milestone.delivered
      : texts.milestone.current
  return (
    <ol class='milestones'>
      {milestones.map(({ title, amount }, i) => (
        <li key={i}>
          <bdi>{plain(title)}</bdi>: <strong>{plain(`${plainNumber(amount)} ${currency ?? ''}`)}</strong>{' '}
          {hasBegun && !(isFinal(status) && stateOf(i) === texts.milestone.later) && <span class='chip'>{stateOf(i)}</span>}
        </li>
      ))}
    </ol>
  )
}

/** Anybody may call himself as another does; the id is one agent's alone. */
export const Party = ({ id }: { readonly id: AgentId }) => (
  <>
    <AgentLink id={id} /> <code class='long small'>{plain(id)}</code>
  </>
)

export const Terms = ({ deal }: { readonly deal: Proposal }) => {
  const texts = t.value.deals
  const { task, terms, capability, client, provider, rail, amountMinor, milestones, deliverS, reviewS, due, status, eloStakes } = deal
  const isHeld = amountMinor !== null && amountMinor > 0
  return (
    <dl class='terms'>
      <dt>{texts.task}</dt>
      <dd>
        <Markdown text={task} />
      </dd>
      {terms !== null && (
        <>
          <dt>{texts.terms}</dt>
          <dd>
            <Markdown text={terms} />
          </dd>
        </>
      )}
      {capability !== null && (
        <>
          <dt>{texts.skill}</dt>
          <dd>
            <bdi>{plain(capability)}</bdi>
          </dd>
        </>
      )}
      <dt>{texts.provider}</dt>
      <dd>
        <Party id={provider} />
      </dd>
      <dt>{texts.client}</dt>
      <dd>
        <Party id={client} />
      </dd>
      <dt>{texts.price}</dt>
      <dd>
        <strong>{priceText(deal) ?? texts.noPrice}</strong>
      </dd>
      {milestones !== null && (
        <>
          <dt>{texts.milestones}</dt>
          <dd>
            <Milestones deal={deal} />
          </dd>
        </>
      )}
      <dt>{texts.rail}</dt>
      <dd>{isHeld ? texts.rails[rail ?? 'ledger'] : texts.nothingHeld}</dd>
      {status === 'pending' && (
        <>
          <dt>{texts.answerBy}</dt>
          <dd>
            {due === null ? texts.noDeadline : (
              <>
                <Countdown to={due} /> ({wholeTime(due)})
              </>
            )}
          </dd>
          {isHeld && (
            <>
              <dt>{texts.fundBy}</dt>
              <dd>{texts.fromAnswer(wholeDuration(lastsMs('agreement', null)))}</dd>
            </>
          )}
        </>
      )}
      <dt>{texts.workFor}</dt>
      <dd>{texts.fromFunding(wholeDuration(lastsMs('delivery', deliverS)), milestones !== null)}</dd>
      <dt>{texts.reviewFor}</dt>
      <dd>{texts.fromDelivery(wholeDuration(lastsMs('review', reviewS)))}</dd>
      <dt>{texts.stakes}</dt>
      <dd>{texts.stakesAre(eloStakes.proposer, eloStakes.acceptor)}</dd>
      {deal.public === true && (
        <>
          <dt>#bounties</dt>
          <dd>{texts.publicDeal}</dd>
        </>
      )}
    </dl>
  )
}
