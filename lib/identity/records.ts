// Records about keys that anyone can check: "this key hands over to that one", "this key is no longer good".
import { agentIdOf } from './agent-id.ts'
import type { LocalIdentity } from './keys.ts'
import { verify } from './verify.ts'
import { canonicalPem } from './pem.ts'
import { revocationText, rotationText, type RevocationText, type RotationText } from './texts.ts'

/** A rotation as identity files keep it; the ids are 16 hex digits without "@". */
export interface Rotation extends RotationText {
  readonly old_agent_id: string
  readonly new_agent_id: string
  readonly signature: string
}

/** A key that ends, in its own words: signed by itself. */
export interface Revocation extends RevocationText {
  /** the agent id once more, for people to compare */
  readonly fingerprint: string
  readonly signature: string
  readonly rotations?: readonly Rotation[]
  /** the id the agent began with, when its key was rotated */
  readonly original_agent_id?: string
}

const bareId = (publicPem: string): string => agentIdOf(publicPem).slice(1)

/**
 * The old key hands over to a new one. `now` in ms since 1970.
 * @throws IdentityError when `newPublicKey` is not an Ed25519 public key
 * @example await client.request('ROTATION', makeRotation(old, next.publicKey, Date.now()))
 */
export const makeRotation = (old: LocalIdentity, newPublicKey: string, now: number): Rotation => {
  const text = { old_pubkey: old.publicKey, new_pubkey: canonicalPem(newPublicKey), timestamp: new Date(now).toISOString() }
  return { ...text, old_agent_id: bareId(old.publicKey), new_agent_id: bareId(newPublicKey), signature: old.sign(rotationText(text)) }
}

/** Whether the old key signed it and the ids are those of the keys. Never throws. */
export const verifyRotation = (rotation: Rotation): boolean => {
  try {
    return rotation.old_agent_id === bareId(rotation.old_pubkey) && rotation.new_agent_id === bareId(rotation.new_pubkey)
      && verify(rotation.old_pubkey, rotationText(rotation), rotation.signature)
  } catch {
    return false
  }
}

/**
 * A key ends itself. `now` in ms since 1970; `rotations` are those that led to the key.
 * @example await client.request('REVOCATION', makeRevocation(me, 'laptop lost', Date.now()))
 */
export const makeRevocation = (identity: LocalIdentity, reason: string, now: number, rotations: readonly Rotation[] = []): Revocation => {
  const id = bareId(identity.publicKey)
  const text = { type: 'REVOCATION' as const, pubkey: identity.publicKey, agent_id: id, reason, timestamp: new Date(now).toISOString() }
  const first = rotations[0]
  return {
    ...text,
    fingerprint: id,
    signature: identity.sign(revocationText(text)),
    ...(first !== undefined && { rotations, original_agent_id: first.old_agent_id }),
  }
}

/** Whether the key itself signed it, and the history it claims is proved. Never throws. */
export const verifyRevocation = (notice: Revocation): boolean => {
  try {
    const { type, pubkey, agent_id, fingerprint = agent_id, signature, rotations = [], original_agent_id } = notice
    const id = bareId(pubkey)
    return type === 'REVOCATION' && agent_id.replace(/^@/, '') === id && verify(pubkey, revocationText(notice), signature)
      // These are not under the signature, so they must follow from what is.
      && fingerprint.replace(/^@/, '') === id && original_agent_id === rotations[0]?.old_agent_id
      && chainProblem(pubkey, rotations) === undefined
  } catch {
    return false
  }
}

/**
 * Checks an identity's whole history: each rotation good, each handing over to the next, the last to the present key.
 * undefined, or what is wrong.
 */
export const chainProblem = (publicKey: string, rotations: readonly Rotation[]): string | undefined => {
  for (const [i, rotation] of rotations.entries()) {
    if (!verifyRotation(rotation)) return `rotation ${i + 1}: the old key did not sign it`
    const next = rotations[i + 1]?.old_agent_id ?? bareId(publicKey)
    if (rotation.new_agent_id !== next) return `rotation ${i + 1}: hands over to ${rotation.new_agent_id}, but ${next} follows`
  }
  return undefined
}
