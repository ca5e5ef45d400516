// Presence, nick, typing, and the advisory floor: signals between agents that share a channel.
import { limits, reservedNames } from '../../../../lib/protocol/index.ts'
import { Fail, noChannel, notify, presenceOf, reply, type Feature, type FloorClaim, type Shares } from '../../../relay/feature.ts'
import { findAgents, noteSeen } from '../../../store/agents.ts'

export interface PresenceOptions {
  readonly shares: Shares
}

const nickEveryMs = 30_000
const floorMs = 45_000
/** Claims that one channel remembers at once. */
const maxClaims = 1_000

export const presence = (
  { shares }: PresenceOptions,
): Feature<'SET_PRESENCE' | 'WATCH' | 'UNWATCH' | 'SET_NICK' | 'TYPING' | 'RESPONDING_TO'> => {
  return {
    handlers: {
      SET_PRESENCE: {
        async write({ me, tx, now }, { status, status_text: statusText = null }) {
          const hides = status === 'offline' && me.presence !== 'offline'
          if (hides && me.pubkey !== null) await noteSeen(tx, [[me.id, now]])
          return {
            reply: reply('OK', {}),
            hints: [
              {
                agent: me.id,
                to: { kind: 'peers' },
                type: 'PRESENCE_CHANGED',
                body: { agent_id: me.id, name: me.name, presence: status, status_text: statusText, ...(hides && { last_seen: now }) },
              },
            ],
            effects: [{ kind: 'agent', agent: me.id, change: { presence: status, statusText } }],
          }
        },
      },
      WATCH: {
        async write({ asker, roster, tx }, { agents }) {
          const wanted = [...new Set(agents)]
          const count = new Set([...asker.watching, ...wanted]).size
          if (count > limits.maxWatched)
            throw new Fail('LIMIT_REACHED', `A session may watch ${limits.maxWatched} agents; UNWATCH some first`)
          shares.check('watched', roster.watchedBy(asker), count - asker.watching.size)
          const known = new Map((await findAgents(tx, wanted)).map(agent => [agent.id, agent]))
          const list = wanted.map(id => ({
            agent_id: id,
            name: roster.agent(id)?.name ?? known.get(id)?.name ?? null,
            ...presenceOf(roster, id, known.get(id)?.last_seen ?? null),
          }))
          return { reply: reply('WATCHING', { list, count }), effects: [{ kind: 'watch', agents: wanted, on: true }] }
        },
      },
      UNWATCH: {
        write({ asker }, { agents = [...asker.watching] }) {
          const gone = new Set(agents)
          const count = [...asker.watching].filter(id => !gone.has(id)).length
          return { reply: reply('WATCHING', { list: [], count }), effects: [{ kind: 'watch', agents: [...gone], on: false }] }
        },
      },
      SET_NICK: {
        write({ me, now }, { nick }) {
          if (reservedNames.has(nick.toLowerCase())) throw new Fail('INVALID_NAME', `The name ${nick} is reserved`)
          const waitMs = me.nickAt + nickEveryMs - now
          if (waitMs > 0) throw new Fail('RATE_LIMITED', `You changed your name less than ${nickEveryMs / 1_000} s ago`, waitMs)
          const changed = { agent_id: me.id, old_nick: me.name, new_nick: nick }
          return {
            reply: reply('NICK_CHANGED', changed),
            hints: [{ agent: me.id, to: { kind: 'peers' }, type: 'NICK_CHANGED', body: changed }],
            effects: [{ kind: 'agent', agent: me.id, change: { name: nick, nickAt: now } }],
          }
        },
      },
      TYPING: {
        write({ me, roster }, { channel: name, id }) {
          const channel = roster.known(me, name)
          if (channel === undefined || !roster.isMember(me, channel)) {
            // A hint that nobody hears is not worth an ERROR that nobody awaits.
            if (id === undefined) return {}
            throw channel === undefined
              ? noChannel(name)
              : new Fail('NOT_INVITED', `You are not a member of ${name}`)
          }
          return {
            reply: reply('OK', {}),
            hints: [
              {
                agent: me.id,
                to: { kind: 'channel', channel: name },
                type: 'TYPING',
                body: { from: me.id, from_name: me.name, channel: name },
              },
            ],
          }
        },
      },
      RESPONDING_TO: {
        write({ me, channel, now }, { msg_id, started_at }) {
          const { name } = channel.info
          const held = channel.floor.get(msg_id)
          const current = held !== undefined && held.until > now ? held : undefined
          if (current === undefined && channel.floor.size >= maxClaims) throw new Fail('LIMIT_REACHED', `Too many floor claims in ${name}`)
          // A start in the future or long ago would win or hold for ever.
          const startedAt = Math.min(Math.max(started_at, now - floorMs), now)
          if (
            current !== undefined && current.holder !== me.id
            && (current.isStored === true || !isEarlier({ startedAt, holder: me.id }, current))
          ) {
            return {
              reply: reply('YIELD', {
                msg_id,
                channel: name,
                holder: current.holder,
                holder_started_at: current.startedAt,
                reason: 'claimed earlier',
              }),
            }
          }
          const claim: FloorClaim = current?.isStored === true ? current : { holder: me.id, startedAt, until: now + floorMs }
          const claimed = { msg_id, channel: name, holder: me.id, holder_name: me.name, started_at: startedAt }
          const displaced = current !== undefined && current.holder !== me.id
          return {
            reply: reply('FLOOR_CLAIMED', claimed),
            hints: [{ agent: me.id, to: { kind: 'channel', channel: name }, type: 'FLOOR_CLAIMED', body: claimed }],
            ...(displaced && {
              notify: [
                notify({ kind: 'agents', agents: [current.holder] }, 'YIELD', {
                  msg_id,
                  channel: name,
                  holder: me.id,
                  holder_started_at: startedAt,
                  reason: 'an earlier claim',
                }),
              ],
            }),
            effects: [{ kind: 'floor', channel: name, msgId: msg_id, claim }],
          }
        },
      },
    },
  }
}

/** The earlier start wins; of two at the same time, the smaller id. */
const isEarlier = (a: { readonly startedAt: number, readonly holder: string }, b: FloorClaim): boolean =>
  a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.holder < b.holder)
