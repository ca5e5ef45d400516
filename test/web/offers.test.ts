// What the pages reckon before anything is signed: amounts as they were typed, and whether a deal is the one that was signed.
import { describe, expect, test } from 'vitest'
import { isOfferOf } from '../../lib/client/signed-offer.ts'
import type { Proposal } from '../../lib/index.ts'
import { amountIn, minorIn } from '../../web/kit/amount.ts'
import { clientOf, newIdentity } from '../kit/client.ts'
import { startTestRelay } from '../kit/relay.ts'

describe('an amount as it was typed', () => {
  test.each([['12.50', 'USD', 1_250], ['12,5', 'USD', 1_250], ['12.50 usd', 'USD', 1_250], ['1000', 'JPY', 1_000], [
    '1.234',
    'KWD',
    1_234,
  ]])(
    '%s in %s',
    (text, currency, minor) => expect(minorIn(text, currency)).toBe(minor),
  )
  test.each([['1.000', 'USD'], ['1.000,50', 'USD'], ['1,000.50', 'USD'], ['1.000', 'JPY'], ['1.000', 'BTC'], ['12.50 EUR', 'USD'], [
    '',
    'USD',
  ]])(
    '%s in %s can be read in two ways, or in none',
    (text, currency) => expect(amountIn(text, currency)).toBeUndefined(),
  )
})

test('a deal that is shown otherwise than its proposer signed it is found out, whatever of it was altered', async () => {
  await using relay = await startTestRelay()
  await using ann = await clientOf(relay, { identity: newIdentity('ann') })
  await using bob = await clientOf(relay, { identity: newIdentity('bob') })
  const eve = newIdentity('eve').agentId
  const made = await ann.trade.propose(bob.agentId!, {
    ...{ task: 'write it', terms: 'in English', capability: 'writing', amount: 12.5, currency: 'USD', role: 'provider', eloStake: 5 },
    ...{ expiresS: 86_400, deliverS: 7_200, reviewS: 3_600, milestones: [{ title: 'all', amount: 12.5 }] },
  })
  const { proposal, events: [offer] } = await bob.trade.show(made.proposalId)
  const shown = (altered: object, frame: object = {}): boolean =>
    isOfferOf({ ...proposal, ...altered, frame: { ...proposal.frame, ...frame } } as Proposal, offer!)
  expect(shown({})).toBe(true)
  const { from, to, client, provider } = proposal
  const altered = {
    proposer: { from: eve },
    recipient: { to: eve },
    sides: { client: provider, provider: client },
    provider: { provider: eve },
    both: { from: to, to: from },
    stake: { elo_stakes: { proposer: 0, acceptor: 0 } },
    capability: { capability: 'all' },
    terms: { terms: null },
    amount: { amount: 13 },
    currency: { currency: 'EUR' },
    delivery: { deliver_s: 7_201 },
    review: { review_s: null },
    milestones: { milestones: [{ title: 'all', amount: 13 }] },
  }
  expect(Object.entries(altered).filter(([, frame]) => shown({}, frame)).map(([name]) => name)).toEqual([])
  expect(shown({ due: proposal.due! + 86_400_000 })).toBe(false)
  expect(shown({ due: null })).toBe(false)
  // Whoever signed it is its proposer, whatever else is said beside the signature.
  expect(isOfferOf(proposal, { frame: { ...offer!.frame, by: eve, from }, signature: 'valid' })).toBe(false)
  expect(isOfferOf(proposal, { frame: offer!.frame, signature: 'foreign' })).toBe(false)
})
