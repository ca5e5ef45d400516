// What is counted of links, for an operator to judge by.
import type { MirrorState } from './store.ts'

export interface LinkStanding {
  readonly host: string
  readonly isUp: boolean
  /** Events that its relay is known to have, and the mirrors here have not. */
  readonly behind: number
  /** Messages that wait to be handed on. */
  readonly waiting: number
}

export interface LinkMeter {
  /** How all links stand, about once a second; none: another process is at them. */
  stand(links: readonly LinkStanding[], mirrors: Readonly<Record<MirrorState, number>>): void
  mirrored(events: number): void
  handed(outcome: 'taken' | 'refused' | 'given_up'): void
  /** A message that a link brought is stored here … */
  relayed(): void
  /** … or not, by the code of the refusal. */
  refused(code: string): void
}
