// What a message costs, counted: encodings, statements and system calls. Never time.
import { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'
import { newFolder } from './kit/folder.ts'
import { joinLineages } from '../src/store/lineages.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
/** Ready texts, so that no encoding of the sender is counted. */
const said = (count: number, withId: boolean, first = 0) =>
  upTo(count).map(i =>
    JSON.stringify({ type: 'MSG', to: '#general', content: `message ${first + i}`, ...(withId && { id: `m${first + i}` }) })
  )

/** A room with one sender who has spoken before, so that nothing is done for the first time. */
const room = async (relay: TestRelay, members: number): Promise<{ readonly sender: Wire, readonly members: readonly Wire[] }> => {
  relay.clock.stop()
  const sender = await relay.login('sender')
  const others: Wire[] = []
  for (const i of upTo(members)) others.push(await relay.login(`member${i}`))
  await sender.ask({ type: 'MSG', to: '#general', content: 'warm' }, 'ACK')
  for (const wire of [sender, ...others]) await wire.next('MSG')
  return { sender, members: others }
}

/** What JSON.stringify made since: the names of the fields. */
const countEncodings = (): () => readonly string[] => {
  const stringify = vi.spyOn(JSON, 'stringify')
  return () => stringify.mock.calls.flatMap(([value]) => typeof value === 'object' ? [Object.keys(value as object).join(' ')] : [])
}

/** Calls of the operating system that wrote to the relay's sockets, with the buffers they were given. */
const countWrites = (relay: TestRelay): { readonly calls: (readonly Buffer[])[] } => {
  const port = Number(new URL(relay.url).port)
  const calls: (readonly Buffer[])[] = []
  const { _write, _writev } = Socket.prototype
  vi.spyOn(Socket.prototype, '_write').mockImplementation(function(this: Socket, chunk, ...rest) {
    if (this.localPort === port) calls.push([chunk as Buffer])
    return _write.call(this, chunk, ...rest)
  })
  vi.spyOn(Socket.prototype, '_writev').mockImplementation(function(this: Socket, chunks, ...rest) {
    if (this.localPort === port) calls.push(chunks.map(({ chunk }) => chunk as Buffer))
    return _writev!.call(this, chunks, ...rest)
  })
  return { calls }
}

/** Whether the engine reads both by the same offsets, and not by names. */
const isOfOneShape = (() => {
  setFlagsFromString('--allow-natives-syntax')
  const ask = new Function('one', 'other', 'return %HasFastProperties(one) && %HaveSameMap(one, other)') as (
    one: object,
    other: object,
  ) => boolean
  setFlagsFromString('--no-allow-natives-syntax')
  return ask
})()

const countStatements = (): readonly string[] => {
  const statements: string[] = []
  const prototype = Object.getPrototypeOf(new BetterSqlite3(':memory:').prepare('SELECT 1')) as BetterSqlite3.Statement
  for (const method of ['run', 'get', 'all', 'iterate'] as const) {
    const original = prototype[method] as (this: BetterSqlite3.Statement, ...args: unknown[]) => unknown
    vi.spyOn(prototype, method).mockImplementation(function(this: BetterSqlite3.Statement, ...args: unknown[]) {
      statements.push(this.source.trim().split(/\s+/, 3).join(' '))
      return original.apply(this, args)
    } as never)
  }
  return statements
}

describe.each([1, 20])('with %i members beside the sender', count => {
  test('an event is encoded once', async () => {
    await using relay = await startTestRelay()
    const { sender, members } = await room(relay, count)
    const texts = said(3, false)
    const encodings = countEncodings()
    sender.send(...texts)
    for (const wire of [sender, ...members]) await wire.take('MSG', 3)
    expect(encodings()).toEqual(upTo(3).map(() => 'ts from from_name to content verified msg_id seq salt'))
  })

  test('a batch is one buffer, the same for all, in one write to each', async () => {
    // What arrives together is read together, on a busy machine too.
    await using relay = await startTestRelay({}, { elapsed: () => 0 })
    const { sender, members } = await room(relay, count)
    const { calls } = countWrites(relay)
    const large = 'x'.repeat(1_000)
    sender.send(...upTo(10).map(i => JSON.stringify({ type: 'MSG', to: '#general', content: large, id: `m${i}` })))
    await sender.take('ACK', 10)
    for (const wire of [sender, ...members]) await wire.take('MSG', 10)
    expect(calls).toHaveLength(1 + count)
    const batch = calls[0]![0]!
    expect(batch.toString('latin1').match(/"type":"MSG"/g)).toHaveLength(10)
    expect(calls.every(([first]) => first === batch)).toBe(true)
    // The sender's ten acknowledgements leave in the same call as its copy.
    expect(calls.map(buffers => buffers.length).sort((a, b) => a - b)).toEqual([...members.map(() => 1), 11])
  })
})

test('what streams follow is read once for all of them, and is not copied for each', async () => {
  const costOf = async (streams: number) => {
    await using relay = await startTestRelay()
    const { sender } = await room(relay, 1)
    await using ann = await relay.login('ann', { key: newKey() })
    const { token } = await ann.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    const url = `${relay.httpUrl}/v1/channels/general/events`
    const readers = []
    for (const _ of upTo(streams))
      readers.push(
        (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).body!.pipeThrough(new TextDecoderStream()).getReader(),
      )
    // Each is told first where it is.
    for (const reader of readers) await reader.read()
    const content = 'x'.repeat(5_000)
    const parsed = vi.spyOn(JSON, 'parse')
    const joined = vi.spyOn(Buffer, 'concat')
    sender.send(JSON.stringify({ type: 'MSG', to: '#general', content }))
    for (const reader of readers) {
      let text = ''
      while (!text.endsWith('}\n\n')) text += (await reader.read()).value!
      expect(text).toContain(`"content":"${content}"`)
    }
    const cost = {
      parsed: parsed.mock.calls.filter(([text]) => text.includes(content)).length,
      joined: joined.mock.results.filter(({ value }) => (value as Buffer).length > 5_000).length,
    }
    parsed.mockRestore()
    joined.mockRestore()
    for (const reader of readers) await reader.cancel()
    return cost
  }
  expect(await costOf(7)).toEqual(await costOf(1))
})

test('whatever is said, the log is handed one shape', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  const events: object[] = []
  await relay.store.write(tx => {
    const { log } = tx
    const append = log.append.bind(log)
    vi.spyOn(log, 'append').mockImplementation((event, now, encode) => {
      events.push(event)
      return append(event, now, encode)
    })
  })
  const to = '#general'
  const named = `@${bob.id.slice(1)}`
  const kinds = [{ to }, { to, id: 'i' }, { to, ttl_ms: 1_000 }, { to, receipts: true }, { to, content: named }, { to: bob.id }]
  // The first of each kind teaches the engine what the fields hold.
  for (const round of [1, 2])
    ann.send(...kinds.map(kind => JSON.stringify({ type: 'MSG', content: 'x', ...kind, ...('id' in kind && { id: `i${round}` }) })))
  await ann.barrier()
  const [first, ...others] = events.slice(-kinds.length)
  expect(others).toHaveLength(kinds.length - 1)
  expect(others.map(event => isOfOneShape(first!, event))).toEqual(others.map(() => true))
})

describe('a batch is one transaction, and one statement per event', () => {
  const statementsOf = async (relay: TestRelay, sender: Wire, texts: readonly string[]): Promise<readonly string[]> => {
    const commits = await relay.metric('agentchat_commits_total')
    const statements = countStatements()
    sender.send(...texts)
    await sender.take('MSG', texts.length)
    vi.restoreAllMocks()
    expect(await relay.metric('agentchat_commits_total')).toBe(commits + 1)
    return statements
  }

  test.each([1, 10])('%i messages', async count => {
    await using relay = await startTestRelay()
    const { sender } = await room(relay, 5)
    expect(await statementsOf(relay, sender, said(count, false))).toEqual([
      'BEGIN IMMEDIATE',
      ...said(count, false).map(() => 'INSERT INTO events'),
      'COMMIT',
    ])
  })

  test('and one to look up each id', async () => {
    await using relay = await startTestRelay()
    const { sender } = await room(relay, 5)
    const [lookup, begin, ...rest] = await statementsOf(relay, sender, said(10, true))
    expect([lookup, begin]).toEqual([expect.stringMatching(/^SELECT k/), 'BEGIN IMMEDIATE'])
    expect(rest).toEqual(['INSERT INTO events', ...said(9, true).flatMap(() => [lookup, 'INSERT INTO events']), 'COMMIT'])
  })

  test('the indexes are brought up to date for a thousand events at once', async () => {
    await using relay = await startTestRelay()
    const { sender } = await room(relay, 1)
    const statements = countStatements()
    for (let sent = 0; sent < 4_500; sent += 500) {
      sender.send(...said(500, true, sent))
      await sender.take('MSG', 500)
    }
    vi.restoreAllMocks()
    const count = (statement: string) => statements.filter(each => each === statement).length
    expect(count('INSERT INTO events')).toBe(4_500)
    // Each pass takes the batch that made it due too, and how those fall depends on how the messages arrive.
    expect([3, 4]).toContain(count('INSERT INTO places'))
    expect(count('INSERT INTO publish_keys')).toBe(count('INSERT INTO places'))
  })
})

test('BALANCE of an agent of a thousand keys is two look-ups', async () => {
  await using relay = await startTestRelay()
  relay.clock.stop()
  const key = newKey()
  await using ann = await relay.login('ann', { key })
  await relay.store.write(async tx => {
    for (let i = 999; i > 0; i--) await joinLineages(tx, `@former${i}`, i === 999 ? key.id : `@former${i + 1}`)
    await tx.tables<{ accounts: { account: string, currency: string, balance: number } }>().insertInto('accounts')
      .values([{ account: '@former1', currency: 'USD', balance: 30 }, { account: key.id, currency: 'USD', balance: 12 }]).execute()
  })
  await ann.barrier()
  const statements = countStatements()
  expect(await ann.ask({ type: 'BALANCE' }, 'BALANCE')).toMatchObject({ balances: [{ currency: 'USD', amount_minor: 42, held_minor: 0 }] })
  expect(statements.map(statement => statement.split(' ')[0]!.toLowerCase())).toEqual(['select', 'select'])
})

test('searches and long lists run no statement on the thread of the event loop', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.at('data'), directory: true })
  relay.clock.stop()
  await using ann = await relay.login('ann', { key: newKey() })
  await ann.barrier()
  const statements = countStatements()
  await ann.ask({ type: 'SEARCH_SKILLS', query: { text: 'a b c d e f g h i j' } }, 'SEARCH_RESULTS')
  await ann.ask({ type: 'RECEIPTS' }, 'RECEIPTS')
  await ann.ask({ type: 'PROPOSALS' }, 'PROPOSALS')
  await ann.ask({ type: 'LEADERBOARD' }, 'LEADERBOARD')
  expect((await fetch(`${relay.httpUrl}/directory/servers?q=x`)).status).toBe(200)
  expect(statements).toEqual([])
})

test('a signal is encoded once and stored never', async () => {
  await using relay = await startTestRelay()
  const { sender, members } = await room(relay, 10)
  const encodings = countEncodings()
  const statements = countStatements()
  sender.send('{"type":"TYPING","channel":"#general"}')
  for (const wire of members) await wire.next('TYPING')
  expect(encodings()).toEqual(['ts from from_name channel'])
  expect(statements).toEqual([])
})

test('a page is sent as the bytes that are stored', async () => {
  await using relay = await startTestRelay()
  const { sender } = await room(relay, 1)
  sender.send(...said(20, false))
  await sender.take('MSG', 20)
  const encodings = countEncodings()
  sender.send('{"type":"HISTORY","channel":"#general"}')
  expect((await sender.next('HISTORY')).events).toHaveLength(20)
  // The frame around the page, and none of the events in it.
  expect(encodings()).toEqual([expect.stringMatching(/^type ts /)])
})

test('a page of what was said just now is three look-ups, however long it is, and two more where it is indexed', async () => {
  using data = newFolder()
  await using relay = await startTestRelay({ data: data.at('data') })
  const { sender } = await room(relay, 1)
  const page = () => sender.ask({ type: 'HISTORY', channel: '#general', limit: 50 }, 'HISTORY')
  const costOf = async () => {
    await page()
    const statements = countStatements()
    const { events } = await page()
    vi.restoreAllMocks()
    return { events: events.length, statements: statements.map(each => each.split(' ', 2).join(' ')) }
  }
  sender.send(...said(49, false))
  await sender.take('MSG', 49)
  // Where it begins, and whether an edit or an answer names any of it.
  const newest = ['SELECT s.base,', 'SELECT min(target)', 'SELECT min(target)']
  expect(await costOf()).toEqual({ events: 50, statements: newest })
  await relay.store.write(tx => tx.log.forgetKeys(Number.MAX_SAFE_INTEGER))
  expect(await costOf()).toEqual({ events: 50, statements: [newest[0], 'SELECT p.seq,', 'SELECT p.seq,', ...newest.slice(1)] })
})

test('a connect costs its bystanders nothing, a nick or a presence one frame each', async () => {
  await using relay = await startTestRelay()
  const { sender, members } = await room(relay, 5)
  const newcomer = await relay.login('newcomer')
  for (const wire of [sender, ...members]) await wire.hearsNothing()
  await newcomer.close()
  for (const wire of [sender, ...members]) await wire.hearsNothing()

  await sender.ask({ type: 'SET_NICK', nick: 'sender2' }, 'NICK_CHANGED')
  await sender.ask({ type: 'SET_PRESENCE', status: 'away' }, 'OK')
  for (const wire of members) {
    await wire.barrier()
    expect(wire.unread.map(frame => frame.type)).toEqual(['NICK_CHANGED', 'PRESENCE_CHANGED'])
  }
})
