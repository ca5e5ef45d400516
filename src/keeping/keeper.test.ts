import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { generateKeyPair, identityFrom } from '../../lib/identity/index.ts'
import { encode } from '../../lib/protocol/index.ts'
import { newFolder, type Folder } from '../../test/kit/folder.ts'
import { newKey } from '../../test/kit/wire.ts'
import { openKeeper } from '../app.ts'
import { featureMigrations } from '../features/index.ts'
import { reputationBook, type FinishedWork } from '../features/trade/reputation/book.ts'
import { addMembership, agentMigrations, rememberAgent } from '../store/agents.ts'
import { groupsIn, setGroup } from '../store/groups.ts'
import { addReaction } from '../store/reactions.ts'
import { approve, ban } from '../store/standing.ts'
import { setRetention } from '../store/keeping.ts'
import { pairStream } from '../store/log.ts'
import { writeMeta } from '../store/meta.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import type { Store } from '../store/store.ts'
import { kinds, leftOut } from './archive.ts'
import { KeepingError } from './failure.ts'

let folder: Folder
const keeper = await openKeeper()
const alice = newKey()
const bob = newKey()
const { id: aliceId } = alice
const { id: bobId } = bob

beforeEach(() => {
  folder = newFolder()
  onTestFinished(() => folder[Symbol.dispose]())
})

const open = (data: string): Store => {
  const store = openSqlite({
    data,
    durability: 'normal',
    migrations: [agentMigrations, ...featureMigrations],
    newEpoch: () => 'a'.repeat(16),
  })
  onTestFinished(() => store.close().catch(() => undefined))
  return store
}

const say = (store: Store, from: string, to: string, content: string, inbox: readonly string[] = []) =>
  store.write(tx => {
    const body = { from, from_name: 'x', to, content, verified: false }
    return tx.log.append({ stream: to.startsWith('#') ? to : pairStream(from, to), author: from, inbox }, 1_000,
      ({ ts, seq, msgId }) => Buffer.from(encode('MSG', { ts, ...body, msg_id: msgId, seq })))
  })

/** A data directory with a little of everything, closed. */
const filled = async (name = 'data'): Promise<string> => {
  const data = folder.at(name)
  const store = open(data)
  await store.write(async tx => {
    await writeMeta(tx, 'resume_secret', 'only mine')
    for (const { id, pem } of [alice, bob]) await rememberAgent(tx, { id, pubkey: pem, name: 'x' }, 1)
    await tx.tables<{ channels: object }>().insertInto('channels').values(
      ['#general', '#other'].map(name => ({
        name,
        private: 0,
        verified_only: 0,
        topic: 'ü\u2028"',
        description: '',
        created_by: null,
        created_at: 1,
      })) as never,
    ).execute()
    await addMembership(tx, aliceId, '#general', 1)
    await ban(tx, '@0000000000000000', 'spam', 5)
    await setRetention(tx, { channel: '#general', age_ms: null, count: 100, bytes: 0 })
  })
  for (let i = 1; i <= 5; i++) await say(store, aliceId, '#general', `line ${i} "quoted" \n ü 🙂`)
  await say(store, bobId, '#other', 'elsewhere')
  await say(store, aliceId, bobId, 'psst', [bobId])
  await store.close()
  return data
}

const reputationOf = () => {
  const relayKey = identityFrom(generateKeyPair().privateKey)
  return reputationBook({ serverId: createHash('sha256').update(relayKey.publicKey).digest('hex'), relayKey })
}
const bargain = {
  proposal_id: 'prop_1',
  outcome: 'completed',
  client: aliceId,
  provider: bobId,
  task: 'x',
  terms: null,
  price: 5,
  currency: 'USD',
  paid: { rail: 'ledger', captured_minor: 500, returned_minor: 0 },
  milestones: null,
  captures: [{ minor: 500, at: 3 }],
  deliverables: [],
  proposed_at: 1,
  completed_at: 3,
} satisfies FinishedWork

const exported = async (data: string, channels?: readonly string[]): Promise<string> => {
  let text = ''
  await keeper.export({
    data,
    now: 7,
    write: piece => {
      text += piece
    },
    ...(channels !== undefined && { channels }),
  })
  return text
}
const importText = (text: string | Buffer, data = folder.at('new'), idOf?: (pubkey: string) => string) =>
  keeper.import({
    ...(idOf !== undefined && { idOf }),
    source: (async function*() {
      yield Buffer.from(text)
    })(),
    data,
    newEpoch: 'b'.repeat(16),
  })

/** The archive of changed lines, with counts and hash as a forger would make them. */
const forged = (text: string, change: (lines: string[]) => string[]): string => {
  const lines = change(text.trimEnd().split('\n').slice(0, -1))
  const counts = JSON.parse(text.trimEnd().split('\n').at(-1)!) as { counts: object }
  const body = lines.map(line => `${line}\n`).join('')
  return `${body}${JSON.stringify({ kind: 'end', counts: counts.counts, sha256: createHash('sha256').update(body).digest('hex') })}\n`
}
const refusal = async (promise: Promise<unknown>): Promise<KeepingError> => {
  const error = await promise.then(() => undefined, (error: unknown) => error)
  expect(error).toBeInstanceOf(KeepingError)
  return error as KeepingError
}

describe('export and import', () => {
  test('every table is carried, or left out and counted, or follows from the others', async () => {
    const store = open(folder.at('tables'))
    const tables = await store.read.tables<{ sqlite_schema: { name: string, type: string } }>().selectFrom('sqlite_schema').select('name')
      .where('type', '=', 'table').where('name', 'not like', 'sqlite_%').execute()
    await store.close()
    const sql = [...Object.values(kinds).flatMap(({ select, insert }) => [select, insert]), ...Object.values(leftOut)].join(' ')
    // Of the relay alone, of a moment, or made again from what is carried; what skills and messages are found by is made of them.
    const own =
      'meta migrations nonces door_answers publish_keys places indexed spoken links streams stream_sizes erasures endings shares share_counts lineages'
      + ' escrow_calls ledger_entries ledger_keys holds proposal_agents proposal_counts dispute_people'
      + ' file_usage file_refs file_gone skills server_documents server_hours announcement_places announcement_posts'
      + ' errand_lines errand_counts webhook_ledger budget_hours'
      + ' tiles cuts account_devices account_identities browser_links vault_wraps nodes duties seats'
      + ' passkeys sign_ins account_links spent_challenges account_audit agent_claims owned_agents'
      + ' mirrors handed cosignatures blanked remote_agents'
    const known = new Set(own.split(' '))
    expect(
      tables.map(({ name }) => name).filter(name =>
        !known.has(name) && !/^skill_(words|parts)|^search_/.test(name) && !new RegExp(`\\b${name}\\b`).test(sql)
      ).sort(),
    ).toEqual([])
  })

  test('carry what names a message over: answers, edits and retractions are found from it again', async () => {
    const data = folder.at('named')
    const store = open(data)
    const named = (seq: number, more: object, link?: { kind: 'reply' | 'change', target: number }) =>
      store.write(tx =>
        tx.log.append({ stream: '#general', author: aliceId, ...(link && { link }) }, 1_000 + seq, ({ ts, seq, msgId }) =>
          Buffer.from(encode('MSG', { ts, from: aliceId, from_name: 'x', to: '#general', content: 'x', ...more, msg_id: msgId, seq })))
      )
    await store.write(tx =>
      tx.tables<{ channels: object }>().insertInto('channels').values({
        ...{ name: '#general', private: 0, verified_only: 0, topic: '', description: '', created_by: null, created_at: 1 },
      } as never).execute()
    )
    const first = await named(1, {})
    const id = (first as { stamp: { msgId: string } }).stamp.msgId
    const second = await named(2, { in_reply_to: id }, { kind: 'reply', target: 1 })
    await named(3, { in_reply_to: (second as typeof first & { stamp: { msgId: string } }).stamp.msgId }, { kind: 'reply', target: 1 })
    await named(4, { in_reply_to: id, edit: { of: id, n: 1 } }, { kind: 'change', target: 1 })
    await named(5, { in_reply_to: 'what is nowhere' })
    await store.close()
    await importText(await exported(data))
    const again = open(folder.at('new'))
    expect(await again.read.links.newest('#general', 'reply', { from: 1, to: 9 })).toMatchObject([{ target: 1, seq: 3, count: 2 }])
    expect(await again.read.links.newest('#general', 'change', { from: 1, to: 9 })).toMatchObject([{ target: 1, seq: 4, count: 1 }])
    expect(await again.read.links.find(id)).toMatchObject({ seq: 1 })
  })

  test('carry everything over but the secrets: what is imported exports the same again', async () => {
    const data = await filled()
    const text = await exported(data)
    expect(text).not.toContain('only mine')
    const { counts } = await importText(text)
    expect(counts).toMatchObject({ channel: 2, retention: 1, agent: 2, membership: 1, ban: 1, event: 7, inbox: 1 })
    const records = (archive: string) => archive.split('\n').slice(1, -2)
    expect(records(await exported(folder.at('new')))).toEqual(records(text))
    const store = open(folder.at('new'))
    expect(store.epoch).toBe('b'.repeat(16))
    expect(await store.read.log.head('#general')).toMatchObject({ seq: 5, oldest: 1 })
    expect((await say(store, aliceId, '#general', 'on')).stamp.seq).toBe(6)
    expect(await store.read.log.inbox(bobId, { after: 0, limit: 9, maxBytes: 1e6, now: 2 })).toHaveLength(1)
  })

  test('carry the groups of channels over, those of a channel alone too', async () => {
    const data = await filled()
    const store = open(data)
    await store.write(async tx => {
      await setGroup(tx, '#general', 'ops', [aliceId, bobId])
      await setGroup(tx, '#other', 'ops', [bobId])
    })
    await store.close()
    const { counts } = await importText(await exported(data))
    expect(counts.group).toBe(3)
    expect(await groupsIn(open(folder.at('new')).read, '#general')).toEqual([{ group: 'ops', members: [aliceId, bobId].sort() }])
    await importText(await exported(data, ['#other']), folder.at('part'))
    const part = open(folder.at('part'))
    expect([await groupsIn(part.read, '#general'), (await groupsIn(part.read, '#other')).length]).toEqual([[], 1])
  })

  test('messages keep their ids, and are found by them in the next life; ids of another life find nothing else', async () => {
    const data = await filled()
    const archive = await exported(data)
    const msgIds = archive.split('\n').flatMap(line => /\\"msg_id\\":\\"([^\\]+)/.exec(line)?.[1] ?? [])
    expect(msgIds).toHaveLength(7)
    await importText(archive, folder.at('all'))
    // The second stream alone: it does not take the place of the first.
    await importText(await exported(data, ['#other']))
    const part = open(folder.at('new'))
    const all = open(folder.at('all'))
    for (const msgId of msgIds) expect((await all.read.log.fate(msgId))?.msgId).toBe(msgId)
    expect((await Promise.all(msgIds.map(msgId => part.read.log.fate(msgId)))).map(fate => fate?.msgId)).toEqual(
      msgIds.map((msgId, i) => i === 5 ? msgId : undefined),
    )
    const { stamp } = await say(all, aliceId, '#general', 'after')
    expect(await part.read.log.fate(stamp.msgId)).toBeUndefined()
    const [waiting] = await all.read.log.inbox(bobId, { after: 0, limit: 1, maxBytes: 1e6, now: 2 })
    const { msg_id } = JSON.parse(waiting!.text.toString()) as { msg_id: string }
    expect(await all.write(tx => tx.log.inboxSeqOf(bobId, msg_id))).toBe(waiting!.seq)
  })

  test('receipts and ratings come along; a receipt that is not what was signed is refused', async () => {
    const data = await filled()
    const store = open(data)
    const book = reputationOf()
    await store.write(async tx => {
      await book.receipt(tx, bargain)
      await book.completed(tx, [aliceId, bobId], 5, 3)
    })
    await store.close()
    const text = await exported(data)
    expect((await importText(text)).counts).toMatchObject({ receipt: 1, rating: 2, rated_pair: 1 })
    expect((await exported(folder.at('new'))).split('\n').slice(1, -2)).toEqual(text.split('\n').slice(1, -2))
    for (
      const [from, to] of [['\\"captured_minor\\":500', '\\"captured_minor\\":50'], ['"paid":500', '"paid":5000'], [
        `"provider":"${bobId}"`,
        `"provider":"${aliceId}"`,
      ]] as const
    ) {
      const changed = forged(text, lines => lines.map(line => line.startsWith('{"kind":"receipt"') ? line.replace(from, to) : line))
      expect(changed).not.toBe(text)
      expect((await refusal(importText(changed, folder.at('changed')))).message).toContain('text: ')
    }
  })

  test('an id has one key: another one with the same id is refused, another spelling of the same one is not', async () => {
    const data = await filled()
    const store = open(data)
    const other = newKey()
    await store.write(async tx => {
      await approve(tx, { agent: bobId, pubkey: bob.pem, note: null }, 1)
      await reputationOf().receipt(tx, bargain)
    })
    await store.close()
    const text = await exported(data)
    // As if two keys with one id had been made.
    const idOf = (pem: string) => pem === alice.pem ? aliceId : bobId
    const replaced = (kind: string, pem: string) =>
      forged(text, lines =>
        lines.map(line => line.startsWith(`{"kind":"${kind}"`) ? line.replace(JSON.stringify(bob.pem).slice(1, -1), pem) : line))
    const theirs = JSON.stringify(other.pem).slice(1, -1)
    expect((await refusal(importText(replaced('approval', theirs), undefined, idOf))).message).toContain('another key')
    expect((await refusal(importText(replaced('agent', theirs), undefined, idOf))).message).toContain('another key')
    const spelled = JSON.stringify(bob.pem.replaceAll('\n', '\r\n')).slice(1, -1)
    await importText(replaced('agent', spelled))
    expect((await exported(folder.at('new'))).split('\n').slice(1, -2)).toEqual(text.split('\n').slice(1, -2))
  })

  test('reactions go along with the messages they are to', async () => {
    const data = await filled()
    const store = open(data)
    for (const kind of ['👍', 'ok'])
      await store.write(tx => addReaction(tx, { streamId: 1, seq: 2, msgId: 'x' }, { agent: bobId, kind }, 8))
    await store.close()
    const text = await exported(data)
    expect(text.match(/"kind":"react\w+"/g)).toHaveLength(3)
    const { counts } = await importText(text)
    expect(counts).toMatchObject({ reaction: 2, reacted: 1 })
    expect((await exported(folder.at('new'))).match(/"kind":"react.*/g)).toEqual(text.match(/"kind":"react.*/g))
  })

  test("a channel alone: its members and messages, nobody's direct ones", async () => {
    const lines = (await exported(await filled(), ['#general'])).trimEnd().split('\n').map(line =>
      JSON.parse(line) as Record<string, unknown>
    )
    expect(lines.filter(({ kind }) => kind === 'event').map(({ stream }) => stream)).toEqual(Array(5).fill('#general'))
    expect(lines.filter(({ kind }) => kind === 'agent').map(({ id }) => id)).toEqual([aliceId])
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(
      new Set([undefined, 'channel', 'retention', 'agent', 'membership', 'event', 'end']),
    )
    expect((await refusal(exported(folder.at('data'), ['#nowhere']))).problem).toBe('notFound')
  })

  test('an export of a store that is written to is of one moment', async () => {
    const data = await filled()
    const store = open(data)
    let text = ''
    let isFirst = true
    for (let i = 0; i < 500; i++) await say(store, aliceId, '#general', 'x'.repeat(1_000))
    await keeper.export({
      data,
      now: 7,
      write: async piece => {
        text += piece
        if (isFirst) await say(store, aliceId, '#general', 'meanwhile')
        isFirst = false
      },
    })
    expect(text).not.toContain('meanwhile')
    expect((await importText(text)).counts.event).toBe(507)
  })

  test('what is imported takes no place that is taken', async () => {
    const data = await filled()
    const text = await exported(data)
    expect(await refusal(importText(text, data))).toMatchObject({ problem: 'refused' })
    const before = folder.at('empty')
    mkdirSync(before)
    await importText(text, before)
    expect(readdirSync(before)).toEqual(['agentchat.db'])
    expect(statSync(join(before, 'agentchat.db')).mode & 0o777).toBe(0o600)
  })

  const bad: readonly (readonly [string, (text: string) => string | Buffer, number, string])[] = [
    ['empty', () => '', 1, 'cut'],
    ['cut between lines', text => text.split('\n').slice(0, 6).join('\n') + '\n', 7, 'cut'],
    ['cut in a line', text => text.slice(0, text.indexOf('line 3')), 11, 'cut'],
    ['cut at its last byte', text => text.slice(0, -1), 17, 'cut'],
    ['with more behind its end', text => `${text}{}\n`, 18, 'follows'],
    ['without a header', text => text.slice(text.indexOf('\n') + 1), 1, 'format'],
    ['of another format', text => text.replace('agentchat-export/1', 'agentchat-export/9'), 1, 'format'],
    ['not JSON', text => text.replace('{"kind":"agent"', '{kind:"agent"'), 5, 'not JSON'],
    [
      'not UTF-8',
      text => {
        const bytes = Buffer.from(text)
        bytes[bytes.indexOf('{"kind":"agent"') + 3] = 0xff
        return bytes
      },
      5,
      'not JSON',
    ],
    ['with a changed content', text => text.replace('line 3', 'LINE 3'), 17, 'SHA-256'],
    ['with a line too few', text => forged(text, lines => lines.toSpliced(12, 1)), 16, 'records of kind event'],
    ['with a line twice', text => forged(text, lines => lines.toSpliced(10, 0, lines[10]!)), 12, 'out of order'],
    ['with lines of events exchanged', text => forged(text, lines => lines.toSpliced(9, 2, lines[10]!, lines[9]!)), 11, 'out of order'],
    ['with kinds exchanged', text => forged(text, lines => [...lines.slice(0, -1), lines[2]!]), 16, 'channel after event'],
    ['with an unknown kind', text => forged(text, lines => lines.toSpliced(1, 0, '{"kind":"secret"}')), 2, 'unknown'],
    ['with an unknown field', text => forged(text, lines => lines.with(1, lines[1]!.replace('{', '{"more":1,'))), 2, 'more'],
    [
      "with an agent under another's key",
      text => forged(text, lines => lines.with(4, lines[4]!.replace(/"id":"[^"]+"/, '"id":"@1111111111111111"'))),
      5,
      'of another agent',
    ],
    ['with an agent twice', text => forged(text, lines => lines.toSpliced(4, 0, lines[4]!)), 6, 'contradicts'],
    [
      'with an event under another number',
      text => forged(text, lines => lines.map(line => line.includes('line 5') ? line.replace('"seq":5', '"seq":6') : line)),
      13,
      'another seq',
    ],
    [
      'with an event in another channel',
      text =>
        forged(text, lines => lines.map(line => line.includes('line 1') ? line.replace('"stream":"#general"', '"stream":"#other"') : line)),
      9,
      'another stream',
    ],
    [
      'with an event of no channel',
      text => forged(text, lines => lines.map(line => line.replaceAll('#other', '#gone').replace('"name":"#gone"', '"name":"#other"'))),
      14,
      'no channel',
    ],
    [
      'with a text that no relay writes',
      text => forged(text, lines => lines.map(line => line.includes('line 1') ? line.replace('"text":"{', '"text":" {') : line)),
      9,
      'not a stored message',
    ],
    [
      'with a text that is no message',
      text =>
        forged(text, lines =>
          lines.map(line =>
            line.includes('line 1') ? JSON.stringify({ kind: 'event', stream: '#general', seq: 1, text: '{"type":"PONG","ts":1}' }) : line
          )),
      9,
      'text',
    ],
  ]
  test.each(bad)('an archive %s is refused with its line, and nothing is left', async (_, change, line, message) => {
    const error = await refusal(importText(change(await exported(await filled()))))
    expect(error).toMatchObject({ problem: 'refused', line, message: expect.stringContaining(message) as string })
    expect(existsSync(folder.at('new'))).toBe(false)
    const empty = folder.at('empty')
    mkdirSync(empty)
    await refusal(importText(change(await exported(folder.at('data'))), empty))
    expect(readdirSync(empty)).toEqual([])
  })

  test('a line without end is not kept in memory', async () => {
    let given = 0
    const endless = (async function*() {
      for (;;) {
        given++
        yield Buffer.alloc(1024 * 1024, 'x')
      }
    })()
    expect(await refusal(keeper.import({ source: endless, data: folder.at('new'), newEpoch: 'b'.repeat(16) }))).toMatchObject({
      line: 1,
      message: expect.stringContaining('longer') as string,
    })
    expect(given).toBeLessThan(40)
  })

  test('it ends when it is asked to, and leaves nothing', async () => {
    const text = await exported(await filled())
    await expect(keeper.exportToFile(folder.at('out'), { data: folder.at('data'), now: 1, signal: AbortSignal.abort() })).rejects.toThrow(
      'abort',
    )
    const many = (async function*() {
      for (;;) yield Buffer.from(text.split('\n').slice(0, 2).join('\n') + '\n')
    })()
    await expect(keeper.import({ source: many, data: folder.at('new'), newEpoch: '', signal: AbortSignal.abort() })).rejects.toThrow()
    expect(readdirSync(folder.path)).toEqual(['data'])
  })
})

describe('a new epoch', () => {
  const searched = async (data: string): Promise<Store> => {
    const store = openSqlite({
      ...{ data, durability: 'normal', migrations: [agentMigrations, ...featureMigrations], search: true },
      newEpoch: () => 'a'.repeat(16),
    })
    onTestFinished(() => store.close().catch(() => undefined))
    return store
  }
  /** Closed once everything is in the index, and nothing waits to be taken out. */
  const indexed = async (store: Store): Promise<void> => {
    for (;;) {
      await store.write(tx => tx.search!.advance())
      const { upto, newest } = await store.aside.search!.standing()
      const [waits] = await store.read.tables<{ search_gone: { id: number } }>().selectFrom('search_gone').select('id').execute()
      if (upto === newest && waits === undefined) return store.close()
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  test('leaves the index of words as it is, unless the database was put back behind it', async () => {
    const data = folder.at('data')
    const first = await searched(data)
    await first.write(tx => writeMeta(tx, 'relay_private_key', 'only mine'))
    for (const content of ['one', 'two', 'three']) await say(first, aliceId, '#general', content)
    await indexed(first)
    expect(await keeper.renewEpoch({ data, newEpoch: 'b'.repeat(16) })).toEqual({ was: 'a'.repeat(16), epoch: 'b'.repeat(16) })
    const second = await searched(data)
    expect(second.epoch).toBe('b'.repeat(16))
    expect(await second.aside.search!.standing()).toMatchObject({ upto: 3, newest: 3 })
    await indexed(second)
    copyFileSync(join(data, 'agentchat.db'), folder.at('earlier.db'))
    const third = await searched(data)
    await third.write(tx => tx.keep.blank('#general', 2, 2_000))
    await indexed(third)
    // As far as before, and what was taken out of the index is in the database again.
    copyFileSync(folder.at('earlier.db'), join(data, 'agentchat.db'))
    await keeper.renewEpoch({ data, newEpoch: 'c'.repeat(16) })
    const fourth = await searched(data)
    expect(await fourth.aside.search!.standing()).toMatchObject({ upto: 0, newest: 3 })
    await indexed(fourth)
  })
})

describe('backup and restore', () => {
  test('a copy of a store that is written to is whole, private, and of one moment', async () => {
    const data = await filled()
    const store = open(data)
    for (let i = 0; i < 3_000; i++) await say(store, aliceId, '#general', 'x'.repeat(4_000))
    let steps = 0
    await keeper.backup({
      data,
      target: folder.at('copy.db'),
      onProgress: () => {
        steps++
        void say(store, aliceId, '#general', 'meanwhile')
      },
    })
    expect(steps).toBeGreaterThan(1)
    expect(statSync(folder.at('copy.db')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder.path).sort()).toEqual(['copy.db', 'data'])
    expect(await keeper.verify(folder.at('copy.db'))).toMatchObject({ epoch: 'a'.repeat(16), events: 3_007, streams: 3, agents: 2 })
    expect(await refusal(keeper.backup({ data, target: folder.at('copy.db') }))).toMatchObject({ problem: 'refused' })
  })

  test('a restore is a new life of the same relay', async () => {
    const data = await filled()
    await keeper.backup({ data, target: folder.at('copy.db') })
    await keeper.restore({ file: folder.at('copy.db'), data: folder.at('back'), force: false, newEpoch: 'c'.repeat(16), now: 1 })
    const store = open(folder.at('back'))
    expect(store.epoch).toBe('c'.repeat(16))
    expect(
      (await store.read.tables<{ meta: { key: string, value: string } }>().selectFrom('meta').select('value').where('key', '=',
        'resume_secret').executeTakeFirst())?.value,
    ).toBe('only mine')
    expect((await store.read.log.head('#general')).seq).toBe(5)
  })

  test('where something is, it asks for --force, and puts aside what was there', async () => {
    const data = await filled()
    await keeper.backup({ data, target: folder.at('copy.db') })
    const store = open(data)
    await say(store, aliceId, '#general', 'newer')
    const request = { file: folder.at('copy.db'), data, newEpoch: 'c'.repeat(16), now: 99 }
    expect(await refusal(keeper.restore({ ...request, force: true }))).toMatchObject({ problem: 'busy' })
    await store.close()
    expect(await refusal(keeper.restore({ ...request, force: false }))).toMatchObject({ problem: 'refused' })
    const { aside } = await keeper.restore({ ...request, force: true })
    expect(aside).toBe(join(data, 'agentchat.db.before-99'))
    expect((await keeper.verify(aside!)).events).toBe(8)
    expect((await keeper.verify(join(data, 'agentchat.db'))).events).toBe(7)
  })

  const damages: readonly (readonly [string, (file: string) => void])[] = [
    ['no database', file => writeFileSync(file, 'hello')],
    ['empty', file => writeFileSync(file, '')],
    ['cut short', file => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['damaged in its pages', file => {
      const bytes = readFileSync(file)
      bytes.fill(0x5a, 4_096, 3 * 4_096)
      writeFileSync(file, bytes)
    }],
    ["changed in a message's place", file => change(file, 'UPDATE events SET seq = 50 WHERE seq = 5')],
    ["changed in a message's time", file => change(file, 'UPDATE events SET ts = 1 WHERE seq = 5')],
    ["changed in a message's text", file => change(file, "UPDATE events SET text = CAST('{}' AS BLOB) WHERE seq = 5")],
    ['of a newer version', file => change(file, "INSERT INTO migrations VALUES ('log', 99)")],
    ["another program's database", file => {
      copyFileSync(file, `${file}.x`)
      change(file, 'DROP TABLE migrations')
    }],
  ]
  const change = (file: string, sql: string) => {
    const db = new BetterSqlite3(file)
    db.exec(sql)
    db.close()
  }

  test.each(damages)('a copy that is %s is refused, and nothing is touched', async (_, damage) => {
    const data = await filled()
    const file = folder.at('copy.db')
    await keeper.backup({ data, target: file })
    damage(file)
    expect(await refusal(keeper.verify(file))).toMatchObject({ problem: 'refused' })
    const before = readFileSync(join(data, 'agentchat.db'))
    for (const target of [data, folder.at('back')]) {
      expect(await refusal(keeper.restore({ file, data: target, force: true, newEpoch: 'c'.repeat(16), now: 1 }))).toMatchObject({
        problem: 'refused',
      })
    }
    expect(existsSync(folder.at('back'))).toBe(false)
    expect(readFileSync(join(data, 'agentchat.db')).equals(before)).toBe(true)
  })

  test('a damaged database gives no backup', async () => {
    const data = await filled()
    const file = join(data, 'agentchat.db')
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 4_096 * 4, 4_096 * 9)
    writeFileSync(file, bytes)
    expect(await refusal(keeper.backup({ data, target: folder.at('copy.db') }))).toMatchObject({ problem: 'refused' })
    expect(readdirSync(folder.path)).toEqual(['data'])
  })

  test('nothing there is said so', async () => {
    expect(await refusal(keeper.backup({ data: folder.path, target: folder.at('copy.db') }))).toMatchObject({ problem: 'notFound' })
    expect(await refusal(keeper.verify(folder.at('copy.db')))).toMatchObject({ problem: 'notFound' })
    expect(await refusal(exported(folder.at('nowhere')))).toMatchObject({ problem: 'notFound' })
  })
})
