// What a relay answers about everything it keeps: each read of the protocol, with every value of each field that its data has, asked
// by whoever may know.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { fingerprintOf } from '../../lib/identity/index.ts'
import { requestDocs, requests, type RequestType } from '../../lib/protocol/index.ts'
import { defaultConfig } from '../../src/config/schema.ts'
import { features } from '../../src/features/index.ts'
import { databaseName } from '../../src/keeping/files.ts'
import { startTestRelay, TestClock, type TestRelay } from './relay.ts'
import { connect, newKey, signWith, type Key, type Wire } from './wire.ts'

type Body = Readonly<Record<string, unknown>>

/** Of each kind so many are asked about, the oldest. */
const maxOfAKind = 2
const maxAskers = 2

/** What is told of the process, not of what it keeps. */
const ofTheProcess: ReadonlySet<string> = new Set(['ADMIN_LOG', 'ADMIN_AGENTS', 'ADMIN_SETTINGS'])

/** Those requests that change nothing, as their handlers say. */
const reads = Object.entries(features({ ...defaultConfig(), places: [], policies: {} } as never).handlers)
  .flatMap(([type, handler]) => 'read' in handler && !ofTheProcess.has(type) ? [type as RequestType] : [])

/** What there is to ask about, by the name of the field that names it; of the agents those first that ask. */
const namesIn = (
  data: string,
  askers: readonly Key[],
): { readonly values: Readonly<Record<string, readonly unknown[]>>, readonly at: number } => {
  const db = new BetterSqlite3(join(data, databaseName), { readonly: true })
  try {
    const column = (sql: string): readonly unknown[] => db.prepare<[], unknown>(`${sql} LIMIT ${maxOfAKind}`).pluck().all()
    const agents = [...new Set([...askers.map(({ id }) => id), ...column('SELECT id FROM agents ORDER BY first_seen, id')])]
      .slice(0, askers.length + 1)
    const at = db.prepare<[], number | null>('SELECT max(ts) FROM events').pluck().get() ?? 0
    return {
      at: at > 0 ? at : db.prepare<[], number | null>('SELECT max(last_seen) FROM agents').pluck().get() ?? 1_790_000_000_000,
      values: {
        agent: [...agents, '*'],
        with: agents,
        of: agents,
        by: [...agents, 'standing', 'rating'],
        channel: column('SELECT name FROM channels ORDER BY name'),
        msg_id: column("SELECT text ->> 'msg_id' FROM events WHERE text ->> 'msg_id' IS NOT NULL ORDER BY stream, seq"),
        proposal_id: column('SELECT id FROM proposals ORDER BY created_at, id'),
        dispute_id: column('SELECT id FROM disputes ORDER BY created_at, id'),
        state: ['pending', 'accepted', 'completed'],
        role: ['client', 'party', 'arbiter'],
        unsigned: [true],
        since: [0],
        after: [0, 1],
        limit: [1, 50],
      },
    }
  } finally {
    db.close()
  }
}

const isTaken = (type: RequestType, candidate: Body): boolean => requests[type].body.safeParse(candidate).success

/** What each of them cannot do without. */
const leasts = new Map(reads.map(type => {
  const { example } = requestDocs[type]
  const without = (name: string, of: Body): Body => Object.fromEntries(Object.entries(of).filter(([key]) => key !== name))
  return [type, Object.keys(example).reduce<Body>((left, name) => isTaken(type, without(name, left)) ? without(name, left) : left, example)]
}))

/** Every body that the table takes with these: what it cannot do without in each value, and with the first of them one more field at a time. */
const bodiesOf = (type: RequestType, values: Readonly<Record<string, readonly unknown[]>>): readonly Body[] => {
  const { body } = requests[type]
  const least = leasts.get(type)!
  const bases = Object.keys(least).reduce<readonly Body[]>(
    (all, name) => all.flatMap(base => [...(values[name] ?? []).map(value => ({ ...base, [name]: value })), base]),
    [least],
  )
  const first = bases[0]!
  const wider = Object.keys(body.shape).flatMap(name =>
    name in first ? [] : (values[name] ?? []).map(value => ({ ...first, [name]: value }))
  )
  return [...bases, ...wider].filter(candidate => isTaken(type, candidate))
}

/** Opens a session at the relay's time. `undefined`: it is not let in. */
const enter = async (relay: TestRelay, key: Key): Promise<Wire | undefined> => {
  const wire = await connect(relay.url)
  wire.send({ type: 'IDENTIFY', name: 'asker', pubkey: key.pem, autojoin: false })
  try {
    // Whatever comes first: a key that is shut is told so, and nothing comes behind that.
    const asked = await wire.next()
    if (asked.type !== 'CHALLENGE') throw new Error('refused')
    const { challenge_id, nonce } = asked
    const timestamp = relay.clock.now()
    wire.send({
      type: 'VERIFY_IDENTITY',
      challenge_id,
      timestamp,
      signature: signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`),
    })
    if ((await wire.next()).type !== 'WELCOME') throw new Error('refused')
    return wire
  } catch {
    await wire.close()
    return undefined
  }
}

/** An answer without what names the moment, the question and the life of the log. */
const bare = ({ ts: _ts, re: _re, ...answer }: Body, epoch: string): string =>
  JSON.stringify(answer).replaceAll(epoch, '<epoch>').replace(ownSignature, '<signature>')
/** Of a head: over the life of the log, too. */
const ownSignature = /(?<=— agentchat\/[0-9a-f]{64} )[\w+/=]{92}/

/**
 * Question → answer, by an admin, by a newcomer, and by some agents of the data. A relay runs on it meanwhile, at the time of its newest
 * event; `store`: on this database, to which all of the data was moved.
 */
export const answersOf = async (
  data: string,
  askers: readonly Key[],
  { boss, newcomer }: { readonly boss: Key, readonly newcomer: Key },
  store?: string,
): Promise<ReadonlyMap<string, string>> => {
  const asking = askers.slice(0, maxAskers)
  const { values, at } = namesIn(data, asking)
  const clock = new TestClock()
  clock.stop(at)
  await using relay = await startTestRelay({ data, store, adminAgents: [fingerprintOf(boss.pem)], pingTimeoutMs: 1e12 }, {}, { clock })
  await indexed(relay)
  const answers = new Map<string, string>()
  const asked = reads.flatMap(type => bodiesOf(type, values).map(body => ({ type, ...body })))
  for (
    const [name, key] of [
      ['admin', boss],
      ['newcomer', newcomer],
      ...asking.map(key => [key.id, key] as const),
    ] as const
  ) {
    const wire = await enter(relay, key)
    if (wire === undefined) answers.set(`${name} enters`, 'refused')
    else {
      await wire.barrier()
      const told = await Promise.all(asked.map(request => wire.answer(request)))
      for (const [i, request] of asked.entries()) answers.set(`${name} asks ${JSON.stringify(request)}`, bare(told[i]!, relay.store.epoch))
      await wire.close()
    }
  }
  return answers
}

/** The index of words is made from the data, behind it: a copy begins without one, and its clock stands still. */
const indexed = async ({ store }: TestRelay): Promise<void> => {
  for (;;) {
    await store.write(async tx => void await tx.search?.advance())
    const standing = await store.read.search?.standing()
    if (standing === undefined || standing.upto >= standing.newest) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Those who ask beside the agents of the data: the same at each relay. */
export const strangers = (): { readonly boss: Key, readonly newcomer: Key } => ({ boss: newKey(), newcomer: newKey() })
