// What somebody is about to agree to, or has agreed to, all of it: who does what for whom, for how much, until when, and what is at stake.
import type { Proposal as Told, ProposalEvent as ToldEvent } from '../../lib/client/index.ts'
import { isOfferOf, payerIn } from '../../lib/client/signed-offer.ts'
import type { TradeSignature } from '../../lib/identity/index.ts'
import { plainNumber } from '../../lib/protocol/money.ts'
import { deadlineOf, deadlines, type Deadline } from '../domain/negotiation/index.ts'
import { CliError } from './exit.ts'
import type { Paint } from './output.ts'
import { visible } from './terminal.ts'
import { checkedFrame, moneyText, priceText, type Proposal, type ProposalEvent } from './trade.ts'

const units = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]] as const

/** `3 days`, `1 hour 30 minutes`: the two largest units, rounded. */
export const durationText = (seconds: number): string => {
  const largest = units.findIndex(([, size]) => seconds >= size)
  const [, grain] = units[Math.min(largest < 0 ? units.length : largest + 1, units.length - 1)]!
  let left = Math.max(0, Math.round(seconds / grain) * grain)
  const parts = units.flatMap(([name, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? [] : [`${count} ${name}${count === 1 ? '' : 's'}`]
  })
  return parts.join(' ') || 'no time'
}

const dateText = (at: number): string => new Date(at).toISOString().replace(/:\d\d\.\d+Z$/, 'Z').replace('T', ' ')

type Checked<E> = E & { readonly signature: TradeSignature }

/** The signed offer that a proposal began with. @throws CliError where the relay shows another deal than was signed, or one that was signed elsewhere */
export const signedOffer = (proposal: Told, events: readonly Checked<ToldEvent>[]): Checked<ProposalEvent> => {
  const offer = events.find(({ frame }) => frame.type === 'PROPOSAL')
  if (offer === undefined || !isOfferOf(proposal, offer))
    throw new CliError('error', 'These are not the terms that were signed', `Look: agentchat proposals show ${proposal.frame.proposal_id}`)
  return checkedFrame(offer)
}

type Row = readonly [label: string, text: string]

/** Lines of label and text, each label once. */
const listed = (rows: readonly Row[]): string =>
  rows.map(([label, text]) => `  ${visible(label).padEnd(11)} ${text.split('\n').map(visible).join(`\n${' '.repeat(14)}`)}`).join('\n')

const lastsOf = (deadline: Deadline, seconds: number | null): number => seconds ?? deadlines[deadline].defaultDays * 86_400

/** What is asked for, in full. */
const workRows = ({ task, terms, capability }: Proposal): readonly Row[] => [
  ['task', task],
  ...(terms === null ? [] : [['terms', terms]] as const),
  ...(capability === null ? [] : [['skill', capability]] as const),
]

/** `state`: what became of a part, by its number from 0 on. */
const partRows = ({ milestones, currency }: Proposal, state: (part: number) => string = () => ''): readonly Row[] =>
  (milestones ?? []).map(({ title, amount }, i) => [`  part ${i + 1}`, `${plainNumber(amount)} ${currency ?? ''}: ${title}${state(i)}`])

/** What the deadline that runs is about, and what it brings. */
const runs: Readonly<Record<Deadline, readonly [about: string, brings: string]>> = {
  offer: ['answer', 'then the offer lapses'],
  agreement: ['funding', 'then the deal lapses'],
  delivery: ['work', 'then the money goes back'],
  review: ['review', 'then what was delivered is paid'],
  ruling: ['ruling', 'then what was not delivered goes back, and of what was each gets half'],
}

const runningText = (deadline: Deadline, due: number, now: number): string => {
  const [about, brings] = runs[deadline]
  return `${about} by ${dateText(due)}, ${due > now ? `in ${durationText((due - now) / 1_000)}` : 'which is over'}; ${brings}`
}

const partStates: Partial<Record<Proposal['status'], string>> = {
  funded: ' (worked on)',
  submitted: ' (delivered)',
  disputed: ' (disputed)',
}

/** A deal as it stands: terms, milestones, money, deadlines. */
export const dealText = (proposal: Proposal, now: number, paint: Paint): string => {
  const {
    proposal_id,
    status,
    client,
    provider,
    milestones,
    released,
    captured_minor,
    deliver_s,
    review_s,
    rail,
    due,
    elo_stakes,
    supersedes,
  } = proposal
  const money = moneyText(proposal)
  const deadline = deadlineOf(status)
  const isPaid = (part: number) => part < released || (status === 'completed' && captured_minor > 0)
  return `${paint('bold', visible(proposal_id))} ${paint('cyan', status)} ${priceText(proposal)}${money === '' ? '' : ` (${money})`} ${
    paint('dim', `${visible(client)} → ${visible(provider)}`)
  }\n${
    listed([
      ...workRows(proposal),
      ...partRows(proposal, part => isPaid(part) ? ' (paid)' : part === released ? partStates[status] ?? '' : ''),
      ...(deadline === undefined || due === null ? [] : [['deadline', runningText(deadline, due, now)]] as const),
      ...(deadline === undefined
        ? []
        : [
          ['work', `${durationText(lastsOf('delivery', deliver_s))} from funding${milestones === null ? '' : ', for each part'}`],
          ['review', `${durationText(lastsOf('review', review_s))} from delivery; silence pays`],
        ] as const),
      ...(rail === null ? [] : [['rail', rail]] as const),
      ...(elo_stakes.proposer + elo_stakes.acceptor === 0
        ? []
        : [['stakes', `${elo_stakes.proposer} of the rating of ${proposal.from}, ${elo_stakes.acceptor} of ${proposal.to}`]] as const),
      ...(supersedes === null ? [] : [['in place of', supersedes]] as const),
      ...(proposal.superseded_by === null ? [] : [['revised as', proposal.superseded_by]] as const),
    ])
  }`
}

/** Talk; `me` is who is asked, `now` when. */
export const termsText = (
  proposal: Proposal,
  offer: Checked<ProposalEvent>,
  { me, now, paymentCode, eloStake = 0, isPublic = false }: {
    readonly me: string
    readonly now: number
    readonly paymentCode?: string | undefined
    readonly eloStake?: number | undefined
    readonly isPublic?: boolean | undefined
  },
): string => {
  const { proposal_id, from, client, provider, amount, milestones, deliver_s, review_s, rail, due } = proposal
  const named = (agent: string) => agent === me ? `you (${agent})` : agent
  const isHeld = proposal.amount_minor !== null && proposal.amount_minor > 0
  const span = (deadline: Deadline, seconds: number | null, from: string) => {
    const lasts = lastsOf(deadline, seconds)
    return `${durationText(lasts)} ${from}: by ${dateText(now + lasts * 1_000)} if that is now`
  }
  const theirs = String(offer['payment_code'] ?? '')
  const isPayerSigned = payerIn({ frame: offer, signature: offer.signature }) !== undefined
  return `The deal ${proposal_id}, offered by ${named(from)}${
    offer.signature === 'weak'
      ? ' in the older form: its signature covers neither terms nor deadlines, nor which relay they are for'
      : ', who signed it'
  }:\n${
    listed([
      ...workRows(proposal),
      ['who works', named(provider)],
      ['price', amount === null ? 'none' : `${priceText(proposal)}, paid by ${named(client)} to ${named(provider)}`],
      ...(amount === null || isPayerSigned ? [] : [['', 'who pays is as in the offer before; this one does not sign it anew']] as const),
      ...partRows(proposal),
      [
        'money',
        !isHeld
          ? 'nothing is held by the relay'
          : `held by ${rail === 'webhook' ? "the relay's payment processor" : "the relay's ledger"} once ${
            client === me ? 'you fund' : `${client} funds`
          } the deal`,
      ],
      ['answer', due === null ? 'no deadline' : `within ${durationText((due - now) / 1_000)}: by ${dateText(due)}`],
      ...(isHeld ? [['funding', span('agreement', null, 'from your answer')] as const] : []),
      ['work', `${span('delivery', deliver_s, 'from funding')}${milestones === null ? '' : ', for each part'}; late: the money goes back`],
      ['review', `${span('review', review_s, 'from delivery')}; silence pays`],
      ['stakes', `${proposal.elo_stakes.proposer} of the rating of ${named(from)}, ${eloStake} of yours`],
      ...(proposal.public === true
        ? [['public', isPublic ? '#bounties hears of it, by id and parties' : 'not told in #bounties, unless you say --public']] as const
        : []),
      ...(theirs === '' ? [] : [['their code', theirs]] as const),
      ...(paymentCode === undefined ? [] : [['your code', paymentCode]] as const),
    ])
  }`
}
