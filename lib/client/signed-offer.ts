// Whether a deal, as the relay tells it, is the one that its proposer signed.
import type { TradeSignature } from '../identity/index.ts'
import type { Proposal } from './trade.ts'

const termNames = ['task', 'terms', 'capability', 'amount', 'currency', 'deliver_s', 'review_s', 'rail', 'milestones', 'public'] as const

interface SignedOffer {
  readonly frame: object
  readonly signature: TradeSignature
}
type Fields = Readonly<Record<string, unknown>>

/** The relay takes no signature whose time is further from its own. */
const maxApartMs = 600_000

/** Who signed it: `from` beside it is the relay's word. */
const signerOf = ({ frame }: SignedOffer): unknown => (frame as Fields)['by'] ?? (frame as Fields)['from']

/** Who pays by what an offer says; undefined: it says nothing, as one that takes the place of another may. */
export const payerIn = (step: SignedOffer): unknown => {
  const { to, role, supersedes } = step.frame as Fields
  if (role === undefined && supersedes !== undefined) return undefined
  return role === 'provider' ? to : signerOf(step)
}

/** Whether it ends when its offer says; the older form of a signature has no time to count from. */
const endsAsSigned = ({ status, due }: Proposal, { expires_s: seconds, sig_ts: at }: Fields): boolean =>
  status !== 'pending' || typeof seconds !== 'number' || typeof at !== 'number'
  || due !== null && Math.abs(at + seconds * 1_000 - due) <= maxApartMs

/** Whether a deal has the terms that its offer says, signed for this relay: one that shows others is found out. */
export const isOfferOf = (proposal: Proposal, step: SignedOffer): boolean => {
  const deal = proposal.frame
  const offer = step.frame as Fields
  const payer = payerIn(step)
  const { client, provider } = deal
  return (step.signature === 'valid' || step.signature === 'weak')
    && signerOf(step) === deal.from && offer['to'] === deal.to
    && (payer === undefined || payer === client)
    && (client === deal.from && provider === deal.to || client === deal.to && provider === deal.from)
    && (offer['elo_stake'] ?? 0) === deal.elo_stakes.proposer
    && endsAsSigned(proposal, offer)
    && termNames.every(name => JSON.stringify(offer[name] ?? null) === JSON.stringify(deal[name] ?? null))
}
