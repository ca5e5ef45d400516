import { createHash, createPublicKey } from 'node:crypto'
export const canonicalPem = (pem: string): string => { const k = createPublicKey(pem); if (k.asymmetricKeyType !== 'ed25519') throw new Error('not ed25519'); return k.export({ type: 'spki', format: 'pem' }).toString() }
export const agentIdOf = (pem: string): `@${string}` => `@${createHash('sha256').update(canonicalPem(pem)).digest('hex').slice(0, 16)}`
export const loginText = (o: { nonce: string, challengeId: string, timestamp: number }) => `AGENTCHAT_AUTH|${o.nonce}|${o.challengeId}|${o.timestamp}`
export const loginTextV2 = (o: { serverId: string, nonce: string, challengeId: string, timestamp: number }) => `AGENTCHAT_AUTH_V2|${o.serverId}|${o.nonce}|${o.challengeId}|${o.timestamp}`
export const rotationText = (o: { old_pubkey: string, new_pubkey: string, timestamp: string }) => JSON.stringify({ old_pubkey: o.old_pubkey, new_pubkey: o.new_pubkey, timestamp: o.timestamp })
export const revocationText = (o: { type: 'REVOCATION', pubkey: string, agent_id: string, reason: string, timestamp: string }) => JSON.stringify({ type: o.type, pubkey: o.pubkey, agent_id: o.agent_id, reason: o.reason, timestamp: o.timestamp })
