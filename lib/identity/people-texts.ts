// What agents sign about themselves, and relays about agents: skill lists, profiles, agent documents.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalJson } from './canonical.ts'
import { verify as verifyHere, type Verify } from './verify.ts'
import { agentIdOf, serverIdOf } from './agent-id.ts'

/** Who says it, at which relay, when: what keeps a signature from being used for anything else. */
export interface Stamp {
  /** agent id of the signer */
  readonly by: string
  /** the relay's identity, `server_id` of WELCOME */
  readonly relay: string
  /** ms since 1970, the signer's clock */
  readonly ts: number
  /** 32 hex digits, new for each signature */
  readonly nonce: string
}

/** Beside a signature: what it was made with. `sig_v` 1 is one of the older texts, which name no signer, relay or time. */
export interface Proof {
  readonly sig: string
  readonly sig_v: 1 | 2
  readonly sig_ts?: number | undefined
  readonly nonce?: string | undefined
}

/** The older texts over a skill list: with its hash behind a prefix, and the bare list, as the command line of older clients signs it. */
export const oldSkillsTexts = (skills: readonly unknown[]): readonly string[] => {
  const text = JSON.stringify(skills)
  return [`REGISTER_SKILLS|${bytesToHex(sha256(utf8ToBytes(text)))}`, text]
}

/**
 * What covers a skill list, in the second form. @throws IdentityError on a list that has no exact JSON
 * @example identity.sign(skillsText(skills, { by: identity.agentId, relay: welcome.server_id, ts: Date.now(), nonce }))
 */
export const skillsText = (skills: readonly unknown[], stamp: Stamp): string => text('SKILLS', skills, stamp)

/** What covers a profile. @throws IdentityError on a profile that has no exact JSON */
export const profileText = (profile: object, stamp: Stamp): string => text('PROFILE', profile, stamp)

const text = (type: string, value: unknown, { by, relay, ts, nonce }: Stamp): string =>
  `AGENTCHAT_${type}_V2|${canonicalJson({ by, relay, ts, nonce, value })}`

/** Whether the agent of this key signed the skill list, by either form, for this relay. Never throws. */
export const verifySkills = (
  skills: readonly unknown[],
  proof: Proof,
  signer: { readonly pubkey: string, readonly relay: string },
  verify: Verify = verifyHere,
): boolean => {
  try {
    if (proof.sig_v === 1) return oldSkillsTexts(skills).some(old => verify(signer.pubkey, old, proof.sig))
    return verify(signer.pubkey, skillsText(skills, stampOf(proof, signer)), proof.sig)
  } catch {
    return false
  }
}

/** Whether the agent of this key signed the profile for this relay. Never throws. */
export const verifyProfile = (
  profile: object,
  proof: Proof,
  signer: { readonly pubkey: string, readonly relay: string },
  verify: Verify = verifyHere,
): boolean => {
  try {
    return proof.sig_v === 2 && verify(signer.pubkey, profileText(profile, stampOf(proof, signer)), proof.sig)
  } catch {
    return false
  }
}

const stampOf = ({ sig_ts: ts, nonce }: Proof, { pubkey, relay }: { readonly pubkey: string, readonly relay: string }): Stamp => ({
  by: agentIdOf(pubkey),
  relay,
  ts: ts ?? 0,
  nonce: nonce ?? '',
})

/** What a relay tells of an agent, to whoever asks: `GET /agents/ID`. The agent's own signatures stand inside. */
export interface AgentDocument {
  readonly format: 'agentchat-agent/1'
  readonly agent_id: string
  readonly name: string
  /** PEM; the id is its hash */
  readonly pubkey: string
  readonly profile: object | null
  readonly profile_proof?: Proof | undefined
  readonly skills: readonly unknown[]
  readonly skills_proof?: Proof | undefined
  readonly relay: { readonly server_id: string, readonly name: string, /** PEM; server_id is its SHA-256 in hex */ readonly pubkey: string }
  /** ms since 1970, the relay's clock */
  readonly issued_at: number
  readonly expires_at: number
  readonly [field: string]: unknown
}

/** What a relay signs of a document: all of it but the signature. */
export const agentDocumentText = ({ sig: _, ...document }: AgentDocument): string => `AGENTCHAT_AGENT_V2|${canonicalJson(document)}`

/**
 * What is wrong with a document; undefined: the relay signed it, the key is the agent's, and profile and skills are the agent's
 * own words. Never throws.
 * `now` in ms since 1970. With `serverId`, the relay has to be that one.
 * @example const problem = agentDocumentProblem(await (await fetch(`https://${host}/agents/${id}`)).json(), { now: Date.now() })
 */
export const agentDocumentProblem = (
  document: AgentDocument & { readonly sig?: unknown },
  { now, serverId, verify = verifyHere }: { readonly now: number, readonly serverId?: string, readonly verify?: Verify },
): string | undefined => {
  try {
    const { relay, pubkey, sig } = document
    if (document.format !== 'agentchat-agent/1') return 'not an agent document of this format'
    if (serverIdOf(relay.pubkey) !== relay.server_id) return "the relay's id is not that of its key"
    if (serverId !== undefined && relay.server_id !== serverId) return 'signed by another relay'
    if (typeof sig !== 'string' || !verify(relay.pubkey, agentDocumentText(document), sig)) return 'the relay did not sign it'
    if (!(now < document.expires_at)) return 'expired'
    if (agentIdOf(pubkey) !== document.agent_id) return "the agent's id is not that of its key"
    const signer = { pubkey, relay: relay.server_id }
    if (
      document.profile !== null
      && (document.profile_proof === undefined || !verifyProfile(document.profile, document.profile_proof, signer, verify))
    )
      return 'the '
        + 'agent did not sign the profile'
    if (
      document.skills.length > 0
      && (document.skills_proof === undefined || !verifySkills(document.skills, document.skills_proof, signer, verify))
    )
      return 'the '
        + 'agent did not sign the skills'
    return undefined
  } catch {
    return 'not an agent document'
  }
}
