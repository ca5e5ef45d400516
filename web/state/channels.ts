// The channels that the visitor is in, those that there are, and how much of each is unread.
import { batch, computed, signal } from '@preact/signals'
import { agentId, channelName, markRead, unreadIn, type AgentId, type ChannelName, type Target, type Told } from '../../lib/index.ts'
import { timerMs } from '../../lib/protocol/timer.ts'
import { onMessage } from './logs.ts'
import { tellFailure } from './notices.ts'
import { perFrame } from './per-frame.ts'
import { here, isKeyed, myId, onClient, onOpened } from './session.ts'

/** How much of a place is unread, and of it what calls the visitor. */
export interface Unread {
  readonly count: number
  readonly mentions: number
}

type ListedChannel = Told<'CHANNELS'>['list'][number]

const none: Unread = { count: 0, mentions: 0 }

/** Channels that the visitor is in, by name. */
export const joined = signal<ReadonlyMap<ChannelName, Told<'JOINED'>>>(new Map())
/** All channels that he may know of; undefined: not asked yet. */
export const listed = signal<readonly ListedChannel[] | undefined>(undefined)
/** Agents he talks with, the latest first. */
export const partners = signal<readonly AgentId[]>([])
/** What is unread, and the same as it is shown: of many messages that come at once, once. */
const counts = new Map<Target, Unread>()
const unread = signal<ReadonlyMap<Target, Unread>>(new Map())
const show = (): void => {
  unread.value = new Map(counts)
}
const showSoon = perFrame(show)

/** As it is shown. */
export const unreadOf = (place: Target): Unread => unread.value.get(place) ?? none
/** In all places: what stands in the window's title. */
export const unreadInAll = computed(() => [...unread.value.values()].reduce((sum, each) => sum + each.count, 0))

const count = (place: Target, next: Unread): void => {
  counts.set(place, next)
  showSoon()
}

const partnersKey = (): string => `agentchat.partners.${myId.peek() ?? ''}`
const maxPartners = 200

/** Somebody was written to, or wrote. */
export const met = (agent: AgentId): void => {
  if (partners.peek()[0] === agent) return
  partners.value = [agent, ...partners.peek().filter(each => each !== agent)].slice(0, maxPartners)
  if (isKeyed.peek()) localStorage.setItem(partnersKey(), JSON.stringify(partners.peek()))
}

const keptPartners = (): readonly AgentId[] => {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(partnersKey()) ?? '[]')
    return Array.isArray(kept) ? kept.filter((each): each is AgentId => /^@\w+$/.test(String(each))) : []
  } catch {
    return []
  }
}

/** Comes in, to hear what is said from here on; what was said before is read where it is looked at. */
export const join = async (channel: ChannelName): Promise<void> => {
  const told = await here().join(channel, { limit: 0 })
  batch(() => {
    joined.value = new Map(joined.peek()).set(channel, told)
    if (!counts.has(channel)) count(channel, none)
  })
}

export const leave = async (channel: ChannelName): Promise<void> => {
  await here().leave(channel)
  gone(channel)
}

const gone = (channel: ChannelName): void =>
  batch(() => {
    const left = new Map(joined.peek())
    left.delete(channel)
    joined.value = left
    counts.delete(channel)
    show()
  })

/** Asks which channels there are. */
export const list = async (): Promise<void> => {
  listed.value = await here().listChannels()
}

/** The place that is on the screen, as far as its newest message. */
export const inView = signal<Target | undefined>(undefined)

/** Up to which number each place was said to be read. */
const told = new Map<Target, number>()
/** What is read is said once in a while: of many messages that come at once, the newest. */
const readMs = 200
const telling = new Set<Target>()

/** All of a place is read, up to a number: here at once, and at the relay for every other session of this agent. */
export const read = (place: Target, seq: number): void => {
  if ((counts.get(place) ?? none).count > 0) count(place, none)
  if (!isKeyed.peek() || seq <= (told.get(place) ?? 0)) return
  told.set(place, seq)
  if (telling.has(place)) return
  telling.add(place)
  setTimeout(() => {
    telling.delete(place)
    markRead(here(), place, told.get(place)).catch(() => told.delete(place))
  }, timerMs(readMs))
}

/** Of what others read in quick turns, the last of it is asked. */
const askAgainMs = 500
const isAsking = signal(false)

/** What the relay says is unread, and the channels that this agent is in for good. */
const ask = async (): Promise<void> => {
  if (isKeyed.peek()) partners.value = keptPartners()
  told.clear()
  const { channels, direct } = isKeyed.peek() ? await unreadIn(here()) : { channels: [], direct: [] }
  // What a guest has not read nobody else knows.
  const places: readonly Target[] = [...joined.peek().keys(), ...(isKeyed.peek() ? [] : partners.peek())]
  const kept = places.map(place => [place, counts.get(place) ?? none] as const)
  counts.clear()
  for (const [place, known] of kept) counts.set(place, known)
  for (const { channel, unread, mentions = 0 } of channels) counts.set(channel, { count: unread, mentions })
  for (const { with: agent, unread } of direct) counts.set(agent, { count: unread, mentions: unread })
  show()
  for (const { with: agent } of direct) if (!partners.peek().includes(agent)) met(agent)
  await Promise.all(channels.filter(({ channel }) => !joined.peek().has(channel)).map(({ channel }) => join(channel).catch(tellFailure)))
}

onOpened(() => void ask().catch(tellFailure))

onMessage((place, frame, isMine) => {
  if (place.startsWith('@')) met(agentId(place))
  // What changes a message has no row of its own.
  if (isMine || frame.replay === true || frame.seq === undefined || frame.edit !== undefined || frame.retract !== undefined) return
  if (inView.peek() === place && document.visibilityState === 'visible') {
    read(place, frame.seq)
    return
  }
  const { count: before, mentions } = counts.get(place) ?? none
  const calls = place.startsWith('@') || frame.content.includes(myId.peek() ?? '\u0000')
  count(place, { count: before + 1, mentions: mentions + (calls ? 1 : 0) })
})

onClient(client => {
  batch(() => {
    joined.value = new Map()
    counts.clear()
    show()
  })
  told.clear()
  // Read in another window, or by another program of the same agent.
  client.on('READ', () => {
    if (isAsking.peek()) return
    isAsking.value = true
    setTimeout(() => {
      isAsking.value = false
      ask().catch(() => undefined)
    }, timerMs(askAgainMs))
  })
  client.on('LEFT', ({ channel }) => gone(channelName(channel)))
  client.on('CHANNEL_CHANGED', ({ channel, owner, pinBy, archived }) => {
    const name = channelName(channel)
    const known = joined.peek().get(name)
    // What is not told is as it was at first.
    const { owner: _, pinBy: __, archived: ___, ...rest } = known ?? {}
    const now = { ...rest, ...(owner && { owner }), ...(pinBy && { pinBy }), ...(archived && { archived }) }
    if (known !== undefined) joined.value = new Map(joined.peek()).set(name, now as typeof known)
  })
  client.on('TOPIC_CHANGED', ({ channel, topic }) => {
    const name = channelName(channel)
    const known = joined.peek().get(name)
    if (known !== undefined) joined.value = new Map(joined.peek()).set(name, { ...known, topic })
  })
})
