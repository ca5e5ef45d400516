// What a request costs its agent and its address in frames: before it is decided, by its row, its size and who is there to hear of it;
// after it, by its answer.
import { prices, type Cost, type RequestBody } from '../../lib/protocol/index.ts'
import { hereWord, mentionsIn } from '../../lib/protocol/mentions.ts'
import type { Agent, Channel, RosterView } from './view.ts'

/** How many messages counts for, by the operator's policy, what an agent says: of an edit `to` is not known yet. */
export type MessagePrice = (me: Agent, said: RequestBody<'MSG'> | RequestBody<'EDIT'> | RequestBody<'FILE_CHUNK'>) => number

/** Members that are told of each other; in larger channels they hear a summary, which costs nobody. */
const toldOf = (members: number, announceMaxMembers: number): number => members > announceMaxMembers ? 0 : members

/** Who is there, and who of them is told. */
interface Place {
  readonly roster: RosterView
  readonly announceMaxMembers: number
}

const listeners = (
  audience: NonNullable<Cost['audience']>,
  body: object,
  me: Agent | undefined,
  { roster, announceMaxMembers }: Place,
): number => {
  if (audience === 'peers') {
    let count = 0
    for (const { agents } of me?.channels ?? []) count += toldOf(agents.size, announceMaxMembers)
    return count
  }
  if (audience === 'here') {
    const { to, content } = body as { readonly to: string, readonly content: string }
    if (!to.startsWith('#') || !content.includes('@')) return 0
  }
  // Who is not in it reaches nobody there; and a price would tell that a private channel is there.
  const channel = roster.channel(
    (body as Readonly<Record<string, string>>)[audience === 'target' || audience === 'here' ? 'to' : 'channel']!,
  )
  if (me === undefined || channel === undefined || !roster.isMember(me, channel)) return 0
  if (audience === 'here') return calledIn(channel, (body as { readonly content: string }).content)
  return audience === 'members' ? channel.agents.size : toldOf(channel.agents.size, announceMaxMembers)
}

/** Those whom a message calls by `@here`, and by groups. */
const calledIn = ({ agents, info: { groups } }: Channel, content: string): number => {
  if (groups === null && !content.includes('@here')) return 0
  const words = mentionsIn(content)
  let count = words.includes(hereWord) ? agents.size : 0
  for (const { name, members } of groups ?? []) if (words.includes(name)) count += members
  return count
}

/** What is known when the request arrives; `size` is what its frame's size adds. */
export const priceBefore = (cost: Cost, body: object, size: number, me: Agent | undefined, place: Place): number => {
  let frames = cost.frames + size
  if (cost.each !== undefined)
    frames += ((body as Readonly<Record<string, readonly unknown[] | undefined>>)[cost.each]?.length ?? 0) / prices.entriesPerFrame
  if (cost.audience !== undefined) frames += listeners(cost.audience, body, me, place) / prices.listenersPerFrame
  return frames
}

/** What the answer adds: its bytes, the entries of its lists, and the texts that it hands on as they are stored. */
export const priceAfter = (body: object, stored: number, bytes: number): number => {
  let entries = 0
  for (const key in body) {
    const value: unknown = (body as Readonly<Record<string, unknown>>)[key]
    if (Array.isArray(value)) entries += value.length
  }
  return Math.floor(bytes / prices.answerBytesPerFrame) + Math.floor(entries / prices.entriesPerFrame)
    + Math.floor(stored / prices.storedPerFrame)
}
