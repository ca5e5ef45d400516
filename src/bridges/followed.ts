// A channel of another relay, as far as it was read, and what is to be asked of it next.
import { TranscriptRange } from '../../lib/identity/index.ts'
import type { Standing } from '../features/links/bridge/peer.ts'
import { none, type Wait } from './wait.ts'

export interface Followed {
  epoch: string | undefined
  tree: TranscriptRange
  /** There may be something new. */
  isDue: boolean
  isJoined: boolean
  /** What does not fit was brought of it: nothing more is asked. */
  isBroken: boolean
  problem: string | undefined
  blanked: number
  /** Until it is asked what was erased. */
  erasures: Wait
  /** Until it is entered and looked at, whatever was heard of it. */
  look: Wait
  /** Its newest number, as far as was heard. */
  newest: number
  /** Until what was refused is asked again. */
  retry: Wait
}

export const newFollowed = ({ epoch, tree, blanked }: Standing): Followed => ({
  epoch,
  tree: TranscriptRange.from(tree) ?? new TranscriptRange(),
  isDue: true,
  isJoined: false,
  isBroken: false,
  problem: undefined,
  blanked,
  erasures: none,
  look: none,
  newest: 0,
  retry: none,
})
