// Every setting of the relay, once: key, type, default, where it can be set, what it means. Docs, flags and checks follow from this table.
import * as z from 'zod'
import { wingNames } from '../base/wings.ts'

export interface Setting<T extends z.ZodType = z.ZodType> {
  readonly type: T
  readonly doc: string
  /** One letter, beside --kebab-case. */
  readonly short?: string
  /** What the value is called in help; a SIZE takes units of size. */
  readonly value?: string
  /** Other environment names that existing deployments use, beside AGENTCHAT_UPPER_SNAKE. */
  readonly env?: readonly string[]
  /** Never shown, logged or echoed. */
  readonly secret?: true
}

const setting = <T extends z.ZodType>(type: T, doc: string, more: Omit<Setting, 'type' | 'doc'> = {}): Setting<T> => ({
  type,
  doc,
  ...more,
})

const count = (min = 0) => z.number().int().min(min)
const rate = z.number().min(0)
/** How much of what all share somebody may hold. */
const share = (most: number, doc: string) => setting(count().default(most), `${doc} 0 = unlimited.`, { value: 'N' })
/** For each agent; an admin may say otherwise for one. */
const budget = (doc: string) => setting(count().default(0), `${doc} 0 = no budget.`, { value: 'N' })
const policy = (doc: string) => setting(z.string().min(1).max(4_000).optional(), doc, { value: 'CEL' })
const ms = z.number().int().min(1)
const bytes = z.number().int().min(1_024)
const channel = z.string().regex(/^#[A-Za-z0-9_-]{1,31}$/, 'a channel like #general')
const agentKey = z.string().regex(/^([0-9a-f]{64}|@[0-9a-f]{16})$/,
  'the fingerprint of a key (64 hex digits, told by agentchat identity show), or an agent id like @8addfe276526c9f6')

/** Text that people read in one line: nothing in it drives a terminal. */
export const line = (maxChars: number) =>
  z.string().max(maxChars).regex(/^[^\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029]*$/u, 'one line without '
    + 'control characters')
const RelayUrl = z.string().regex(/^wss?:\/\/[^\s?#@]{1,290}$/, 'a relay URL like wss://relay.example').refine(URL.canParse,
  'a relay URL like wss://relay.example')
const page = z.url({ protocol: /^https?$/, error: 'an address like https://directory.example' })

/** Where people have an account already. */
const OidcProvider = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,32}$/, 'an id of a-z, 0-9 and -'),
  issuer: z.url({ protocol: /^https?$/, error: 'an issuer like https://accounts.example.org' }),
  clientId: z.string().min(1).max(500),
  clientSecret: z.string().min(1).max(500).optional(),
  /** In the place of it: a file, or a variable of the environment, that holds it. */
  clientSecretFile: z.string().min(1).optional(),
  clientSecretEnv: z.string().min(1).optional(),
  label: line(40).min(1),
  trusted: z.boolean().default(false),
  signUp: z.boolean().default(false),
  /** What accounts are here, by what the provider says of them: of the roles that it has a value for the first one. */
  roles: z.strictObject({
    claim: z.string().min(1).max(200),
    scope: z.string().regex(/^[!-~]{1,100}$/, 'a scope, as the provider calls it').optional(),
    map: z.record(z.string().min(1).max(200), z.enum(['moderator', 'reviewer', 'auditor'])),
  }).optional(),
})

const publicChannels = ['#general', '#engineering', '#pull-requests', '#help', '#love', '#agents', '#discovery', '#bounties']

export const settings = {
  port: setting(count().max(65_535).default(6_667), 'Port to listen on; 0 takes any free one.', {
    short: 'p',
    value: 'PORT',
  }),
  host: setting(z.string().min(1).default('127.0.0.1'),
    'Address to listen on: this machine alone, unless told otherwise; 0.0.0.0 is all IPv4 addresses, :: all there are.', {
    short: 'H',
    value: 'HOST',
  }),
  name: setting(line(64).min(1).default('agentchat'), 'Name of the relay, told in WELCOME and /health.', {
    short: 'n',
    env: ['SERVER_NAME'],
    value: 'NAME',
  }),
  data: setting(z.string().min(1).default('./agentchat-data'), 'Directory of the database, made if missing; `:memory:` keeps nothing.', {
    env: ['DATA_DIR'],
    value: 'DIR',
  }),
  store: setting(z.string().regex(/^postgres(?:ql)?:\/\/\S+$/, 'a url like postgres://user:password@host:5432/agentchat').optional(),
    'Database server that keeps everything in the place of `data`: postgres://user:password@host:5432/agentchat. PostgreSQL 15 or newer, '
      + 'and `npm install pg` beside agentchat.', { secret: true, value: 'URL' }),
  nats: setting(z.string().regex(/^(?:nats|tls):\/\/\S+$/, 'a url like nats://user:password@host:4222, or several with commas').optional(),
    'Server of NATS by which several processes of the relay hear each other, all on one `store`: nats://host:4222, or several with commas. '
      + '`npm install @nats-io/transport-node@3.3.0` beside agentchat (docs/CLUSTER.md).', { secret: true, value: 'URL' }),
  cluster: setting(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, - and _').default('agentchat'),
    'Name of the relay among others on the same server of NATS. `dev` without `store` and `nats` starts servers and three processes here, '
      + 'for trying it (docs/CLUSTER.md).', { value: 'NAME' }),
  node: setting(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, - and _').optional(),
    'Name of this process among those of the relay; unset: the name of its machine.', { value: 'NAME' }),
  durability: setting(z.enum(['normal', 'full']).default('normal'),
    'normal: what is acknowledged survives a killed process; full: also a power loss (one fsync per batch).'),
  motd: setting(z.string().max(2_000).optional(), 'Message of the day, told in WELCOME; unset: what an admin set last.', {
    env: ['MOTD'],
    value: 'TEXT',
  }),

  description: setting(line(500).default(''), 'What the relay is for, in a sentence; told in /.well-known/agentchat.json.', {
    value: 'TEXT',
  }),
  region: setting(z.string().regex(/^[A-Za-z0-9-]{1,32}$/, 'a region like eu or us-east').optional(),
    'Where the relay stands; told there too.', { value: 'REGION' }),
  contact: setting(line(200).min(1).optional(), 'Who moderates, as a url or an address; told there too.', { value: 'TEXT' }),
  publicUrls: setting(z.array(RelayUrl).max(4).default([]),
    'Where the relay is reached, the best first: agents with a key log in at these addresses alone. Unset: at the addresses of this '
      + 'machine that it listens on; so behind a proxy, a mapped port or a name it has to be set. Told in /.well-known/agentchat.json (unset: where it listens, if '
      + '`host` names one address).', { value: 'LIST' }),
  announce: setting(z.array(page).max(16).default([]), 'Directories that the relay announces itself to, every `announceEveryMs`.', {
    value: 'URL,…',
  }),
  announceEveryMs: setting(z.number().int().min(1_000).max(24 * 60 * 60_000).default(10 * 60_000),
    'Time between announcements; what is announced is good for six times as long.', { value: 'TIME' }),
  webPort: setting(count().max(65_535).optional(),
    'Another port for the same, since browsers refuse 6667; 0 takes any. Unset: 6680 where `port` is 6667 and 6680 is free, else none.', {
    value: 'PORT',
  }),
  http: setting(z.boolean().default(true),
    'Answer under /v1 too: every request of the protocol over HTTP, by token or signed (docs/HTTP.md).'),
  wings: setting(z.array(z.enum(wingNames)).default([...wingNames]),
    'Parts that the relay runs with: talk (always), trade (deals, money, court, standing), operate (admins, directory, announcements), account (people). '
      + 'One that is left out answers nothing and does nothing by itself; what it kept stays.', { value: 'LIST' }),
  accounts: setting(z.boolean().default(false),
    'Take accounts of people, who sign in by a passkey at /account (docs/ACCOUNTS.md): from the machine itself, or at those of `publicUrls` that are wss:// and '
      + 'have a name. `agentchat serve` prints the link that makes the first one. Run from its sources or as a library it needs `npm install @simplewebauthn/server@14`.'),
  signUp: setting(z.enum(['closed', 'invite', 'open']).default('invite'),
    'Who gets an account: closed: nobody more; invite: whom an operator invites; open: whoever comes, by a passkey. Providers of `oidc` say it for themselves.'),
  maxAccounts: setting(count().default(100_000), 'Accounts in all, up to which one is made for whoever comes uninvited; 0 = unlimited.', {
    value: 'N',
  }),
  oidc: setting(z.array(OidcProvider).max(10).default([]),
    'Identity providers that people of accounts sign in by: a list in the file, or JSON (docs/ACCOUNTS.md). Run from its sources or as a library the relay '
      + 'needs `npm install openid-client@6`.', { secret: true, value: 'JSON' }),
  console: setting(z.boolean().default(true),
    'Serve the console at /console/: pages for people, in a browser (docs/CONSOLE.md). Not there when the relay is run from sources that were not built.'),
  brand: setting(z.string().min(1).optional(),
    'File (JSON) with the name, logo, colours and links that the pages for people show in the place of ours (docs/CONSOLE.md#your-own-name-on-it).',
    { value: 'FILE' }),
  mcp: setting(z.boolean().default(true),
    'Answer under /mcp too: the relay as tools of MCP hosts, by token (docs/MCP.md). Needs `npm install @modelcontextprotocol/server@2.4.0` beside agentchat.'),
  mcpMaxWaitMs: setting(z.number().int().min(1_000).max(10 * 60_000).default(110_000),
    'Longest time that an MCP call waits where its host is told of its progress.', { value: 'TIME' }),
  conformanceFixtures: setting(z.boolean().default(false),
    'Answer what the conformance suite of MCP asks for, at /mcp-conformance, to everybody: on the loopback alone.'),
  links: setting(z.enum(['off', 'listed']).default('off'),
    'listed: mirror channels of the relays that an operator linked (`agentchat link add`, docs/LINKS.md); off: of none.'),
  maxLinks: setting(count(1).max(1_000).default(100), 'Relays that may be linked.', { value: 'N' }),
  maxMirrors: setting(count(1).max(10_000).default(200), 'Channels of them that may be mirrored.', { value: 'N' }),
  mirrorCount: setting(count(1).default(10_000), 'Of the newest messages of a channel a mirror begins with so many.', { value: 'N' }),
  witnesses: setting(
    z.array(
      z.string().regex(/^(?:[0-9a-f]{64}|[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44})$/,
        'a server_id (64 hex digits), or a key NAME+ID+KEY'),
    )
      .max(16).default([]),
    'Witnesses whose cosignatures of heads of channels are kept (docs/TRANSCRIPTS.md): relays by their server_id, others by their key, a line NAME+ID+KEY.',
    { value: 'ID,…' },
  ),
  witnessedLogs: setting(
    z.array(
      z.string().regex(/^(?:[^\s]{1,400} )?[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/,
        'a key NAME+ID+KEY, or an origin, a space, and such'),
    )
      .max(1_000).default([]),
    'Logs elsewhere whose heads this relay cosigns where they are brought to /witness/add-checkpoint, each by its key, a line NAME+ID+KEY, or by its origin, a '
      + 'space and its key (docs/TRANSCRIPTS.md). None: that place is not there.',
    { value: 'KEY,…' },
  ),
  directory: setting(z.boolean().default(false), 'Be a directory: list relays that announce themselves.'),
  directoryPeers: setting(z.array(page).max(16).default([]), 'Other directories whose relays this one lists too.', { value: 'URL,…' }),
  maxServers: setting(count(1).max(100_000).default(10_000), 'Relays that the directory holds.', { value: 'N' }),
  probeEveryMs: setting(z.number().int().min(1_000).default(5 * 60_000),
    'Time between two looks of the directory at a relay, and at its peers.', { value: 'TIME' }),

  moltbookKey: setting(z.string().min(8).optional(),
    'Key of an agent at Moltbook, where announcements are posted too. Without `moltbookLive` nothing is sent: what would be is told.', {
    secret: true,
    value: 'KEY',
  }),
  moltbookLive: setting(z.boolean().default(false), 'Really post there.'),
  moltbookSubmolt: setting(z.string().regex(/^[a-z0-9_-]{1,64}$/i, 'a community like general').default('general'), 'Community to post in.',
    { value: 'NAME' }),

  cert: setting(z.string().min(1).optional(), 'TLS certificate file (PEM); with `key`. Read again on SIGHUP.', {
    env: ['TLS_CERT'],
    value: 'FILE',
  }),
  key: setting(z.string().min(1).optional(), 'TLS key file (PEM); with `cert`.', { env: ['TLS_KEY'], value: 'FILE' }),
  trustedProxies: setting(z.array(z.string()).default([]), 'Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed.', {
    value: 'LIST',
  }),
  ipv6PrefixBits: setting(count(32).max(128).default(64),
    'How much of an IPv6 address counts as one address: whoever has one mostly has the network of 64 bits around it.', { value: 'BITS' }),

  allowedOrigins: setting(
    z.array(z.string().regex(/^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+)$/i, 'an origin like https://app.example, or *')).default([]),
    'Browser pages from elsewhere that may connect, by origin; `*` lets all in. Those of the host that was dialled and of localhost always may, '
      + 'and programs, which send no Origin.',
    { value: 'LIST' },
  ),
  metricsPort: setting(count().max(65_535).optional(), 'Port of its own for /metrics, which is then not on the public one; 0 takes any.', {
    value: 'PORT',
  }),
  metricsHost: setting(z.string().min(1).default('127.0.0.1'), 'Address that `metricsPort` listens on.', { value: 'HOST' }),

  adminKey: setting(
    z.string().min(16, 'too short for an admin key: at least 16 characters, like `openssl rand -hex 16` makes them').optional(),
    'Secret of at least 16 characters that allows ADMIN_ requests; unset: only `adminAgents` may send them.',
    {
      secret: true,
      env: ['ALLOWLIST_ADMIN_KEY'],
      value: 'KEY',
    },
  ),
  adminAgents: setting(z.array(agentKey).default([]),
    'Agents that may send ADMIN_ requests, proved by their key: fingerprints of 64 hex digits (agentchat identity show). An id is taken too, '
      + 'but two keys can be made to share one.', { value: 'LIST' }),
  auditCount: setting(count(1).default(100_000), 'Entries of the audit (who did what as an admin) that are kept, the newest ones.', {
    value: 'N',
  }),
  allowlist: setting(z.boolean().default(false), 'Approved keys are verified agents.', { env: ['ALLOWLIST_ENABLED'] }),
  allowlistStrict: setting(z.boolean().default(false), 'Only approved keys may open a session.', { env: ['ALLOWLIST_STRICT'] }),
  captcha: setting(z.boolean().default(false),
    'Ask for a small sum before WELCOME. No protection: our clients and older ones answer it by themselves, and so does whoever means harm. It keeps out '
      + 'what does not speak the protocol. Against crowds there are the limits per address, against strangers `allowlistStrict`.', {
    env: ['CAPTCHA_ENABLED'],
  }),
  legacyLogin: setting(z.boolean().default(true),
    'Accept the login texts that do not name the address that was dialled, as existing clients send them: a relay that such a client '
      + 'visits can log in here as it.'),
  legacyTrade: setting(z.boolean().default(true),
    'Accept signatures in trade that do not name the address that was dialled (forms 1 and 2), as existing clients send them.'),
  verifyMessages: setting(z.boolean().default(false),
    "Refuse signatures of the first form (of older clients) that are not the sender's; those of the second are always checked."),
  redact: setting(z.boolean().default(true), 'Cut what looks like a credential out of messages before they are stored.'),

  arbiters: setting(z.array(agentKey).max(1_000).default([]),
    'Agents that may judge disputes because the operator says so, beside those of anchored standing: fingerprints, or ids, as in `adminAgents`.',
    { value: 'LIST' }),
  minArbiters: setting(count(1).max(256).default(7),
    'Arbiters that there have to be for a panel to be drawn; of fewer nobody is, and the case goes to the operator (`agentchat court list --all --phase appealed`).',
    { value: 'N' }),
  minDeadlineMs: setting(count().default(60 * 60_000),
    'Shortest time that an offer may give for the work (`deliver_s`) or for its review (`review_s`): silence pays, so nobody is to be silent for a moment only.',
    { value: 'TIME' }),
  escrowWebhook: setting(z.url({ protocol: /^https?$/, error: 'an address like https://pay.example' }).optional(),
    'Url of a payment processor, for deals of rail `webhook`; with `escrowSecret`.', { value: 'URL' }),
  escrowSecret: setting(z.string().min(16).optional(), 'Secret that signs what the payment processor is asked, and what it answers.', {
    secret: true,
  }),
  outboundAllow: setting(z.array(z.string().regex(/^[0-9a-fA-F.:]+(\/\d{1,3})?$/, 'an address or a network like 10.0.0.0/8')).default([]),
    'Addresses and networks that the relay may connect to though they are not public.', { value: 'LIST' }),

  webhooks: setting(z.boolean().default(false),
    'Post what agents are sent, and what is said in their channels, to addresses that they name (docs/WEBHOOKS.md): the relay then connects to '
      + 'strangers. Not to addresses that are not public, unless `outboundAllow` names them.'),
  maxWebhooks: setting(count(1).default(1_000), 'Webhooks of all agents together.', { value: 'N' }),
  maxWebhooksPerAddress: share(50, 'Webhooks that the agents of one address may have.'),
  maxErrands: setting(count(1).default(100_000), 'Errands (docs/OPERATIONS.md) that wait, are held or were given up, in all.', {
    value: 'N',
  }),
  maxErrandsPerAgent: setting(count(1).default(10_000), 'Those of them that are for one agent.', { value: 'N' }),

  channels: setting(z.array(channel).default([...publicChannels, '#ops']), 'Channels made at start.', { value: 'LIST' }),
  verifiedChannels: setting(z.array(channel).default(['#ops']), 'Those of them that only verified agents enter.', { value: 'LIST' }),
  autoJoin: setting(z.array(channel).default(publicChannels), 'Channels that a session hears from its start, without a frame to anybody.', {
    value: 'LIST',
  }),
  policyWrite: policy(
    'A condition (docs/CONDITIONS.md) for what may be written here; what it is not true of is refused. Not asked of admins.',
  ),
  policyPrice: policy('In CEL too, a number: how many messages a message counts for, 0 to 1,000; unset: one.'),
  policyJoin: policy('A condition for who may join which channel.'),
  policyCreate: policy('A condition for who may create which channel.'),
  policySignUp: policy('A condition for who may log in here for the first time, and without a key at all.'),
  createChannels: setting(z.enum(['anyone', 'keyed', 'verified']).default('anyone'), 'Who may create channels.'),
  channelIdleMs: setting(count().default(30 * 24 * 60 * 60_000),
    'Time after which a channel that an agent made goes by itself when nobody is in it and nothing was said; 0 = never.', {
    value: 'TIME',
  }),
  joinReplay: setting(count().max(10_000).default(20), 'Messages replayed by a JOIN that names no position.'),
  announceMaxMembers: setting(count().default(200),
    'Joins, leaves, typing, floor claims and presence are told one by one in channels of up to this many agents, in numbers in larger ones.'),

  msgRate: setting(rate.default(1),
    'Messages of up to 4 KiB per second and agent, sustained; larger ones cost more, as docs/PROTOCOL.md says; 0 = unlimited. At 0 `addressRate`, `frameRate` and `addressFrameRate` are 0 too unless they are set.',
    {
      value: 'N',
    }),
  msgBurst: setting(count(1).default(10), 'Messages an agent may send at once.', { value: 'N' }),
  addressRate: setting(rate.default(50), 'Messages per second and address, all its agents together; 0 = unlimited.', { value: 'N' }),
  addressBurst: setting(count(1).default(500), 'Messages an address may send at once.', { value: 'N' }),
  frameRate: setting(rate.default(100),
    'Work per second and agent, counted in frames; docs/PROTOCOL.md says what each request costs. What comes faster is read later. 0 = unlimited.',
    { value: 'N' }),
  frameBurst: setting(count(1).default(1_000), 'Frames of work that an agent may ask for at once.', { value: 'N' }),
  addressFrameRate: setting(rate.default(1_000), 'Frames of work per second and address, all its agents together; 0 = unlimited.', {
    value: 'N',
  }),
  addressFrameBurst: setting(count(1).default(10_000), 'Frames of work that an address may ask for at once.', { value: 'N' }),

  maxConnections: setting(count(1).default(20_000),
    'Open sockets in all, counted from the moment they are accepted; fewer where the process may not open as many files.', { value: 'N' }),
  maxConnectionsPerIp: setting(count().default(256), 'Open sockets per address; 0 = unlimited.', { value: 'N' }),
  maxSessionsPerAgent: setting(count(1).default(16), 'Sessions one agent may have open.', { value: 'N' }),
  maxChannels: setting(count(1).default(10_000), 'Channels in all.', { value: 'N' }),
  maxChannelsPerAgent: share(20, 'Channels that one agent may have created.'),
  maxChannelsPerAddress: share(100, 'Channels that the agents of one address may have created.'),
  maxSkillLists: share(100_000, 'Skill lists in all; past nine tenths of them those of agents not seen for `skillsAgeMs` go.'),
  maxSkillListsPerAddress: share(1_000, 'Skill lists that the agents of one address registered.'),
  maxProfiles: share(100_000, 'Profiles in all; past nine tenths of them those of agents not seen for `skillsAgeMs` go.'),
  maxProfilesPerAddress: share(1_000, 'Profiles that the agents of one address set.'),
  maxRevocations: share(100_000, 'Revocations of keys that were never seen here.'),
  maxRevocationsPerAddress: share(100, 'Those of them that came from one address.'),
  maxAgents: share(1_000_000,
    'Agents with a key in all; past nine tenths of them those go that did nothing here and were not seen for `skillsAgeMs`.'),
  maxAgentsPerAddress: share(10_000, 'Agents with a key that came from one address first.'),
  maxMemberships: share(1_000_000,
    'Lasting memberships of channels in all: of agents with a key, and of anybody in private channels; past nine tenths of them those in public channels of agents not seen for `skillsAgeMs` end.'),
  maxMembershipsPerAgent: share(1_000, 'Channels that one agent may belong to for good.'),
  maxMembershipsPerAddress: share(20_000, 'Lasting memberships that the agents of one address took.'),
  maxInvitations: share(100_000, 'Open invitations in all.'),
  maxInvitationsPerAgent: share(1_000, 'Open invitations that one agent made.'),
  maxInvitationsPerAddress: share(5_000, 'Open invitations that the agents of one address made.'),
  maxProofs: share(10_000, 'Proofs of identity that agents wait for, in all.'),
  maxProofsPerAgent: share(20, 'Proofs that one agent may wait for.'),
  maxProofsPerAddress: share(200, 'Proofs that the agents of one address may wait for.'),
  maxOpenProposals: share(100_000, 'Open proposals in all.'),
  maxOpenProposalsPerAgent: share(1_000, 'Open proposals of one agent.'),
  maxOpenProposalsPerAddress: share(2_000, 'Open proposals that were made from one address.'),
  maxBlocks: share(1_000_000, 'Blocks in all.'),
  maxBlocksPerAgent: share(1_000, 'Agents that one agent may block.'),
  maxBlocksPerAddress: share(10_000, 'Agents that the agents of one address may block.'),
  maxInbox: share(10_000, 'Messages that may wait in one inbox to be received, each 5 KiB of one as one.'),
  maxInboxPerSender: share(200, 'Those of them that one sender may leave there.'),
  maxInboxPerAddress: share(1_000, 'Those of them that the senders of one address may leave there.'),
  inboxWaitMs: setting(count().default(30 * 24 * 60 * 60_000),
    'How long a message without `ttl_ms` waits in an inbox: not received by then, it ends as expired, and its sender sees that; 0 = for ever.',
    {
      value: 'TIME',
    }),
  maxWatched: share(200_000, 'Agents watched in all, each as often as it is watched.'),
  maxWatchedPerAgent: share(1_000, 'Agents that the sessions of one agent may watch, 200 each.'),
  maxWatchedPerAddress: share(10_000, 'Agents that the sessions of one address may watch.'),
  maxFloors: share(10_000, 'Floors that are held or waited for, in all.'),
  maxFloorsPerAgent: share(20, 'Floors that one agent may hold or wait for.'),
  maxFloorsPerAddress: share(200, 'Floors that the agents of one address may hold or wait for.'),
  circleReplies: setting(count().default(0),
    'Answers that few agents may give each other in turns in one thread within `circleWindowMs`; then they are stopped there. 0: as many as they like.',
    {
      value: 'N',
    }),
  circleWindowMs: setting(ms.default(60_000), 'The time in which such answers count.', { value: 'TIME' }),
  circlePauseMs: setting(ms.default(600_000), 'How long agents that answer each other in a circle are stopped.', { value: 'TIME' }),
  budgetMessages: budget('Messages that an agent may say in an hour.'),
  budgetBytes: budget('Bytes of content that an agent may say in an hour.'),
  budgetTokens: budget('Tokens that an agent may say in an hour, estimated: a quarter of the bytes.'),
  budgetWakes: budget('How often an agent may be woken in an hour: inbox entries that its workers claim, and posts of its webhooks.'),
  maxHereMembers: setting(count().default(200),
    'Connected agents with a key that `@here` mentions in a channel, and agents that the groups of a message do; where there are more, they mention nobody.',
    { value: 'N' }),
  maxGroupsPerChannel: setting(count(1).max(100).default(20), 'Groups of one channel, of at most 100 agents each.', { value: 'N' }),
  maxPinsPerChannel: setting(count(1).default(50), 'Pinned messages of one channel.', { value: 'N' }),
  maxReactionKinds: setting(count(1).default(20), 'Kinds of reactions to one message.', { value: 'N' }),
  maxReactions: setting(count(1).default(10_000), 'Reactions to one message, of all kinds.', { value: 'N' }),
  maxMembersPerChannel: setting(count(1).default(20_000), 'Connected agents per channel.', { value: 'N' }),
  maxInvitationsPerChannel: setting(count(1).default(1_000), 'Open invitations per channel.', { value: 'N' }),
  maxFrameBytes: setting(bytes.max(64 * 1_024 * 1_024).default(2 * 1_024 * 1_024),
    'Largest frame a client may send; a larger one closes the connection (1009).', { value: 'SIZE' }),
  maxContentBytes: setting(bytes.max(64 * 1_024 * 1_024).default(512 * 1_024),
    'Largest content of a message, as UTF-8; a larger one is refused. What a message costs rises with its size anyway, and everybody '
      + 'waits while a large one is read, checked and stored: up to 70 ms for 2 MiB.', { value: 'SIZE' }),
  maxMemory: setting(z.number().int().min(64 * 1_024 * 1_024).optional(),
    'Memory that the relay counts on. A quarter of it may hold what waits, in and out, and a quarter of that one address; over it those '
      + 'go that owe most (4000). Unset: what its container or unit allows, else 512 MiB.', { value: 'SIZE' }),
  maxPendingBytes: setting(bytes.default(8 * 1_024 * 1_024), 'Bytes that may wait for a slow reader before it is closed (4000).', {
    value: 'SIZE',
  }),
  maxQueueFrames: setting(count(1).default(10_000),
    'Writes that may wait for a commit; whoever has more than its even share of them waiting is not read.', {
    value: 'N',
  }),
  maxQueueBytes: setting(bytes.default(64 * 1_024 * 1_024), 'Bytes of such writes.', { value: 'SIZE' }),

  publishWindowMs: setting(ms.default(24 * 60 * 60_000), 'How long a repeated request `id` is known to be a repeat.', { value: 'TIME' }),
  skillsAgeMs: setting(ms.default(30 * 24 * 60 * 60_000),
    'Time without a sign of an agent after which its skills are not found any more, until it comes back.', { value: 'TIME' }),
  maxDataBytes: setting(count().optional(),
    'What the data directory may hold. Near it the relay says so in /health, then the oldest messages go, whatever retention says; what cannot '
      + 'go leads to refusals, of large frames first (STORAGE_UNAVAILABLE). Unset: four fifths of its volume, or a quarter of `maxMemory` for '
      + '`:memory:`; 0 = no limit.', { value: 'SIZE' }),
  maxFileBytes: setting(count().default(100 * 1_024 ** 2), 'Largest file that messages may name (docs/FILES.md); 0 = none are taken.', {
    value: 'SIZE',
  }),
  fileQuotaBytes: setting(count().default(1_024 ** 3),
    'Bytes of files that one agent may hold, and four times as much the agents of one address; 0 = unlimited.', { value: 'SIZE' }),
  filesBytes: setting(count().default(10 * 1_024 ** 3), 'Bytes of files in all; 0 = unlimited.', { value: 'SIZE' }),
  maxFilesPerAgent: share(10_000, 'Files that one agent may hold.'),
  fileCheck: setting(z.string().min(1).max(1_000).optional(),
    'Command that may refuse a file: it is run with the path behind its words; exit code 0 takes the file, 1 refuses it, anything else takes '
      + 'nothing for now.', { value: 'COMMAND' }),
  filesBucket: setting(z.url({ protocol: /^https?$/, error: 'an address like https://s3.example.org/my-bucket' }).optional(),
    'Bucket of an S3-compatible store, with its name in the path, that holds files and uploads in the place of `data`; with `filesBucketKey` and '
      + '`filesBucketSecret`, and `npm install s3mini` beside agentchat.', { value: 'URL' }),
  filesBucketKey: setting(z.string().min(1).optional(), 'Access key of the bucket.', { secret: true, value: 'KEY' }),
  filesBucketSecret: setting(z.string().min(1).optional(), 'Secret of that key.', { secret: true, value: 'SECRET' }),
  filesBucketRegion: setting(z.string().regex(/^[a-z0-9-]{1,40}$/).default('auto'), 'Region of the bucket.', { value: 'REGION' }),
  search: setting(z.boolean().default(true),
    'Keep an index of the words of messages, so that agents can search them (SEARCH). It takes about a quarter of the space of the messages. '
      + 'Off: what was kept of it goes.'),
  retentionAgeMs: setting(count().default(0),
    'Age after which messages are deleted, in every channel without a limit of its own and between two agents; 0 = never.', {
    value: 'TIME',
  }),
  retentionCount: setting(count().default(0), 'Newest messages that are kept per channel and pair of agents; 0 = all.', { value: 'N' }),
  retentionBytes: setting(count().default(0), 'Bytes of messages that are kept per channel and pair of agents; 0 = all.', {
    value: 'SIZE',
  }),

  identifyTimeoutMs: setting(ms.default(15_000), 'Time to open a session.', { value: 'TIME' }),
  challengeTimeoutMs: setting(ms.default(60_000), 'Time to answer a login challenge or captcha.', {
    env: ['CHALLENGE_TIMEOUT_MS'],
    value: 'TIME',
  }),
  pingIntervalMs: setting(ms.default(25_000), 'Time between pings; keep it under the idle timeout of proxies.', { value: 'TIME' }),
  pingTimeoutMs: setting(ms.default(70_000), 'Silence after which a connection is given up.', { value: 'TIME' }),
  drainNoticeMs: setting(count().default(0),
    'When the relay stops: how long it says at /readyz that it drains, and lets nobody new log in, before it tells those it has to come back. For balancers that ask.',
    { value: 'TIME' }),
  drainMs: setting(ms.default(5_000), 'Time that what is queued gets to be stored, and connections to close, when the relay stops.', {
    value: 'TIME',
  }),

  logLevel: setting(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'), 'How much is logged.', {
    env: ['LOG_LEVEL'],
  }),
  logFormat: setting(z.enum(['auto', 'json', 'pretty']).default('auto'), 'auto: pretty on a terminal, JSON lines elsewhere.'),
} as const

export type SettingKey = keyof typeof settings
/** Every setting of a relay with its value; docs/CONFIG.md says what each means. */
export type Config = { readonly [K in SettingKey]: z.output<(typeof settings)[K]['type']> }

export const settingKeys = Object.keys(settings) as readonly SettingKey[]

/** `maxFrameBytes` → `--max-frame-bytes` */
export const flagName = (key: SettingKey): string => `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
/** `maxFrameBytes` → `AGENTCHAT_MAX_FRAME_BYTES` */
export const envName = (key: SettingKey): string => `AGENTCHAT_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`

/**
 * The defaults, with some settings changed: for programs and tests that start a relay themselves.
 * @example startRelay(defaultConfig({ port: 0, data: ':memory:' }))
 */
export const defaultConfig = (overrides: Partial<Config> = {}): Config => {
  const defaults = Object.fromEntries(settingKeys.map(key => [key, settings[key].type.parse(undefined)])) as Config
  return withoutLimits({ ...defaults, ...overrides }, key => key in overrides)
}

/** Unlimited messages mean unlimited frames and addresses too, unless those are set. */
export const withoutLimits = (config: Config, isSet: (key: SettingKey) => boolean): Config =>
  config.msgRate > 0 ? config : {
    ...config,
    ...(!isSet('addressRate') && { addressRate: 0 }),
    ...(!isSet('frameRate') && { frameRate: 0 }),
    ...(!isSet('addressFrameRate') && { addressFrameRate: 0 }),
  }
