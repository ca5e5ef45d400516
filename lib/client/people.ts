// Agents as people: what one says of itself, signed; what others said, checked; and who is there.
import {
  agentIdOf,
  oldSkillsTexts,
  profileText,
  randomNonce,
  skillsText,
  verifyProfile,
  verifySkills,
  type Identity,
  type SignatureState,
} from '../identity/index.ts'
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import { fieldLimits } from '../protocol/field-limits.ts'
import {
  asked,
  told,
  type AgentId,
  type Asked,
  type AskedPart,
  type Frame,
  type Profile,
  type RequestInput,
  type Skill,
  type SkillQuery,
  type Told,
} from '../protocol/index.ts'
import { ProtocolError } from './errors.ts'
import { pagesOf } from './pages.ts'
import type { ClientPort } from './port.ts'
import type { CallOptions } from './pending.ts'

/** `weak`: by a text that names neither the relay nor a time. `invalid`: not the agent's words. `none`: there is nothing to sign. */
export type ProofState = Extract<SignatureState, 'valid' | 'weak' | 'invalid' | 'none'>

/** An agent as the relay tells it, and what of it is proved to be the agent's own words. */
export type AgentProfile = Told<'PROFILE'> & { readonly signatures: Proofs }

/** What is proved of what an agent says. */
export interface Proofs {
  readonly profile: ProofState
  readonly skills: ProofState
}

/** What `client.people` offers. */
export class People {
  readonly #port: ClientPort
  readonly #watched = new Set<AgentId>()

  constructor(port: ClientPort) {
    this.#port = port
  }

  /**
   * Sets presence and status text for all sessions of this agent, as long as one of them is open; and again after every reconnect.
   * @example await client.setPresence('away', 'lunch')
   */
  async setPresence(status: Asked<'SET_PRESENCE'>['status'], statusText?: string, options?: CallOptions): Promise<void> {
    const ask = (call?: CallOptions) => this.#port.ask('SET_PRESENCE', { status, statusText }, call)
    await ask(options)
    this.#port.lasting.keep('presence', () => ask())
  }

  /**
   * Asks to be told when agents come, go or change presence, again after every reconnect; gives how they stand now. At most 200 at a time.
   * @throws RelayError LIMIT_REACHED
   * @example client.on('PRESENCE_CHANGED', ({ name, presence }) => …); await client.people.watch(['@8addfe276526c9f6'])
   */
  async watch(agents: readonly AgentId[], options?: CallOptions): Promise<Told<'WATCHING'>['list']> {
    const { list } = await this.#port.ask('WATCH', { agents }, options)
    for (const agent of agents) this.#watched.add(agent)
    this.#port.lasting.keep('watches', () => this.#port.ask('WATCH', { agents: [...this.#watched].slice(0, fieldLimits.maxWatched) }))
    return list
  }

  /** Ends that, for some agents or for all. */
  async unwatch(agents: readonly AgentId[] = [...this.#watched], options?: CallOptions): Promise<void> {
    for (const agent of agents) this.#watched.delete(agent)
    if (this.#watched.size === 0) this.#port.lasting.drop('watches')
    if (agents.length > 0) await this.#port.ask('UNWATCH', { agents: agents.slice(0, fieldLimits.maxWatched) }, options)
  }

  /**
   * From now on no direct message, mention, invitation or offer of the agent comes; it is told the same as if it did.
   * @throws RelayError SIGNATURE_REQUIRED, LIMIT_REACHED
   */
  async block(agent: AgentId, options?: CallOptions): Promise<void> {
    await this.#port.ask('BLOCK', { agent }, options)
  }

  /** Ends that. @throws RelayError SIGNATURE_REQUIRED */
  async unblock(agent: AgentId, options?: CallOptions): Promise<void> {
    await this.#port.ask('UNBLOCK', { agent }, options)
  }

  /** Whom this agent blocks, all pages. @throws RelayError SIGNATURE_REQUIRED */
  async blocked(options?: CallOptions): Promise<Told<'BLOCKS'>['list']> {
    const list: Told<'BLOCKS'>['list'] = []
    const pages = pagesOf<Told<'BLOCKS'>, AgentId>({
      read: after => this.#port.ask('BLOCKS', { after }, options),
      entries: page => page.list,
      more: page => page.more,
      next: page => page.list.at(-1)?.agent,
      order: 'rising',
    })
    for await (const page of pages) list.push(...page.list)
    return list
  }

  /**
   * Registers what this agent offers, signed, in place of what it registered before; an empty list withdraws it.
   * @throws RelayError INVALID_MSG, VERIFICATION_EXPIRED (the clock is off), LIMIT_REACHED; ProtocolError without an identity
   * @example await client.people.registerSkills([{ capability: 'code-review', rate: 5, currency: 'TEST' }])
   */
  async registerSkills(skills: readonly Skill[], options?: CallOptions): Promise<Told<'SKILLS_REGISTERED'>> {
    return told(await this.#port.request('REGISTER_SKILLS', () => signedSkills(skills, this.#signing()), options))
  }

  /**
   * Finds skills; `total` counts before `limit` (default 50, at most 100) and `offset`. Results are what the relay says: see
   * `profile` for the agents' signatures.
   * @example const { results } = await client.people.searchSkills({ capability: 'review', maxRate: 10, online: true })
   */
  searchSkills(query: AskedPart<SkillQuery> = {}, options?: CallOptions): Promise<Told<'SEARCH_RESULTS'>> {
    return this.#port.ask('SEARCH_SKILLS', { query: asked(query) as SkillQuery }, options)
  }

  /** Sets this agent's profile, signed, in place of the former one; `{}` takes it back. @throws RelayError, ProtocolError */
  async setProfile(profile: Profile, options?: CallOptions): Promise<AgentProfile> {
    return this.#checkedProfile(await this.#port.request('SET_PROFILE', () => signedProfile(profile, this.#signing()), options))
  }

  /** The profile, skills and presence of an agent with a key, and whether its signatures hold. @throws RelayError AGENT_NOT_FOUND */
  async profile(agent: AgentId, options?: CallOptions): Promise<AgentProfile> {
    return this.#checkedProfile(await this.#port.request('PROFILE', { agent }, options))
  }

  #signing(): Signing {
    const { identity, place, now } = this.#port
    return { identity, relay: place()?.relay, now: now() }
  }

  #checkedProfile(frame: Frame<'PROFILE'>): AgentProfile {
    return Object.assign(told(frame), { signatures: proofsOf(frame, this.#port.place()?.relay) })
  }
}

export interface Signing {
  readonly identity: Identity | undefined
  /** the relay's identity; undefined where it tells none */
  readonly relay: string | undefined
  /** ms since 1970 */
  readonly now: number
}

const stampOf = (by: string, relay: string, ts: number) => ({
  by,
  relay,
  ts,
  nonce: randomNonce(),
})

const signer = (identity: Identity | undefined): Identity => {
  if (identity === undefined) throw new ProtocolError('NO_IDENTITY', 'Only with an identity')
  return identity
}

/**
 * A relay without an identity of its own gets the older text, which names none.
 * @throws ProtocolError without an identity; IdentityError on what has no exact JSON
 */
export const signedSkills = (skills: readonly Skill[], { identity, relay, now }: Signing): Awaitable<RequestInput<'REGISTER_SKILLS'>> => {
  const me = signer(identity)
  // What is signed is what goes over the wire: fields that JSON leaves out are not there.
  const list = JSON.parse(JSON.stringify(skills)) as Skill[]
  if (relay === undefined) return whenThere(me.sign(oldSkillsTexts(list)[0]!), sig => ({ skills: list, sig }))
  const stamp = stampOf(me.agentId, relay, now)
  return whenThere(me.sign(skillsText(list, stamp)), sig => ({ skills: list, sig, sig_v: 2, sig_ts: now, nonce: stamp.nonce }))
}

/** @throws ProtocolError without an identity, or where the relay has none; IdentityError on what has no exact JSON */
const signedProfile = (profile: Profile, { identity, relay, now }: Signing): Awaitable<RequestInput<'SET_PROFILE'>> => {
  const me = signer(identity)
  if (relay === undefined) throw new ProtocolError('NO_RELAY_IDENTITY', 'This relay keeps no profiles')
  const own = JSON.parse(JSON.stringify(profile)) as Profile
  const stamp = stampOf(me.agentId, relay, now)
  return whenThere(me.sign(profileText(own, stamp)), sig => ({ profile: own, sig, sig_v: 2, sig_ts: now, nonce: stamp.nonce }))
}

/** Checks what the relay says an agent said. */
export const proofsOf = (
  { pubkey, agent_id, profile, profile_proof, skills, skills_proof }: Frame<'PROFILE'>,
  relay: string | undefined,
): Proofs => {
  const signer = { pubkey, relay: relay ?? '' }
  const isKey = keyFits(pubkey, agent_id)
  const skillsState = skills_proof !== undefined && isKey && verifySkills(skills, skills_proof, signer)
    ? skills_proof.sig_v === 1 ? 'weak' : 'valid'
    : 'invalid'
  return {
    profile: profile === null
      ? 'none'
      : profile_proof !== undefined && isKey && verifyProfile(profile, profile_proof, signer)
      ? 'valid'
      : 'invalid',
    skills: skills.length === 0 ? 'none' : skillsState,
  }
}

const keyFits = (pubkey: string, id: string): boolean => {
  try {
    return agentIdOf(pubkey) === id
  } catch {
    return false
  }
}
