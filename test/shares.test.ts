// Shares of what is shared: one agent, and all agents of one address, leave room for others; a refusal says whose share it is.
import { describe, expect, test } from 'vitest'
import type { Config } from '../src/app.ts'
import { profileText, revocationText, skillsText } from '../lib/identity/index.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { adminKey, newTrader } from './kit/trade.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

type Ask = { readonly type: string } & Record<string, unknown>
const elsewhere = '127.0.0.2'
const heldNow = async (relay: TestRelay) =>
  relay.store.read.tables<{ shares: { kind: string }, share_counts: { kind: string, holder: string, n: number } }>().selectFrom(
    'share_counts',
  )
    .selectAll().orderBy('kind').orderBy('holder').execute()

/** What is asked for over and over: by the n-th agent of a relay, and how its share is called. */
interface Shared {
  readonly what: string
  readonly settings: Partial<Config>
  readonly ask: (relay: TestRelay, wire: Wire, key: Key, n: number) => Ask | Promise<Ask>
  readonly answer: string
}

const stamp = (relay: TestRelay, key: Key) => ({ by: key.id, relay: relay.serverId, ts: relay.clock.now(), nonce: '0'.repeat(32) })
const signed = (key: Key, text: string, { ts, nonce }: ReturnType<typeof stamp>) => ({
  sig: signWith(key, text),
  sig_v: 2,
  sig_ts: ts,
  nonce,
})
const revocation = (key: Key): Ask => {
  const body = { pubkey: key.pem, agent_id: key.id.slice(1), reason: 'lost', timestamp: '2026-11-01T00:00:00.000Z' }
  return { type: 'REVOCATION', ...body, signature: signWith(key, revocationText({ type: 'REVOCATION', ...body })) }
}

const perAddress: readonly Shared[] = [
  {
    what: 'channels',
    settings: { maxChannelsPerAddress: 2 },
    ask: (_relay, _wire, _key, n) => ({ type: 'CREATE_CHANNEL', channel: `#c${n}` }),
    answer: 'JOINED',
  },
  {
    what: 'skill lists',
    settings: { maxSkillListsPerAddress: 2 },
    ask: (relay, _wire, key) => {
      const at = stamp(relay, key)
      const skills = [{ capability: 'x' }]
      return { type: 'REGISTER_SKILLS', skills, ...signed(key, skillsText(skills, at), at) }
    },
    answer: 'SKILLS_REGISTERED',
  },
  {
    what: 'profiles',
    settings: { maxProfilesPerAddress: 2 },
    ask: (relay, _wire, key) => {
      const at = stamp(relay, key)
      return { type: 'SET_PROFILE', profile: {}, ...signed(key, profileText({}, at), at) }
    },
    answer: 'PROFILE',
  },
  { what: 'revocations', settings: { maxRevocationsPerAddress: 2 }, ask: () => revocation(newKey()), answer: 'OK' },
  {
    what: 'open proofs',
    settings: { maxProofsPerAddress: 2 },
    ask: (_relay, wire) => ({ type: 'VERIFY_REQUEST', target: wire.id, nonce: '0'.repeat(32) }),
    answer: 'VERIFY_REQUEST',
  },
  {
    what: 'watched agents',
    settings: { maxWatchedPerAddress: 2 },
    ask: (_relay, _wire, _key, n) => ({ type: 'WATCH', agents: [`@a${n}`] }),
    answer: 'WATCHING',
  },
]

describe('of an address', () => {
  test.each(perAddress)('$what: the third one is refused by name, another address goes on', async ({ settings, ask, answer, what }) => {
    await using relay = await startTestRelay(settings)
    const again = async (n: number, from?: string) => {
      const key = newKey()
      const wire = await relay.login(`a${n}`, { key, ...(from !== undefined && { from }) })
      return [wire, await wire.answer(await ask(relay, wire, key, n))] as const
    }
    const wires: Wire[] = []
    for (let n = 0; n < 2; n++) {
      const [wire, reply] = await again(n)
      wires.push(wire)
      expect(reply.type).toBe(answer)
    }
    const [third, refused] = await again(2)
    expect(refused).toMatchObject({ type: 'ERROR', code: 'LIMIT_REACHED' })
    expect((refused as { message: string }).message).toContain(`The agents of your address hold 2 ${what}`)
    expect((refused as { message: string }).message).toContain(Object.keys(settings)[0])
    const [other, reply] = await again(3, elsewhere)
    expect(reply.type).toBe(answer)
    for (const wire of [...wires, third, other]) await wire.close()
  })

  test('open proposals', async () => {
    await using relay = await startTestRelay({ maxOpenProposalsPerAddress: 2, adminKey })
    await using bob = await newTrader(relay, 'bob')
    const offer = { to: bob.id, task: 'a small thing' }
    await using ann = await newTrader(relay, 'ann')
    await using eve = await newTrader(relay, 'eve')
    const first = await ann.do('PROPOSAL', offer)
    await ann.do('PROPOSAL', offer)
    expect(await eve.refused('PROPOSAL', offer)).toBe('LIMIT_REACHED')
    // One that is over gives its place back.
    await bob.do('REJECT', { proposal_id: first.proposal_id })
    await eve.do('PROPOSAL', offer)
    expect(await ann.refused('PROPOSAL', offer)).toBe('LIMIT_REACHED')
  })
})

describe('of an agent', () => {
  test('channels; the count survives a restart and follows the key', async () => {
    using data = newFolder()
    const [old, key] = [newKey(), newKey()]
    const settings = { data: data.path, maxChannelsPerAgent: 2 }
    const create = (n: number): Ask => ({ type: 'CREATE_CHANNEL', channel: `#c${n}` })
    {
      await using relay = await startTestRelay(settings)
      await using ann = await relay.login('ann', { key: old })
      await ann.ask(create(1), 'JOINED')
      await ann.ask(create(2), 'JOINED')
      expect((await ann.refusal(create(3))).message).toContain('You hold 2 channels, as many as one agent may (maxChannelsPerAgent)')
    }
    await using relay = await startTestRelay(settings)
    await using eve = await relay.login('eve')
    await eve.ask(create(4), 'JOINED')
    await using ann = await relay.login('ann', { key })
    const record = { old_pubkey: old.pem, new_pubkey: key.pem, timestamp: new Date(0).toISOString() }
    await ann.ask({ type: 'ROTATION', ...record, signature: signWith(old, JSON.stringify(record)) }, 'OK')
    expect((await ann.refusal(create(5))).code).toBe('LIMIT_REACHED')
    expect((await heldNow(relay)).filter(({ holder }) => holder === old.id)).toEqual([])
  })

  test('open proofs, until they end', async () => {
    await using relay = await startTestRelay({ maxProofsPerAgent: 1 })
    await using ann = await relay.login('ann')
    await using bob = await relay.login('bob', { key: newKey() })
    const ask = { type: 'VERIFY_REQUEST', target: bob.id, nonce: '0'.repeat(32) }
    await ann.ask(ask, 'VERIFY_REQUEST')
    expect((await ann.refusal(ask)).message).toContain('You hold 1 open proofs')
    relay.clock.advance(31_000)
    await ann.next('VERIFY_FAILED')
    await ann.ask(ask, 'VERIFY_REQUEST')
  })

  test('watched agents, over all its sessions, until a session ends', async () => {
    await using relay = await startTestRelay({ maxWatchedPerAgent: 3 })
    const key = newKey()
    await using one = await relay.login('ann', { key, session: '1' })
    const two = await relay.login('ann', { key, session: '2' })
    const watch = (...agents: string[]): Ask => ({ type: 'WATCH', agents })
    await one.ask(watch('@a', '@b'), 'WATCHING')
    await two.ask(watch('@a'), 'WATCHING')
    expect((await one.refusal(watch('@c'))).message).toContain('You hold 3 watched agents')
    // What is watched already costs nothing.
    expect(await one.ask(watch('@a', '@b'), 'WATCHING')).toMatchObject({ count: 2 })
    await two.close()
    await one.barrier()
    await one.ask(watch('@c'), 'WATCHING')
  })

  test('a key that is known here can always be revoked', async () => {
    await using relay = await startTestRelay({ maxRevocationsPerAddress: 1 })
    const key = newKey()
    await (await relay.login('ann', { key })).close()
    await using eve = await relay.connect()
    await eve.ask(revocation(newKey()), 'OK')
    expect((await eve.refusal(revocation(newKey()))).code).toBe('LIMIT_REACHED')
    await eve.ask(revocation(key), 'OK')
    await eve.ask(revocation(key), 'OK')
  })
})

test('what is erased is held no more; of agents not seen for long it goes when there is little room', async () => {
  await using relay = await startTestRelay({ maxSkillLists: 3, maxProfiles: 3, skillsAgeMs: 60_000 })
  await using bob = await relay.login('bob')
  const publish = async (key: Key) => {
    await using wire = await relay.login('ann', { key })
    return [
      await wire.answer(await perAddress[1]!.ask(relay, wire, key, 0)),
      await wire.answer(await perAddress[2]!.ask(relay, wire, key, 0)),
    ]
  }
  const counts = async () => (await heldNow(relay)).filter(({ holder }) => holder === '*').map(({ kind, n }) => [kind, n])
  const first = newKey()
  await publish(first)
  await publish(newKey())
  expect(await counts()).toEqual([['profiles', 2], ['skillLists', 2]])
  {
    await using ann = await relay.login('ann', { key: first })
    await ann.ask({ type: 'ERASE' }, 'ERASED')
  }
  expect(await counts()).toEqual([['profiles', 1], ['skillLists', 1]])
  await publish(newKey())
  await publish(newKey())
  const [skills, profile] = await publish(newKey())
  expect(skills).toMatchObject({ message: 'This relay holds 3 skill lists, as many as it may (maxSkillLists)' })
  expect(profile).toMatchObject({ message: 'This relay holds 3 profiles, as many as it may (maxProfiles)' })
  relay.clock.advance(120_000)
  while ((await counts()).length > 0) await bob.barrier()
  expect((await publish(newKey())).map(({ type }) => type)).toEqual(['SKILLS_REGISTERED', 'PROFILE'])
})
