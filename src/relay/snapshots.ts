// All sessions of a process, told at once, in pages: what those who missed something go by. What a process says of all of its own is so.
import { processNamed } from '../bus/bus.ts'
import type { Effects } from './effects.ts'
import type { Hearing } from './hearing.ts'
import type { Hub } from './hub.ts'
import type { Interest } from './interest.ts'
import type { NumberedBus } from './numbered-bus.ts'
import type { Roster } from './roster.ts'
import type { BusMessage, SessionFacts, Told } from './told.ts'

/** In one message: so many, and so much of JSON. An agent may be in very many channels, and what is too large for the bus is not carried. */
const maxSessions = 500
const maxPageBytes = 256 * 1024
const maxChannels = 1_000

export interface SnapshotsDeps {
  readonly bus: NumberedBus
  readonly roster: Roster
  readonly effects: Effects
  readonly hearing: Hearing
  readonly hub: Hub
  readonly interest: Interest
  /** What a process told since it was heard last is in tables. */
  readonly missed: () => void
  /** Resolves when those are read; undefined: they are. */
  readonly settled: () => Promise<void> | undefined
  /** All sessions of one more process are known. */
  readonly learned: () => void
}

type Page = Extract<BusMessage, { kind: 'sessions' }>

/** What is there of all sessions of a process, after it had told so much. */
interface Snapshot {
  readonly n: number
  readonly pages: Map<number, Page>
}

export class Snapshots {
  readonly #deps: SnapshotsDeps
  readonly #parts = new Map<string, Snapshot>()
  /** By process: channels that it named and that are not known. Nobody enters such a one: when they are read, it is asked once more. */
  readonly #unknown = new Map<string, Set<string>>()
  /** Of whom more is to come. */
  readonly #asked = new Set<string>()

  constructor(deps: SnapshotsDeps) {
    this.#deps = deps
  }

  forget(name: string): void {
    this.#parts.delete(name)
    this.#unknown.delete(name)
    this.#asked.delete(name)
  }

  /** What another process told of a channel may come before the channel itself, which a third one told, and be all that comes. */
  noteTold(told: Told, from: string): void {
    const isNews = this.#note(told.kind === 'joined' ? [told.channel] : told.kind === 'opened' ? told.autojoin : [], from)
    if (isNews) this.#deps.effects.changes.noteUnknown()
  }

  /** Whether some of them are not known. */
  #note(channels: readonly string[], from: string): boolean {
    const unknown = channels.filter(name => this.#deps.roster.channel(name) === undefined)
    if (unknown.length > 0) this.#unknown.set(from, new Set([...this.#unknown.get(from) ?? [], ...unknown]))
    return unknown.length > 0
  }

  /** What is in tables is read: a channel that is still not known has ended. */
  read(): void {
    const { roster, bus } = this.#deps
    for (const [from, channels] of this.#unknown) {
      if (![...channels].some(name => roster.channel(name) !== undefined)) continue
      this.#asked.add(from)
      bus.publish(processNamed(from), { kind: 'ask' })
    }
    this.#unknown.clear()
  }

  /** All sessions of this process, a page in a message. */
  tell(to: string): void {
    const { roster, bus, hub: { channels } } = this.#deps
    const pages: SessionFacts[][] = [[]]
    let bytes = 0
    for (const [agent, connection] of roster.here()) {
      const { id, name, pubkey, verified, admin, exempt, memberships, presence, statusText } = agent
      const announced: string[] = []
      const silent: string[] = []
      for (const channel of connection.channels) (roster.isAnnounced(agent, channel) ? announced : silent).push(channel)
      const { session, address, heardAt, since } = connection
      const facts = { id, name, pubkey, verified, admin, exempt, memberships: [...memberships] }
      const told: SessionFacts = { session, address, heardAt, since, facts, change: { presence, statusText }, announced, silent }
      const size = Buffer.byteLength(JSON.stringify(told))
      const page = pages.at(-1)!
      if (page.length > 0 && (page.length >= maxSessions || bytes + size > maxPageBytes)) {
        pages.push([told])
        bytes = size
      } else {
        page.push(told)
        bytes += size
      }
    }
    while (pages.length * maxChannels < channels.length) pages.push([])
    pages.forEach((sessions, page) => {
      const hears = channels.slice(page * maxChannels, (page + 1) * maxChannels)
      bus.publish(to, { kind: 'sessions', sessions, hears, n: bus.told, page, pages: pages.length })
    })
  }

  collect(message: Page, from: string): void {
    const { n, page, pages } = message
    const known = this.#parts.get(from)
    const snapshot = known?.n === n ? known : { n, pages: new Map<number, Page>() }
    snapshot.pages.set(page, message)
    if (snapshot.pages.size < pages) return void this.#parts.set(from, snapshot)
    this.#parts.delete(from)
    this.#asked.delete(from)
    const all = [...snapshot.pages.values()]
    const heard = message.hears && all.flatMap(({ hears = [] }) => hears)
    this.#reconcile(all.flatMap(({ sessions }) => sessions), heard, n, from)
  }

  /** Those of it that are known and not among them are over. */
  #reconcile(sessions: readonly SessionFacts[], heard: readonly string[] | undefined, n: number, from: string): void {
    const { roster, effects, bus, hearing, interest, missed, settled, learned } = this.#deps
    const last = hearing.lastOf(from)
    // More is known already.
    if (last !== undefined && n < last) return
    const isUnknown = this.#note(sessions.flatMap(each => [...each.announced, ...each.silent, ...each.facts.memberships]), from)
    if (last !== n || isUnknown) missed()
    bus.tellHeads(from, interest.learn(from, heard))
    const named = new Map(sessions.map(each => [`${each.facts.id} ${each.session}`, each]))
    for (const { agent, session, node, heardAt, channels } of roster.elsewhere()) {
      if (node !== from || agent === undefined) continue
      const still = named.get(`${agent.id} ${session}`)
      // One that left channels is opened anew: only an agent leaves, and this is one session of it. So is one that came in silently.
      const isOther = still !== undefined
        && ([...channels].some(channel => ![...still.announced, ...still.silent].includes(channel))
          || still.silent.some(channel => !channels.has(channel) && roster.channel(channel) !== undefined))
      if (still === undefined || isOther) effects.hear({ kind: 'closed', agent: agent.id, session, lastSeen: heardAt }, from)
    }
    for (const { session, address, heardAt, since, facts, change, announced, silent } of sessions) {
      const { id } = facts
      const here = roster.opened(id, session)
      if (here !== undefined && here.node !== from && isNewer(here, { since, node: from }, bus.node)) continue
      const known = roster.remote(id, session, from)
      if (known === undefined) effects.hear({ kind: 'opened', session, address, heardAt, since, facts, autojoin: silent }, from)
      for (const channel of announced)
        if (known?.channels.has(channel) !== true) effects.hear({ kind: 'joined', agent: id, session, channel, lasting: false }, from)
      effects.hear({ kind: 'agent', agent: id, change: { ...change, name: facts.name, memberships: facts.memberships } }, from)
    }
    hearing.learned(from, n)
    // Whom it waited for in vain it waits for again: it is heard here, and what was missed is read first.
    const say = () => this.#asked.has(from) ? undefined : bus.publish(processNamed(from), { kind: 'knows', n })
    const reading = settled()
    if (reading === undefined) say()
    else reading.then(say).catch(() => undefined)
    learned()
  }
}

/** Of two that were opened in one millisecond, that of the process whose name comes first. */
export const isNewer = (
  known: { readonly since: number, readonly node: string | undefined },
  told: { readonly since: number, readonly node: string },
  self: string,
): boolean => known.since > told.since || (known.since === told.since && (known.node ?? self) < told.node)
