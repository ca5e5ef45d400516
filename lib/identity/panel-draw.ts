// How a panel is drawn: neither a party nor the relay can choose it, and everyone can compute it again.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** So many arbiters sit on a panel. */
export const panelSize = 3

const hashOf = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)))

/** What DISPUTE_INTENT commits to: the nonce's SHA-256 in hex. */
export const commitmentOf = (nonce: string): string => hashOf(nonce)

/** What the relay commits to before it knows the nonce: who can be drawn. `pool` is sorted. */
export const poolHashOf = (pool: readonly string[]): string => hashOf(JSON.stringify(pool))

export interface DrawTerms {
  readonly proposal_id: string
  readonly nonce: string
  readonly server_nonce: string
}

/** What the draw of a panel begins with: known to nobody before both nonces are. */
export const seedOf = ({ proposal_id, nonce, server_nonce }: DrawTerms): string => hashOf(proposal_id + nonce + server_nonce)

/**
 * The pool in the order in which its agents are asked: a Fisher–Yates shuffle, each index from the next SHA-256 of the one
 * before, beginning with the seed.
 */
export const drawOrder = (pool: readonly string[], seed: string): readonly string[] => {
  const order = [...pool]
  let hash = seed
  for (let i = order.length - 1; i > 0; i--) {
    hash = hashOf(hash)
    const j = Number.parseInt(hash.slice(0, 8), 16) % (i + 1)
    const [a, b] = [order[i]!, order[j]!]
    order[i] = b
    order[j] = a
  }
  return order
}

/** A draw as PANEL_FORMED and DISPUTE_STATE tell it. */
export interface Draw extends DrawTerms {
  readonly disputant: string
  readonly respondent: string
  readonly commitment: string
  readonly seed: string
  readonly pool: readonly string[]
  readonly pool_hash: string
  /** who was asked, in that order */
  readonly arbiters: readonly string[]
}

/**
 * Whether the arbiters are those that the two nonces and the pool give. Needs no relay. Never throws.
 * That `commitment`, `server_nonce` and `pool_hash` were told before the nonce is shown by DISPUTE_FILED, or by the
 * DISPUTE_INTENT_ACK that the disputant kept.
 * @returns what is wrong; empty when nothing is
 */
export const drawProblems = ({ commitment, seed, pool, pool_hash, arbiters, disputant, respondent, ...terms }: Draw): readonly string[] => {
  const order = drawOrder(pool, seed)
  const checks: readonly (readonly [boolean, string])[] = [
    [commitmentOf(terms.nonce) === commitment, 'the nonce is not what was committed to'],
    [seedOf(terms) === seed, "the seed is not made of the proposal's id and the two nonces"],
    [poolHashOf(pool) === pool_hash, 'the pool is not the one whose hash was told'],
    [pool.every((agent, i) => i === 0 || pool[i - 1]! < agent), 'the pool is not sorted, or names somebody twice'],
    [!pool.includes(disputant) && !pool.includes(respondent), 'a party could be drawn'],
    [arbiters.length >= panelSize && arbiters.every((agent, i) => agent === order[i]), 'the arbiters are not the ones drawn'],
  ]
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem)
}
