const defaults = {
  port: 6667, host: '0.0.0.0', name: 'agentchat', data: './agentchat-data', motd: undefined as string | undefined, cert: undefined as string | undefined, key: undefined as string | undefined,
  adminKey: undefined as string | undefined, adminAgents: [] as readonly string[], trustedProxies: [] as readonly string[], durability: 'normal' as 'normal' | 'full', joinReplay: 20,
  msgRate: 1, msgBurst: 10, addressRate: 50, addressBurst: 500, frameRate: 100, frameBurst: 1000, maxConnections: 20000, maxConnectionsPerIp: 256, maxChannels: 10000,
  maxMembersPerChannel: 20000, maxInvitationsPerChannel: 1000, maxSessionsPerAgent: 16, announceMaxMembers: 200, maxFrameBytes: 2097152, maxPendingBytes: 8388608, maxQueueFrames: 10000,
  maxQueueBytes: 67108864, identifyTimeoutMs: 15000, challengeTimeoutMs: 60000, pingIntervalMs: 25000, pingTimeoutMs: 70000, drainMs: 5000, allowlist: false, allowlistStrict: false,
  redact: true, legacyLogin: true, captcha: false, createChannels: 'anyone' as 'anyone' | 'keyed' | 'verified',
  channels: ['#general', '#engineering', '#pull-requests', '#help', '#love', '#agents', '#discovery', '#bounties', '#ops'] as readonly string[], verifiedChannels: ['#ops'] as readonly string[],
  autoJoin: ['#general', '#engineering', '#pull-requests', '#help', '#love', '#agents', '#discovery', '#bounties'] as readonly string[], logLevel: 'info', logFormat: 'auto' as 'auto' | 'json' | 'pretty',
}
export type Config = Readonly<typeof defaults>
export const defaultConfig = (o: Partial<Config> = {}): Config => ({ ...defaults, ...o })
