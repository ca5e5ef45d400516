// What a program that runs a relay is told of money.
import type { FrameBody } from '../../../../lib/protocol/index.ts'

/** For programs that run a relay: told after the commit. */
export interface EscrowEvent {
  readonly type: 'escrow:created' | 'escrow:funded' | 'escrow:captured' | 'escrow:refunded' | 'escrow:disputed' | 'escrow:ruled'
  readonly proposal: FrameBody<'PROPOSAL_STATE'>['proposal']
  /** what moved; 0 where nothing did */
  readonly amountMinor: number
  readonly at: number
}
