// THE ARCHIVE FORMAT: JSON Lines; a header, the records of each kind in the order of this table, behind the events of each stream its signed head,
// and an end that vouches for all of it.
// What only this relay may have is not in it: its key, its secrets, and what repeats and proofs are told by.
import * as z from 'zod'
import { AgentId, AgentName, ChannelName, MsgId, PublicKey, Seq, Signature } from '../../lib/protocol/fields.ts'
import { limits } from '../../lib/protocol/limits.ts'
import { Description, Topic } from '../../lib/protocol/request-fields.ts'

export const archiveFormat = 'agentchat-export/2'
/** Without heads; read as before. */
export const olderFormat = 'agentchat-export/1'

const Flag = z.union([z.literal(0), z.literal(1)])
const Time = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const Who = z.enum(['members', 'owner']).default('members')
const Limit = Time.nullable()
const Number1 = z.int().min(1)
const Stream = z.string().min(2).max(140)
const Note = z.string().max(2_000).nullable()
const Hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/)

interface Kind {
  /** The fields of a record: the columns that `select` gives and `insert` takes. An event's other columns stand in its text. */
  readonly fields: z.ZodObject
  /** Reads them; with channels `?` bound as a JSON array, only what belongs to those. null: belongs to no channel. */
  readonly select: string
  readonly selectOf: string | null
  readonly insert: string
}

const inChannels = (column: string) => `${column} IN (SELECT value FROM json_each(?))`

/** A kind that is one table, column by column. */
const table = (name: string, shape: z.core.$ZodLooseShape, order: string, ofChannels: string | null, from = name): Kind => {
  const columns = Object.keys(shape)
  const select = `SELECT ${columns.join(', ')} FROM ${from}`
  return {
    fields: z.strictObject(shape),
    select: `${select} ORDER BY ${order}`,
    selectOf: ofChannels === null ? null : `${select} WHERE ${ofChannels} ORDER BY ${order}`,
    insert: `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(column => `@${column}`).join(', ')})`,
  }
}

/** Of a channel that was deleted something may be left to clear away; one of another relay is that one's. */
const ofChannels = (name: string) => `(SELECT * FROM ${name} WHERE channel IN (SELECT name FROM channels WHERE name NOT LIKE '%@%'))`
const eventsOf = (which: string) =>
  `SELECT s.name AS stream, p.seq, e.text FROM placed p JOIN streams s ON s.id = p.stream JOIN events e ON e.id = p.event
  WHERE p.seq > s.base AND ${which} ORDER BY p.stream, p.seq`
/**
 * What agents agreed and paid is told in streams of its own. It is signed for this relay and vouched for by its books, so it
 * does not go to another. A mirror of another relay's channel is that one's.
 */
const isTalk = (name: string) => `(substr(${name}, 1, 1) = '@' OR ${name} LIKE '#%' AND ${name} NOT LIKE '%@%')`
const newestTalkOf = (agent: string) =>
  `coalesce((SELECT max(i.seq) FROM inbox i JOIN streams s ON s.id = i.stream WHERE i.agent = ${agent}
    AND i.event > s.base AND ${isTalk('s.name')}), 0)`
/** A kind that is one table, whose rows hang on events of talk. */
const hangingKind = (name: string, shape: z.core.$ZodLooseShape, order: string): Kind => {
  const columns = Object.keys(shape)
  const select = (which: string) =>
    `SELECT s.name AS stream, h.seq, ${columns.map(column => `h.${column}`).join(', ')} FROM ${name} h
      JOIN streams s ON s.id = h.stream WHERE h.seq > s.base AND ${which} ORDER BY h.stream, h.seq, ${order}`
  return {
    fields: z.strictObject({ stream: Stream, seq: Number1, ...shape }),
    select: select(isTalk('s.name')),
    selectOf: select(inChannels('s.name')),
    insert: `INSERT INTO ${name} (stream, seq, ${columns.join(', ')})
      VALUES ((SELECT id FROM streams WHERE name = @stream), @seq, ${columns.map(column => `@${column}`).join(', ')})`,
  }
}
const inboxColumns = ['receipts', 'expires_at', 'offered_at', 'received_at', 'read_at', 'expired_at', 'sender', 'units', 'muted']

const witnessed = table('cosigned', {
  origin: z.string().min(1).max(1_000),
  size: Number1,
  root: Hash,
  checkpoint: z.string().max(16 * 1024),
  at: Time,
}, 'origin, size', null)

export const kinds = {
  channel: table('channels', {
    name: ChannelName,
    private: Flag,
    verified_only: Flag,
    topic: Topic,
    description: Description,
    created_by: z.nullable(AgentId),
    created_at: Time,
    // Archives of before channels had owners lack them.
    owner: z.nullable(AgentId).default(null),
    topic_by: Who,
    edit_window_ms: Limit.default(null),
    // Nor had they settings.
    slow_mode_ms: Time.default(0),
    post_by: Who,
    invite_by: Who,
    pin_by: Who,
    group_by: z.enum(['members', 'owner']).default('owner'),
    archived: Flag.default(0),
    category: z.string().max(limits.maxCategoryChars).default(''),
    welcome: z.string().max(limits.maxDescriptionChars).default(''),
  }, 'name', inChannels('name'), "(SELECT * FROM channels WHERE name NOT LIKE '%@%')"),
  retention: table('retention', { channel: ChannelName, age_ms: Limit, count: Limit, bytes: Limit }, 'channel', inChannels('channel'),
    ofChannels('retention')),
  agent: table('agents', {
    id: AgentId,
    pubkey: PublicKey,
    name: AgentName,
    verified: Flag,
    first_seen: Time,
    last_seen: Time,
    rotated_to: z.nullable(AgentId),
    revoked_at: Time.nullable(),
  }, 'id', `id IN (SELECT agent FROM memberships WHERE ${inChannels('channel')})`),
  // Archives of before it was noted lack how far they have read.
  membership: table('memberships', { agent: AgentId, channel: ChannelName, read_to: Time.default(0) }, 'agent, channel',
    inChannels('channel'), ofChannels('memberships')),
  invitation: table('invitations', { channel: ChannelName, agent: AgentId, by: AgentId, at: Time }, 'channel, agent', inChannels('channel'),
    ofChannels('invitations')),
  group: table('channel_groups', { channel: ChannelName, name: z.string().max(32), agent: AgentId }, 'channel, name, agent',
    inChannels('channel'), ofChannels('channel_groups')),
  approval: table('allowlist', { agent: AgentId, pubkey: PublicKey, note: Note, at: Time }, 'agent', null),
  block: table('blocks', { agent: AgentId, blocked: AgentId, at: Time }, 'agent, blocked', null),
  ban: table('bans', { agent: AgentId, reason: Note, at: Time }, 'agent', null),
  event: {
    fields: z.strictObject({ stream: Stream, seq: Number1, text: z.string() }),
    select: eventsOf(isTalk('s.name')),
    selectOf: eventsOf(inChannels('s.name')),
    insert: 'INSERT INTO events (stream, seq, ts, author, text) VALUES (@id, @seq, @ts, @author, @text)',
  },
  reaction: hangingKind('reactions', { sign: z.string().max(32), agent: AgentId, at: Time }, 'sign, agent'),
  reacted: hangingKind('reacted', { msg_id: MsgId, changed: Time, sums: z.string().max(64 * 1024) }, 'seq'),
  pin: hangingKind('pins', { msg_id: MsgId, by: AgentId, at: Time }, 'seq'),
  inbox: {
    fields: z.strictObject({
      agent: AgentId,
      seq: Number1,
      stream: Stream,
      event: Number1,
      receipts: Flag,
      expires_at: Limit,
      offered_at: Limit,
      received_at: Limit,
      read_at: Limit,
      expired_at: Limit,
      // Archives of before there were blocks lack them.
      sender: z.string().max(65).default(''),
      units: Number1.default(1),
      muted: Flag.default(0),
    }),
    select: `SELECT i.agent, i.seq, s.name AS stream, i.event, ${
      inboxColumns.map(column => `i.${column}`).join(', ')
    } FROM inbox i JOIN streams s ON s.id = i.stream WHERE i.event > s.base AND ${isTalk('s.name')} ORDER BY i.agent, i.seq`,
    selectOf: null,
    insert: `INSERT INTO inbox (agent, seq, stream, event, ${inboxColumns.join(', ')})
      VALUES (@agent, @seq, (SELECT id FROM streams WHERE name = @stream), @event, ${inboxColumns.map(column => `@${column}`).join(', ')})`,
  },
  receipt: table('receipts', {
    id: z.string().max(64),
    proposal: z.string().max(64),
    client: AgentId,
    provider: AgentId,
    text: z.string(),
    relay_pubkey: PublicKey,
    relay_sig: Signature,
    client_sig: z.nullable(Signature),
    provider_sig: z.nullable(Signature),
    currency: z.string().max(32).nullable(),
    paid: Limit,
    completed_at: Time,
  }, 'id', null),
  receipt_part: table('receipt_parts', { proposal: z.string().max(64), n: Seq, text: z.string() }, 'proposal, n', null),
  rating: table('ratings', { agent: AgentId, rating: Seq, transactions: Seq, updated: Time }, 'agent', null),
  rated_pair: table('rated_pairs', { a: AgentId, b: AgentId, times: Seq, last: Time }, 'a, b', null),
  // What was cosigned of other logs, as their witness: another history of them is none of this relay's either.
  witnessed: {
    ...witnessed,
    // Whatever comes of it next has to be proved to go on behind it.
    insert: 'INSERT INTO cosigned (origin, size, root, checkpoint, at, is_followed) VALUES (@origin, @size, @root, @checkpoint, @at, 0)',
  },
  // Numbers go on from the newest entry that comes along: a cursor beyond it would take what comes later for received.
  cursor: {
    ...table('inbox_cursors', { agent: AgentId, seq: Seq, offered: Seq, read: Seq }, 'agent', null),
    select: `SELECT agent, ${
      ['seq', 'offered', 'read'].map(column => `min(${column}, ${newestTalkOf('c.agent')}) AS ${column}`).join(', ')
    } FROM inbox_cursors c ORDER BY agent`,
  },
} as const satisfies Record<string, Kind>

/**
 * What stays with this relay because its books and its keys vouch for it, or because it was signed for it: what it is called, and
 * what counts it. An export tells the numbers, so that nobody believes it came along.
 */
export const leftOut = {
  deals: 'SELECT count(*) AS n FROM proposals',
  cases: 'SELECT count(*) AS n FROM disputes',
  accounts: "SELECT count(*) AS n FROM accounts WHERE balance <> 0 AND account LIKE '@%'",
  skill_lists: 'SELECT count(*) AS n FROM skill_lists',
  profiles: 'SELECT count(*) AS n FROM profiles',
  proofs: 'SELECT count(*) AS n FROM proofs',
  servers: 'SELECT count(*) AS n FROM servers',
  announcements: 'SELECT count(*) AS n FROM announcements',
  address_bans: 'SELECT count(*) AS n FROM address_bans',
  muted_threads: 'SELECT count(*) AS n FROM muted_threads',
  files: 'SELECT count(*) AS n FROM file_owners WHERE whole = 1',
  audit: 'SELECT count(*) AS n FROM audit',
  tokens: 'SELECT count(*) AS n FROM door_tokens',
  hooks: 'SELECT count(*) AS n FROM hooks',
  webhooks: 'SELECT count(*) AS n FROM webhooks',
  errands: 'SELECT count(*) AS n FROM errands',
  leases: 'SELECT count(*) AS n FROM inbox_leases',
  people: 'SELECT count(*) AS n FROM owner_accounts',
  floors: 'SELECT count(*) AS n FROM floors',
  budgets: 'SELECT count(*) AS n FROM budgets',
  links: 'SELECT count(*) AS n FROM relay_links',
} as const
export type LeftOut = Readonly<Record<keyof typeof leftOut, number>>

export type KindName = keyof typeof kinds
export const kindNames = Object.keys(kinds) as readonly KindName[]
export type Counts = Readonly<Record<KindName, number>>

export const noCounts = (): Record<KindName, number> => Object.fromEntries(kindNames.map(kind => [kind, 0])) as Record<KindName, number>
export const sumOf = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

/** Archives of before there were such lack them. */
const newer: ReadonlySet<string> = new Set(['group', 'reaction', 'reacted', 'pin', 'witnessed'])
const CountsField = z.strictObject(
  Object.fromEntries(kindNames.map(kind => [kind, newer.has(kind) ? Time.default(0) : Time])) as Record<KindName, typeof Time>,
)

export const Header = z.strictObject({
  format: z.enum([archiveFormat, olderFormat]),
  epoch: z.string().max(64),
  server_id: z.string().max(64).nullable(),
  server_pubkey: z.optional(PublicKey),
  exported_at: Time,
  counts: CountsField,
  /** what the relay has beside it */
  left_out: z.record(z.string().max(32), Seq).optional(),
})
/**
 * The signed head of a stream, right behind the last of its events: what these make, behind `base`: the tree over those that were gone when it was
 * exported, by the roots of the whole trees that it consists of.
 */
export const Head = z.strictObject({
  kind: z.literal('head'),
  stream: Stream,
  checkpoint: z.string().max(16 * 1024),
  base: z.strictObject({ size: Seq, peaks: z.array(Hash).max(53) }),
})

/** A head that witnesses cosigned before, with their lines: right behind the event that it ends with. Older archives have none. */
export const CosignedHead = z.strictObject({ kind: z.literal('cosigned'), stream: Stream, checkpoint: z.string().max(16 * 1024) })

/** `sha256` is over every line before this one, line ends included; `signature` is the relay's under it. Older archives have none. */
export const End = z.strictObject({
  kind: z.literal('end'),
  counts: CountsField,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  signature: z.strictObject({ pubkey: PublicKey, sig: Signature }).optional(),
})
