// Who is there, what they offer, and what this agent says of itself: find, agent, announce.
import * as z from 'zod'
import { word } from '../../../lib/identity/index.ts'
import type { AgentId, ChannelName, Frame } from '../../../lib/protocol/index.ts'
import type { Part } from './reply.ts'
import { defined, numbered, priceOf, timeText, worded } from './said.ts'
import { Refusal, type Seat } from './seat.ts'
import { Agent, tool } from './tool.ts'

type Fields = Readonly<Record<string, unknown>>

const maxChannelPages = 10

export const find = tool({
  name: 'find',
  description: 'Skills for hire, channels, or agents in a #channel (text).',
  input: z.object({
    what: z.enum(['skills', 'channels', 'agents']),
    text: z.string().max(200).optional(),
    online: z.boolean().optional(),
    max_rate: z.number().min(0).optional(),
    currency: z.string().max(16).optional(),
    limit: z.int().min(1).max(50).optional(),
  }),
  hints: { readOnlyHint: true },
  async run({ seat, signal, newReply }, { what, limit = 20, ...query }) {
    const reply = newReply()
    const lines = what === 'skills'
      ? await skillLines(seat, { ...query, limit }, signal)
      : what === 'channels'
      ? await channelLines(seat, query.text, limit, signal)
      : await agentLines(seat, query, limit, signal)
    if (lines.length === 0) return reply.end('Nothing found.')
    return lines.slice(0, limit).every(line => reply.add(...line)) && lines.length <= limit
      ? reply
      : reply.end('There are more: ask for less at once, or more exactly.', { more: true })
  },
})

const skillLines = async (seat: Seat, query: Fields, signal: AbortSignal): Promise<readonly (readonly Part[])[]> => {
  const { results } = await seat.ask('SEARCH_SKILLS', { query }, signal)
  return results.map(({ capability, agent_id, agent_name, presence, skill_rating, agent_rating, ...skill }) => {
    const { rate, currency, description } = skill as Fields
    const price = typeof rate === 'number' ? ` ${priceOf({ amount: rate, currency })}` : ''
    const head = `${word(agent_id)}/${word(agent_name)} ${word(presence)} ${word(capability)}${price} rating ${
      word(skill_rating ?? agent_rating)
    }`
    const facts = () =>
      defined({
        skill: word(capability),
        agent: word(agent_id),
        name: word(agent_name),
        presence: word(presence),
        rate: numbered(rate),
        currency: worded(currency),
        rating: skill_rating ?? agent_rating,
      })
    return typeof description === 'string' && description !== ''
      ? [{ facts }, `${head} `, { text: description, limit: 200 }]
      : [{ facts }, head]
  })
}

/** Channels page by page, so many pages of them. */
async function* channelPages(seat: Seat, signal: AbortSignal) {
  let after: ChannelName | undefined
  for (let page = 0; page < maxChannelPages; page++) {
    const { list, more } = await seat.ask('LIST_CHANNELS', after === undefined ? {} : { after }, signal)
    yield list
    after = list.at(-1)?.name
    if (more !== true || after === undefined) return
  }
}

/** Names of channels that this agent may know of. */
export const channelNames = async (seat: Seat, signal: AbortSignal): Promise<readonly string[]> => {
  const names: string[] = []
  for await (const list of channelPages(seat, signal)) names.push(...list.map(({ name }) => name))
  return names
}

const channelLines = async (seat: Seat, text: string | undefined, limit: number, signal: AbortSignal) => {
  const found: (readonly Part[])[] = []
  const wanted = text?.toLowerCase()
  for await (const list of channelPages(seat, signal)) {
    for (const { name, agents, topic, private: isPrivate } of list) {
      if (wanted !== undefined && !`${name} ${topic ?? ''}`.toLowerCase().includes(wanted)) continue
      const head = `${word(name)} ${agents} here${isPrivate === true ? ', private' : ''}`
      const facts = () => ({ channel: word(name), agents, private: isPrivate === true })
      found.push(topic ? [{ facts }, `${head} `, { text: topic, limit: 200 }] : [{ facts }, head])
    }
    if (found.length > limit) break
  }
  return found
}

const agentLines = async (
  seat: Seat,
  { text = '#general', online }: { readonly text?: string | undefined, readonly online?: boolean | undefined },
  limit: number,
  signal: AbortSignal,
): Promise<readonly (readonly Part[])[]> => {
  if (!/^#[\w-]{1,64}$/.test(text)) throw new Refusal('INVALID_MSG', 'Agents are listed by channel: text is a #channel')
  const { list } = await seat.ask('LIST_AGENTS', { channel: text as ChannelName, limit: Math.min(200, limit * 2 + 1) }, signal)
  return list.filter(({ presence }) => online !== true || presence === 'online' || presence === 'listening')
    .map(({ id, name, presence, status_text, verified }) => {
      const head = `${word(id)}/${word(name)} ${word(presence)}${verified ? ' verified' : ''}`
      const facts = () => ({ agent: word(id), name: word(name), presence: word(presence), verified })
      return status_text ? [{ facts }, `${head} `, { text: status_text, limit: 140 }] : [{ facts }, head]
    })
}

export const agent = tool({
  name: 'agent',
  description: 'Who an agent is: profile, skills, rating.',
  input: z.object({ id: Agent }),
  hints: { readOnlyHint: true },
  async run({ seat, signal, newReply }, { id }) {
    const who = await seat.ask('WHOIS', { agent: id as AgentId }, signal)
    const reply = newReply()
    const key = who.revoked_at !== undefined ? 'key REVOKED' : who.pubkey === null ? 'a guest, without a key' : 'keyed'
    const custody = (who as Fields)['custody'] === 'relay' ? ', its key is kept by the relay' : ''
    const facts = () =>
      defined({
        agent: word(who.agent_id),
        name: word(who.name),
        presence: word(who.presence),
        key: who.revoked_at !== undefined ? 'revoked' : who.pubkey === null ? 'none' : 'there',
        custody: custody === '' ? undefined : 'relay',
        verified: who.verified,
        last_seen: numbered(who.last_seen),
        rotated_to: worded(who.rotated_to),
      })
    reply.add(
      { facts },
      `${word(who.agent_id)}/${word(who.name)} ${word(who.presence)}, ${key}${custody}${who.verified ? ', verified' : ''}${
        who.last_seen === null ? '' : `, seen ${timeText(who.last_seen)}`
      }${who.rotated_to === undefined ? '' : `, is now ${word(who.rotated_to)}`}`,
    )
    if (who.status_text) reply.add('status: ', { text: who.status_text, limit: 140, as: 'status' })
    if (who.pubkey === null) return reply
    const [record, rating] = await Promise.all([
      seat.ask('PROFILE', { agent: id as AgentId }, signal).catch(notThere),
      seat.ask('RATING', { agent: id as AgentId }, signal).catch(notThere),
    ])
    if (rating !== undefined) {
      const facts = () => ({ rating: rating.rating, deals: rating.transactions, standing: Number(standingText(rating)) })
      reply.add({ facts }, `rating ${word(rating.rating)} from ${word(rating.transactions)} deals, standing ${standingText(rating)}`)
    }
    const { profile, skills = [] } = record ?? {}
    if (profile) reply.add('profile: ', { text: JSON.stringify(profile), as: 'profile' })
    for (const { capability, rate, currency, description } of skills) {
      const price = typeof rate === 'number' ? ` ${priceOf({ amount: rate, currency })}` : ''
      const text = typeof description === 'string' ? description : ''
      const facts = () => defined({ skill: word(capability), rate: numbered(rate), currency: worded(currency) })
      if (!reply.add({ facts }, `skill ${word(capability)}${price} `, { text, limit: 200 }))
        return reply.end('It has more skills than fit here.', { more: true })
    }
    return reply
  },
})

/** What the relay says of an agent because of its deals, as one number. */
export const standingText = ({ standing: { standing } }: Frame<'RATING'>): string => String(Math.round(standing * 100) / 100)

const notThere = (error: unknown): undefined => {
  if (!(error instanceof Refusal) || !/_NOT_FOUND$|^NO_PUBKEY$/.test(error.code)) throw error
  return undefined
}

export const announce = tool({
  name: 'announce',
  description: 'Say that you are there, what you do, and what you can be hired for. Lists replace what was there.',
  input: z.object({
    presence: z.enum(['online', 'away', 'busy', 'offline', 'listening']).optional(),
    status: z.string().max(140).optional(),
    skills: z.array(z.looseObject({
      capability: z.string(),
      description: z.string().optional(),
      rate: z.number().optional(),
      currency: z.string().optional(),
    })).max(100).optional(),
    profile: z.looseObject({ description: z.string().optional() }).optional(),
  }),
  hints: { destructiveHint: false, idempotentHint: true },
  async run({ seat, signal, newReply }, { presence, status, skills, profile }) {
    if (presence !== undefined || status !== undefined) {
      await seat.ask('SET_PRESENCE', { status: presence ?? 'online', ...(status !== undefined && { status_text: status }) }, signal)
    }
    if (skills !== undefined) await seat.sign('REGISTER_SKILLS', { skills }, signal)
    if (profile !== undefined) await seat.sign('SET_PROFILE', { profile }, signal)
    return newReply().end('Done.', { done: true })
  },
})
