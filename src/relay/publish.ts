// What a commit stored reaches those who listen, here and in other processes: joined per channel, and one by one to the agents it is for.
import type { Counts } from '../base/metrics.ts'
import type { Committed, Result } from './committer.ts'
import type { Effects } from './effects.ts'
import { isOfEvent, type News, type Outcome } from './feature.ts'
import type { Hub } from './hub.ts'
import type { NumberedBus } from './numbered-bus.ts'
import type { Place } from './told.ts'

export interface Listeners {
  readonly hub: Hub
  readonly bus: NumberedBus
  readonly effects: Effects
  readonly counts: Counts
}

export const publish = (results: readonly Result[], listeners: Listeners): void => {
  const { hub, bus } = listeners
  const byChannel = new Map<string, Committed[]>()
  const direct: Committed[] = []
  const newsOf = new Map<Committed, readonly News[]>()
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
    const news = bus.isAlone ? undefined : result.outcome.effects?.filter(isOfEvent)
    if (news !== undefined && news.length > 0) newsOf.set(result.event, news)
    sort(result.event)
    for (const event of result.more ?? []) sort(event)
  }
  for (const [channel, events] of byChannel) {
    const frames = events.length === 1 ? events[0]!.frame : Buffer.concat(events.map(event => event.frame))
    const first = events[0]!.stamp.seq
    const last = events.at(-1)!.stamp.seq
    hub.publish(channel, first, last, frames)
    if (bus.isAlone) continue
    const news = newsOf.size === 0 ? [] : events.flatMap(event => newsOf.get(event) ?? [])
    bus.publish(channel, { kind: 'events', channel, first, last, frames, ...(news.length > 0 && { news }) })
  }
  for (const event of direct) publishDirect(event, newsOf.get(event), listeners)
}

/** What a result tells beside its event is told behind it, where a channel hears it. */
export const placeOf = ({ more, event }: Extract<Result, { kind: 'done' }>): Place | undefined => {
  const last = more?.at(-1) ?? event
  if (last === undefined || last.append.agents !== undefined) return undefined
  return { channel: last.append.stream, seq: last.stamp.seq }
}

/** What is sent again may never have been told: its first commit had no answer. */
const noteStored = (seq: number, append: Outcome['append'], { hub, bus }: Listeners): void => {
  const [first] = [append].flat()
  if (first === undefined || first.agents !== undefined) return
  hub.noteStored(first.stream, seq)
  bus.noteHead(first.stream, seq)
}

/** To the agents concerned: to those it is from and for, and to whose inbox keeps it. */
const publishDirect = (
  { append, stamp: { seq }, frame, inboxSeqs }: Committed,
  news: readonly News[] | undefined,
  { effects, bus }: Listeners,
): void => {
  const { agents = [], inbox = [], muted, stream } = append
  const tell = (agent: string, inboxSeq: number | undefined) => {
    const isKept = muted?.includes(agent) === true
    effects.direct(agent, stream, frame, inboxSeq, isKept)
    if (!bus.isAlone) bus.publish(agent, { kind: 'direct', agent, stream, seq, frame, inboxSeq, isKept, ...(news && { news }) })
  }
  for (const agent of agents) tell(agent, inboxSeqs[inbox.indexOf(agent)])
  inbox.forEach((agent, i) => {
    if (!agents.includes(agent)) tell(agent, inboxSeqs[i])
  })
}
