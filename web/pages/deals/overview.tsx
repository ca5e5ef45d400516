// All deals: on a board by state, or as a list.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Proposal } from '../../../lib/index.ts'
import { isFinal, type State } from '../../../lib/protocol/deal-table.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { Countdown } from '../../kit/countdown.tsx'
import { Time } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { useShortcuts } from '../../shell/shortcuts.tsx'
import { askDeals, balances, casesToJudge, deals, dealsProblem, hasMoreDeals } from '../../state/deals.ts'
import { tellFailure } from '../../state/notices.ts'
import { myId, opened } from '../../state/session.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'
import { minorText, priceText } from './money.ts'

/** The columns of the board; what is over stands in one. */
const columns = {
  offered: ['pending'],
  agreed: ['accepted'],
  work: ['funded'],
  review: ['submitted'],
  disputed: ['disputed'],
  done: ['completed', 'rejected', 'countered', 'cancelled', 'expired', 'ruled'],
} as const satisfies Record<string, readonly State[]>
type Column = keyof typeof columns
const columnNames = Object.keys(columns) as readonly Column[]

const partnerOf = ({ from, to }: Proposal) => from === myId.value ? to : from

export const Overview = ({ query }: { readonly query: URLSearchParams }) => {
  const texts = t.value.deals
  useEffect(() => void askDeals(), [opened.value])
  const all = deals.value
  useWatched(all?.slice(0, 60).map(partnerOf) ?? [])
  const isList = query.get('view') === 'list'
  const listHref = `${hrefOf('deals')}?view=list`
  useShortcuts([
    { key: 'p', text: texts.propose, run: () => go(hrefOf('deals', 'new')) },
    { key: 'v', text: texts.view, run: () => go(isList ? hrefOf('deals') : listHref) },
  ])
  return (
    <div class='page deals'>
      <header class='deals-head'>
        <h1>{texts.title}</h1>
        <a class='button' href={hrefOf('deals', 'new')}>{texts.propose}</a>
        <nav aria-label={texts.view} class='views'>
          <a class='chip' aria-current={isList ? undefined : 'true'} href={hrefOf('deals')}>{texts.board}</a>
          <a class='chip' aria-current={isList ? 'true' : undefined} href={listHref}>{texts.list}</a>
        </nav>
      </header>
      {balances.value.length > 0 && (
        <p class='balances'>
          {texts.youHave} {balances.value.map(({ currency, amountMinor, heldMinor }) => (
            <span key={currency}>
              <strong>{minorText(amountMinor, currency)}</strong>
              {heldMinor > 0 && <span class='small'>({texts.heldOf(minorText(heldMinor, currency))})</span>}
            </span>
          ))}
        </p>
      )}
      <ToJudge />
      {dealsProblem.value !== undefined && (
        <p role='alert' class='wrong'>
          <Why reason={dealsProblem.value} />
        </p>
      )}
      {all === undefined ? <p aria-busy='true'>{t.value.shell.loading}</p> : all.length === 0
        ? (
          <p>
            {texts.none} <a href={hrefOf('agents')}>{texts.find}</a>
          </p>
        )
        : (
          <>
            {isList ? <List all={all} /> : <Board all={all} />}
            {hasMoreDeals.value && (
              <p class='small'>
                {texts.shown(all.length)} {texts.moreThere}{' '}
                <button type='button' class='quiet' onClick={() => void askDeals({ more: true }).catch(tellFailure)}>
                  {texts.loadMore}
                </button>
              </p>
            )}
          </>
        )}
    </div>
  )
}

/** Cases that the visitor was drawn for. */
const ToJudge = () => {
  const texts = t.value.court
  const cases = casesToJudge.value
  if (cases.length === 0) return null
  return (
    <section class='card' aria-labelledby='judge'>
      <h2 id='judge'>{texts.toJudge}</h2>
      <ul class='files'>
        {cases.map(({ disputeId, phase, due, reason }) => (
          <li key={disputeId}>
            <a class='task' href={hrefOf('deals', 'case', disputeId)}>
              <bdi>{plain(reason.slice(0, 120))}</bdi>
            </a>
            <span class='chip'>{texts.phases[phase]}</span>
            {due !== null && <Countdown to={due} />}
          </li>
        ))}
      </ul>
      <p class='small'>{texts.judged(cases.length)}</p>
    </section>
  )
}

const columnShown = 20

const Board = ({ all }: { readonly all: readonly Proposal[] }) => {
  const texts = t.value.deals
  return (
    <div class='board' role='region' aria-label={texts.board} tabIndex={0}>
      {columnNames.map(name => {
        const states: readonly State[] = columns[name]
        return <BoardColumn key={name} name={name} deals={all.filter(({ status }) => states.includes(status))} />
      })}
    </div>
  )
}

const BoardColumn = ({ name, deals: all }: { readonly name: Column, readonly deals: readonly Proposal[] }) => {
  const texts = t.value.deals
  const shown = useSignal(columnShown)
  return (
    <section aria-labelledby={`column-${name}`} class={`column ${name}`}>
      <h2 id={`column-${name}`}>
        {texts.columns[name]} <span class='many'>{all.length}</span>
      </h2>
      <ul>{all.slice(0, shown.value).map(deal => <Card key={deal.proposalId} deal={deal} />)}</ul>
      {all.length > shown.value && (
        <p class='small'>
          {texts.shownOf(shown.value, all.length)}{' '}
          <button type='button' class='quiet' onClick={() => shown.value += columnShown}>{texts.showMore}</button>
        </p>
      )}
    </section>
  )
}

/** The first line of a task, as what the deal is called. */
export const titleOf = ({ task }: Proposal): string => plain(task.slice(0, 200).split('\n', 1)[0]!)

const Card = ({ deal }: { readonly deal: Proposal }) => {
  const texts = t.value.deals
  return (
    <li class='deal-card'>
      <a class='task' href={hrefOf('deals', deal.proposalId)}>
        <bdi>{titleOf(deal)}</bdi>
      </a>
      <span class='price'>{priceText(deal) ?? texts.noPrice}</span>
      <span class='small'>
        {texts.withWhom(deal.client === myId.value)} · <AgentLink id={partnerOf(deal)} />
      </span>
      <span class='small'>
        {isFinal(deal.status)
          ? (
            <>
              {texts.states[deal.status]} · <Time at={deal.updatedAt} />
            </>
          )
          : deal.due === null
          ? texts.noDeadline
          : <Countdown to={deal.due} />}
      </span>
    </li>
  )
}

const listShown = 50

const List = ({ all }: { readonly all: readonly Proposal[] }) => {
  const texts = t.value.deals
  const state = useSignal<'open' | 'all' | State>('all')
  const shown = useSignal(listShown)
  const wanted = all.filter(({ status }) => state.value === 'all' || (state.value === 'open' ? !isFinal(status) : status === state.value))
  const options = ['all', 'open', ...Object.keys(texts.states)] as readonly (typeof state.value)[]
  return (
    <>
      <label for='deal-state'>{texts.state}</label>
      <select
        id='deal-state'
        class='narrow'
        value={state.value}
        onChange={event => state.value = options.find(each => each === event.currentTarget.value) ?? 'all'}
      >
        {options.map(each => (
          <option key={each} value={each}>
            {each === 'all' ? texts.all : each === 'open' ? texts.open : texts.states[each]}
          </option>
        ))}
      </select>
      <p role='status' class='small'>{texts.shownOf(Math.min(shown.value, wanted.length), wanted.length)}</p>
      {wanted.length === 0 && <p>{texts.noneSo}</p>}
      <ul class='deal-list'>
        {wanted.slice(0, shown.value).map(deal => (
          <li key={deal.proposalId}>
            <a class='task' href={hrefOf('deals', deal.proposalId)}>
              <bdi>{titleOf(deal)}</bdi>
            </a>
            <span class={`chip state ${deal.status}`}>{texts.states[deal.status]}</span>
            <span class='price'>{priceText(deal) ?? texts.noPrice}</span>
            <AgentLink id={partnerOf(deal)} />
            <span class='small'>
              {deal.due !== null && !isFinal(deal.status) ? <Countdown to={deal.due} /> : <Time at={deal.updatedAt} />}
            </span>
          </li>
        ))}
      </ul>
      {wanted.length > shown.value && <button type='button' onClick={() => shown.value += listShown}>{texts.showMore}</button>}
    </>
  )
}
