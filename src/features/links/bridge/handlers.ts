// Links to other relays: an operator makes and ends them, and what is mirrored comes by the ferry.
import { cosign, relayWitness } from '../../../../lib/identity/transcripts/index.ts'
import { hasHost, type FrameBody } from '../../../../lib/protocol/index.ts'
import { reply, Fail, type Effect, type Feature, type Handler, type Outcome, type Reply } from '../../../relay/feature.ts'
import { endChannel } from '../../../store/endings.ts'
import type { TableReader } from '../../../store/store.ts'
import { Ferry, type FerryOptions } from './ferry.ts'
import { countWaiting } from './handed-store.ts'
import { outgoing, type OutgoingOptions } from './outgoing.ts'
import type { LinkState } from './standing.ts'
import { relayed, type RelayedOptions, type Say } from './relayed.ts'
import {
  addMirror,
  allLinks,
  allMirrors,
  closedForMs,
  linkTo,
  openLink,
  removeLink,
  setLink,
  setMirror,
  stateOf,
  type MirrorRow,
} from './store.ts'

export interface LinkOptions
  extends
    Pick<FerryOptions, 'openPeer' | 'mirrorCount' | 'shares' | 'publishWindowMs' | 'linked' | 'startedAt' | 'linkMeter'>,
    OutgoingOptions,
    Omit<RelayedOptions, 'verifyMessage'>
{
  readonly maxLinks: number
  readonly maxMirrors: number
  readonly relayKey: { readonly publicKey: string, sign(text: string): string }
}

/** What the relay's links share: made once. @param isBrought whether heads of a log, by its origin, are brought here by others to be cosigned */
export const ferryOf = (options: LinkOptions, isBrought: FerryOptions['isBrought']): Ferry => {
  const own = () => ({ ...relayWitness(options.relayKey.publicKey), sign: (text: string) => options.relayKey.sign(text) })
  return new Ferry({ ...options, isBrought, cosign: (head, seconds) => cosign(head, own(), seconds) })
}

const writeOf = ({ handlers }: Feature<'MSG' | 'FILE_CHUNK'>): Say => (ctx, said) =>
  (handlers.MSG as Extract<Handler<'MSG'>, { write: unknown }>).write(ctx, said)

/** Where what is said is for another relay, it is kept to be handed on. */
export const handingOn = <F extends Feature<'MSG' | 'FILE_CHUNK'>>(said: F, ferry: Ferry, options: LinkOptions): F => {
  const { check, decide } = outgoing(ferry, options)
  const MSG = said.handlers.MSG as Extract<Handler<'MSG'>, { write: unknown }>
  const handed: Handler<'MSG'> = {
    prepare: (asker, body) => hasHost(body.to) ? check(asker, body) : MSG.prepare?.(asker, body),
    write: (ctx, body) => hasHost(body.to) ? decide(ctx, body) : MSG.write(ctx, body),
  }
  return { ...said, handlers: { ...said.handlers, MSG: handed } }
}

export const links = (
  { ferry, saying, ...options }: LinkOptions & { readonly ferry: Ferry, readonly saying: Feature<'MSG' | 'FILE_CHUNK'> },
): Feature<'RELAYED' | 'HOME' | 'ADMIN_LINK' | 'ADMIN_LINKS' | 'ADMIN_UNLINK'> => {
  const shown = (mirror: MirrorRow, { hindered }: LinkState) => {
    const { channel, upto, checked_at: at, problem } = mirror
    const why = problem ?? hindered[channel]
    return {
      ...{ channel: channel as `#${string}`, state: stateOf(mirror), seq: upto },
      ...(at !== null && { checked_at: at }),
      ...(why !== undefined && { problem: why }),
    }
  }

  const list = async (db: TableReader, now: number): Promise<Reply<'LINKS'>> => {
    const mirrors = await allMirrors(db)
    const shownLinks = []
    for (const row of await allLinks(db)) {
      const { host, url, server_id, trust, closed_until } = row
      const { all: waiting } = await countWaiting(db, '', host)
      const { state, problem, hindered } = ferry.standingOf(row, mirrors)
      const own = mirrors.filter(mirror => mirror.host === host).map(mirror => shown(mirror, { state, hindered }))
      const closed = closedForMs(row, now) > 0 && { closed_until: closed_until! }
      shownLinks.push({ host, url, server_id, trust, waiting, state, ...(problem !== undefined && { problem }), ...closed, mirrors: own })
    }
    return reply('LINKS', { links: shownLinks })
  }

  return {
    tick: ctx => ferry.turn(ctx),
    handlers: {
      RELAYED: relayed(ferry, writeOf(saying), options),
      HOME: {
        async read({ db }, { host }) {
          const link = await linkTo(db, host)
          if (link === undefined || link.trust === 'off')
            throw new Fail('LINK_REFUSED', `This relay is not linked to ${host}: names there are asked for at that relay itself`)
          if (link.document === null) throw new Fail('BUSY', `${host} has not said yet who it is; try again in a moment`, 1_000)
          return reply('HOME', { host, trust: link.trust, document: JSON.parse(link.document) as FrameBody<'HOME'>['document'] })
        },
      },
      ADMIN_LINKS: { read: ({ db, now }) => list(db, now) },
      ADMIN_LINK: {
        async write({ tx, now }, { host, url, key, trust, channels = [] }): Promise<Outcome<'LINKS'>> {
          const all = await allLinks(tx)
          const former = all.find(each => each.host === host)
          const link = {
            ...{ host, url: url ?? former?.url, server_id: key ?? former?.server_id },
            ...{ trust: trust ?? former?.trust ?? 'read', created: now },
          }
          if (link.url === undefined || link.server_id === undefined)
            throw new Fail('INVALID_MSG', `url and key: ${host} is not linked yet; where is it, and which relay is to answer there?`)
          if (former === undefined && all.length >= options.maxLinks)
            throw new Fail('LIMIT_REACHED', `There are ${options.maxLinks} links, as many as there may be (maxLinks)`)
          if (former !== undefined && former.server_id !== link.server_id && (await allMirrors(tx)).some(each => each.host === host))
            throw new Fail('INVALID_MSG',
              `key: ${host} was another relay; what is mirrored of it is signed by that one. ADMIN_UNLINK ends it first`)
          await setLink(tx, { ...link, url: link.url, server_id: link.server_id })
          // Whoever says so again has looked.
          if (trust === 'both') await openLink(tx, host)
          const mirrors = await allMirrors(tx)
          const known = new Set(mirrors.map(({ channel }) => channel))
          const names = [...new Set(channels)].map(channel => `${channel}@${host}`)
          if (known.size + names.filter(name => !known.has(name)).length > options.maxMirrors)
            throw new Fail('LIMIT_REACHED', `${options.maxMirrors} channels are mirrored at most (maxMirrors)`)
          for (const name of names) await addMirror(tx, name, host)
          for (const { channel, problem } of mirrors)
            if (problem !== null && names.includes(channel)) await setMirror(tx, channel, { problem: null })
          const rows = await allLinks(tx)
          return { reply: await list(tx, now), byRight: true, committed: () => ferry.learn(rows, now) }
        },
      },
      ADMIN_UNLINK: {
        async write({ tx, me, now }, { host }): Promise<Outcome<'LINKS'>> {
          const mirrors = (await allMirrors(tx)).filter(each => each.host === host)
          await removeLink(tx, host)
          const rows = await allLinks(tx)
          const by = me?.id ?? '@server'
          const ended: Effect[] = []
          for (const { channel } of mirrors) {
            const version = await endChannel(tx, channel)
            if (version !== undefined) ended.push({ kind: 'channelEnds', channel, by, version })
          }
          return { reply: await list(tx, now), byRight: true, committed: () => ferry.learn(rows, now), effects: ended }
        },
      },
    },
  }
}
