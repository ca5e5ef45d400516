// Who offers a skill, at many relays: asked in parallel, and the same agent's same skill shown once.
import { hostOf } from '../../../lib/client/hosts.ts'
import type { FoundSkill } from '../people-text.ts'
import type { Call } from '../command.ts'
import type { Found } from './found.ts'

/** A skill of an agent, and the relays where it offers it. What relays say of the agent is of the first one. */
export type Offer = FoundSkill & { readonly relays: readonly Place[] }

interface Place {
  readonly name: string
  readonly url: string
  /** The agent as other commands take it: "@8addfe276526c9f6@chat.example"; null where the host alone does not lead there */
  readonly address: string | null
}

export interface SkillWanted {
  readonly capability?: string
  readonly text?: string
  readonly maxRate?: number
  readonly currency?: string
  readonly online?: boolean
  readonly limit: number
}

const asksAtOnce = 8

/** Asks relays that are online and are who they were; those that fail are told, and left out. */
export const askOffers = async (
  { connect, io, out }: Pick<Call, 'connect' | 'io' | 'out'>,
  servers: readonly Found[],
  { limit, ...query }: SkillWanted,
  timeoutMs: number,
): Promise<readonly Offer[]> => {
  const waiting = [...servers]
  const results: { readonly server: Found, readonly skills: readonly FoundSkill[] }[] = []
  let asked = 0
  const ask = async (): Promise<void> => {
    for (let server = waiting.shift(); server !== undefined && !io.interrupted.aborted; server = waiting.shift()) {
      const { url } = server
      try {
        const client = await connect({ server: url, anonymous: true, timeoutMs })
        const { frame: { results: skills } } = await client.people.searchSkills({ ...query, limit: Math.min(limit, 100) })
        results.push({ server, skills: skills as readonly FoundSkill[] })
        await client.close()
      } catch (error) {
        out.say(`warning: ${url} does not answer the search: ${(error as Error).message}`)
      }
      out.progress(`asked ${++asked} of ${servers.length} relays`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(asksAtOnce, servers.length) }, ask))
  out.progress('')
  io.interrupted.throwIfAborted()
  // In the order of the relays, whichever answered first.
  return mergeOffers(results.toSorted((a, b) => servers.indexOf(a.server) - servers.indexOf(b.server))).slice(0, limit)
}

const addressAt = (url: string, agent: string): string | null => new URL(url).pathname === '/' ? `${agent}@${hostOf(url)}` : null

export const mergeOffers = (
  results: readonly { readonly server: Pick<Found, 'name' | 'url'>, readonly skills: readonly FoundSkill[] }[],
): readonly Offer[] => {
  const offers = new Map<string, Offer>()
  for (const { server: { name, url }, skills } of results) {
    for (const skill of skills) {
      const key = JSON.stringify([skill.agent_id, skill.capability, skill.rate ?? null, skill.currency ?? null])
      const known = offers.get(key)
      if (known?.relays.some(relay => relay.url === url)) continue
      // Here, rather than where it is not.
      const shown = known === undefined || (skill.online && !known.online) ? skill : known
      offers.set(key, { ...shown, relays: [...known?.relays ?? [], { name, url, address: addressAt(url, skill.agent_id) }] })
    }
  }
  return [...offers.values()].sort((a, b) =>
    Number(b.online) - Number(a.online) || b.skill_rating - a.skill_rating || (a.rate ?? Infinity) - (b.rate ?? Infinity)
  )
}
