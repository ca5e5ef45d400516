// The log on PostgreSQL. What a batch appends waits until it is flushed, and is numbered by one statement that locks the streams' rows in the
// order of their names: number and event are stored together or not at all. A plain batch of any size takes two round trips: streams that
// are new, numbers of streams and inboxes, keys that were used before; the events, and with them the COMMIT. Numbers are taken as if no
// key had been used before; those of repeats are given back by the same transaction.
import { linkKinds } from '../links.ts'
import { entriesExpiredAtOnce, entry, keysForgottenAtOnce, unitsOf, type Entry } from '../log-rows.ts'
import { PostgresLogReader, type Part } from './log-reader.ts'
import {
  checkFollows,
  msgIdOf,
  type Appended,
  type Awaitable,
  type Fate,
  type LogWriter,
  type NewEvent,
  type PublishKey,
  type Stamp,
} from '../log.ts'
import type { KeptLog } from '../log-keeper.ts'
import type { QueryResult } from './client.ts'
import { progressed } from './progress.ts'
import { newRows, push, type Rows } from './rows.ts'
import { keyThere } from './text.ts'
import type { Order } from './order.ts'
import type { Whole } from './whole.ts'
import type { Writer } from './writer.ts'

/** Streams that are known to have a row. */
const maxKnownStreams = 100_000

interface Waiting {
  readonly event: NewEvent
  readonly now: number
  readonly encode: (stamp: Stamp) => Buffer
  readonly resolve: (appended: Appended) => void
  /** The first of its request: where that is a repeat, this is one too. */
  readonly lead: Waiting | undefined
  /** Of its text, once somebody asked before it has its number. */
  units?: number
}

/** Where a stream stands while a batch is numbered, and where it stood before. */
interface NumberedHead {
  readonly id: number
  readonly name: string
  seq: number
  ts: number
  readonly former_seq: number
  readonly former_ts: number
}

interface Published {
  readonly stamp: Stamp
  readonly text?: Buffer
}

const isOf = ({ stream, link, inbox }: NewEvent, part: Part): boolean =>
  (part.agent === undefined || inbox?.includes(part.agent) === true)
  && (part.stream === undefined || stream === part.stream)
  && (part.links !== true || link !== undefined)

const nameOf = ({ agent, id }: PublishKey): string => `${agent}\n${id}`

/** As long as any. */
const anyStamp: Stamp = { seq: 1_000_000_000, ts: 1_000_000_000_000, msgId: 'm'.repeat(32) }

export class PostgresLog extends PostgresLogReader implements LogWriter, KeptLog {
  readonly #writer: Writer
  /** Where several processes write. */
  readonly #order: Order | undefined
  #waiting: Waiting[] = []
  #known = new Set<string>()
  /** Known by the open transaction alone. */
  #added: string[] = []

  /** Has what waits for agents to itself. @throws HeldError */
  readonly takeRows: ((agents: readonly string[]) => Awaitable<void>) | undefined

  /** Up to which event all are there. */
  readonly wholeTo: (() => Promise<number>) | undefined

  /** @param shared where several processes write */
  constructor(writer: Writer, epoch: string, shared?: { readonly order: Order, readonly whole: Whole }) {
    super((sql, values) => writer.ask(sql, values), epoch)
    this.#writer = writer
    this.#order = shared?.order
    this.takeRows = shared && (agents => shared.order.takeRows(agents))
    this.wholeTo = shared && (async () => {
      const [row] = await writer.ask<{ newest: number }>('SELECT coalesce(max(id), 0) AS newest FROM events')
      return shared.whole.upTo(row!.newest)
    })
  }

  append(event: NewEvent, now: number, encode: (stamp: Stamp) => Buffer): Promise<Appended> {
    return this.#append(event, now, encode, undefined)
  }

  together(): Pick<LogWriter, 'append'> {
    let lead: Waiting | undefined
    return {
      append: (event, now, encode) => {
        const appended = this.#append(event, now, encode, lead)
        lead ??= this.#waiting.at(-1)
        return appended
      },
    }
  }

  #append(event: NewEvent, now: number, encode: (stamp: Stamp) => Buffer, lead: Waiting | undefined): Promise<Appended> {
    if (event.key !== undefined && event.key.agent !== event.author) throw new Error("A publish key is the author's own")
    this.#writer.willWrite()
    const { key } = event
    return new Promise(resolve =>
      this.#waiting.push({
        event: key === undefined ? event : { ...event, key: { ...key, id: keyThere(key.id) } },
        now,
        encode,
        resolve,
        lead,
      })
    )
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    // A key that repeats within the batch is a repeat too.
    const isFirst = new Set<string>()
    const dropped = new Set<Waiting>()
    const firsts = waiting.filter(each => {
      const { lead, event: { key } } = each
      const name = key && nameOf(key)
      const isRepeat = (lead !== undefined && dropped.has(lead)) || (name !== undefined && isFirst.has(name))
      if (name !== undefined) isFirst.add(name)
      if (isRepeat) dropped.add(each)
      return !isRepeat
    })
    const [, [heads, inboxes], published] = await Promise.all([this.#addStreams(firsts), this.#number(firsts), this.#published(firsts)])
    const repeats: Waiting[] = []
    /** What the first of a request repeats, so that those behind it do. */
    const repeated = new Map<Waiting, Published>()
    const rows = newRows()
    let bytes = 0
    /** Streams whose numbers come from elsewhere. */
    const followed = new Set<NumberedHead>()
    const answers: (() => void)[] = []
    for (const each of waiting) {
      const { event, encode, resolve, lead } = each
      const { stream, author, key } = event
      const first = (lead && repeated.get(lead)) ?? (key && published.get(nameOf(key)))
      if (first !== undefined) {
        repeated.set(each, first)
        if (!dropped.has(each)) repeats.push(each)
        answers.push(() => resolve({ kind: 'duplicate', ...first }))
        continue
      }
      const head = heads.get(stream)!
      checkFollows(event, head.seq)
      if (event.at !== undefined) followed.add(head)
      const stamp = event.at ?? { seq: head.seq + 1, ts: head.ts + 1, msgId: msgIdOf(head.id, head.seq + 1, this.epoch) }
      head.seq = stamp.seq
      head.ts = stamp.ts
      // What was numbered elsewhere may begin anew, and is brought once more where it is lost.
      if (event.at === undefined) this.#writer.life?.stored({ stream: head.id, seq: stamp.seq, ts: stamp.ts })
      const text = encode(stamp)
      push(rows.events, { stream: head.id, seq: stamp.seq, ts: stamp.ts, author, at: bytes + 1, bytes: text.length })
      rows.texts.push(text)
      bytes += text.length
      if (event.link !== undefined)
        push(rows.links, { stream: head.id, kind: linkKinds[event.link.kind], target: event.link.target, seq: stamp.seq })
      if (key !== undefined) {
        push(rows.keys, { ...key, stream: head.id, seq: stamp.seq, ts: stamp.ts })
        published.set(nameOf(key), { stamp, text })
      }
      const inboxSeqs = (event.inbox ?? []).map(agent => {
        const seq = inboxes.get(agent)! + 1
        inboxes.set(agent, seq)
        push(rows.inbox, {
          agent,
          seq,
          stream: head.id,
          event: stamp.seq,
          receipts: event.receipts === true ? 1 : 0,
          expiresAt: event.ttlMs === undefined ? null : stamp.ts + event.ttlMs,
          sender: author,
          address: event.address ?? '',
          units: unitsOf(text),
          muted: event.muted?.includes(agent) === true ? 1 : 0,
        })
        return seq
      })
      answers.push(() => resolve({ kind: 'stored', stamp, inboxSeqs }))
    }
    this.#insert(rows)
    for (const { id, seq, ts } of followed) this.#writer.changeLater('UPDATE streams SET seq = $2, ts = $3 WHERE id = $1', [id, seq, ts])
    if (repeats.length > 0) this.#giveBack(repeats, heads, inboxes)
    for (const answer of answers) answer()
  }

  async isPublished(key: PublishKey): Promise<boolean> {
    const [agent, id] = [key.agent, keyThere(key.id)]
    if (this.#waiting.some(({ event }) => event.key?.id === id && event.key.agent === agent)) return true
    return (await this.ask('SELECT 1 AS one FROM publish_keys WHERE agent = $1 AND id = $2', [agent, id])).length > 0
  }

  async progress(agent: string, state: 'offered' | 'received' | 'read', upTo: number, now: number): Promise<readonly Fate[]> {
    // Of what is said in the same batch nobody was told a number.
    const { rows } = await this.#change(progressed[state], [agent, upTo, now])
    return this.#toTell(rows)
  }

  async readIn(agent: string, stream: string, upTo: number, now: number): Promise<readonly Fate[]> {
    const { after } = await this.unreadAfter(agent, stream)
    const { rows } = await this.#change(
      `UPDATE inbox SET offered_at = coalesce(offered_at, $5), received_at = coalesce(received_at, $5), address = '', read_at = $5
        WHERE agent = $1 AND seq > $2 AND stream = (SELECT id FROM streams WHERE name = $3) AND event <= $4 AND read_at IS NULL
          AND expired_at IS NULL RETURNING ${entry}`,
      [agent, after, stream, upTo, now],
    )
    return this.#toTell(rows)
  }

  async endOne(agent: string, seq: number, end: 'read' | 'given up', now: number): Promise<readonly Fate[] | undefined> {
    await this.settled()
    const set = end === 'given up'
      ? 'expired_at = $3'
      : 'offered_at = coalesce(offered_at, $3), received_at = coalesce(received_at, $3), read_at = coalesce(read_at, $3)'
    const { rows } = await this.#change(
      `UPDATE inbox SET ${set}, address = '' WHERE agent = $1 AND seq = $2 AND expired_at IS NULL RETURNING ${entry}`,
      [agent, seq, now],
    )
    return rows.length === 0 ? undefined : this.#toTell(rows)
  }

  async reopen(agent: string, seq: number, until: number): Promise<void> {
    await this.#change('UPDATE inbox SET expired_at = NULL, expires_at = $3 WHERE agent = $1 AND seq = $2', [agent, seq, until])
  }

  async expire(now: number): Promise<readonly Fate[]> {
    await this.settled()
    const due = 'FROM inbox WHERE expires_at <= $1 AND received_at IS NULL AND expired_at IS NULL LIMIT $2'
    const whose = await this.ask<{ agent: string }>(`SELECT DISTINCT agent FROM (SELECT agent ${due}) AS due`, [now, entriesExpiredAtOnce])
    if (whose.length === 0) return []
    await this.takeRows?.(whose.map(({ agent }) => agent))
    // What has become due meanwhile, and somebody else has, is due again.
    const { rows } = await this.#writer.change<Entry>(
      `UPDATE inbox SET expired_at = $1, address = '' WHERE (agent, seq) IN (SELECT agent, seq ${due} FOR UPDATE SKIP LOCKED)
        RETURNING ${entry}`,
      [now, entriesExpiredAtOnce],
    )
    return this.#toTell(rows)
  }

  async hasBlocks(agent: string): Promise<boolean> {
    return (await this.ask('SELECT 1 AS one FROM blocks WHERE agent = $1 LIMIT 1', [agent])).length > 0
  }

  async waiting(
    agent: string,
    sender: string,
    address: string,
  ): Promise<{ readonly sender: number, readonly address: number, readonly all: number }> {
    const [row] = await this.ask<{ total: number, own: number, near: number }>(
      `SELECT coalesce(sum(units), 0) AS total, coalesce(sum(units) FILTER (WHERE sender = $2), 0) AS own,
        coalesce(sum(units) FILTER (WHERE address = $3 AND address <> ''), 0) AS near
        FROM inbox WHERE agent = $1 AND seq > coalesce((SELECT seq FROM inbox_cursors WHERE agent = $1), 0)`,
      [agent, sender, address],
    )
    const sums = { sender: row!.own, address: row!.near, all: row!.total }
    // What is said in the same batch has no number yet, and is counted as it will be.
    for (const each of this.#waiting) {
      if (each.event.inbox?.includes(agent) !== true) continue
      const units = each.units ??= unitsOf(each.encode(anyStamp))
      sums.all += units
      if (each.event.author === sender) sums.sender += units
      if (address !== '' && each.event.address === address) sums.address += units
    }
    return sums
  }

  async inboxSeqOf(agent: string, msgId: string): Promise<number | undefined> {
    const place = await this.placeOf(msgId)
    if (place === undefined) return undefined
    const [found] = await this.ask<{ seq: number }>('SELECT seq FROM inbox WHERE agent = $1 AND stream = $2 AND event = $3', [
      agent,
      place.streamId,
      place.seq,
    ])
    return found?.seq
  }

  async moveInbox(from: string, to: string): Promise<void> {
    await this.settled()
    await this.takeRows?.([from, to])
    // In the order in which numbers are given.
    await this.#writer.change(
      'INSERT INTO inbox_heads AS h (agent, seq) SELECT unnest($1::text[]), 0 ORDER BY 1 ON CONFLICT (agent) DO UPDATE SET seq = h.seq',
      [[from, to]],
    )
    const { rowCount } = await this.#writer.change(
      `INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at, offered_at, expired_at, sender, address, units, muted)
        SELECT $2, (SELECT seq FROM inbox_heads WHERE agent = $2) + row_number() OVER (ORDER BY seq), stream, event,
          receipts, expires_at, offered_at, expired_at, sender, address, units, muted
        FROM inbox WHERE agent = $1 AND seq > coalesce((SELECT seq FROM inbox_cursors WHERE agent = $1), 0)
          AND NOT EXISTS (SELECT 1 FROM inbox AS had WHERE had.agent = $2 AND had.stream = inbox.stream AND had.event = inbox.event)`,
      [from, to],
    )
    await this.#writer.change('UPDATE inbox_heads SET seq = seq + $2 WHERE agent = $1', [to, rowCount ?? 0])
    await this.#writer.change('DELETE FROM inbox WHERE agent = $1', [from])
    await this.#writer.change('DELETE FROM inbox_heads WHERE agent = $1 OR (agent = $2 AND seq = 0)', [from, to])
  }

  async end(stream: string): Promise<void> {
    await this.settled()
    // One number is left out: whoever has seen all of what ends does not take what begins for the next of it.
    await this.#writer.change('UPDATE streams SET seq = seq + 1, base = seq + 1 WHERE name = $1', [stream])
  }

  async beginAnew(stream: string): Promise<void> {
    await this.settled()
    await this.#writer.change('UPDATE streams SET seq = 0, base = 0, ts = 0 WHERE name = $1', [stream])
  }

  /** Its indexes are the database's. */
  index(): Promise<void> {
    return this.settled()
  }

  async forgetKeys(before: number): Promise<number> {
    const { rowCount } = await this.#writer.change(
      'DELETE FROM publish_keys WHERE (agent, id) IN (SELECT agent, id FROM publish_keys WHERE ts < $1 ORDER BY ts LIMIT $2)',
      [before, keysForgottenAtOnce],
    )
    return rowCount ?? 0
  }

  /** A transaction begins, or is over. */
  committed(): void {
    this.#added = []
    this.#writer.life?.committed()
  }

  rolledBack(): void {
    for (const name of this.#added) this.#known.delete(name)
    this.#added = []
    this.#waiting = []
    this.#writer.life?.rolledBack()
  }

  /**
   * What others of the batch said is stored before it is read. Numbers are given last, so that where several processes write it is read in the
   * next batch. @throws LateError
   */
  override async settled(part?: Part): Promise<void> {
    if (this.#waiting.length === 0 || (part !== undefined && !this.#waiting.some(({ event }) => isOf(event, part)))) return
    this.#order?.checkFirst('what the batch says')
    await this.flush()
  }

  /** Changes what waits for an agent, which is the first value. */
  #change(sql: string, values: readonly [agent: string, ...rest: readonly unknown[]]): Promise<QueryResult<Entry>> {
    const taking = this.#order?.takeRows([values[0]])
    return taking === undefined ? this.#writer.change(sql, values) : taking.then(() => this.#writer.change(sql, values))
  }

  async #toTell(changed: readonly Entry[]): Promise<readonly Fate[]> {
    const fates: Fate[] = []
    for (const row of changed) {
      const fate = row.receipts === 1 ? await this.fateAt(row.stream, row.event, [row]) : undefined
      if (fate !== undefined) fates.push(fate)
    }
    return fates
  }

  /** Which keys of a batch were used before, and for what. */
  async #published(waiting: readonly Waiting[]): Promise<Map<string, Published>> {
    const keys = waiting.flatMap(({ event: { key } }) => key ?? [])
    if (keys.length === 0) return new Map()
    const rows = await this.ask<{ agent: string, id: string, stream: number, seq: number, ts: number, text: string | null }>(
      `SELECT k.agent, k.id, k.stream, k.seq, k.ts, e.text FROM unnest($1::text[], $2::text[]) AS asked (agent, id)
        JOIN publish_keys k USING (agent, id) LEFT JOIN events e ON e.stream = k.stream AND e.seq = k.seq`,
      [keys.map(({ agent }) => agent), keys.map(({ id }) => id)],
    )
    return new Map(rows.map(({ agent, id, stream, seq, ts, text }) => {
      const stamp = { seq, ts, msgId: this.msgIdOfText(text) ?? msgIdOf(stream, seq, this.epoch) }
      return [nameOf({ agent, id }), text === null ? { stamp } : { stamp, text: Buffer.from(text) }]
    }))
  }

  /** Streams get their rows. */
  async #addStreams(waiting: readonly Waiting[]): Promise<void> {
    const names = [...new Set(waiting.map(({ event }) => event.stream))].filter(name => !this.#known.has(name)).sort()
    if (names.length === 0) return
    if (this.#known.size + names.length > maxKnownStreams) this.#known.clear()
    for (const name of names) this.#known.add(name)
    this.#added.push(...names)
    await this.#writer.change('INSERT INTO streams (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [names])
  }

  /** Numbers for a batch: where each stream and inbox stood before it. */
  async #number(
    fresh: readonly Waiting[],
  ): Promise<[ReadonlyMap<string, NumberedHead>, Map<string, number>]> {
    const events = new Map<string, number>()
    const entries = new Map<string, number>()
    let now = 0
    for (const { event, now: at } of fresh) {
      now = Math.max(now, at)
      events.set(event.stream, (events.get(event.stream) ?? 0) + 1)
      for (const agent of event.inbox ?? []) entries.set(agent, (entries.get(agent) ?? 0) + 1)
    }
    const agents = [...entries.keys()].sort()
    const [heads, inboxes] = await Promise.all([
      this.#writer.change<NumberedHead>(
        `WITH locked AS MATERIALIZED (SELECT id, name, seq, ts FROM streams WHERE name = ANY($1::text[]) ORDER BY name FOR NO KEY UPDATE)
          UPDATE streams s SET seq = l.seq + v.n, ts = greatest($3, l.ts + 1) + v.n - 1
          FROM locked l JOIN unnest($1::text[], $2::bigint[]) AS v (name, n) USING (name) WHERE s.id = l.id
          RETURNING s.id, s.name, l.seq, greatest($3, l.ts + 1) - 1 AS ts, l.seq AS former_seq, l.ts AS former_ts`,
        [[...events.keys()], [...events.values()], now],
      ),
      agents.length === 0 ? undefined : this.#writer.change<{ agent: string, seq: number }>(
        `INSERT INTO inbox_heads AS h (agent, seq) SELECT * FROM unnest($1::text[], $2::bigint[]) ORDER BY 1
          ON CONFLICT (agent) DO UPDATE SET seq = h.seq + excluded.seq RETURNING agent, seq`,
        [agents, agents.map(agent => entries.get(agent))],
      ),
    ])
    return [
      new Map(heads.rows.map(row => [row.name, row])),
      new Map(inboxes?.rows.map(({ agent, seq }) => [agent, seq - entries.get(agent)!])),
    ]
  }

  /** Of those that were used before, nothing is taken: streams and inboxes stand where the others of the batch brought them. */
  #giveBack(repeats: readonly Waiting[], heads: ReadonlyMap<string, NumberedHead>, inboxes: ReadonlyMap<string, number>): void {
    const streams = [...new Set(repeats.map(({ event }) => event.stream))].map(name => heads.get(name)!)
    this.#writer.changeLater(
      `UPDATE streams s SET seq = v.seq, ts = v.ts FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v (id, seq, ts) WHERE s.id = v.id`,
      [
        streams.map(({ id }) => id),
        streams.map(({ seq }) => seq),
        streams.map(({ seq, ts, former_seq, former_ts }) => seq === former_seq ? former_ts : ts),
      ],
    )
    const agents = [...new Set(repeats.flatMap(({ event: { inbox = [] } }) => inbox))]
    if (agents.length === 0) return
    this.#writer.changeLater(
      `UPDATE inbox_heads h SET seq = v.seq FROM unnest($1::text[], $2::bigint[]) AS v (agent, seq) WHERE h.agent = v.agent`,
      [agents, agents.map(agent => inboxes.get(agent))],
    )
    this.#writer.changeLater('DELETE FROM inbox_heads WHERE agent = ANY($1::text[]) AND seq = 0', [agents])
  }

  /** Sent ahead: what becomes of it is known with the commit. All texts are one parameter, as the bytes that they are. */
  #insert({ events, keys, inbox, links, texts }: Rows): void {
    if (texts.length === 0) return
    this.#writer.changeLater(
      `WITH added AS (INSERT INTO events (stream, seq, ts, author, text)
          SELECT stream, seq, ts, author, convert_from(substr($1::bytea, at, bytes), 'UTF8')
          FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::int[], $7::int[]) AS v (stream, seq, ts, author, at, bytes)
          RETURNING author, id)
        INSERT INTO spoken (author, block) SELECT DISTINCT author, id >> 12 FROM added ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
      [Buffer.concat(texts), ...Object.values(events)],
    )
    if (keys.agent.length > 0)
      this.#writer.changeLater(
        `INSERT INTO publish_keys (agent, id, stream, seq, ts)
          SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) ORDER BY 1, 2`,
        Object.values(keys),
      )
    // What names the same event is counted on from what named it before; the row of the stream is locked.
    if (links.seq.length > 0)
      this.#writer.changeLater(
        `INSERT INTO links (stream, kind, target, seq, n) SELECT v.stream, v.kind, v.target, v.seq,
          coalesce((SELECT l.n FROM links l WHERE l.stream = v.stream AND l.kind = v.kind AND l.target = v.target ORDER BY l.seq DESC LIMIT 1), 0)
            + row_number() OVER (PARTITION BY v.stream, v.kind, v.target ORDER BY v.seq)
          FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS v (stream, kind, target, seq)`,
        Object.values(links),
      )
    if (inbox.agent.length > 0)
      this.#writer.changeLater(
        `INSERT INTO inbox (agent, seq, stream, event, receipts, expires_at, sender, address, units, muted)
          SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
            $9::bigint[], $10::bigint[])`,
        Object.values(inbox),
      )
  }
}
