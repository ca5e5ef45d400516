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
  /** Of each who reads. */
  readonly #readers = new Set<Set<string>>()
  /** Who changed a thing last, and when. */
  readonly #last = new Map<string, { readonly by: string, readonly at: number }>()
  #onContested: ((agent: string | undefined) => void) | undefined

  /**
   * Whom to call when the tables have to say what is so, of an agent or of all: two processes changed a thing at nearly the same time, or one
   * told of what is not known.
   */
  contested(listener: (agent: string | undefined) => void): void {
    this.#onContested = listener
  }

  /** Reads tables; `fresh` has what changes meanwhile. */
  async during<T>(read: (fresh: ReadonlySet<string>) => Promise<T>): Promise<T> {
    const fresh = new Set<string>()
    this.#readers.add(fresh)
    try {
      return await read(fresh)
    } finally {
      this.#readers.delete(fresh)
    }
  }

  /** A session of an agent begins: whoever was locked out a moment ago may have been let in before that was known. */
  noteLogin(agent: string, now: number): void {
    const last = this.#last.get(agent)
    if (last !== undefined && now < last.at + contestMs) this.#onContested?.(agent)
  }

  /** What is told of is not known: it may come yet, or be gone. */
  noteUnknown(): void {
    this.#onContested?.(undefined)
  }

  /** @param by the process that told it */
  note(effect: ToldEffect, by: string, now: number): void {
    // Of a channel the versions say it, and nothing else is in tables.
    if (effect.kind === 'channel' || effect.kind === 'channelEnds') this.#see(thingOf(effect))
    else if (isKept.has(effect.kind)) this.#note(thingOf(effect), 'agent' in effect ? effect.agent : undefined, by, now)
  }

  noteMember(agent: string, channel: string, by: string, now: number): void {
    this.#note(memberThing(agent, channel), agent, by, now)
  }

  #note(thing: string, agent: string | undefined, by: string, now: number): void {
    this.#see(thing)
    if (this.#onContested === undefined) return
    const last = this.#last.get(thing)
    if (last !== undefined && last.by !== by && now < last.at + contestMs) this.#onContested(agent)
    if (this.#last.size >= maxRemembered) this.#last.clear()
    this.#last.set(thing, { by, at: now })
  }

  #see(thing: string): void {
    for (const reader of this.#readers) reader.add(thing)
  }
}
