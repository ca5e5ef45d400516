// Standing is asked when something is used: what a ban, a revocation or a withdrawn approval means for those who are here already.
import { describe, expect, test, vi } from 'vitest'
import { revocationText } from '../lib/identity/index.ts'
import { requestDocs, requests, type RequestType } from '../lib/protocol/index.ts'
import { revokeAgent, rotateAgent } from '../src/store/agents.ts'
import { ban, standingOf } from '../src/store/standing.ts'
import type { Tx } from '../src/store/store.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const adminKey = 'correct horse battery'
const types = Object.keys(requests) as readonly RequestType[]
const framesReceived = (relay: TestRelay) => relay.metric('agentchat_frames_received_total')

/** A request of each type, such as the relay can carry out where it is about a channel. */
const requestOf = (type: RequestType): Record<string, unknown> & { readonly type: string } => ({
  type,
  ...requestDocs[type].example,
  ...(type === 'MSG' && { to: '#general' }),
})

/** What the relay notes by itself, whenever it is time. */
const ownNote = 'channels_swept_at'

/** Table → its rows as text: all that the relay keeps of what agents do. */
const everything = async (relay: TestRelay): Promise<ReadonlyMap<string, string>> => {
  type Any = Record<string, Record<string, unknown>>
  const tables = relay.store.read.tables<Any>()
  const names = await tables.selectFrom('sqlite_master').select('name').where('type', '=', 'table').where('name', '!=', 'sqlite_sequence')
    .execute()
  const found = new Map<string, string>()
  for (const { name } of names) {
    const rows = await tables.selectFrom(String(name)).selectAll().execute()
    found.set(String(name), JSON.stringify(rows.filter(row => name !== 'meta' || row['key'] !== ownNote)))
  }
  return found
}

const changedTables = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] =>
  [...after.keys()].filter(name => after.get(name) !== before.get(name))

/** An agent of good standing, with a session for each request of the protocol. */
const manyMinded = async (relay: TestRelay, boss: Wire, key: Key): Promise<ReadonlyMap<RequestType, Wire>> => {
  await boss.ask({ type: 'ADMIN_APPROVE', admin_key: adminKey, pubkey: key.pem }, 'ADMIN_RESULT')
  const wires = new Map<RequestType, Wire>()
  for (const type of types) wires.set(type, await relay.login('mallory', { key, session: type, autojoin: false }))
  const [first] = wires.values()
  await first!.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  await first!.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
  return wires
}

/** What each standing is lost by, and how a session learns of it. */
const losses = {
  banned: { by: (key: Key) => ({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: key.id, reason: 'spam' }), close: 4502, told: 'BANNED' },
  revoked: {
    by: (key: Key) => {
      const notice = {
        type: 'REVOCATION',
        pubkey: key.pem,
        agent_id: key.id.slice(1),
        reason: 'lost',
        timestamp: '2026-11-21T00:00:00.000Z',
      }
      return { ...notice, signature: signWith(key, revocationText(notice as Parameters<typeof revocationText>[0])) }
    },
    close: 4503,
    told: undefined,
  },
  'not on the allowlist any more': {
    by: (key: Key) => ({ type: 'ADMIN_REVOKE', admin_key: adminKey, pubkey: key.pem }),
    close: 4501,
    told: 'KICKED',
  },
  kicked: { by: (key: Key) => ({ type: 'ADMIN_KICK', admin_key: adminKey, agent_id: key.id }), close: 4501, told: 'KICKED' },
} as const

describe('a session whose agent lost its standing', () => {
  const settings = { adminKey, allowlistStrict: true, maxSessionsPerAgent: 1_000, maxConnectionsPerIp: 0, identifyTimeoutMs: 600_000 }

  /** Sends every request of the protocol while `loss` is not committed yet: all of them wait behind it. */
  const race = async (
    loss: Record<string, unknown> & { readonly type: string },
    relay: TestRelay,
    boss: Wire,
    wires: ReadonlyMap<RequestType, Wire>,
  ) => {
    const before = await everything(relay)
    const received = await framesReceived(relay)
    // What is held is the loss, and no sweep that is due just now.
    relay.clock.stop()
    await relay.store.write(() => undefined)
    relay.store.hold()
    boss.send(loss)
    await relay.store.reached()
    relay.clock.go()
    for (const [type, wire] of wires) wire.send({ ...requestOf(type), id: type })
    await vi.waitFor(async () => expect(await framesReceived(relay)).toBeGreaterThanOrEqual(received + 1 + wires.size), { timeout: 60_000 })
    relay.store.release()
    return before
  }

  test.each(Object.entries(losses))('%s: nothing it asked before it heard of it is done, whatever it was',
    async (_name, { by, close, told }) => {
      await using relay = await startTestRelay(settings)
      await using boss = await relay.connect()
      const key = newKey()
      const wires = await manyMinded(relay, boss, key)
      const before = await race(by(key), relay, boss, wires)
      for (const [type, wire] of wires) {
        const end = await wire.closed().catch((error: Error) => ({
          code: `${error.message}, and heard ${JSON.stringify(wire.unread.slice(-2))}`,
        }))
        expect([type, end.code]).toEqual([type, close])
        // Reads were answered before it was decided; behind the word of it comes nothing.
        if (told !== undefined) expect(wire.unread.at(-1)?.type).toBe(told)
      }
      await boss.barrier()
      const changed = changedTables(before, await everything(relay))
      expect(changed.filter(name => !['bans', 'allowlist', 'agents', 'audit'].includes(name))).toEqual([])
    })

  test('the same requests of one in good standing are done', async () => {
    await using relay = await startTestRelay(settings)
    await using boss = await relay.connect()
    const wires = await manyMinded(relay, boss, newKey())
    const before = await everything(relay)
    for (const [type, wire] of wires) if (type !== 'LEAVE' && type !== 'DELETE_CHANNEL') await wire.answer(requestOf(type))
    expect(changedTables(before, await everything(relay))).toEqual(
      expect.arrayContaining(['events', 'memberships', 'channels']),
    )
    for (const wire of wires.values()) await wire.close()
  }, 120_000)
})

/** The requests that name a channel, whatever they do with it; and the field. */
const aboutChannels = types.flatMap((type): readonly (readonly [RequestType, 'channel' | 'to'])[] => {
  if (type === 'MSG') return [[type, 'to']]
  return 'channel' in requests[type].body.shape && !type.startsWith('ADMIN_') && type !== 'SET_RETENTION' ? [[type, 'channel']] : []
})

/** What an agent is answered about a channel: everything but when, and the name. */
const answered = async (wire: Wire, type: RequestType, field: 'channel' | 'to', channel: string) => {
  // What is read is named once: a message of the inbox, or a channel.
  const { ts: _ts, re: _re, ...rest } = await wire.answer({
    ...(type === 'READ' ? { type } : requestOf(type)),
    [field]: channel,
  }) as unknown as Record<string, unknown>
  return JSON.parse(JSON.stringify(rest).replaceAll(channel, '#x')) as Record<string, unknown>
}

describe('an agent that is not verified any more', () => {
  const lose = {
    ADMIN_VERIFY: (key: Key) => ({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: key.id, verified: false }),
    ADMIN_REVOKE: (key: Key) => ({ type: 'ADMIN_REVOKE', admin_key: adminKey, agent_id: key.id }),
  } as const
  const gain = {
    ADMIN_VERIFY: (key: Key) => ({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: key.id, verified: true }),
    ADMIN_REVOKE: (key: Key) => ({ type: 'ADMIN_APPROVE', admin_key: adminKey, pubkey: key.pem }),
  } as const

  test.each(Object.keys(lose) as readonly (keyof typeof lose)[])('%s: is out of the channels for verified agents at once', async how => {
    await using relay = await startTestRelay({ adminKey })
    const [key, otherKey] = [newKey(), newKey()]
    await using bob = await relay.login('bob', { key, autojoin: false })
    await using phone = await relay.login('bob', { key, autojoin: false, session: 'phone', inbox: 'none' })
    await using vera = await relay.login('vera', { key: otherKey, autojoin: false })
    await using boss = await relay.connect()
    for (const each of [key, otherKey]) await boss.ask(gain[how](each), 'ADMIN_RESULT')
    for (const wire of [bob, phone, vera]) await wire.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
    await phone.close()
    await bob.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await bob.clear()
    await vera.clear()

    await boss.ask(lose[how](key), 'ADMIN_RESULT')
    expect(await bob.next('LEFT')).toMatchObject({ channel: '#ops' })
    expect(await vera.next('AGENT_LEFT')).toMatchObject({ channel: '#ops', agent: key.id })
    await vera.ask({ type: 'MSG', to: '#ops', content: `a secret, @bob and ${key.id}` }, 'ACK')
    await bob.barrier()
    expect(JSON.stringify(bob.unread)).not.toContain('a secret')
    expect((await bob.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items).toEqual([])
    // Where anybody may be it still is.
    await bob.ask({ type: 'MSG', to: '#general', content: 'hello' }, 'ACK')

    // What each request about the channel is answered is what one is told that never was in it.
    await using eve = await relay.login('eve', { key: newKey(), autojoin: false })
    for (const [type, field] of aboutChannels)
      expect([type, await answered(bob, type, field, '#ops')]).toEqual([type, await answered(eve, type, field, '#ops')])

    // It comes back as what it was.
    await boss.ask(gain[how](key), 'ADMIN_RESULT')
    expect((await bob.ask({ type: 'HISTORY', channel: '#ops', after: 0 }, 'HISTORY')).events).toHaveLength(1)
  })

  test('is not offered what waited for it there; what waits elsewhere it gets', async () => {
    await using relay = await startTestRelay({ adminKey })
    const [key, otherKey] = [newKey(), newKey()]
    await using boss = await relay.connect()
    await using vera = await relay.login('vera', { key: otherKey })
    {
      await using bob = await relay.login('bob', { key, autojoin: false })
      for (const each of [key, otherKey]) await boss.ask({ type: 'ADMIN_APPROVE', admin_key: adminKey, pubkey: each.pem }, 'ADMIN_RESULT')
      await bob.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
      await bob.close()
    }
    await vera.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
    await vera.ask({ type: 'MSG', to: '#ops', content: 'a secret, @bob', receipts: true }, 'ACK')
    await vera.ask({ type: 'MSG', to: '#general', content: `no secret, ${key.id}` }, 'ACK')
    await boss.ask({ type: 'ADMIN_REVOKE', admin_key: adminKey, agent_id: key.id }, 'ADMIN_RESULT')
    await using bob = await relay.login('bob', { key, autojoin: false })
    expect((await bob.next('MSG')).content).toContain('no secret')
    expect((await bob.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items).toHaveLength(1)
    await bob.hearsNothing()
    expect((await vera.next('STATUS')).recipients).toMatchObject([{ agent: key.id, state: 'expired' }])
  })

  test('nobody is unverified by halves: who is on the allowlist is taken off it', async () => {
    await using relay = await startTestRelay({ adminKey })
    const key = newKey()
    await using boss = await relay.connect()
    await using bob = await relay.login('bob', { key })
    await boss.ask({ type: 'ADMIN_APPROVE', admin_key: adminKey, pubkey: key.pem }, 'ADMIN_RESULT')
    expect(await boss.refusal({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: key.id, verified: false })).toMatchObject({
      code: 'INVALID_MSG',
      message: expect.stringContaining('ADMIN_REVOKE') as string,
    })
    expect((await bob.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).verified).toBe(true)
  })
})

describe('a ban', () => {
  test('of an agent without a key: its resume token is worth nothing, until it is lifted', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using boss = await relay.connect()
    await using eve = await relay.connect()
    eve.send({ type: 'IDENTIFY', name: 'eve' })
    const { agent_id, resume } = await eve.next('WELCOME')
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id }, 'ADMIN_RESULT')
    expect((await eve.closed()).code).toBe(4502)
    await using again = await relay.connect()
    again.send({ type: 'IDENTIFY', name: 'eve', resume })
    expect(await again.next('ERROR')).toMatchObject({ code: 'BANNED' })
    expect((await again.closed()).code).toBe(4502)
    await boss.ask({ type: 'ADMIN_UNBAN', admin_key: adminKey, agent_id }, 'ADMIN_RESULT')
    expect((await relay.login('eve', { resume })).id).toBe(agent_id)
  })

  test('of a key that was rotated is one of the agent that it is now', async () => {
    await using relay = await startTestRelay({ adminKey })
    const [old, next] = [newKey(), newKey()]
    await using boss = await relay.connect()
    await (await relay.login('eve', { key: old })).close()
    await using eve = await relay.login('eve', { key: next })
    const record = { old_pubkey: old.pem, new_pubkey: next.pem, timestamp: '2026-11-21T00:00:00.000Z' }
    await eve.ask({ type: 'ROTATION', ...record, signature: signWith(old, JSON.stringify(record)) }, 'OK')
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: old.id }, 'ADMIN_RESULT')
    expect((await eve.closed()).code).toBe(4502)
  })

  test('ends what the agent gave others: its invitations, its offers, money and messages for it', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using eve = await newTrader(relay, 'eve', { USD: 1_000 })
    await using bob = await newTrader(relay, 'bob', { USD: 1_000 })
    await using ann = await newTrader(relay, 'ann')
    await eve.wire.ask({ type: 'CREATE_CHANNEL', channel: '#den', invite_only: true }, 'JOINED')
    await eve.wire.ask({ type: 'INVITE', channel: '#den', agent: bob.id }, 'OK')
    const offered = await eve.do('PROPOSAL', { to: bob.id, task: 'trust me', amount: 1, currency: 'USD' })
    const agreed = await bob.do('PROPOSAL', { to: eve.id, task: 'work', amount: 1, currency: 'USD' })
    await eve.do('ACCEPT', { proposal_id: agreed.proposal_id })
    await ann.wire.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: eve.id }, 'ADMIN_RESULT')
    await eve.wire.closed()
    expect(await bob.wire.refusal({ type: 'JOIN', channel: '#den' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
    expect(await bob.refused('ACCEPT', { proposal_id: offered.proposal_id })).toBe('PARTY_GONE')
    expect(await bob.refused('FUND', { proposal_id: agreed.proposal_id })).toBe('PARTY_GONE')
    expect(await bob.refused('PROPOSAL', { to: eve.id, task: 'more' })).toBe('AGENT_NOT_FOUND')
    expect(await bob.refused('TRANSFER', { to: eve.id, currency: 'USD', amount_minor: 1 })).toBe('AGENT_NOT_FOUND')
    expect(await bob.wire.refusal({ type: 'MSG', to: eve.id, content: 'hi' })).toMatchObject({ code: 'AGENT_NOT_FOUND' })
  })
})

describe('keys that hand over one after the other, a batch each', () => {
  const other = newKey()
  const scene = async () => {
    const relay = await startTestRelay()
    const [first, second, heir] = [newKey(), newKey(), newKey()]
    for (const key of [first, second]) await (await relay.login('eve', { key })).close()
    const signed = (from: Key, to: Key) => {
      const record = { old_pubkey: from.pem, new_pubkey: to.pem, timestamp: '2026-11-21T00:00:00.000Z' }
      return { ...record, signature: signWith(from, JSON.stringify(record)) }
    }
    return {
      ...{ relay, first, second, heir },
      rotation: { type: 'ROTATION', ...signed(first, second), chain: [signed(second, heir)] },
      standing: ({ id }: Key) => standingOf(relay.store.read, id),
      /** Asks, and writes behind the first batch. */
      between: async <T>(asked: () => Promise<T>, write: (tx: Tx) => Promise<unknown>): Promise<T> => {
        relay.store.hold()
        const told = asked()
        await relay.store.reached()
        const written = relay.store.write(write)
        relay.store.release()
        await written
        return told
      },
      [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
    }
  }

  test.each([
    ['banned', (tx: Tx, key: Key) => ban(tx, key.id, 'spam', 0), 'BANNED', undefined],
    ['revoked', (tx: Tx, key: Key) => revokeAgent(tx, { id: key.id, pubkey: key.pem }, 0), 'NOT_ALLOWED', undefined],
    ['another one’s', (tx: Tx, key: Key) => rotateAgent(tx, { id: key.id, pubkey: key.pem }, other.id, 0), 'NOT_ALLOWED', other.id],
  ])('one that is %s in between hands nothing over', async (_, fall, code, successor) => {
    await using at = await scene()
    const { relay, first, second, heir, rotation, standing } = at
    await (await relay.login('other', { key: other })).close()
    await using eve = await relay.login('eve', { key: heir })
    expect(await at.between(() => eve.refusal(rotation), tx => fall(tx, second))).toMatchObject({ code })
    expect((await standing(first)).rotatedTo).toBe(heir.id)
    expect((await standing(second)).rotatedTo ?? undefined).toBe(successor)
  })

  test('those that hand over to the same one by another request in between are passed over', async () => {
    await using at = await scene()
    const { relay, first, second, heir, rotation, standing } = at
    await using eve = await relay.login('eve', { key: heir })
    const handed = { id: second.id, pubkey: second.pem }
    await at.between(() => eve.ask(rotation, 'OK'), tx => rotateAgent(tx, handed, heir.id, 0))
    for (const key of [first, second]) expect((await standing(key)).rotatedTo).toBe(heir.id)
  })
})

describe('a private channel and none', () => {
  // A name that is taken cannot be taken again, whoever asks: all that CREATE_CHANNEL tells.
  const asked = aboutChannels.filter(([type]) => type !== 'CREATE_CHANNEL')

  test.each(asked)('%s answers the same of both', async (type, field) => {
    await using relay = await startTestRelay({ webhooks: true })
    await using ann = await relay.login('ann', { key: newKey(), autojoin: false })
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
    await ann.ask({ type: 'MSG', to: '#secret', content: 'psst' }, 'ACK')
    for (const more of [{}, { key: newKey() }]) {
      await using eve = await relay.login('eve', { ...more, autojoin: false })
      const [ofSecret, ofNone] = [await answered(eve, type, field, '#secret'), await answered(eve, type, field, '#vacant')]
      expect(ofSecret).toEqual(ofNone)
      // Who has no key has no webhooks, whatever it names.
      const isKeyed = 'key' in more || type !== 'WEBHOOK_ADD'
      expect(ofSecret).toMatchObject({ type: 'ERROR', code: isKeyed ? 'CHANNEL_NOT_FOUND' : 'SIGNATURE_REQUIRED' })
    }
  })

  test('cost the same to ask about', async () => {
    const asksUntilRefused = async (channel: string): Promise<readonly number[]> => {
      await using relay = await startTestRelay({ msgRate: 0.01, msgBurst: 3, frameRate: 0, addressRate: 0 })
      await using ann = await relay.login('ann', { key: newKey(), autojoin: false })
      await ann.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
      const counts: number[] = []
      for (const [type, field] of asked) {
        await using eve = await relay.login('eve', { autojoin: false })
        let count = 0
        while (count < 10 && (await answered(eve, type, field, channel))['code'] !== 'RATE_LIMITED') count++
        counts.push(count)
      }
      return counts
    }
    expect(await asksUntilRefused('#secret')).toEqual(await asksUntilRefused('#vacant'))
  })
})
