// An offer: made anew, or in the place of one that was made. It is looked over as what it will be, before it is signed.
import { useSignal } from '@preact/signals'
import { isAgent } from '../../../lib/client/targets.ts'
import { agentId, type Offer, type Proposal } from '../../../lib/index.ts'
import { fieldLimits } from '../../../lib/protocol/field-limits.ts'
import { formatMinor, minorOf, plainNumber } from '../../../lib/protocol/money.ts'
import { amountIn } from '../../kit/amount.ts'
import { Confirm } from '../../kit/confirm.tsx'
import { Why } from '../../kit/why.tsx'
import { go, hrefOf } from '../../shell/router.ts'
import { put } from '../../state/deals.ts'
import { here, myId } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { Terms } from './terms.tsx'
import { reasonOf } from '../../text/reason.ts'

interface Fields {
  readonly to: string
  readonly task: string
  readonly terms: string
  readonly role: 'client' | 'provider'
  readonly amount: string
  readonly currency: string
  readonly capability: string
  readonly milestones: readonly { readonly title: string, readonly amount: string }[]
  readonly expires: string
  readonly deliver: string
  readonly review: string
  readonly paymentCode: string
  readonly stake: string
  readonly isPublic: boolean
}

const dayS = 86_400
const maxDays = 3_650

const empty: Fields = {
  to: '',
  task: '',
  terms: '',
  role: 'client',
  amount: '',
  currency: '',
  capability: '',
  milestones: [],
  expires: '30',
  deliver: '14',
  review: '3',
  paymentCode: '',
  stake: '',
  isPublic: false,
}

/** What stands in the form of a new offer, as the address says. */
const fieldsIn = (query: URLSearchParams): Fields => {
  const text = (name: string) => (query.get(name) ?? '').slice(0, 200)
  return { ...empty, to: text('to'), capability: text('capability'), amount: text('amount'), currency: text('currency') }
}

const fieldsOf = (deal: Proposal, me: string): Fields => ({
  to: deal.from === me ? deal.to : deal.from,
  task: deal.task,
  terms: deal.terms ?? '',
  role: deal.client === me ? 'client' : 'provider',
  amount: deal.amount === null ? '' : plainNumber(deal.amount),
  currency: deal.currency ?? '',
  capability: deal.capability ?? '',
  milestones: deal.milestones?.map(({ title, amount }) => ({ title, amount: plainNumber(amount) })) ?? [],
  expires: empty.expires,
  deliver: deal.deliverS === null ? empty.deliver : plainNumber(deal.deliverS / dayS),
  review: deal.reviewS === null ? empty.review : plainNumber(deal.reviewS / dayS),
  paymentCode: '',
  stake: '',
  isPublic: deal.public === true,
})

const numberIn = (text: string): string => text.trim().replace(',', '.')

/** @throws Error why it is no offer */
const offerOf = (fields: Fields): Offer => {
  const texts = t.peek().acts.form
  const { task, terms, role, capability } = fields
  const currency = fields.currency.trim()
  const isPriced = fields.amount.trim() !== ''
  const amount = amountIn(fields.amount, currency) ?? ''
  const minor = amount === '' ? undefined : minorOf(amount, currency)
  if (!isAgent(fields.to.trim())) throw new Error(texts.badTo)
  if (task.trim() === '') throw new Error(texts.badTask)
  if (isPriced && (minor === undefined || currency === '')) throw new Error(texts.badAmount)
  const milestones = fields.milestones.map(({ title, amount }) => ({ title: title.trim(), text: amountIn(amount, currency) ?? '' }))
  const parts = milestones.map(({ title, text }) => title === '' ? undefined : minorOf(text, currency))
  if (parts.includes(undefined)) throw new Error(texts.badMilestone)
  const sum = parts.reduce<number>((all, part) => all + part!, 0)
  if (milestones.length > 0 && sum !== minor) throw new Error(texts.badSum(formatMinor(sum, currency)))
  const stake = Number(fields.stake.trim() || 0)
  if (!Number.isInteger(stake) || stake < 0) throw new Error(texts.badStake)
  const seconds = (days: string) => {
    const count = Number(numberIn(days))
    if (!(count > 0 && count <= maxDays)) throw new Error(texts.badDays)
    return Math.round(count * dayS)
  }
  return {
    task,
    role,
    ...(terms.trim() !== '' && { terms }),
    ...(capability.trim() !== '' && { capability: capability.trim() }),
    ...(amount !== '' && { amount: Number(amount), currency }),
    ...(milestones.length > 0 && { milestones: milestones.map(({ title, text }) => ({ title, amount: Number(text) })) }),
    expiresS: seconds(fields.expires),
    deliverS: seconds(fields.deliver),
    reviewS: seconds(fields.review),
    ...(fields.paymentCode.trim() !== '' && { paymentCode: fields.paymentCode.trim() }),
    ...(stake > 0 && { eloStake: stake }),
    ...(fields.isPublic && { public: true }),
  }
}

/** The deal that an offer would be. */
const draftOf = (offer: Offer, to: string, me: string): Proposal =>
  ({
    proposalId: '',
    from: me,
    to,
    client: offer.role === 'provider' ? to : me,
    provider: offer.role === 'provider' ? me : to,
    status: 'pending',
    task: offer.task,
    terms: offer.terms ?? null,
    capability: offer.capability ?? null,
    amount: offer.amount ?? null,
    currency: offer.currency ?? null,
    amountMinor: offer.amount === undefined ? null : minorOf(offer.amount, offer.currency ?? '') ?? null,
    milestones: offer.milestones ?? null,
    released: 0,
    deliverS: offer.deliverS ?? null,
    reviewS: offer.reviewS ?? null,
    rail: null,
    capturedMinor: 0,
    eloStakes: { proposer: offer.eloStake ?? 0, acceptor: 0 },
    public: offer.public,
    due: Date.now() + (offer.expiresS ?? 0) * 1_000,
  }) as unknown as Proposal

/** As it is signed. */
const wireOf = (
  { deliverS, reviewS, expiresS, paymentCode, eloStake, ...offer }: Offer,
  to: string,
  supersedes: string | undefined,
): object => ({
  to,
  ...offer,
  expires: expiresS,
  deliver_s: deliverS,
  review_s: reviewS,
  payment_code: paymentCode,
  elo_stake: eloStake,
  ...(supersedes !== undefined && { supersedes }),
})

export const Propose = ({ query, instead }: { readonly query?: URLSearchParams, readonly instead?: Proposal }) => {
  const texts = t.value.acts.form
  const me = myId.value ?? ''
  const fields = useSignal<Fields>(instead === undefined ? fieldsIn(query ?? new URLSearchParams()) : fieldsOf(instead, me))
  const wrong = useSignal<string | undefined>(undefined)
  const offer = useSignal<Offer | undefined>(undefined)
  const set = (changed: Partial<Fields>) => {
    fields.value = { ...fields.value, ...changed }
  }
  const { to, task, terms, role, amount, currency, capability, milestones, expires, deliver, review, paymentCode, stake, isPublic } =
    fields.value
  const look = (event: Event) => {
    event.preventDefault()
    try {
      wrong.value = undefined
      offer.value = offerOf(fields.value)
    } catch (error) {
      wrong.value = reasonOf(error)
    }
  }
  const other = to.trim()
  const make = async () => {
    const { trade } = here()
    const made = instead === undefined
      ? await trade.propose(agentId(other), offer.value!)
      : await trade.counter(instead.proposalId, offer.value!)
    put(made)
    go(hrefOf('deals', made.proposalId))
  }
  const line = (
    name: 'to' | 'amount' | 'currency' | 'capability' | 'expires' | 'deliver' | 'review' | 'paymentCode' | 'stake',
    label: string,
    more: object = {},
  ) => (
    <div class={`field ${name}`}>
      <label for={`offer-${name}`}>{label}</label>
      <input
        id={`offer-${name}`}
        autocomplete='off'
        value={fields.value[name]}
        onInput={event => set({ [name]: event.currentTarget.value })}
        {...more}
      />
    </div>
  )
  const area = (name: 'task' | 'terms', label: string, value: string, rows: number) => (
    <div class='field wide'>
      <label for={`offer-${name}`}>{label}</label>
      <textarea
        id={`offer-${name}`}
        rows={rows}
        maxLength={fieldLimits.maxTradeTextChars}
        value={value}
        onInput={event => set({ [name]: event.currentTarget.value })}
      />
    </div>
  )
  const title = instead === undefined ? texts.title : texts.counter
  return (
    <div class='page deals'>
      <p>
        <a href={instead === undefined ? hrefOf('deals') : hrefOf('deals', instead.proposalId)}>← {t.value.deals.back}</a>
      </p>
      <h1>{title}</h1>
      <form class='card offer' onSubmit={look}>
        {instead === undefined && (query?.size ?? 0) > 0 && <p class='wide' role='note'>{texts.prefilled}</p>}
        {line('to', texts.to, { placeholder: texts.toHint, readOnly: instead !== undefined, maxLength: 120 })}
        <div class='field'>
          <label for='offer-role'>{texts.role}</label>
          <select
            id='offer-role'
            value={role}
            onChange={event => set({ role: event.currentTarget.value === 'provider' ? 'provider' : 'client' })}
          >
            <option value='client'>{texts.roles.client}</option>
            <option value='provider'>{texts.roles.provider}</option>
          </select>
        </div>
        {area('task', texts.task, task, 4)}
        {area('terms', `${texts.terms} ${t.value.acts.optional}`, terms, 3)}
        {line('amount', texts.amount, { inputMode: 'decimal', maxLength: 30, value: amount })}
        {line('currency', texts.currency, { maxLength: 16, placeholder: 'USD', value: currency })}
        <fieldset class='wide'>
          <legend>{texts.milestones}</legend>
          {milestones.map((each, i) => {
            const change = (changed: Partial<typeof each>) =>
              set({ milestones: milestones.map((other, at) => at === i ? { ...other, ...changed } : other) })
            return (
              <div key={i} class='milestone'>
                <input
                  aria-label={texts.milestone(i + 1)}
                  placeholder={texts.milestone(i + 1)}
                  maxLength={200}
                  value={each.title}
                  onInput={event => change({ title: event.currentTarget.value })}
                />
                <input
                  aria-label={texts.milestoneAmount(i + 1)}
                  inputMode='decimal'
                  maxLength={30}
                  value={each.amount}
                  onInput={event => change({ amount: event.currentTarget.value })}
                />
                <button
                  type='button'
                  class='quiet'
                  aria-label={texts.removeMilestone(i + 1)}
                  onClick={() => set({ milestones: milestones.filter((_, at) => at !== i) })}
                >
                  ×
                </button>
              </div>
            )
          })}
          {milestones.length < fieldLimits.maxMilestones && (
            <button
              type='button'
              class='quiet'
              onClick={() => set({ milestones: [...milestones, { title: '', amount: '' }] })}
            >
              + {texts.addMilestone}
            </button>
          )}
        </fieldset>
        <details class='wide'>
          <summary>{texts.more}</summary>
          <div class='offer-more'>
            {line('expires', texts.expires, { inputMode: 'decimal', maxLength: 10, value: expires })}
            {line('deliver', texts.deliver, { inputMode: 'decimal', maxLength: 10, value: deliver })}
            {line('review', texts.review, { inputMode: 'decimal', maxLength: 10, value: review })}
            {line('capability', texts.skill, { maxLength: 200, value: capability })}
            {line('paymentCode', texts.paymentCode, { maxLength: 8_000, value: paymentCode })}
            {line('stake', texts.stake, { inputMode: 'numeric', maxLength: 6, value: stake })}
            <label class='check'>
              <input type='checkbox' checked={isPublic} onChange={event => set({ isPublic: event.currentTarget.checked })} />
              {t.value.acts.public}
            </label>
          </div>
        </details>
        <p role='alert' class='wrong wide'>
          <Why reason={wrong.value} />
        </p>
        <div class='actions wide'>
          <button type='submit' class='primary'>{texts.review_it}</button>
        </div>
      </form>
      {offer.value !== undefined && (
        <Confirm
          title={title}
          means={instead === undefined ? texts.means : texts.meansCounter}
          signs={{ action: 'PROPOSAL', fields: wireOf(offer.value, other, instead?.proposalId) }}
          run={make}
          onClose={() => offer.value = undefined}
        >
          <Terms deal={draftOf(offer.value, other, me)} />
        </Confirm>
      )}
    </div>
  )
}
