// What agents of a linked relay say in channels of this one: signed by themselves for this relay, so that the link is believed in nothing but pace.
import { agentIdOf, canonicalPem, fingerprintOf } from '../../../../lib/identity/index.ts'
import { hasHost, reservedNames, type RequestBody } from '../../../../lib/protocol/index.ts'
import { refusalOf, standingOf } from '../../../store/standing.ts'
import { Fail, type Agent, type Append, type Asker, type Handler, type Outcome, type WriteCtx } from '../../../relay/feature.ts'
import type { Ferry } from './ferry.ts'
import type { LinkMeter } from './meter.ts'
import { checkTime, relayedText, type OutgoingOptions } from './outgoing.ts'
import { LinkRates } from './rates.ts'
import { rememberRemote } from './remote-store.ts'
import { allLinks, closedForMs, linkOfRelay, strike, type LinkRow } from './store.ts'

export interface RelayedOptions extends Pick<OutgoingOptions, 'verifyMessage'> {
  readonly serverId: string
  /** What it was by its former keys. */
  readonly formerIds: readonly string[]
  readonly allowlistStrict: boolean
  /** How long a repeated id is known to be one. */
  readonly publishWindowMs: number
  /** Told of what an operator has to look at. */
  readonly onLinkTrouble: (event: object, what: string) => void
  readonly linkMeter: LinkMeter
}

/** How a message is stored that an agent says itself. */
export type Say = (ctx: WriteCtx, said: RequestBody<'MSG'>) => Outcome<'ACK'> | Promise<Outcome<'ACK'>>

type Body = RequestBody<'RELAYED'>

/** An agent that is at another relay: in the channels that its relay is in. */
const remoteAgent = (id: string, pubkey: string, name: string, link: Agent): Agent => ({
  ...link,
  ...{ id, pubkey, name: reservedNames.has(name.toLowerCase()) ? 'agent' : name, loginName: name },
  ...{ verified: false, admin: false, exempt: false, presence: 'online', statusText: null, nickAt: 0, channels: new Set() },
  memberships: new Set([...link.memberships, ...[...link.channels].map(({ info }) => info.name)]),
})

export const relayed = (ferry: Ferry, say: Say, options: RelayedOptions): Handler<'RELAYED'> => {
  const rates = new LinkRates()
  const { serverId, linkMeter } = options

  const refused = () =>
    new Fail('LINK_REFUSED', 'This relay takes nothing handed on from you: its operator has not linked you (link trust)')

  const checkOpen = (link: LinkRow, now: number): LinkRow => {
    const closedMs = closedForMs(link, now)
    if (closedMs > 0) throw new Fail('LINK_REFUSED', 'Too much came from you that its author had not signed', closedMs)
    return link
  }

  /** The link as it is now: another process may have made, closed or ended it a moment ago. */
  const linkOf = async ({ tx, asker: { agent }, now }: Pick<WriteCtx, 'tx' | 'asker' | 'now'>): Promise<LinkRow> => {
    const link = agent?.pubkey == null ? undefined : await linkOfRelay(tx, fingerprintOf(agent.pubkey))
    if (link === undefined) throw refused()
    return checkOpen(link, now)
  }

  /** Whether its author signed it. @throws Fail */
  const isSigned = async (by: Asker, { pubkey, message: frame }: Body, now: number): Promise<boolean> => {
    if (hasHost(frame.to)) throw new Fail('HOST_UNKNOWN', 'to: channels and agents of this relay alone; nothing is handed on twice')
    checkTime(frame.ts, now, options.publishWindowMs)
    const isSignedFor = async (relay: string): Promise<boolean> => {
      try {
        const text = relayedText(agentIdOf(pubkey), relay, frame)
        return text !== undefined && await options.verifyMessage(by, pubkey, text, frame.sig)
      } catch {
        return false
      }
    }
    if (await isSignedFor(serverId)) return true
    // It waited meanwhile: that is nobody's fault, and who said it may sign it for the new one.
    for (const former of options.formerIds) {
      if (await isSignedFor(former))
        throw new Fail('VERIFICATION_FAILED', 'sig: for a key that this relay had before; sign it for the one that it has')
    }
    return false
  }

  /** It brought what nobody signed: that is on its row before it is answered, so that no restart and no other process forgets it. */
  const struck = async (ctx: WriteCtx): Promise<Outcome<'ACK'>> => {
    const { host, server_id } = await linkOf(ctx)
    const isClosed = await strike(ctx.tx, host, ctx.now)
    const rows = isClosed ? await allLinks(ctx.tx) : []
    return {
      fail: new Fail('VERIFICATION_FAILED', 'sig: not the signature of this agent over this message for this relay'),
      committed: () => {
        linkMeter.refused('VERIFICATION_FAILED')
        if (!isClosed) return
        ferry.learn(rows, ctx.now)
        options.onLinkTrouble({ host, serverId: server_id }, 'a link brought what nobody signed: nothing is taken from it for a day')
      },
    }
  }

  const write = async (ctx: WriteCtx, { pubkey, name, message: frame }: Body): Promise<Outcome<'ACK'>> => {
    const { host } = await linkOf(ctx)
    const key = canonicalPem(pubkey)
    const id = agentIdOf(key)
    const refusal = refusalOf(await standingOf(ctx.tx, id, key), options.allowlistStrict)
    if (refusal !== undefined) throw new Fail(refusal.code, refusal.message)
    const { id: pubId, ts, ...said } = frame
    const outcome = await say({ ...ctx, me: remoteAgent(id, key, name, ctx.me), isAdmin: false },
      { ...said, id: pubId, ts, sig_v: 2 } as RequestBody<'MSG'>)
    // Where it is an agent of this relay too, its own row is there.
    await rememberRemote(ctx.tx, [{ agent: id, pubkey: key, name }], host, ctx.now)
    const append = outcome.append as Append<'MSG'>
    return {
      ...outcome,
      append: { ...append, body: { ...append.body, via: host } },
      committed: () => {
        outcome.committed?.()
        linkMeter.relayed()
      },
    }
  }

  /** Counts what is not taken. */
  const counted = (error: unknown): never => {
    if (error instanceof Fail) linkMeter.refused(error.code)
    throw error
  }

  /** Whether it is signed, of what is taken at all. @throws Fail */
  const taken = (link: LinkRow, by: Asker, body: Body, now: number): Promise<boolean> => {
    checkOpen(link, now)
    const waitMs = rates.take(link.server_id, now)
    if (waitMs > 0) throw new Fail('RATE_LIMITED', 'Your link brings more than is taken from one', waitMs)
    return isSigned(by, body, now)
  }

  /** A link that this process does not know yet is looked up by what writes. */
  const late = async (ctx: WriteCtx, body: Body): Promise<Outcome<'ACK'>> =>
    await taken(await linkOf(ctx), ctx.asker, body, ctx.now) ? write(ctx, body) : struck(ctx)

  const admit = async (asker: Asker, body: Body) => {
    const { agent } = asker
    if (agent?.pubkey == null) throw refused()
    const known = ferry.linkOf(fingerprintOf(agent.pubkey))
    if (known === undefined) return (ctx: WriteCtx) => late(ctx, body).catch(counted)
    return await taken(known, asker, body, ferry.now()) ? undefined : (ctx: WriteCtx) => struck(ctx).catch(counted)
  }

  return {
    prepare: (asker, body) => admit(asker, body).catch(counted),
    write: (ctx, body) => write(ctx, body).catch(counted),
  }
}
