// What the visitor does with a deal: a button for each step that is open to him, and a question before each.
import { useSignal, type Signal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { Deliverable, Proposal } from '../../../lib/index.ts'
import { isOfferOf, payerIn } from '../../../lib/client/signed-offer.ts'
import { isFinal, type Action } from '../../../lib/protocol/deal-table.ts'
import { fieldLimits } from '../../../lib/protocol/field-limits.ts'
import { minorOf } from '../../../lib/protocol/money.ts'
import { Confirm, type Money } from '../../kit/confirm.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hrefOf } from '../../shell/router.ts'
import { actsOf } from '../../state/deal-acts.ts'
import type { ShownDeal, Step } from '../../state/deal.ts'
import { put } from '../../state/deals.ts'
import { fileCase } from '../../state/court.ts'
import { filesIn, type DeliveredFiles } from '../../state/files.ts'
import { notify } from '../../state/notices.ts'
import { here, myId } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { titleOf } from './overview.tsx'
import { Party, Terms } from './terms.tsx'

/** FILE: a dispute before a panel. */
type Act = Exclude<Action, 'RULE'> | 'FILE'

const order: readonly Act[] = [
  'ACCEPT',
  'FUND',
  'SUBMIT',
  'COMPLETE',
  'RELEASE',
  'LAPSE',
  'COUNTER',
  'REVISE',
  'REJECT',
  'CANCEL',
  'DISPUTE',
  'FILE',
]
const dangerous: ReadonlySet<Act> = new Set(['REJECT', 'CANCEL', 'DISPUTE', 'FILE'])

export const Acts = ({ deal }: { readonly deal: ShownDeal }) => {
  const texts = t.value.acts
  const asked = useSignal<Act | undefined>(undefined)
  const { proposal, court, events } = deal
  const open = new Set<Act>(actsOf(proposal, myId.value ?? '', Date.now()).filter(act => act !== 'RULE'))
  const isJudged = court !== undefined && !['ruled', 'settled', 'abandoned'].includes(court.dispute.phase)
  if ((open.has('DISPUTE') || proposal.status === 'disputed') && !isJudged) open.add('FILE')
  if (isFinal(proposal.status)) return null
  const acts = order.filter(act => open.has(act))
  return (
    <section class='acts' aria-label={texts.what}>
      {acts.length === 0 && <p>{texts.nothing}</p>}
      <div class='actions'>
        {acts.map((act, i) =>
          act === 'COUNTER'
            ? <a key={act} class='button' href={hrefOf('deals', proposal.proposalId, 'counter')}>{texts.names.COUNTER}</a>
            : (
              <button
                key={act}
                type='button'
                class={i === 0 && !dangerous.has(act) ? 'primary' : ''}
                onClick={() => asked.value = act}
              >
                {texts.names[act]}
              </button>
            )
        )}
      </div>
      {asked.value !== undefined && <Ask act={asked.value} proposal={proposal} events={events} onClose={() => asked.value = undefined} />}
    </section>
  )
}

/** What moves by a step; undefined: nothing. */
const moneyOf = (act: Act, { heldMinor, amountMinor, currency, milestones, released }: Proposal): Money | undefined => {
  const minor = act === 'FUND'
    ? amountMinor ?? 0
    : act === 'COMPLETE' || act === 'CANCEL'
    ? heldMinor
    : act === 'RELEASE'
    ? minorOf(milestones?.[released]?.amount ?? 0, currency ?? '') ?? heldMinor
    : 0
  return minor > 0 && currency !== null ? { minor, currency } : undefined
}

/** Whether nothing happened in between that another step would be than the one that was read. */
const isSame = (a: Proposal, b: Proposal): boolean =>
  a.status === b.status && a.released === b.released && a.heldMinor === b.heldMinor && a.amountMinor === b.amountMinor
  && a.due === b.due

interface AskProps {
  readonly act: Act
  readonly proposal: Proposal
  readonly events: readonly Step[]
  readonly onClose: () => void
}

const Ask = ({ act, proposal: latest, events, onClose }: AskProps) => {
  const texts = t.value.acts
  // What is read is what is signed: as the deal was when the dialog was opened.
  const proposal = useRef(latest).current
  const { proposalId, status, heldMinor } = proposal
  const text = useSignal('')
  const code = useSignal('')
  const stake = useSignal('')
  const isPublic = useSignal(false)
  const files = useSignal<DeliveredFiles | undefined>(undefined)
  const offer = events.find(({ type }) => type === 'PROPOSAL')
  const isSigned = offer !== undefined && isOfferOf(proposal, offer)
  const said = text.value.trim() === '' ? undefined : text.value
  const wants = said !== undefined
  const delivered: Deliverable = {
    text: said,
    ...(files.value !== undefined && files.value.list.length > 0 && { files: files.value.list }),
  }
  const eloStake = Number(stake.value) || undefined
  const accepted = { paymentCode: code.value.trim() || undefined, eloStake, public: isPublic.value || undefined }

  const { trade } = here()
  const steps: Readonly<
    Record<Exclude<Act, 'COUNTER'>, {
      /** What is signed beside the id of the deal. */
      readonly fields?: object
      readonly isReady?: boolean
      readonly run: () => Promise<Proposal>
    }>
  > = {
    ACCEPT: {
      fields: { payment_code: accepted.paymentCode, elo_stake: eloStake, public: accepted.public },
      isReady: isSigned,
      run: () => trade.accept(proposalId, accepted),
    },
    REJECT: { fields: { reason: said }, run: () => trade.reject(proposalId, said) },
    CANCEL: { fields: { reason: said }, run: () => trade.cancel(proposalId, said) },
    FUND: { run: () => trade.fund(proposalId) },
    SUBMIT: {
      fields: { text: said, files: files.value?.list.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) },
      isReady: (wants || (files.value?.list.length ?? 0) > 0) && files.value?.problem === undefined,
      run: () => trade.submit(proposalId, delivered),
    },
    REVISE: { fields: { reason: said }, isReady: wants, run: () => trade.revise(proposalId, said!) },
    RELEASE: { run: () => trade.release(proposalId) },
    COMPLETE: { fields: { proof: said }, run: () => trade.complete(proposalId, said) },
    DISPUTE: { fields: { reason: said }, isReady: wants, run: () => trade.dispute(proposalId, said!) },
    LAPSE: { run: () => trade.reclaim(proposalId) },
    FILE: { fields: { reason: said }, isReady: wants, run: () => fileCase(proposalId, said!) },
  }
  const money = moneyOf(act, proposal)
  const step = steps[act as Exclude<Act, 'COUNTER'>]
  const means = act === 'CANCEL' && status !== 'pending'
    ? texts.means.giveUp
    : act === 'COMPLETE' && heldMinor === 0
    ? texts.means.unpaid
    : texts.means[act as Exclude<Act, 'COUNTER'>]
  const run = async () => {
    const after = await step.run()
    // What shows it asks anew.
    put(after)
    notify('good', texts.done(t.peek().deals.states[after.status]))
  }
  return (
    <Confirm
      title={texts.names[act]}
      means={means}
      signs={act === 'LAPSE'
        ? undefined
        : { action: act === 'FILE' ? 'DISPUTE_INTENT' : act, fields: { proposal_id: proposalId, ...step.fields } }}
      money={money}
      isDanger={dangerous.has(act)}
      isReady={step.isReady ?? true}
      isStill={() => isSame(proposal, latest)}
      run={run}
      onClose={onClose}
    >
      {money !== undefined && <Moves proposal={proposal} act={act} />}
      {act === 'ACCEPT' && (
        <>
          <p class={isSigned ? 'verified' : 'wrong'}>
            {!isSigned ? texts.terms.wrong : offer.signature === 'weak' ? texts.terms.weak : `✓ ${texts.terms.signed}`}
          </p>
          {isSigned && payerIn(offer) === undefined && <p>{texts.terms.payer}</p>}
          <Terms deal={proposal} />
          {typeof offer?.['paymentCode'] === 'string' && offer['paymentCode'] !== '' && (
            <p>
              {texts.theirCode}: <code class='long'>{plain(offer['paymentCode'])}</code>
            </p>
          )}
          <details>
            <summary>{texts.form.more}</summary>
            <Line id='act-code' label={texts.paymentCode} value={code} />
            <Line id='act-stake' label={texts.stake} value={stake} isNumber />
            {proposal.public === true && (
              <label class='check'>
                <input type='checkbox' checked={isPublic.value} onChange={event => isPublic.value = event.currentTarget.checked} />
                {texts.public}
              </label>
            )}
          </details>
        </>
      )}
      {(act === 'REJECT' || act === 'CANCEL') && <Area label={`${texts.reason} ${texts.optional}`} value={text} />}
      {(act === 'DISPUTE' || act === 'FILE') && <Area label={texts.why} value={text} />}
      {act === 'REVISE' && <Area label={texts.change} value={text} />}
      {act === 'COMPLETE' && <Area label={`${texts.proof} ${texts.optional}`} value={text} maxLength={fieldLimits.maxTradeTextChars} />}
      {act === 'SUBMIT' && (
        <>
          <Area label={texts.work} value={text} maxLength={fieldLimits.maxTradeTextChars} />
          <Files files={files} />
        </>
      )}
    </Confirm>
  )
}

/** For what money moves, and to whom it goes in the end. */
const Moves = ({ act, proposal }: { readonly act: Act, readonly proposal: Proposal }) => {
  const texts = t.value.deals
  const { client, provider, milestones, released } = proposal
  const part = act === 'RELEASE' ? milestones?.[released] : undefined
  return (
    <dl class='terms'>
      <dt>{texts.task}</dt>
      <dd>
        <bdi>{titleOf(proposal)}</bdi>
      </dd>
      {part !== undefined && (
        <>
          <dt>{t.value.acts.form.milestone(released + 1)}</dt>
          <dd>
            <bdi>{plain(part.title)}</bdi>
          </dd>
        </>
      )}
      <dt>{act === 'CANCEL' ? texts.client : texts.provider}</dt>
      <dd>
        <Party id={act === 'CANCEL' ? client : provider} />
      </dd>
    </dl>
  )
}

const Line = ({ id, label, value, isNumber = false }: {
  readonly id: string
  readonly label: string
  readonly value: Signal<string>
  readonly isNumber?: boolean
}) => (
  <>
    <label for={id}>{label}</label>
    <input
      id={id}
      inputMode={isNumber ? 'numeric' : 'text'}
      maxLength={isNumber ? 6 : 8_000}
      value={value.value}
      onInput={event => value.value = event.currentTarget.value}
    />
  </>
)

export const Area = ({ label, value, maxLength = 2_000, id = 'act-text' }: {
  readonly label: string
  readonly value: Signal<string>
  readonly maxLength?: number
  readonly id?: string
}) => (
  <>
    <label for={id}>{label}</label>
    <textarea id={id} rows={4} maxLength={maxLength} value={value.value} onInput={event => value.value = event.currentTarget.value} />
  </>
)

const Files = ({ files }: { readonly files: Signal<DeliveredFiles | undefined> }) => {
  const texts = t.value.acts
  const asks = useRef(0)
  const read = async (chosen: FileList | null) => {
    const ask = ++asks.current
    const found = await filesIn([...chosen ?? []])
    if (ask === asks.current) files.value = found
  }
  return (
    <>
      <label for='act-files'>{texts.files}</label>
      <input id='act-files' type='file' multiple onChange={event => void read(event.currentTarget.files)} />
      {files.value?.problem !== undefined && <p role='alert' class='wrong'>{files.value.problem}</p>}
    </>
  )
}
