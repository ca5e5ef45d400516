// What a commit stored reaches those who listen: joined per channel, and one by one to the agents it is for.
import type { Counts } from '../base/metrics.ts'
import type { Committed, Result } from './committer.ts'
import type { Effects } from './effects.ts'
import type { Outcome } from './feature.ts'
import type { Hub } from './hub.ts'
import type { Roster } from './roster.ts'

export interface Listeners {
  readonly hub: Hub
  readonly roster: Roster
  readonly effects: Effects
  readonly counts: Counts
}

export const publish = (results: readonly Result[], listeners: Listeners): void => {
  const byChannel = new Map<string, Committed[]>()
  const direct: Committed[] = []
  const sort = (event: Committed) => {
    listeners.counts.messagesStored++
    const { stream, agents, inbox } = event.append
    if (agents !== undefined || inbox !== undefined) direct.push(event)
    if (agents !== undefined) return
    const known = byChannel.get(stream)
    if (known === undefined) byChannel.set(stream, [event])
    else known.push(event)
  }
  for (const result of results) {
    if (result.kind === 'failed') continue
    if (result.event === undefined) {
      if (result.duplicate !== undefined) noteStored(result.duplicate.seq, result.outcome.append, listeners)
      continue
    }
    sort(result.event)
    for (const event of result.more ?? []) sort(event)
  }
  for (const [channel, events] of byChannel) {
    const frames = events.length === 1 ? events[0]!.frame : Buffer.concat(events.map(event => event.frame))
    listeners.hub.publish(channel, events[0]!.stamp.seq, events.at(-1)!.stamp.seq, frames)
  }
  for (const event of direct) publishDirect(event, listeners)
}

/** What is sent again may never have been told: its first commit had no answer. */
const noteStored = (seq: number, append: Outcome['append'], { hub }: Listeners): void => {
  const [first] = [append].flat()
  if (first !== undefined && first.agents === undefined) hub.noteStored(first.stream, seq)
}

/** To every session of the agents concerned that wants such. A session that is still catching up finds the message in the inbox. */
const publishDirect = ({ append, frame, inboxSeqs }: Committed, { roster, effects }: Listeners): void => {
  const { agents = [], inbox = [], muted, stream } = append
  const tell = (agent: string, inboxSeq: number | undefined) => {
    const isKept = muted?.includes(agent) === true
    for (const connection of roster.connectionsOf(agent)) {
      if (connection.inbox === 'none') continue
      if (isKept) effects.keepBack(connection, inboxSeq)
      else if (inboxSeq === undefined) effects.deliver(connection, frame)
      else effects.offer(connection, inboxSeq, frame, stream)
    }
  }
  for (const agent of agents) tell(agent, inboxSeqs[inbox.indexOf(agent)])
  inbox.forEach((agent, i) => {
    if (!agents.includes(agent)) tell(agent, inboxSeqs[i])
  })
}
