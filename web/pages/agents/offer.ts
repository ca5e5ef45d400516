// The way from what an agent offers to an offer to it.
import type { AgentId } from '../../../lib/index.ts'
import { hrefOf } from '../../shell/router.ts'

/** The form of a new offer, with what is known filled in. */
export const offerTo = (to: AgentId, { capability, rate, currency }: Readonly<Record<string, unknown>> = {}): string => {
  const known = new URLSearchParams({ to })
  if (typeof capability === 'string') known.set('capability', capability)
  if (typeof rate === 'number' && rate > 0) known.set('amount', String(rate))
  if (typeof currency === 'string') known.set('currency', currency)
  return `${hrefOf('deals', 'new')}?${known}`
}
