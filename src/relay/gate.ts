// Who may ask: the right that a request takes, by the table of rights and the roster, before its handler runs.
import { createHash, timingSafeEqual } from 'node:crypto'
import { can, rights, type Right, type RightRow } from '../../lib/access/table.ts'
import { addressOf, hasHost, requests, type RequestType } from '../../lib/protocol/index.ts'
import type { Logger } from '../base/log.ts'
import type { Counts } from '../base/metrics.ts'
import type { Ban } from '../store/standing.ts'
import type { OfficeHolder } from './bonds.ts'
import { Buckets, sharedBuckets, type SharedCounts } from './bucket.ts'
import type { Connection } from './connection.ts'
import { Fail, noChannel } from './feature.ts'
import { Guesses } from './guesses.ts'
import { mayRead, type Agent, type Arrival, type Channel, type RosterView } from './view.ts'

export interface Passed {
  readonly me: Agent
  readonly channel: Channel
  /** An admin agent, whoever sent the admin key with the request, or an account that may. */
  readonly isAdmin: boolean
  /** The account by whose right it is asked, if by that of one. */
  readonly account: string | undefined
  /** Only an admin may ask this: it is noted. */
  readonly byRight: boolean
  /** The refusal of what admins may, where the account would be one once its passkey vouched anew. */
  readonly passkeyAsked?: Fail | undefined
}

/** A request at the gate. */
export interface Asked {
  readonly type: RequestType
  readonly body: object
  readonly now: number
  /** Whether it changes something. */
  readonly isWrite: boolean
  /** What whoever sits at the browser is at the relay. */
  readonly office: OfficeHolder | undefined
}

export interface AddressBan {
  readonly reason: string | null
}

/** Whether a host in a name means this relay, for who came in at `arrival`. */
export type IsOwnHost = (host: string, arrival: Arrival) => boolean

export interface GateOptions {
  readonly adminKey: string | undefined
  /** Whether accounts can sign in. */
  readonly hasAccounts: boolean
  readonly addressBans: readonly Ban[]
  readonly isOwnHost: IsOwnHost
  readonly log: Logger
  readonly counts: Counts
}

/** What others than operators may ask by it. It is noted, and must not wash away what is noted of others. */
const ofOffice = { perSecond: 2, burst: 300 }

/** What is done with a channel of another relay that is mirrored here: it is read, and what is said in it is handed on. */
const atMirrors: ReadonlySet<RequestType> = new Set([
  'JOIN',
  'LEAVE',
  'HISTORY',
  'HEAD',
  'LIST_AGENTS',
  'MSG',
  'READ',
  'SEARCH',
  'SUBSCRIBE',
])

/** Whose each right is, as every request asks it: worked out once. */
const holders = Object.fromEntries((Object.keys(rights) as Right[]).map(right => [right, {
  isOfChannel: rights[right].of === 'channel',
  isMembers: can(['member'], right),
  isEveryones: can(['everyone'], right),
  isAgents: can(['everyone', 'agent'], right),
  isSelfs: can(['self'], right),
}])) as Readonly<Record<Right, Readonly<Record<'isOfChannel' | 'isMembers' | 'isEveryones' | 'isAgents' | 'isSelfs', boolean>>>>

export class Gate {
  readonly #options: GateOptions
  readonly #adminKeyHash: Buffer | undefined
  readonly #guesses = new Guesses()
  /** By account. */
  readonly #offices = new Buckets(ofOffice)
  /** What all processes count together. */
  readonly shared: SharedCounts = { 'admin keys': this.#guesses, 'offices': sharedBuckets(this.#offices) }
  readonly #bannedAddresses = new Map<string, AddressBan>()

  constructor(options: GateOptions) {
    this.#options = options
    this.#adminKeyHash = options.adminKey === undefined ? undefined : hash(options.adminKey)
    this.setAddressBans(options.addressBans)
  }

  /**
   * Names that say they are of this relay become the bare ones; those of channels of others that are mirrored here stay. Gives the refusal
   * where one is of another relay.
   */
  here(connection: Connection, type: RequestType, body: object, roster: RosterView): Fail | undefined {
    return this.#here(connection, type, body, 'to', roster) ?? this.#here(connection, type, body, 'channel', roster)
  }

  #here(
    connection: Connection,
    type: RequestType,
    body: { to?: unknown, channel?: unknown },
    field: 'to' | 'channel',
    roster: RosterView,
  ): Fail | undefined {
    const address = body[field]
    if (!hasHost(address)) return undefined
    const { name, host } = addressOf(address)
    if (!this.#options.isOwnHost(host!, connection.arrival)) {
      if (roster.channel(address) !== undefined) {
        if (atMirrors.has(type)) return undefined
        return new Fail('HOST_UNKNOWN', `${field}: ${address} is mirrored here; ${type} is done at its own relay, ${host}: connect to it`)
      }
      // Whether agents there can be written to is decided where links are.
      if (type === 'MSG' && name.startsWith('@')) return undefined
      return new Fail('HOST_UNKNOWN', `${field}: ${name} of ${host} is at another relay; connect to it, nothing is passed on from here`)
    }
    body[field] = name
    return undefined
  }

  /** Whether what an account is at the relay can make a difference to a request: to one that the admin key could come with, and did not. */
  asksOffice(connection: Connection, type: RequestType, body: object): boolean {
    return connection.signIn !== undefined && connection.agent?.admin !== true
      && 'admin_key' in (requests[type].body as { readonly shape: object }).shape
      && (body as { readonly admin_key?: unknown }).admin_key === undefined
  }

  /** Throws the Fail that refuses, or gives what the right promises to the handler: `me` to agents, `channel` where it is of one. */
  pass(right: Right, connection: Connection, asked: Asked, roster: RosterView): Passed {
    const me = connection.agent
    const { channel: name, agent, admin_key: key } = asked.body as {
      readonly channel?: unknown
      readonly agent?: unknown
      readonly admin_key?: unknown
    }
    const { isOfChannel, isMembers, isEveryones, isAgents, isSelfs } = holders[right]
    if (isOfChannel && !isMembers) return this.#owner(right, connection, String(name), key, asked, roster)
    // In what is another agent's nobody is himself.
    const isOwn = agent === undefined || agent === me?.id
    const byRight = !isOfChannel && !isAgents && !(isOwn && isSelfs)
    let account: string | undefined
    let passkeyAsked: Fail | undefined
    if (byRight) account = this.#admin(right, connection, key, asked)
    else if (!isEveryones && me === undefined) throw new Fail('AUTH_REQUIRED', 'Identify first')
    else if (key !== undefined && me?.admin !== true) this.#admin(right, connection, key, asked)
    else if (asked.office?.office === 'operator') {
      if (asked.isWrite ? asked.office.isFresh : asked.office.isSure) account = asked.office.account
      else passkeyAsked = wantsPasskey('What admins may')
    }
    const isAdmin = me?.admin === true || key !== undefined || account !== undefined
    if (!isOfChannel) return { me, channel: undefined, isAdmin, account, byRight, passkeyAsked } as unknown as Passed
    const channel = roster.known(me!, String(name))
    if (channel === undefined) throw noChannel(String(name))
    if (!roster.isMember(me!, channel)) throw new Fail('NOT_INVITED', `You are not a member of ${channel.info.name}`)
    return { me: me!, channel, isAdmin, account, byRight, passkeyAsked }
  }

  /** Whether nobody from an address is wanted. */
  addressBan(address: string): AddressBan | undefined {
    return this.#bannedAddresses.get(address)
  }

  /** Who is banned now, and nobody else; but for those of which more is known than was read. */
  setAddressBans(bans: readonly Ban[], known: ReadonlySet<string> = new Set()): void {
    for (const address of [...this.#bannedAddresses.keys()]) if (!known.has(address)) this.#bannedAddresses.delete(address)
    for (const { of: address, reason } of bans) if (!known.has(address)) this.setAddressBan(address, { reason })
  }

  setAddressBan(address: string, ban: AddressBan | undefined): void {
    if (ban === undefined) this.#bannedAddresses.delete(address)
    else this.#bannedAddresses.set(address, ban)
  }

  sweep(now: number): void {
    this.#guesses.sweep(now)
    this.#offices.sweep(now)
  }

  /** The channel's owner, or an admin, who may have no session. */
  #owner(right: Right, connection: Connection, name: string, key: unknown, asked: Asked, roster: RosterView): Passed {
    const me = connection.agent
    const channel = roster.channel(name)
    const isOwner = me !== undefined && channel?.info.owner === me.id
    const isAdmin = me?.admin === true || key !== undefined || (asked.office !== undefined && can([asked.office.office], right))
    const account = isAdmin && !isOwner ? this.#admin(right, connection, key, asked) : undefined
    if (!isAdmin && me === undefined) throw new Fail('AUTH_REQUIRED', 'Identify first')
    if (channel === undefined) throw noChannel(name)
    if (!isOwner && !isAdmin) {
      if (!mayRead(me!, channel, roster)) throw noChannel(name)
      throw new Fail('AUTH_REQUIRED', `Only the owner of ${name} and admins may do this`)
    }
    return { me: me as Agent, channel, isAdmin, account, byRight: isAdmin && !isOwner }
  }

  /** Gives the account by whose right it is, if by that of one. @throws Fail */
  #admin(right: Right, connection: Connection, key: unknown, { type, now, office }: Asked): string | undefined {
    if (connection.agent?.admin === true) return undefined
    if (key === undefined && office !== undefined) return this.#byOffice(right, office, now)
    if (this.#adminKeyHash === undefined) throw new Fail('INVALID_MSG', this.#options.hasAccounts ? noKeyButAccounts : noKey)
    if (typeof key !== 'string') throw new Fail('INVALID_MSG', 'admin_key: missing')
    const { address } = connection
    const waitMs = this.#guesses.waitMs(address, now)
    if (waitMs > 0)
      throw new Fail('RATE_LIMITED', `Wrong admin keys came from your address; try again in ${Math.ceil(waitMs / 1_000)} s`, waitMs)
    if (timingSafeEqual(hash(key), this.#adminKeyHash)) {
      this.#guesses.right(address)
      return undefined
    }
    this.#guesses.wrong(address, now)
    this.#options.counts.wrongAdminKeys++
    this.#options.log.warn({ address, agent: connection.agent?.id, request: type }, 'a wrong admin key')
    throw new Fail('AUTH_REQUIRED', 'Wrong admin key')
  }

  /** @throws Fail where the account may not, has to show its passkey first, or asks too much */
  #byOffice(right: Right, { account, office, isSure, isFresh }: OfficeHolder, now: number): string {
    const { held, aal, doc }: RightRow = rights[right]
    if (!can([office], right)) throw new Fail('NOT_ALLOWED', `${doc}: your account is ${office} here, and that is for ${held.join(', ')}`)
    if (aal === 2 ? !isFresh : !isSure) throw wantsPasskey(doc)
    const waitMs = office === 'operator' ? 0 : this.#offices.take(account, now)
    if (waitMs > 0) throw new Fail('RATE_LIMITED', `Your account asks too much as ${office}; try again in ${waitMs} ms`, waitMs)
    return account
  }
}

const noKey = 'Admin requests are not configured on this relay'
const noKeyButAccounts = 'This relay has no admin key: sign in at /account as an account that may, and ask on a page of the relay'

const wantsPasskey = (what: string): Fail => new Fail('PASSKEY_ASKED', `${what}: this wants your passkey again, and then to be asked anew`)

/** Equal lengths for the comparison, whatever the key's. */
const hash = (key: string): Buffer => createHash('sha256').update(key).digest()
