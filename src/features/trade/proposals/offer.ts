// Reading an offer: prices in minor units, milestones that add up, payment codes that can be right.
import { readPaymentCode, type PaymentKind } from '../../../domain/payment/code.ts'
import { currencyCode, digitsOf, formatMinor, maxMinor, minorOf, plainNumber, type RequestBody } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'
import type { Offer } from './store.ts'

const refused = (reason: string, why: string): Fail => new Fail('INVALID_PROPOSAL', `${reason}: ${why}`)

/** In minor units. @throws Fail INVALID_PROPOSAL where the currency cannot hold it: such a deal could never be paid */
const minorIn = (amount: number, currency: string): number => {
  const minor = minorOf(amount, currency)
  if (minor !== undefined) return minor
  const digits = digitsOf(currency)
  throw refused('BAD_AMOUNT',
    `${plainNumber(amount)} ${currency} cannot be paid: ${currency} has ${
      digits === 0 ? 'no decimals' : `${digits} decimals`
    }, and one amount is at most ${formatMinor(maxMinor, currency)}`)
}

/** @throws Fail INVALID_PROPOSAL */
export const readOffer = (
  { task, terms, capability, amount, currency, milestones, rail, deliver_s, review_s, public: isPublic }: RequestBody<'PROPOSAL'>,
  { minDeadlineMs }: { readonly minDeadlineMs: number },
): { readonly offer: Offer, /** per milestone */ readonly amounts: readonly number[] } => {
  for (const [field, seconds] of [['deliver_s', deliver_s], ['review_s', review_s]] as const)
    if (seconds !== undefined && seconds * 1_000 < minDeadlineMs)
      throw refused('DEADLINE_TOO_SHORT', `${field} is at least ${minDeadlineMs / 1_000} seconds on this relay (minDeadlineMs)`)
  const code = currency === undefined ? undefined : currencyCode(currency)
  if (code === 'ELO') throw refused('BAD_CURRENCY', 'Elo is staked, not paid; use elo_stake')
  const amountMinor = amount === undefined || code === undefined ? null : minorIn(amount, code)
  if ((milestones !== undefined || rail !== undefined) && (amountMinor === null || amountMinor === 0))
    throw refused('NO_PRICE', 'milestones and a rail need an amount and a currency')
  const amounts = milestones?.map(({ amount: part }) => minorIn(part, code!)) ?? [amountMinor ?? 0]
  if (milestones !== undefined && (amounts.some(part => part <= 0) || amounts.reduce((sum, part) => sum + part, 0) !== amountMinor))
    throw refused('MILESTONES', 'their amounts do not add up to the amount')
  return {
    offer: {
      task,
      terms: terms ?? null,
      capability: capability ?? null,
      amount: amount ?? null,
      currency: code ?? null,
      amountMinor,
      milestones: milestones ?? null,
      rail: rail ?? null,
      deliverMs: deliver_s === undefined ? null : Math.round(deliver_s * 1_000),
      reviewMs: review_s === undefined ? null : Math.round(review_s * 1_000),
      ...(isPublic === true && { isPublic }),
    },
    amounts,
  }
}

/** Which kind a payment code is. @throws Fail INVALID_PROPOSAL where it is of a known form and wrong */
export const paymentKindOf = (code: string | undefined): { readonly payment_kind?: PaymentKind } => {
  if (code === undefined) return {}
  const read = readPaymentCode(code)
  if (!read.ok) throw refused('BAD_PAYMENT_CODE', read.problem)
  return { payment_kind: read.kind }
}
