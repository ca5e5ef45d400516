// Who may ask: the declared need of a handler against the roster, before the handler runs.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Connection } from './connection.ts'
import { Fail, noChannel, type Need } from './feature.ts'
import { mayRead, type Agent, type Channel, type RosterView } from './view.ts'

export interface Passed {
  readonly me: Agent
  readonly channel: Channel
  /** An admin agent, or whoever sent the admin key with the request. */
  readonly isAdmin: boolean
}

export class Gate {
  readonly #adminKeyHash: Buffer | undefined

  constructor(adminKey: string | undefined) {
    this.#adminKeyHash = adminKey === undefined ? undefined : hash(adminKey)
  }

  /** Throws the Fail that refuses, or gives what the need promises to the handler. */
  pass(need: Need, connection: Connection, body: object, roster: RosterView): Passed {
    const me = connection.agent
    const { channel: name, agent, admin_key: key } = body as {
      readonly channel?: unknown
      readonly agent?: unknown
      readonly admin_key?: unknown
    }
    if (need === 'owner') return this.#owner(me, String(name), key, roster)
    if (need === 'admin' || (need === 'own' && agent !== undefined && agent !== me?.id)) this.#admin(me, key)
    else if (need !== 'anyone' && me === undefined) throw new Fail('AUTH_REQUIRED', 'Identify first')
    else if (key !== undefined && me?.admin !== true) this.#admin(me, key)
    const isAdmin = me?.admin === true || key !== undefined
    if (need !== 'member') return { me, channel: undefined, isAdmin } as unknown as Passed
    const channel = roster.known(me!, String(name))
    if (channel === undefined) throw noChannel(String(name))
    if (!roster.isMember(me!, channel)) throw new Fail('NOT_INVITED', `You are not a member of ${channel.info.name}`)
    return { me: me!, channel, isAdmin }
  }

  /** The channel's owner, or an admin, who may have no session. */
  #owner(me: Agent | undefined, name: string, key: unknown, roster: RosterView): Passed {
    const channel = roster.channel(name)
    const isOwner = me !== undefined && channel?.info.owner === me.id
    const isAdmin = me?.admin === true || key !== undefined
    if (isAdmin && !isOwner) this.#admin(me, key)
    if (!isAdmin && me === undefined) throw new Fail('AUTH_REQUIRED', 'Identify first')
    if (channel === undefined) throw noChannel(name)
    if (!isOwner && !isAdmin) {
      if (!mayRead(me!, channel, roster)) throw noChannel(name)
      throw new Fail('AUTH_REQUIRED', `Only the owner of ${name} and admins may do this`)
    }
    return { me: me as Agent, channel, isAdmin }
  }

  #admin(me: Agent | undefined, key: unknown): void {
    if (me?.admin === true) return
    if (this.#adminKeyHash === undefined) throw new Fail('INVALID_MSG', 'Admin requests are not configured on this relay')
    if (typeof key !== 'string') throw new Fail('INVALID_MSG', 'admin_key: missing')
    if (!timingSafeEqual(hash(key), this.#adminKeyHash)) throw new Fail('AUTH_REQUIRED', 'Wrong admin key')
  }
}

/** Equal lengths for the comparison, whatever the key's. */
const hash = (key: string): Buffer => createHash('sha256').update(key).digest()
