// The end of a deal that ends its case too: the slice of proposals is handed this in, around what it does for ratings and receipts.
import { decideCase } from '../../../domain/court/index.ts'
import type { Append } from '../../../relay/feature.ts'
import type { Tx } from '../../../store/store.ts'
import { Docket, courtTerms } from './docket.ts'
import type { CourtOptions } from './ports.ts'
import { isOpen } from './record.ts'
import { disputesOf } from './store.ts'

interface Ended {
  readonly kind: 'released' | 'completed' | 'ruled' | 'cancelled' | 'expired'
  readonly proposal: { readonly proposal_id: string }
  readonly winner: string | null
}

type Settled<S, R> = (tx: Tx, settlement: S, now: number) => Promise<R>

/** `settled`, and whatever case there was is closed. */
export const closingCases = <S extends Ended, R extends { readonly append?: readonly Append[] }>(
  options: Pick<CourtOptions, 'serverId' | 'holding' | 'ratings'>,
  settled: Settled<S, R>,
): Settled<S, R> => {
  const docket = new Docket(options)
  return async (tx, settlement, now) => {
    const result = await settled(tx, settlement, now)
    const { kind, proposal, winner } = settlement
    const dispute = kind === 'released' ? undefined : (await disputesOf(tx, proposal.proposal_id)).find(isOpen)
    if (dispute === undefined) return result
    const decision = decideCase(dispute.case, kind === 'ruled' ? 'RULED' : 'SETTLED', { kind: 'court' }, { now, terms: courtTerms })
    if (!decision.ok) throw new Error(`a case that is ${dispute.case.phase} cannot be closed`)
    return { ...result, append: [...result.append ?? [], ...await docket.close(tx, now, dispute, decision, winner)] }
  }
}
