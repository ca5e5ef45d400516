// What others like to know and can do without: typing, floor claims, presence, comings and goings. It is told behind the events; of
// several of one agent in one place within a second the newest; and in channels of many as numbers.
import { timerMs, type FrameBody } from '../../lib/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { frameOf } from './encode.ts'
import type { Hint } from './feature.ts'
import type { Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'
import type { Roster } from './roster.ts'
import type { Channel } from './view.ts'

export interface SignalsDeps {
  readonly roster: Roster
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: Clock
  /** The members of larger channels are not told of each other one by one. */
  readonly announceMaxMembers: number
  /** Least time between two signals of one kind, of one agent, in one place. */
  readonly everyMs: number
}

type Activity = Readonly<Record<(typeof counted)[Hint['type']], number>>

/** What was told last about something, and what has come since. */
interface Recent {
  told: Hint
  pending: Hint | undefined
}

/** A frame on its way, a part of its listeners in each turn. */
interface Delivery {
  readonly frame: Buffer
  /** Undefined: whoever has left the channel meanwhile is told no more of it. */
  readonly channel: string | undefined
  readonly listeners: readonly Connection[]
  next: number
}

/** Listeners that one turn of the event loop serves: the events of the next turn do not wait for more. */
const listenersPerTurn = 1_000

const counted = {
  TYPING: 'typing',
  FLOOR_CLAIMED: 'claimed',
  PRESENCE_CHANGED: 'presence',
  NICK_CHANGED: 'renamed',
  AGENT_JOINED: 'joined',
  AGENT_LEFT: 'left',
  REACTED: 'reacted',
} as const satisfies Record<Hint['type'], keyof FrameBody<'CHANNEL_ACTIVITY'>>

const nothing: Activity = { joined: 0, left: 0, typing: 0, claimed: 0, presence: 0, renamed: 0, reacted: 0 }

/** What a newer one takes the place of. */
const keyOf = ({ agent, about = agent, to, type }: Hint): string =>
  `${type === 'AGENT_LEFT' ? 'AGENT_JOINED' : type} ${about} ${to.kind === 'channel' ? to.channel : ''}`

/** Whether there is nothing new in it: it went and came back. */
const isOld = (told: Hint, hint: Hint): boolean => {
  if (told.to.kind !== hint.to.kind) return false
  if (hint.type === 'AGENT_JOINED' || hint.type === 'AGENT_LEFT') return told.type === hint.type
  if (hint.type !== 'PRESENCE_CHANGED' || told.type !== 'PRESENCE_CHANGED') return false
  return told.body.presence === hint.body.presence && told.body.status_text === hint.body.status_text
}

export class Signals {
  readonly #deps: SignalsDeps
  readonly #recent = new Map<string, Recent>()
  #activity = new Map<string, { -readonly [K in keyof Activity]: Activity[K] }>()
  #waiting: Delivery[] = []
  #timer: NodeJS.Timeout | undefined
  #served = 0
  #isTurnOver = true

  constructor(deps: SignalsDeps) {
    this.#deps = deps
  }

  /** Tells it now, or within a second if the like was told just now. */
  tell(hint: Hint): void {
    const { to, agent } = hint
    if (to.kind === 'channel') {
      const channel = this.#deps.roster.channel(to.channel)
      if (channel === undefined) return
      if (this.#isLarge(channel)) return this.#count(channel.info.name, hint)
    } else if (to.kind === 'peers') {
      for (const channel of this.#deps.roster.agent(agent)?.channels ?? [])
        if (this.#isLarge(channel)) this.#count(channel.info.name, hint)
    }
    const key = keyOf(hint)
    const recent = this.#recent.get(key)
    if (recent !== undefined) {
      recent.pending = hint
      return
    }
    // What nobody heard is not repeated by what comes next.
    if (!this.#send(hint)) return
    this.#recent.set(key, { told: hint, pending: undefined })
    this.#timer ??= this.#startTimer()
  }

  /** Tells large channels what there was to tell, as numbers. */
  summarise(): void {
    const { roster, hub, clock } = this.#deps
    const activity = this.#activity
    this.#activity = new Map()
    for (const [name, { reacted, ...numbers }] of activity) {
      const agents = roster.channel(name)?.agents.size ?? 0
      this.#deliver(frameOf('CHANNEL_ACTIVITY', { ts: clock.now(), channel: name, agents, ...numbers, ...(reacted > 0 && { reacted }) }),
        name, hub.listeners(name))
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #isLarge({ agents }: Channel): boolean {
    return agents.size > this.#deps.announceMaxMembers
  }

  #count(channel: string, { type }: Hint): void {
    let activity = this.#activity.get(channel)
    if (activity === undefined) this.#activity.set(channel, activity = { ...nothing })
    activity[counted[type]]++
  }

  #startTimer(): NodeJS.Timeout {
    return setTimeout(() => {
      for (const [key, recent] of this.#recent) {
        const { told, pending } = recent
        if (pending === undefined || isOld(told, pending)) {
          this.#recent.delete(key)
        } else {
          recent.told = pending
          recent.pending = undefined
          this.#send(pending)
        }
      }
      this.#timer = this.#recent.size > 0 ? this.#startTimer() : undefined
    }, timerMs(this.#deps.everyMs)).unref()
  }

  /** False: there is nobody to tell it to. */
  #send({ agent, about, to, type, body }: Hint): boolean {
    const { roster, hub, clock } = this.#deps
    const listeners = new Set<Connection>()
    const add = (connections: Iterable<Connection>) => {
      for (const connection of connections) if (about !== undefined || connection.agent?.id !== agent) listeners.add(connection)
    }
    if (to.kind === 'channel') {
      add(hub.listeners(to.channel))
      if (type === 'TYPING') { for (const each of listeners) if (each.filters?.get(to.channel)?.isWanted === true) listeners.delete(each) }
    } else {
      if (to.kind === 'peers') {
        const peers = new Set<string>()
        for (const channel of roster.agent(agent)?.channels ?? [])
          if (!this.#isLarge(channel)) { for (const { id } of channel.agents.keys()) peers.add(id) }
        for (const id of peers) add(roster.connectionsOf(id))
      }
      if (type === 'PRESENCE_CHANGED') { for (const connection of roster.watchersOf(agent)) listeners.add(connection) }
    }
    if (listeners.size === 0) return false
    this.#deliver(frameOf(type, { ts: clock.now(), ...body } as FrameBody<typeof type>), to.kind === 'channel' ? to.channel : undefined,
      listeners)
    return true
  }

  #deliver(frame: Buffer, channel: string | undefined, listeners: Iterable<Connection>): void {
    this.#waiting.push({ frame, channel, listeners: [...listeners], next: 0 })
    this.#goOn()
  }

  /** Serves as many as this turn may, in order; the next turn goes on, behind what it has to publish. */
  #goOn(): void {
    let done = 0
    for (const delivery of this.#waiting) {
      const { frame, channel, listeners } = delivery
      while (delivery.next < listeners.length && this.#served < listenersPerTurn) {
        const connection = listeners[delivery.next++]!
        if (channel !== undefined && !connection.channels.has(channel)) continue
        this.#deps.outbox.add(connection, frame)
        this.#served++
      }
      if (delivery.next < listeners.length) break
      done++
    }
    this.#waiting.splice(0, done)
    if (this.#served === 0 || !this.#isTurnOver) return
    this.#isTurnOver = false
    setImmediate(() => {
      this.#isTurnOver = true
      this.#served = 0
      if (this.#waiting.length > 0) this.#goOn()
    })
  }
}
