// Money as a deal tells it.
import type { Proposal } from '../../../lib/index.ts'
import { formatMinor, plainNumber } from '../../../lib/protocol/money.ts'
import { plain } from '../../kit/visible-text.tsx'

/** Of an amount in minor units. */
export const minorText = (minor: number, currency: string | null): string => plain(formatMinor(minor, currency ?? ''))

/** undefined: the deal has none */
export const priceText = ({ amount, amountMinor, currency }: Proposal): string | undefined =>
  amount === null ? undefined : amountMinor === null ? plain(`${plainNumber(amount)} ${currency ?? ''}`) : minorText(amountMinor, currency)
