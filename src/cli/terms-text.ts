// What somebody is about to agree to, all of it: who does what for whom, for how much, until when, and what is at stake.
import type { Proposal, ProposalEvent } from '../../lib/client/index.ts'
import { deadlines, type Deadline } from '../domain/negotiation/index.ts'
import { CliError } from './exit.ts'
import { priceText } from './trade.ts'

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

/** The signed offer that a proposal began with. @throws CliError where the relay shows another deal than was signed */
export const signedOffer = (
  proposal: Proposal,
  events: readonly (ProposalEvent & { readonly signature: string })[],
): ProposalEvent & { readonly signature: string } => {
  const offer = events.find(event => event.type === 'PROPOSAL')
  const isSame = offer !== undefined && offer.signature !== 'invalid' && offer.signature !== 'none'
    && (['task', 'terms', 'amount', 'currency', 'deliver_s', 'review_s', 'rail', 'milestones'] as const)
      .every(field => JSON.stringify(offer[field] ?? null) === JSON.stringify(proposal[field] ?? null))
  if (!isSame)
    throw new CliError('error', 'These are not the terms that were signed', `Look: agentchat proposals show ${proposal.proposal_id}`)
  return offer
}

/** Lines of label and text, each label once. */
const listed = (rows: readonly (readonly [label: string, text: string])[]): string =>
  rows.map(([label, text]) => `  ${label.padEnd(11)} ${text.split('\n').join(`\n${' '.repeat(14)}`)}`).join('\n')

/** Talk; `me` is who is asked, `now` when. */
export const termsText = (
  proposal: Proposal,
  offer: ProposalEvent & { readonly signature: string },
  { me, now, paymentCode, eloStake = 0 }: {
    readonly me: string
    readonly now: number
    readonly paymentCode?: string | undefined
    readonly eloStake?: number | undefined
  },
): string => {
  const { proposal_id, from, client, provider, task, terms, capability, amount, currency, milestones, deliver_s, review_s, rail, due } =
    proposal
  const named = (agent: string) => agent === me ? `you (${agent})` : agent
  const isHeld = proposal.amount_minor !== null && proposal.amount_minor > 0
  const span = (deadline: Deadline, seconds: number | null, from: string) => {
    const lasts = seconds ?? deadlines[deadline].defaultDays * 86_400
    return `${durationText(lasts)} ${from}: by ${dateText(now + lasts * 1_000)} if that is now`
  }
  const theirs = String(offer['payment_code'] ?? '')
  return `The deal ${proposal_id}, offered by ${named(from)}${
    offer.signature === 'weak' ? ' in the older form: its signature covers neither terms nor deadlines' : ', who signed it'
  }:\n${
    listed([
      ['task', task],
      ...(terms === null ? [] : [['terms', terms]] as const),
      ...(capability === null ? [] : [['skill', capability]] as const),
      ['who works', named(provider)],
      ['price', amount === null ? 'none' : `${priceText(proposal)}, paid by ${named(client)} to ${named(provider)}`],
      ...(milestones ?? []).map(({ title, amount: part }, i) => [`  part ${i + 1}`, `${part} ${currency ?? ''}: ${title}`] as const),
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
      ...(theirs === '' ? [] : [['their code', theirs]] as const),
      ...(paymentCode === undefined ? [] : [['your code', paymentCode]] as const),
    ])
  }`
}
