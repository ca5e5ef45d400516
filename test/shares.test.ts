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
    what: 'lasting memberships',
    settings: { maxMembershipsPerAddress: 2 },
    ask: () => ({ type: 'JOIN', channel: '#general' }),
    answer: 'JOINED',
  },
  {
    what: 'watched agents',
    settings: { maxWatchedPerAddress: 2 },
    ask: (_relay, _wire, _key, n) => ({ type: 'WATCH', agents: [`@a${n}`] }),
    answer: 'WATCHING',
  },
  {
    what: 'floors, or places in line for one',
    settings: { maxFloorsPerAddress: 2 },
    ask: async (_relay, wire) => {
      const { msg_id } = await wire.ask({ type: 'MSG', to: '#general', content: 'who can help?' }, 'ACK')
      return { type: 'CLAIM_FLOOR', channel: '#general', msg_id }
    },
    answer: 'FLOOR',
  },
  {
    what: 'webhooks',
    settings: { maxWebhooksPerAddress: 2, webhooks: true, outboundAllow: ['127.0.0.1'] },
    ask: () => ({ type: 'WEBHOOK_ADD', url: 'http://127.0.0.1:1/in' }),
    answer: 'WEBHOOK_ADDED',
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

/** What a key is told that is not let in. */
const refusedLogin = async (relay: TestRelay, key: Key): Promise<string> => {
  await using wire = await relay.connect()
  wire.send({ type: 'IDENTIFY', name: 'c', pubkey: key.pem })
  const { challenge_id, nonce } = await wire.next('CHALLENGE')
  const timestamp = Date.now()
  const signature = signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`)
  wire.send({ type: 'VERIFY_IDENTITY', challenge_id, timestamp, signature })
  return (await wire.next('ERROR')).message
}

describe('of an address, where others give it back', () => {
  test('agents with a key: the third newcomer is refused, those that are known come in, guests too', async () => {
    await using relay = await startTestRelay({ maxAgentsPerAddress: 2 })
    const known = newKey()
    await (await relay.login('a', { key: known })).close()
    await (await relay.login('b', { key: newKey() })).close()
    const third = newKey()
    const told = await refusedLogin(relay, third)
    expect(told).toContain('The agents of your address hold 2 agents with a key, as many as they may (maxAgentsPerAddress)')
    await (await relay.login('a', { key: known })).close()
    await (await relay.login('guest')).close()
    await (await relay.login('d', { key: newKey(), from: elsewhere })).close()
    // Keys that a ROTATION names are no way around it.
    await using ann = await relay.login('a', { key: known })
    const old = newKey()
    const record = { old_pubkey: old.pem, new_pubkey: known.pem, timestamp: new Date(0).toISOString() }
    expect((await ann.refusal({ type: 'ROTATION', ...record, signature: signWith(old, JSON.stringify(record)) })).code).toBe(
      'LIMIT_REACHED',
    )
  })

  test('memberships, until they are left, put out, or the channel goes; they follow the key', async () => {
    await using relay = await startTestRelay({ maxMembershipsPerAgent: 2, maxMembershipsPerAddress: 3, adminKey })
    const [old, key] = [newKey(), newKey()]
    await using ann = await relay.login('ann', { key: old })
    await using bob = await relay.login('bob', { key: newKey() })
    await using guest = await relay.login('guest')
    const join = (channel: string): Ask => ({ type: 'JOIN', channel })
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    await ann.ask(join('#help'), 'JOINED')
    expect((await ann.refusal(join('#agents'))).message).toContain('You hold 2 lasting memberships of channels')
    // What it belongs to already costs nothing, and who has no key keeps nothing.
    await ann.ask(join('#help'), 'JOINED')
    for (const channel of ['#help', '#agents', '#general']) await guest.ask(join(channel), 'JOINED')
    await bob.ask(join('#room'), 'JOINED')
    expect((await bob.refusal(join('#help'))).message).toContain('The agents of your address hold 3')
    await using late = await relay.login('ann', { key })
    const record = { old_pubkey: old.pem, new_pubkey: key.pem, timestamp: new Date(0).toISOString() }
    await late.ask({ type: 'ROTATION', ...record, signature: signWith(old, JSON.stringify(record)) }, 'OK')
    expect((await late.refusal(join('#agents'))).code).toBe('LIMIT_REACHED')
    await late.ask({ type: 'REMOVE_MEMBER', channel: '#room', agent: bob.id }, 'OK')
    await late.ask({ type: 'LEAVE', channel: '#help' }, 'LEFT')
    await late.ask(join('#agents'), 'JOINED')
    await late.ask({ type: 'DELETE_CHANNEL', channel: '#room' }, 'OK')
    const held = async () =>
      (await heldNow(relay)).filter(({ kind, holder }) => kind === 'memberships' && holder !== '*').map(({ holder, n }) => [holder, n])
    await expect.poll(held).toEqual([['127.0.0.1', 1], [key.id, 1]])
  })

  test('invitations, until they are used or taken back', async () => {
    await using relay = await startTestRelay({ maxInvitationsPerAgent: 2, maxInvitationsPerAddress: 3 })
    await using ann = await relay.login('ann', { key: newKey() })
    await using bob = await relay.login('bob', { key: newKey() })
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#a', invite_only: true }, 'JOINED')
    await bob.ask({ type: 'CREATE_CHANNEL', channel: '#b', invite_only: true }, 'JOINED')
    const invite = (channel: string, agent: string): Ask => ({ type: 'INVITE', channel, agent })
    await ann.ask(invite('#a', bob.id), 'OK')
    await ann.ask(invite('#a', '@nobody1'), 'OK')
    expect((await ann.refusal(invite('#a', '@nobody2'))).message).toContain('You hold 2 open invitations')
    await ann.ask(invite('#a', '@nobody1'), 'OK')
    await bob.ask(invite('#b', ann.id), 'OK')
    expect((await bob.refusal(invite('#b', '@nobody2'))).message).toContain('The agents of your address hold 3 open invitations')
    await bob.ask({ type: 'JOIN', channel: '#a' }, 'JOINED')
    await bob.ask(invite('#b', '@nobody2'), 'OK')
    await ann.ask({ type: 'UNINVITE', channel: '#a', agent: '@nobody1' }, 'OK')
    await ann.ask(invite('#a', '@nobody3'), 'OK')
  })

  test('messages that wait in an inbox, until they are received; no address is kept behind that', async () => {
    await using relay = await startTestRelay({ maxInboxPerSender: 2, maxInboxPerAddress: 3 })
    const key = newKey()
    await (await relay.login('bob', { key })).close()
    await using ann = await relay.login('ann')
    await using eve = await relay.login('eve')
    await using far = await relay.login('far', { from: elsewhere })
    const say = { type: 'MSG', to: key.id, content: 'hi' }
    await ann.ask(say, 'ACK')
    await ann.ask(say, 'ACK')
    expect((await ann.refusal(say)).message).toContain('(maxInboxPerSender)')
    await eve.ask(say, 'ACK')
    expect((await eve.refusal(say)).message)
      .toContain('The agents of your address hold 3 unreceived messages in this inbox, as many as they may (maxInboxPerAddress)')
    await far.ask(say, 'ACK')
    const addresses = async () =>
      (await relay.store.read.tables<{ inbox: { agent: string, seq: number, address: string } }>().selectFrom('inbox').select('address')
        .where('agent', '=', key.id).orderBy('seq').execute()).map(({ address }) => address)
    expect(await addresses()).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1', elsewhere])
    await using bob = await relay.login('bob', { key, inbox: 'manual' })
    await bob.ask({ type: 'RECEIVED', seq: 4 }, 'OK')
    expect(await addresses()).toEqual(['', '', '', ''])
    await eve.ask(say, 'ACK')
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
  const counts = async () =>
    (await heldNow(relay)).filter(({ kind, holder }) => holder === '*' && kind !== 'agents').map(({ kind, n }) => [kind, n])
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

test('where there is little room for agents, those go that did nothing and were away for long, and nobody else', async () => {
  await using relay = await startTestRelay({ maxAgents: 6, skillsAgeMs: 60_000, adminKey, pingTimeoutMs: 1e12 })
  await using bob = await relay.login('bob', { key: newKey() })
  const came = async (name: string, does: (wire: Wire) => unknown = () => undefined) => {
    const key = newKey()
    await using wire = await relay.login(name, { key })
    await does(wire)
    return key
  }
  const spoke = await came('spoke', wire => wire.ask({ type: 'MSG', to: '#general', content: 'hi' }, 'ACK'))
  const written = await came('written')
  await bob.ask({ type: 'MSG', to: written.id, content: 'hi' }, 'ACK')
  const verified = await came('verified',
    wire => wire.ask({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: wire.id, verified: true }, 'ADMIN_RESULT'))
  const rich = await came('rich',
    wire =>
      wire.ask({ type: 'ADMIN_CREDIT', admin_key: adminKey, agent_id: wire.id, currency: 'USD', amount_minor: 100, note: 'hi' },
        'ADMIN_RESULT'))
  const idle = await came('idle')
  expect(await refusedLogin(relay, newKey())).toContain('This relay holds 6 agents with a key')
  relay.clock.advance(120_000)
  const isKnown = async (key: Key) => (await bob.answer({ type: 'WHOIS', agent: key.id })).type === 'WHOIS'
  while (await isKnown(idle)) await bob.barrier()
  for (const key of [spoke, written, verified, rich]) expect(await isKnown(key)).toBe(true)
  await (await relay.login('late', { key: newKey() })).close()
})

test('where there is little room for memberships, those in public channels of agents that were away for long end', async () => {
  await using relay = await startTestRelay({ maxMemberships: 3, skillsAgeMs: 60_000 })
  const key = newKey()
  {
    await using ann = await relay.login('ann', { key })
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await ann.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#own', invite_only: true }, 'JOINED')
  }
  await using bob = await relay.login('bob', { key: newKey() })
  expect((await bob.refusal({ type: 'JOIN', channel: '#general' })).message).toContain('This relay holds 3 lasting memberships')
  relay.clock.advance(120_000)
  while ((await bob.answer({ type: 'JOIN', channel: '#general' })).type !== 'JOINED') await bob.barrier()
  await using ann = await relay.login('ann', { key })
  await ann.ask({ type: 'MEMBERS', channel: '#own' }, 'MEMBERS')
})
