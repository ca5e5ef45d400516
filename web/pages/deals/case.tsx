// A case before a panel: how it stands, who judges, what both sides say, what was decided; and what the visitor can do in it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { ShownDispute, Verdict } from '../../../lib/index.ts'
import { fieldLimits } from '../../../lib/protocol/field-limits.ts'
import { AgentLink } from '../../kit/agent-link.tsx'
import { minorIn } from '../../kit/amount.ts'
import { Confirm } from '../../kit/confirm.tsx'
import { Countdown, wholeTime } from '../../kit/countdown.tsx'
import { Markdown } from '../../kit/markdown.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { Why } from '../../kit/why.tsx'
import { hrefOf } from '../../shell/router.ts'
import { canReveal, caseOf, lookAtCase, revealCase } from '../../state/court.ts'
import { lookAtDeal } from '../../state/deal.ts'
import { askDeals, versionOf } from '../../state/deals.ts'
import { here, myId, opened } from '../../state/session.ts'
import { useWatched } from '../../state/watching.ts'
import { t } from '../../text/index.ts'
import { Area } from './acts.tsx'
import { minorText } from './money.ts'
import { Signature } from './steps.tsx'
import { reasonOf } from '../../text/reason.ts'

/** For who judges: the case alone, with the deal as the panel is told it. */
export const CasePage = ({ id }: { readonly id: string }) => {
  const texts = t.value.court
  const found = caseOf(id).value
  const version = found instanceof Error || found === undefined ? 0 : versionOf(found.dispute.proposalId).value
  useEffect(() => void lookAtCase(id), [id, version, opened.value])
  return (
    <div class='page deals'>
      <p>
        <a href={hrefOf('deals')}>← {t.value.deals.back}</a>
      </p>
      <h1>{texts.title}</h1>
      {found === undefined
        ? <p aria-busy='true'>{texts.asking}</p>
        : found instanceof Error
        ? (
          <p role='alert' class='wrong'>
            <Why reason={reasonOf(found)} />
          </p>
        )
        : (
          <>
            <DealOf court={found} />
            <Case court={found} currency={currencyIn(found)} />
          </>
        )}
    </div>
  )
}

/** The deal as the panel is told it; undefined: not yet. */
const toldIn = ({ events }: ShownDispute) =>
  events.find(({ type }) => type === 'CASE_READY')?.['proposal'] as undefined | {
    readonly task?: unknown
    readonly terms?: unknown
    readonly heldMinor?: unknown
    readonly currency?: unknown
  }

const currencyIn = (court: ShownDispute): string | null => {
  const currency = toldIn(court)?.currency
  return typeof currency === 'string' ? currency : null
}

const DealOf = ({ court }: { readonly court: ShownDispute }) => {
  const ready = toldIn(court)
  const texts = t.value.deals
  if (ready === undefined) return null
  return (
    <section class='card'>
      <h2>{t.value.court.ofDeal}</h2>
      <dl>
        <dt>{texts.task}</dt>
        <dd>
          <Markdown text={String(ready.task ?? '')} />
        </dd>
        {typeof ready.terms === 'string' && (
          <>
            <dt>{texts.terms}</dt>
            <dd>
              <Markdown text={ready.terms} />
            </dd>
          </>
        )}
        <dt>{texts.held}</dt>
        <dd>{minorText(Number(ready.heldMinor ?? 0), String(ready.currency ?? ''))}</dd>
      </dl>
    </section>
  )
}

const sides = ['disputant', 'respondent'] as const

export const Case = ({ court, currency = null }: { readonly court: ShownDispute, readonly currency?: string | null }) => {
  const texts = t.value.court
  const { dispute, evidence, votes, draw } = court
  const { phase, due, disputant, respondent, reason, seats, verdict, captureMinor, disputeId } = dispute
  useWatched([disputant, respondent, ...seats.map(({ arbiter }) => arbiter)])
  return (
    <section class='card' aria-labelledby='case'>
      <h2 id='case'>
        {texts.title} <span class='chip'>{texts.phases[phase]}</span>
      </h2>
      <p class='small'>
        <code>{plain(disputeId)}</code>
      </p>
      <dl>
        {due !== null && (
          <>
            <dt>{texts.due}</dt>
            <dd>
              <Countdown to={due} /> ({wholeTime(due)})
            </dd>
          </>
        )}
        <dt>{texts.disputant}</dt>
        <dd>
          <AgentLink id={disputant} />
        </dd>
        <dt>{texts.respondent}</dt>
        <dd>
          <AgentLink id={respondent} />
        </dd>
        <dt>{texts.reason}</dt>
        <dd>
          <Markdown text={reason} />
        </dd>
        <dt>{texts.panel}</dt>
        <dd>
          {seats.length === 0 ? texts.nobody : seats.map(({ arbiter, state }) => (
            <div key={arbiter}>
              <AgentLink id={arbiter} /> <span class='small'>{texts.seats[state]}</span>
            </div>
          ))}
          <p class={draw === null || draw.length === 0 ? 'small' : 'wrong'}>
            {draw === null ? texts.draw.none : draw.length === 0 ? `✓ ${texts.draw.good}` : `${texts.draw.bad}: ${plain(draw.join('; '))}`}
          </p>
        </dd>
        {verdict !== null && (
          <>
            <dt>{texts.verdict}</dt>
            <dd>
              <strong>{texts.verdicts[verdict]}</strong>
              {captureMinor !== null && currency !== null && <span>: {texts.gets(minorText(captureMinor, currency))}</span>}
            </dd>
          </>
        )}
      </dl>
      <h3>{texts.evidence}</h3>
      {sides.map(side => {
        const said = evidence[side]
        return (
          <div key={side} class='step-said'>
            <p class='small'>
              {texts.evidenceOf[side]} {said !== null && <Signature state={said.signature} />}
            </p>
            {said === null
              ? <p class='small'>{dispute.evidence.includes(side) ? texts.isIn : texts.noEvidence}</p>
              : (
                <>
                  <Markdown text={said.statement} />
                  <dl>
                    {said.items.map(({ kind, label, value }, i) => (
                      <div key={i} class='pair'>
                        <dt>
                          <bdi>{plain(`${kind}: ${label}`)}</bdi>
                        </dt>
                        <dd>
                          <Markdown text={value} />
                        </dd>
                      </div>
                    ))}
                  </dl>
                </>
              )}
          </div>
        )
      })}
      {votes.length > 0 && (
        <>
          <h3>{texts.votes}</h3>
          <ul class='files'>
            {votes.map(({ arbiter, verdict, reasoning, signature }) => (
              <li key={arbiter}>
                <AgentLink id={arbiter} /> {texts.verdicts[verdict]} <Signature state={signature} /> <bdi>{plain(reasoning)}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
      <CaseActs court={court} currency={currency} />
    </section>
  )
}

type CaseAct = keyof ReturnType<typeof textsOf>['acts']
const textsOf = () => t.peek().court

const actsIn = ({ dispute: { phase, disputant, respondent, seats, proposalId } }: ShownDispute, me: string): readonly CaseAct[] => {
  const isParty = me === disputant || me === respondent
  const seat = seats.find(({ arbiter }) => arbiter === me)?.state
  return [
    ...phase === 'filed' && me === disputant && canReveal(proposalId) ? ['REVEAL'] as const : [],
    ...isParty && ['seating', 'evidence', 'appealed'].includes(phase) ? ['EVIDENCE'] as const : [],
    ...phase === 'seating' && seat === 'asked' ? ['ARBITER_ACCEPT', 'ARBITER_DECLINE'] as const : [],
    ...phase === 'voting' && seat === 'sitting' ? ['VOTE'] as const : [],
  ]
}

const CaseActs = ({ court, currency }: { readonly court: ShownDispute, readonly currency: string | null }) => {
  const texts = t.value.court
  const asked = useSignal<CaseAct | undefined>(undefined)
  const acts = actsIn(court, myId.value ?? '')
  if (acts.length === 0) return null
  return (
    <div class='actions'>
      {acts.map((act, i) => (
        <button key={act} type='button' class={i === 0 ? 'primary' : ''} onClick={() => asked.value = act}>{texts.acts[act]}</button>
      ))}
      {asked.value !== undefined && <Ask act={asked.value} court={court} currency={currency} onClose={() => asked.value = undefined} />}
    </div>
  )
}

interface Item {
  readonly kind: string
  readonly label: string
  readonly value: string
}

const verdicts: readonly Verdict[] = ['disputant', 'respondent', 'mutual']

const Ask = (
  { act, court: { dispute }, currency, onClose }: {
    readonly act: CaseAct
    readonly court: ShownDispute
    readonly currency: string | null
    readonly onClose: () => void
  },
) => {
  const texts = t.value.court
  const text = useSignal('')
  const items = useSignal<readonly Item[]>([])
  const verdict = useSignal<Verdict>('disputant')
  const share = useSignal('')
  const { disputeId, proposalId } = dispute
  const captureMinor = verdict.value === 'mutual' && share.value.trim() !== '' && currency !== null
    ? minorIn(share.value, currency)
    : undefined
  const isShareWrong = verdict.value === 'mutual' && share.value.trim() !== '' && captureMinor === undefined
  const said = text.value
  const given = items.value.filter(({ kind, value }) => kind !== '' && value !== '')
  const { court } = here()
  const steps = {
    REVEAL: { fields: { proposal_id: proposalId }, isReady: true, run: () => revealCase(proposalId) },
    EVIDENCE: {
      fields: { dispute_id: disputeId, items: given, statement: said },
      isReady: said.trim() !== '' || given.length > 0,
      run: () => court.evidence(disputeId, { statement: said, items: given.map(each => ({ ...each })) }),
    },
    ARBITER_ACCEPT: { fields: { dispute_id: disputeId }, isReady: true, run: () => court.accept(disputeId) },
    ARBITER_DECLINE: {
      fields: { dispute_id: disputeId, reason: said || undefined },
      isReady: true,
      run: () => court.decline(disputeId, said || undefined),
    },
    VOTE: {
      fields: { dispute_id: disputeId, verdict: verdict.value, reasoning: said, capture_minor: captureMinor },
      isReady: !isShareWrong,
      run: () => court.vote(disputeId, verdict.value, { reasoning: said, captureMinor }),
    },
  } as const
  const { fields, isReady, run } = steps[act]
  const change = (at: number, changed: Partial<Item>) => {
    items.value = items.value.map((each, i) => i === at ? { ...each, ...changed } : each)
  }
  return (
    <Confirm
      title={texts.acts[act]}
      means={texts.means[act]}
      signs={{ action: act === 'REVEAL' ? 'DISPUTE_REVEAL' : act, fields }}
      isReady={isReady}
      money={act === 'VOTE' && captureMinor !== undefined && currency !== null ? { minor: captureMinor, currency } : undefined}
      run={async () => {
        await run()
        await Promise.all([lookAtCase(disputeId), askDeals(), lookAtDeal(proposalId)])
      }}
      onClose={onClose}
    >
      {act === 'EVIDENCE' && (
        <>
          <Area id='case-text' label={texts.statement} value={text} maxLength={fieldLimits.maxTradeTextChars} />
          {items.value.map((each, i) => (
            <div key={i} class='evidence-item'>
              <input
                aria-label={texts.itemKind(i + 1)}
                placeholder={texts.itemKind(i + 1)}
                maxLength={50}
                value={each.kind}
                onInput={event => change(i, { kind: event.currentTarget.value })}
              />
              <input
                aria-label={texts.itemLabel(i + 1)}
                placeholder={texts.itemLabel(i + 1)}
                maxLength={200}
                value={each.label}
                onInput={event => change(i, { label: event.currentTarget.value })}
              />
              <button
                type='button'
                class='quiet'
                aria-label={texts.removeItem(i + 1)}
                onClick={() => items.value = items.value.filter((_, at) => at !== i)}
              >
                ×
              </button>
              <textarea
                aria-label={texts.itemValue(i + 1)}
                rows={2}
                maxLength={16_000}
                value={each.value}
                onInput={event => change(i, { value: event.currentTarget.value })}
              />
            </div>
          ))}
          {items.value.length < fieldLimits.maxEvidenceItems && (
            <button
              type='button'
              class='quiet'
              onClick={() => items.value = [...items.value, { kind: 'text', label: '', value: '' }]}
            >
              + {texts.addItem}
            </button>
          )}
        </>
      )}
      {act === 'VOTE' && (
        <>
          <label for='case-verdict'>{texts.your}</label>
          <select
            id='case-verdict'
            value={verdict.value}
            onChange={event => verdict.value = verdicts.find(each => each === event.currentTarget.value)!}
          >
            {verdicts.map(each => <option key={each} value={each}>{texts.verdicts[each]}</option>)}
          </select>
          {verdict.value === 'mutual' && currency !== null && (
            <>
              <label for='case-share'>{texts.share(plain(currency))}</label>
              <input id='case-share' inputMode='decimal' value={share.value} onInput={event => share.value = event.currentTarget.value} />
              {isShareWrong && <p role='alert' class='wrong'>{texts.badShare}</p>}
            </>
          )}
          <Area id='case-text' label={texts.reasoning} value={text} />
        </>
      )}
      {act === 'ARBITER_DECLINE' && <Area id='case-text' label={texts.reasoning} value={text} />}
    </Confirm>
  )
}
