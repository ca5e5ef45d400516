// Relays that exist on paper: keys and signed descriptions, without a process behind them.
import { generateKeyPairSync } from 'node:crypto'
import { serverDocumentText, serverIdOf } from '../../lib/identity/index.ts'
import { nodeIdentity } from '../../lib/node/index.ts'
import type { ServerDocument } from '../../lib/protocol/index.ts'

export interface PaperRelay {
  readonly serverId: string
  readonly publicKey: string
  describe(fields?: Partial<ServerDocument>): ServerDocument
}

/** @example const document = paperRelay().describe({ urls: ['wss://relay.example'], issued_at: now }) */
export const paperRelay = (name = 'paper'): PaperRelay => {
  const identity = nodeIdentity(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const serverId = serverIdOf(identity.publicKey)
  return {
    serverId,
    publicKey: identity.publicKey,
    describe: (fields = {}) => {
      const issued_at = fields.issued_at ?? Date.now()
      const { sig, ...document }: Omit<ServerDocument, 'sig'> & { sig?: string } = {
        format: 'agentchat-server/1',
        server_id: serverId,
        pubkey: identity.publicKey,
        name,
        description: '',
        urls: ['wss://relay.example'],
        protocol: 'agentchat/1',
        version: '0.1.0',
        status: 'healthy',
        features: ['channels'],
        limits: { max_page: 200 },
        policies: { registration: 'open', retention: { age_ms: 0, count: 0, bytes: 0 } },
        counts: { agents: 0, with_identity: 0, channels: 1, public_channels: 1 },
        started_at: issued_at,
        uptime_seconds: 0,
        expires_at: issued_at + 60 * 60_000,
        ...fields,
        issued_at,
      }
      return { ...document, sig: sig ?? identity.sign(serverDocumentText(document)) } as ServerDocument
    },
  }
}
