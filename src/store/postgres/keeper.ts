// What the log on PostgreSQL lets go of: the oldest events of a stream, or one agent's. What is blanked is written anew here and not by the
// server, which does not read every text that JSON can say.
import type { AgentUse, ErasureStep, Fate, Kept, LogWriter, Trimmed } from '../log.ts'
import { linkKinds } from '../links.ts'
import { PostgresLog } from './log.ts'

/** Events whose ids share what is above these bits are a block: that is how an author's are found. */
const blockBits = 12

const scannedAtOnce = 2_000
const blankedBytesAtOnce = 4 * 1024 * 1024
const trimmedAtOnce = { events: 100, bytes: 1024 * 1024 } as const
const deletedAtOnce = { events: 250, bytes: 4 * 1024 * 1024 } as const

interface Event {
  readonly id: number
  readonly stream: number
  readonly seq: number
  readonly ts: number
  readonly author: string
  readonly text: string
}

interface Said {
  readonly type: string
  readonly to?: string
  readonly msg_id: string
  readonly erased?: true
  readonly edit?: { readonly of: string }
  readonly retract?: { readonly of: string }
}

const saidBy = ({ text }: Event): Said => JSON.parse(text) as Said

/** What is left of an event: that it was, when, from whom and to whom, and which message it changed. */
const blankOf = (event: Event): string => {
  const { type, to, msg_id, edit, retract } = saidBy(event)
  const { ts, author, seq } = event
  return JSON.stringify({
    ...{ type, ts, from: author, from_name: '', to, content: '', msg_id, seq, erased: true },
    ...(edit !== undefined && { edit: { of: edit.of } }),
    ...(retract !== undefined && { retract: { of: retract.of } }),
  })
}

export class PostgresKeptLog extends PostgresLog implements LogWriter {
  async talksAfter(after: string, limit: number): Promise<readonly string[]> {
    await this.flush()
    const rows = await this.ask<{ name: string }>(
      "SELECT name FROM streams WHERE name > $1 AND name < 'A' AND substr(name, 1, 1) IN ('#', '@') ORDER BY name LIMIT $2",
      [after, limit],
    )
    return rows.map(({ name }) => name)
  }

  async oldest(stream: string, limit: number): Promise<readonly Kept[]> {
    return this.#oldest((await this.#stream(stream)).id, limit)
  }

  async measure(stream: string, limit: number): Promise<{ readonly bytes: number, readonly counted: number }> {
    const { id } = await this.#stream(stream)
    const [known = { upto: 0, bytes: 0 }] = await this.ask<{ upto: number, bytes: number }>(
      'SELECT upto, bytes FROM stream_sizes WHERE stream = $1',
      [id],
    )
    const [found] = await this.ask<{ upto: number | null, size: number, counted: number }>(
      `SELECT max(seq) AS upto, coalesce(sum(octet_length(text)), 0) AS size, count(*) AS counted FROM
        (SELECT seq, text FROM events WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS next`,
      [id, known.upto, limit],
    )
    const { upto, size, counted } = found!
    if (upto === null) return { bytes: known.bytes, counted }
    const bytes = known.bytes + size
    await this.writer.change(
      'INSERT INTO stream_sizes (stream, upto, bytes) VALUES ($1, $2, $3) ON CONFLICT (stream) DO UPDATE SET upto = $2, bytes = $3',
      [id, upto, bytes],
    )
    return { bytes, counted }
  }

  async deleteThrough(stream: string, last: number, now: number): Promise<readonly Fate[]> {
    return this.#deleteThrough((await this.#stream(stream)).id, last, now)
  }

  async clearEnded(stream: string, now: number): Promise<{ readonly deleted: number, readonly fates: readonly Fate[] }> {
    const { id, base } = await this.#stream(stream)
    const oldest = (await this.#oldest(id, deletedAtOnce.events)).filter(({ seq }) => seq <= base)
    const last = oldest.at(-1)
    if (last !== undefined) return { deleted: oldest.length, fates: await this.#deleteThrough(id, last.seq, now) }
    await this.#forgetSizes([id])
    return { deleted: 0, fates: [] }
  }

  async blank(stream: string, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    return this.#blank((await this.#stream(stream)).id, seq, now)
  }

  async trim(after: number, wantedBytes: number, now: number): Promise<Trimmed> {
    await this.flush()
    const found = await this.ask<{ id: number, stream: number, name: string, seq: number, newest: number, bytes: number }>(
      `SELECT e.id, e.stream, s.name, e.seq, s.seq AS newest, octet_length(e.text) AS bytes FROM events e JOIN streams s ON s.id = e.stream
        WHERE e.id > $1 ORDER BY e.id LIMIT $2`,
      [after, trimmedAtOnce.events],
    )
    const lastSeqs = new Map<number, { readonly newest: number, readonly seq: number }>()
    let [last, events, bytes] = [found.at(-1)?.id, 0, 0]
    for (const { id, stream, name, seq, newest, bytes: own } of found) {
      if (!name.startsWith('#') && !name.startsWith('@')) continue
      lastSeqs.set(stream, { newest, seq })
      events++
      bytes += own
      if (bytes < Math.min(wantedBytes, trimmedAtOnce.bytes)) continue
      last = id
      break
    }
    const fates: Fate[] = []
    for (const [stream, { newest, seq }] of lastSeqs) {
      const blanked = seq >= newest ? await this.#blank(stream, seq, now) : []
      if (blanked === undefined) events--
      else fates.push(...blanked)
      fates.push(...await this.#deleteThrough(stream, Math.min(seq, newest - 1), now))
    }
    return { last, events, bytes, fates }
  }

  async withdraw(agent: string, streams: readonly string[], now: number): Promise<readonly Fate[]> {
    await this.flush()
    return streams.length === 0
      ? []
      : this.#endEntries(now, 'agent = $2 AND stream IN (SELECT id FROM streams WHERE name = ANY($3::text[]))', [agent, streams])
  }

  async beginErasure(agent: string): Promise<void> {
    await this.flush()
    await this.writer.change(
      `INSERT INTO erasures (agent, after, upto, events)
        SELECT $1, coalesce(min(id), 0) - 1, coalesce(max(id), 0), 0 FROM events ON CONFLICT (agent) DO UPDATE SET upto = excluded.upto`,
      [agent],
    )
  }

  /** Of the blocks of events in which the agent spoke, a part of one. */
  async eraseSome(agent: string, keys: readonly string[], now: number): Promise<ErasureStep> {
    await this.flush()
    const [erasure] = await this.ask<{ after: number, upto: number, events: number }>(
      'SELECT after, upto, events FROM erasures WHERE agent = $1',
      [agent],
    )
    if (erasure === undefined) return { done: true, events: 0, fates: [] }
    const { events, upto } = erasure
    const [{ block } = { block: null }] = await this.ask<{ block: number | null }>(
      'SELECT min(block) AS block FROM spoken WHERE author = ANY($1::text[]) AND block >= $2',
      [keys, Math.floor((erasure.after + 1) / 2 ** blockBits)],
    )
    if (block === null || block * 2 ** blockBits > upto || erasure.after >= upto) {
      await this.writer.change('DELETE FROM erasures WHERE agent = $1', [agent])
      return { done: true, events, fates: [] }
    }
    const after = Math.max(erasure.after, block * 2 ** blockBits - 1)
    const last = Math.min(upto, (block + 1) * 2 ** blockBits - 1)
    const found = await this.ask<{ id: number, author: string, bytes: number }>(
      'SELECT id, author, octet_length(text) AS bytes FROM events WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3',
      [after, last, scannedAtOnce],
    )
    const authors = new Set(keys)
    let end = after
    let bytes = 0
    for (const row of found) {
      end = row.id
      if (authors.has(row.author)) bytes += row.bytes
      if (bytes > blankedBytesAtOnce) break
    }
    // What is left of the block is not there any more.
    if (found.length < scannedAtOnce && end === (found.at(-1)?.id ?? after)) end = last
    const theirs = (await this.ask<Event>(
      'SELECT id, stream, seq, ts, author, text FROM events WHERE id > $1 AND id <= $2 AND author = ANY($3::text[])',
      [after, end, keys],
    )).filter(event => saidBy(event).type === 'MSG')
    const fates = await this.#endEntries(now, '(stream, event) IN (SELECT * FROM unnest($2::bigint[], $3::bigint[]))', [
      theirs.map(({ stream }) => stream),
      theirs.map(({ seq }) => seq),
    ])
    const blanked = theirs.filter(event => saidBy(event).erased === undefined)
    await this.#overwrite(blanked)
    const erased = events + blanked.length
    await this.writer.change('UPDATE erasures SET after = $2, events = $3 WHERE agent = $1', [agent, end, erased])
    return { done: false, events: erased, fates }
  }

  async erasureUnderWay(): Promise<string | undefined> {
    return (await this.ask<{ agent: string }>('SELECT agent FROM erasures LIMIT 1', []))[0]?.agent
  }

  /** Looks at the events of one block: at the next in which somebody spoke. */
  async forgetSilent(from: number): Promise<number | undefined> {
    await this.flush()
    const [{ block } = { block: null }] = await this.ask<{ block: number | null }>(
      'SELECT min(block) AS block FROM spoken WHERE block >= $1',
      [
        from,
      ],
    )
    if (block === null) return undefined
    await this.writer.change(
      `DELETE FROM spoken WHERE block = $1 AND author NOT IN (SELECT author FROM events WHERE id >= $2 AND id < $3)`,
      [block, block * 2 ** blockBits, (block + 1) * 2 ** blockBits],
    )
    return block + 1
  }

  async agentUses(): Promise<readonly AgentUse[]> {
    // What was said last is not noted yet.
    await this.flush()
    return [['inbox', 'agent'], ['spoken', 'author']]
  }

  /** 0: there is no such stream, and no event that could be in it. */
  async #stream(name: string): Promise<{ readonly id: number, readonly base: number }> {
    await this.flush()
    const [found] = await this.ask<{ id: number, base: number }>('SELECT id, base FROM streams WHERE name = $1', [name])
    return found ?? { id: 0, base: 0 }
  }

  async #oldest(stream: number, limit: number): Promise<readonly Kept[]> {
    const events = await this.ask<Kept>(
      'SELECT seq, ts, octet_length(text) AS bytes FROM events WHERE stream = $1 ORDER BY seq LIMIT $2',
      [stream, limit],
    )
    let bytes = 0
    const tooMany = events.findIndex(event => (bytes += event.bytes) > deletedAtOnce.bytes)
    return tooMany === -1 ? events : events.slice(0, Math.max(tooMany, 1))
  }

  async #deleteThrough(stream: number, last: number, now: number): Promise<readonly Fate[]> {
    const fates = await this.#endEntries(now, 'stream = $2 AND event <= $3', [stream, last])
    // An agent's newest entry stays, expired, as it does where the next number comes from it.
    await this.writer.change(
      `DELETE FROM inbox WHERE stream = $1 AND event <= $2 AND seq < (SELECT max(own.seq) FROM inbox own WHERE own.agent = inbox.agent)`,
      [stream, last],
    )
    await this.writer.change(
      `UPDATE stream_sizes SET upto = greatest(upto, $2), bytes = bytes - (SELECT coalesce(sum(octet_length(text)), 0) FROM events e
        WHERE e.stream = $1 AND e.seq <= least($2, stream_sizes.upto)) WHERE stream = $1`,
      [stream, last],
    )
    await this.writer.change('DELETE FROM events WHERE stream = $1 AND seq <= $2', [stream, last])
    // What names an event comes after it.
    await this.writer.change('DELETE FROM links WHERE stream = $1 AND kind = ANY($3::bigint[]) AND target <= $2', [
      stream,
      last,
      Object.values(linkKinds),
    ])
    return fates
  }

  async #blank(stream: number, seq: number, now: number): Promise<readonly Fate[] | undefined> {
    const [event] = await this.ask<Event>(
      'SELECT id, stream, seq, ts, author, text FROM events WHERE stream = $1 AND seq = $2',
      [stream, seq],
    )
    if (event === undefined || saidBy(event).erased !== undefined) return undefined
    const fates = await this.#endEntries(now, 'stream = $2 AND event = $3', [stream, seq])
    await this.#overwrite([event])
    return fates
  }

  async #overwrite(events: readonly Event[]): Promise<void> {
    if (events.length === 0) return
    await this.writer.change(
      'UPDATE events e SET text = v.text FROM unnest($1::bigint[], $2::text[]) AS v (id, text) WHERE e.id = v.id',
      [events.map(({ id }) => id), events.map(blankOf)],
    )
    await this.#forgetSizes([...new Set(events.map(({ stream }) => stream))])
  }

  /** They are counted anew when a limit asks for it. */
  async #forgetSizes(streams: readonly number[]): Promise<void> {
    await this.writer.change('DELETE FROM stream_sizes WHERE stream = ANY($1::bigint[])', [streams])
  }

  /** Inbox entries of events that go: what was not received ends as expired. `which` begins with $2. */
  async #endEntries(now: number, which: string, values: readonly unknown[]): Promise<readonly Fate[]> {
    const waiting = `received_at IS NULL AND expired_at IS NULL AND ${which}`
    const { rowCount } = await this.writer.change(`UPDATE inbox SET expires_at = $1 WHERE ${waiting}`, [now, ...values])
    const fates: Fate[] = []
    // Some of them may be left behind others that were due before.
    for (let left = (rowCount ?? 0) > 0; left;) {
      fates.push(...await this.expire(now))
      left = (await this.ask(`SELECT 1 AS one FROM inbox WHERE $1::bigint IS NOT NULL AND ${waiting} LIMIT 1`, [now, ...values])).length > 0
    }
    return fates
  }
}
