// Which things change while tables are read: what is read of those may be older than what is known of them.
import type { ToldEffect } from './feature.ts'

/** What a change is about, of what is kept in tables too: a channel, a member of one, an agent, an address, or its kind alone. */
const thingOf = (effect: ToldEffect): string => {
  switch (effect.kind) {
    case 'channel':
      return effect.info.name
    case 'channelEnds':
      return effect.channel
    case 'unsubscribe':
    case 'remove':
      return memberThing(effect.agent, effect.channel)
    case 'standing':
      return effect.agent
    case 'addressBan':
      return effect.address
    default:
      return effect.kind
  }
}

const isKept: ReadonlySet<ToldEffect['kind']> = new Set(['unsubscribe', 'remove', 'standing', 'addressBan', 'motd'])

export const memberThing = (agent: string, channel: string): string => `${agent} ${channel}`

/** Told by several processes within so long, things may have come in another order than they were stored in. */
const contestMs = 1_000
const maxRemembered = 10_000

export class Changes {
  #seen: Set<string> | undefined
  /** Who changed a thing last, and when. */
  readonly #last = new Map<string, { readonly by: string, readonly at: number }>()
  #onContested: ((thing: string) => void) | undefined

  /** Whom to call when two processes changed a thing at nearly the same time: which of them was the last, the tables know. */
  contested(listener: (thing: string) => void): void {
    this.#onContested = listener
  }

  /** From now on until `end`; one reader at a time. */
  begin(): ReadonlySet<string> {
    return this.#seen = new Set()
  }

  end(): void {
    this.#seen = undefined
  }

  /** @param by the process that told it */
  note(effect: ToldEffect, by: string, now: number): void {
    // Of a channel the versions say it, and nothing else is in tables.
    if (effect.kind === 'channel' || effect.kind === 'channelEnds') this.#seen?.add(thingOf(effect))
    else if (isKept.has(effect.kind)) this.#note(thingOf(effect), by, now)
  }

  noteMember(agent: string, channel: string, by: string, now: number): void {
    this.#note(memberThing(agent, channel), by, now)
  }

  #note(thing: string, by: string, now: number): void {
    this.#seen?.add(thing)
    if (this.#onContested === undefined) return
    const last = this.#last.get(thing)
    if (last !== undefined && last.by !== by && now < last.at + contestMs) this.#onContested(thing)
    if (this.#last.size >= maxRemembered) this.#last.clear()
    this.#last.set(thing, { by, at: now })
  }
}
