// How a link stands: the process that has the links knows it, writes it on the link's row about once a second where it changed, and the others tell
// that.
import type { PeerState } from './peer.ts'

export interface LinkState extends PeerState {
  /** Why a channel cannot be followed at the moment. */
  readonly hindered: Readonly<Record<string, string>>
}

export const idle: LinkState = { state: 'idle', hindered: {} }

/** What another relay says is as long as it likes. */
const maxChars = 300
const bounded = (problem: string): string => problem.slice(0, maxChars)

export const newState = ({ state, problem }: PeerState, problems: Iterable<readonly [string, string | undefined]>): LinkState => {
  const hindered: Record<string, string> = {}
  for (const [channel, why] of problems) if (why !== undefined) hindered[channel] = bounded(why)
  return { state, ...(problem !== undefined && { problem: bounded(problem) }), hindered }
}

export const textOfState = (state: LinkState): string => JSON.stringify(state)

/** @param text of this relay's own: null where nobody has said it yet */
export const stateOfText = (text: string | null): LinkState => text === null ? idle : JSON.parse(text) as LinkState
