// What an agent says of itself, signed; and what others said, checked.
import { agentIdOf, oldSkillsTexts, profileText, skillsText, verifyProfile, verifySkills, type Identity } from '../identity/index.ts'
import type { Frame, Profile, RequestInput, Skill } from '../protocol/index.ts'
import { ProtocolError } from './errors.ts'

/** `weak`: by a text that names neither the relay nor a time. `invalid`: not the agent's words. `none`: there is nothing to sign. */
export type ProofState = 'valid' | 'weak' | 'invalid' | 'none'

/** An agent as the relay tells it, and what of it is proved to be the agent's own words. */
export interface AgentProfile extends Omit<Frame<'PROFILE'>, 'type' | 'ts' | 're'> { readonly signatures: { readonly profile: ProofState, readonly skills: ProofState } }

export interface Signing {
  readonly identity: Identity | undefined
  /** the relay's identity; undefined where it tells none */
  readonly relay: string | undefined
  /** ms since 1970 */
  readonly now: number
}

const stampOf = (by: string, relay: string, ts: number) =>
  ({ by, relay, ts, nonce: [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('') })

const signer = (identity: Identity | undefined): Identity => {
  if (identity === undefined) throw new ProtocolError('Only a client with an identity can say something about itself')
  return identity
}

/** A relay without an identity of its own gets the older text, which names none. @throws ProtocolError without an identity; IdentityError on what has no exact JSON */
export const signedSkills = (skills: readonly Skill[], { identity, relay, now }: Signing): RequestInput<'REGISTER_SKILLS'> => {
  const me = signer(identity)
  // What is signed is what goes over the wire: fields that JSON leaves out are not there.
  const list = JSON.parse(JSON.stringify(skills)) as Skill[]
  if (relay === undefined) return { skills: list, sig: me.sign(oldSkillsTexts(list)[0]!) }
  const stamp = stampOf(me.agentId, relay, now)
  return { skills: list, sig: me.sign(skillsText(list, stamp)), sig_v: 2, sig_ts: now, nonce: stamp.nonce }
}

/** @throws ProtocolError without an identity, or where the relay has none; IdentityError on what has no exact JSON */
export const signedProfile = (profile: Profile, { identity, relay, now }: Signing): RequestInput<'SET_PROFILE'> => {
  const me = signer(identity)
  if (relay === undefined) throw new ProtocolError('This relay keeps no profiles')
  const own = JSON.parse(JSON.stringify(profile)) as Profile
  const stamp = stampOf(me.agentId, relay, now)
  return { profile: own, sig: me.sign(profileText(own, stamp)), sig_v: 2, sig_ts: now, nonce: stamp.nonce }
}

/** Checks what the relay says an agent said. */
export const checkedProfile = ({ type: _, ts: __, re: ___, ...record }: Frame<'PROFILE'>, relay: string | undefined): AgentProfile => {
  const { pubkey, agent_id, profile, profile_proof, skills, skills_proof } = record
  const signer = { pubkey, relay: relay ?? '' }
  const isKey = keyFits(pubkey, agent_id)
  const skillsState = skills_proof !== undefined && isKey && verifySkills(skills, skills_proof, signer) ? skills_proof.sig_v === 1 ? 'weak' : 'valid' : 'invalid'
  return {
    ...record,
    signatures: {
      profile: profile === null ? 'none' : profile_proof !== undefined && isKey && verifyProfile(profile, profile_proof, signer) ? 'valid' : 'invalid',
      skills: skills.length === 0 ? 'none' : skillsState,
    },
  }
}

const keyFits = (pubkey: string, id: string): boolean => {
  try {
    return agentIdOf(pubkey) === id
  } catch {
    return false
  }
}
