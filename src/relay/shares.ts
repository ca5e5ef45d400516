// THE SHARES: how much one agent, one address and all together may hold of what all share; a row for each kind of it. The only
// place that refuses for it, so that a refusal always says which limit it is, whose share, and what makes room.
import { addShare, heldBy, type Held, type Holder, type StoredKind } from '../store/shares.ts'
import type { Awaitable, Db, Tx } from '../store/store.ts'
import { Fail } from './fail.ts'

interface Kind {
  /** what is held, in the plural */
  readonly what: string
  /** The settings that limit it; 0 there: no limit. Of what an agent has one at most, its share needs none. */
  readonly limits: { readonly agent?: string, readonly address?: string, readonly all: string }
  /** how its holder makes room */
  readonly room?: string
}

const ofAddresses = <N extends string>(name: N) => ({ address: `max${name}PerAddress`, all: `max${name}` }) as const
const ofEach = <N extends string>(name: N) => ({ agent: `max${name}PerAgent`, ...ofAddresses(name) }) as const

export const shareKinds = {
  channels: { what: 'channels', limits: ofEach('Channels') },
  skillLists: { what: 'skill lists', limits: ofAddresses('SkillLists') },
  profiles: { what: 'profiles', limits: ofAddresses('Profiles') },
  revocations: { what: 'revocations of keys that were never seen here', limits: ofAddresses('Revocations') },
  agents: {
    what: 'agents with a key',
    limits: ofAddresses('Agents'),
    room: 'those that did nothing here and were away for long are forgotten',
  },
  memberships: { what: 'lasting memberships of channels', limits: ofEach('Memberships'), room: 'LEAVE some channels' },
  invitations: { what: 'open invitations', limits: ofEach('Invitations'), room: 'each ends when it is used, or by UNINVITE' },
  proofs: { what: 'open proofs', limits: ofEach('Proofs'), room: 'each ends after 30 s at the latest' },
  openProposals: { what: 'open proposals', limits: ofEach('OpenProposals'), room: 'CANCEL some of yours, or wait for their deadlines' },
  blocks: { what: 'blocks', limits: ofEach('Blocks'), room: 'UNBLOCK makes room' },
  inbox: {
    what: 'unreceived messages in this inbox',
    limits: { agent: 'maxInboxPerSender', address: 'maxInboxPerAddress', all: 'maxInbox' },
    room: 'a large one counts as several, and there is room when they are received',
  },
  watched: { what: 'watched agents', limits: ofEach('Watched'), room: 'UNWATCH some of yours' },
  floors: { what: 'floors, or places in line for one', limits: ofEach('Floors'), room: 'answer, or LEAVE_FLOOR' },
  webhooks: { what: 'webhooks', limits: ofAddresses('Webhooks'), room: 'WEBHOOK_REMOVE ends one' },
} as const satisfies Record<StoredKind | 'watched' | 'inbox' | 'floors' | 'webhooks', Kind>

export type ShareKind = keyof typeof shareKinds
type SettingsOf<K> = K extends { readonly limits: infer L } ? L[keyof L] : never
/** A number for each setting that the table names. */
export type ShareLimits = { readonly [S in SettingsOf<(typeof shareKinds)[ShareKind]>]: number }

const holders = {
  agent: (what: string, limit: number) => `You hold ${limit} ${what}, as many as one agent may`,
  address: (what: string, limit: number) => `The agents of your address hold ${limit} ${what}, as many as they may`,
  all: (what: string, limit: number) => `This relay holds ${limit} ${what}, as many as it may`,
} as const satisfies Record<keyof Held, unknown>

const nearlyFull = 0.9
const nobody: Holder = { agent: '', address: '' }

/** What waits in an inbox: of a sender, of those of its address, of all. */
interface Waiting {
  readonly sender: number
  readonly address: number
  readonly all: number
}

const nothing: Waiting = { sender: 0, address: 0, all: 0 }

export class Shares {
  readonly #limits: Readonly<Record<string, number>>

  constructor(limits: ShareLimits) {
    this.#limits = limits
  }

  /** @throws Fail LIMIT_REACHED where `more` beside what is held is more than somebody's share */
  check(kind: ShareKind, held: Held, more = 1): void {
    const { what, limits, room }: Kind = shareKinds[kind]
    for (const whose of ['agent', 'address', 'all'] as const) {
      const setting = limits[whose]
      const limit = setting === undefined ? 0 : this.#limits[setting]!
      if (limit === 0 || held[whose] + more <= limit) continue
      throw new Fail('LIMIT_REACHED', `${holders[whose](what, limit)} (${setting})${room === undefined ? '' : `; ${room}`}`)
    }
  }

  #isBoundless(kind: ShareKind): boolean {
    return Object.values(shareKinds[kind].limits).every(setting => this.#limits[setting] === 0)
  }

  /** Whether a sender may leave one more message in an inbox; `beside`: what it leaves there in the same turn. @throws Fail LIMIT_REACHED */
  checkInbox(tx: Tx, agent: string, { agent: sender, address }: Holder, beside: Waiting = nothing): Awaitable<void> {
    if (this.#isBoundless('inbox')) return undefined
    const check = (waiting: Waiting) =>
      this.check('inbox', {
        agent: waiting.sender + beside.sender,
        address: waiting.address + beside.address,
        all: waiting.all + beside.all,
      })
    const waiting = tx.log.waiting(agent, sender, address)
    return waiting instanceof Promise ? waiting.then(check) : check(waiting)
  }

  /** Whether so much is held in all that what has aged should go, before nobody gets any. */
  async isNearlyFull(db: Db, kind: StoredKind): Promise<boolean> {
    const most = this.#limits[shareKinds[kind].limits.all]!
    return most > 0 && (await heldBy(db, kind, nobody)).all > most * nearlyFull
  }

  /** Notes a thing of a holder; `known` are counts that are known better. It is given back by `releaseShare`. @throws Fail LIMIT_REACHED */
  async take(tx: Tx, kind: StoredKind, thing: string, holder: Holder, known: Partial<Held> = {}): Promise<void> {
    this.check(kind, { ...await heldBy(tx, kind, holder), ...known })
    await addShare(tx, kind, thing, holder)
  }
}
