// Who is who: names that were heard, who is here, and what the relay says of each.
import { signal, type Signal } from '@preact/signals'
import { Authors, type AgentId, type Told } from '../../lib/index.ts'
import type { Author } from '../../lib/identity/index.ts'
import { here, isKeyed, myId, onClient, visitor } from './session.ts'

export type Presence = Told<'WHOIS'>['presence']

/** What is known of an agent beside its name. */
export interface Facts {
  readonly author: Author | undefined
  /** 0 to 1: what settled deals say of it; undefined: nothing */
  readonly standing: number | undefined
}

const names = new Map<string, Signal<string>>()
const presences = new Map<string, Signal<Presence | undefined>>()
const facts = new Map<string, Signal<Facts | undefined>>()
const maxKnown = 5_000

const kept = <T>(map: Map<string, Signal<T>>, id: string, first: T): Signal<T> => {
  let found = map.get(id)
  if (found === undefined) {
    if (map.size >= maxKnown) map.delete(map.keys().next().value!)
    map.set(id, found = signal(first))
  }
  return found
}

/** What an agent calls itself: its id until that was heard. */
export const nameOf = (id: string): Signal<string> => kept(names, id, id === myId.peek() ? visitor.peek()?.name ?? id : id)
export const presenceOf = (id: string): Signal<Presence | undefined> => kept(presences, id, undefined)

/** A name that was heard. */
export const hear = (id: string, name: string): void => {
  const known = kept(names, id, name)
  if (known.peek() !== name) known.value = name
}

const authors = new Authors(agent => here().request('WHOIS', { agent }))

/** What the relay says of an agent; asked when it is first looked at. */
export const factsOf = (id: AgentId): Signal<Facts | undefined> => {
  const isNew = !facts.has(id)
  const found = kept(facts, id, undefined)
  if (isNew) void look(id, found)
  return found
}

const look = async (id: AgentId, found: Signal<Facts | undefined>): Promise<void> => {
  const author = await authors.of(id)
  found.value = { author, standing: undefined }
  if (author?.pubkey == null || !isKeyed.peek()) return
  const rating = await here().reputation.rating(id).catch(() => undefined)
  if (rating !== undefined && rating.standing.counterparties > 0) found.value = { author, standing: rating.standing.standing }
}

onClient(client => {
  client.on('PRESENCE_CHANGED', ({ agentId, name, presence }) => {
    hear(agentId, name)
    presenceOf(agentId).value = presence
  })
  client.on('NICK_CHANGED', ({ agentId, newNick }) => hear(agentId, newNick))
})
