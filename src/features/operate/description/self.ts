// What the relay says of itself, signed: made from the same facts as /health, at most once a second.
import { serverDocumentText, type LocalIdentity } from '../../../../lib/identity/index.ts'
import { PROTOCOL, domains, wireFeatures, type ServerDocument } from '../../../../lib/protocol/index.ts'
import type { Health } from '../../../relay/feature.ts'

export interface SelfOptions {
  /** SHA-256 of the relay's key, in hex. */
  readonly serverId: string
  /** The relay's own key. */
  readonly relayKey: Pick<LocalIdentity, 'publicKey' | 'sign'>
  /** Its former keys, each signed over to the next. */
  readonly rotations: NonNullable<ServerDocument['rotations']>
  readonly description: string
  readonly region?: string | undefined
  readonly contact?: string | undefined
  /** Where it is reached, the best first; known once it listens. */
  readonly urls: () => readonly string[]
  readonly directory: boolean
  readonly allowlistStrict: boolean
  readonly captcha: boolean
  readonly retentionAgeMs: number
  readonly retentionCount: number
  readonly retentionBytes: number
  readonly limits: Readonly<Record<string, number>>
  readonly announceEveryMs: number
  /** Whether a request is answered, as far as that is settled by the parts that the relay runs with. */
  readonly isAnswered: (type: string) => boolean
}

/** A relay that was not heard for so many announcements is taken for gone. */
const heartbeats = 6

export type Self = (health: Health, now: number) => ServerDocument

export const selfDescription = (options: SelfOptions): Self => {
  const { serverId, relayKey, description, region, contact, urls, directory, allowlistStrict, captcha, limits, announceEveryMs } = options
  const features = () => [
    ...Object.entries(domains).filter(([name, { requests }]) => {
      const types = Object.keys(requests)
      return name !== 'servers' && name !== 'announcements' && name !== 'transcripts'
        && (types.length === 0 || types.some(options.isAnswered))
    }).map(([name]) => name),
    ...wireFeatures,
    ...(directory ? ['directory'] : []),
  ]
  let last: ServerDocument | undefined
  return (health, now) => {
    if (last !== undefined && last.status === health.status && now >= last.issued_at && now - last.issued_at < 1_000) return last
    const document = {
      format: 'agentchat-server/1' as const,
      server_id: serverId,
      pubkey: relayKey.publicKey,
      name: health.server,
      description,
      ...(region !== undefined && { region }),
      urls: [...urls()],
      protocol: PROTOCOL,
      version: health.version,
      status: health.status,
      features: features(),
      limits: { ...limits },
      policies: {
        registration: allowlistStrict ? 'allowlist' as const : captcha ? 'captcha' as const : 'open' as const,
        retention: { age_ms: options.retentionAgeMs, count: options.retentionCount, bytes: options.retentionBytes },
        ...(contact !== undefined && { contact }),
      },
      counts: {
        agents: health.agents.connected,
        with_identity: health.agents.with_identity,
        channels: health.channels.total,
        public_channels: health.channels.public,
      },
      ...(options.rotations.length > 0 && { rotations: [...options.rotations] }),
      started_at: Date.parse(health.started_at),
      uptime_seconds: health.uptime_seconds,
      issued_at: now,
      expires_at: now + heartbeats * announceEveryMs,
    }
    return last = { ...document, sig: relayKey.sign(serverDocumentText(document)) }
  }
}
