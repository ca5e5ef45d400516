// Skills, profiles and presence over the wire: who may say what, what is found, and who is told.
import { describe, expect, test } from 'vitest'
import {
  agentDocumentProblem,
  oldSkillsTexts,
  profileText,
  skillsText,
  verifyProfile,
  verifySkills,
  type AgentDocument,
} from '../lib/identity/index.ts'
import type { Profile, Skill, SkillQuery } from '../lib/protocol/index.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const nonceOf = (n: number) => n.toString(16).padStart(32, '0')

const registration = (relay: TestRelay, key: Key, skills: readonly Skill[], ts = relay.clock.now()) => {
  const stamp = { by: key.id, relay: relay.serverId, ts, nonce: nonceOf(1) }
  return { type: 'REGISTER_SKILLS', skills, sig: signWith(key, skillsText(skills, stamp)), sig_v: 2, sig_ts: ts, nonce: stamp.nonce }
}

const setProfile = (relay: TestRelay, key: Key, profile: Profile, ts = relay.clock.now()) => {
  const stamp = { by: key.id, relay: relay.serverId, ts, nonce: nonceOf(2) }
  return { type: 'SET_PROFILE', profile, sig: signWith(key, profileText(profile, stamp)), sig_v: 2, sig_ts: ts, nonce: stamp.nonce }
}

const search = (wire: Wire, query: Partial<SkillQuery> = {}) => wire.ask({ type: 'SEARCH_SKILLS', query, query_id: 'q' }, 'SEARCH_RESULTS')
const found = async (wire: Wire, query: Partial<SkillQuery>) => (await search(wire, query)).results.map(result => result.capability)

const review: Skill = { capability: 'Code-Review', description: 'Reads TypeScript carefully', rate: 5, currency: 'TEST', sla: { hours: 4 } }

describe('registering skills', () => {
  test('both older texts and the new one are accepted; the answer says which', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    for (const text of oldSkillsTexts([review])) {
      expect(await alice.ask({ type: 'REGISTER_SKILLS', skills: [review], sig: signWith(key, text) }, 'SKILLS_REGISTERED')).toMatchObject({
        agent_id: key.id,
        skills_count: 1,
        sig_v: 1,
      })
    }
    expect(await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')).toMatchObject({ sig_v: 2 })
  })

  test("the spelling that was signed is kept: key order and fields of one's own", async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    const skills = [{ zebra: 1, rate: 2, '10': null, capability: 'x', description: null }]
    await alice.ask({ type: 'REGISTER_SKILLS', skills, sig: signWith(key, oldSkillsTexts(skills)[0]!) }, 'SKILLS_REGISTERED')
    const { skills: kept, skills_proof: proof } = await alice.ask({ type: 'PROFILE', agent: key.id }, 'PROFILE')
    expect(JSON.stringify(kept)).toBe(JSON.stringify(skills))
    expect(verifySkills(kept, proof!, { pubkey: key.pem, relay: relay.serverId })).toBe(true)
  })

  test('a signature is good for its signer, its relay, its list and its time, once', async () => {
    await using relay = await startTestRelay()
    await using elsewhere = await startTestRelay()
    const [key, other] = [newKey(), newKey()]
    await using alice = await relay.login('alice', { key })
    await using bob = await relay.login('bob')
    const good = registration(relay, key, [review])
    const refusals: readonly (readonly [string, object])[] = [
      ['VERIFICATION_FAILED', registration(relay, other, [review])],
      ['VERIFICATION_FAILED', registration(elsewhere, key, [review])],
      ['VERIFICATION_FAILED', { ...good, skills: [{ ...review, rate: 6 }] }],
      ['VERIFICATION_FAILED', { ...good, sig_ts: good.sig_ts + 1 }],
      ['VERIFICATION_FAILED', { ...good, nonce: nonceOf(9) }],
      ['VERIFICATION_FAILED', { ...good, sig_v: undefined }],
      ['VERIFICATION_EXPIRED', registration(relay, key, [review], relay.clock.now() - 10 * 60_000)],
      ['INVALID_MSG', { ...good, nonce: undefined }],
    ]
    for (const [code, frame] of refusals) expect([code, (await alice.refusal(frame as never)).code]).toEqual([code, code])
    expect((await bob.refusal(good)).code).toBe('SIGNATURE_REQUIRED')
    await alice.ask(good, 'SKILLS_REGISTERED')
    expect((await alice.refusal(good)).code).toBe('VERIFICATION_EXPIRED')
    await using stranger = await relay.connect()
    expect((await stranger.refusal(good)).code).toBe('AUTH_REQUIRED')
  })

  test('what is too large, too deep or no skill is refused, and the former list stays', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')
    let deep: unknown = 1
    for (let i = 0; i < 20_000; i++) deep = [deep]
    const bad: readonly unknown[] = [
      [null],
      [{}],
      [{ capability: 5 }],
      [{ capability: '' }],
      [{ capability: 'x', rate: 'free' }],
      [{ capability: 'x', rate: -1 }],
      'x',
      { length: 1 },
      [{ capability: 'x', blob: 'y'.repeat(20_000) }],
      Array.from({ length: 51 }, () => review),
    ]
    for (const skills of bad) expect((await alice.refusal({ type: 'REGISTER_SKILLS', skills, sig: 'x' })).code).toBe('INVALID_MSG')
    // As deep as a frame that is looked over only once it is parsed can be; what is larger is refused before.
    alice.send(
      `{"type":"REGISTER_SKILLS","id":"deep","sig":"x","skills":[{"capability":"x","deep":${'['.repeat(7_000)}${']'.repeat(7_000)}}]}`,
    )
    expect(await alice.next('ERROR')).toMatchObject({ re: 'deep', code: 'INVALID_MSG' })
    for (const query of [{ capability: 5 }, { limit: 0 }, { max_rate: 'x' }, { language: '%' }, null])
      expect((await alice.refusal({ type: 'SEARCH_SKILLS', query })).code).toBe('INVALID_MSG')
    expect(await found(alice, {})).toEqual(['Code-Review'])
  })

  test('a new list replaces the former one, an empty one withdraws it; news is told in #discovery once', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    await using bob = await relay.login('bob')
    await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')
    expect(await bob.next('MSG')).toMatchObject({
      from: '@server',
      to: '#discovery',
      content: `Agent ${key.id} registered 1 skill(s): Code-Review`,
    })
    relay.clock.advance(10)
    await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')
    await bob.hearsNothing()
    relay.clock.advance(10)
    await alice.ask(registration(relay, key, [{ capability: 'baking' }]), 'SKILLS_REGISTERED')
    expect(await found(bob, {})).toEqual(['baking'])
    expect(await found(bob, { text: 'typescript' })).toEqual([])
    relay.clock.advance(10)
    await alice.ask(registration(relay, key, []), 'SKILLS_REGISTERED')
    expect(await found(bob, {})).toEqual([])
  })
})

describe('searching', () => {
  /** Three agents: alice here with a profile, bob here without, carol gone. */
  const market = async (relay: TestRelay) => {
    const keys = { alice: newKey(), bob: newKey(), carol: newKey() }
    const alice = await relay.login('alice', { key: keys.alice })
    await alice.ask(
      registration(relay, keys.alice, [review, { capability: 'translation', description: 'de-CH to English', rate: 50, currency: 'test' }]),
      'SKILLS_REGISTERED',
    )
    await alice.ask(
      setProfile(relay, keys.alice, { description: 'Gardener of codebases', languages: ['en-GB', 'de'], availability: 'limited' }),
      'PROFILE',
    )
    const bob = await relay.login('bob', { key: keys.bob })
    await bob.ask(registration(relay, keys.bob, [{ capability: 'reviewing "quotes" & 100%', tags: ['prose'] }]), 'SKILLS_REGISTERED')
    const carol = await relay.login('carol', { key: keys.carol })
    await carol.ask(registration(relay, keys.carol, [{ capability: 'go', rate: 1, currency: 'USD' }]), 'SKILLS_REGISTERED')
    await carol.close()
    return { keys, alice, bob }
  }

  test('by part of the capability, words, rate, currency, language, availability and presence', async () => {
    await using relay = await startTestRelay()
    const { alice, bob } = await market(relay)
    await using seeker = await relay.login('seeker')
    const cases: readonly (readonly [Partial<SkillQuery>, readonly string[]])[] = [
      [{ capability: 'REVIEW' }, ['Code-Review', 'reviewing "quotes" & 100%']],
      [{ capability: '"quotes" & 1' }, ['reviewing "quotes" & 100%']],
      [{ capability: '%' }, ['reviewing "quotes" & 100%']],
      [{ capability: 'go' }, ['go']],
      [{ capability: 'de-re' }, ['Code-Review']],
      [{ text: 'typesc' }, ['Code-Review']],
      [{ text: 'typescript prose' }, []],
      [{ text: 'gardener TRANSL' }, ['translation']],
      [{ text: '"prose" OR NEAR(' }, []],
      [{ text: 'alice', capability: 'trans' }, ['translation']],
      [{ max_rate: 5 }, ['Code-Review', 'go', 'reviewing "quotes" & 100%']],
      [{ currency: 'TEST' }, ['Code-Review', 'reviewing "quotes" & 100%', 'translation']],
      [{ language: 'EN' }, ['Code-Review', 'translation']],
      [{ language: 'en-gb', capability: 'trans' }, ['translation']],
      [{ language: 'fr' }, []],
      [{ availability: 'limited' }, ['Code-Review', 'translation']],
      [{ online: true }, ['Code-Review', 'reviewing "quotes" & 100%', 'translation']],
      [{ online: false }, ['go']],
    ]
    for (const [query, expected] of cases) expect([query, (await found(seeker, query)).sort()]).toEqual([query, [...expected].sort()])
    expect(await found(seeker, { sort: 'rate' })).toEqual(['go', 'Code-Review', 'translation', 'reviewing "quotes" & 100%'])
    for (const wire of [alice, bob]) await wire.close()
  })

  test('pages, totals and facets', async () => {
    await using relay = await startTestRelay()
    const { keys, alice, bob } = await market(relay)
    await using seeker = await relay.login('seeker')
    const first = await search(seeker, { limit: 3, sort: 'newest', facets: true })
    const second = await search(seeker, { limit: 3, offset: 3, sort: 'newest' })
    expect([first.total, first.results.length, second.total, second.results.length]).toEqual([4, 3, 4, 1])
    expect(new Set([...first.results, ...second.results].map(result => result.capability)).size).toBe(4)
    expect(first.facets).toEqual({
      currency: { TEST: 2, USD: 1 },
      language: { 'en-gb': 2, de: 2 },
      availability: { limited: 2 },
      presence: { online: 3, offline: 1 },
    })
    const gone = first.results.concat(second.results).find(result => result.capability === 'go')!
    expect(gone).toMatchObject({
      agent_id: keys.carol.id,
      agent_name: 'carol',
      online: false,
      presence: 'offline',
      last_seen: expect.any(Number) as number,
    })
    for (const wire of [alice, bob]) await wire.close()
  })

  test('what the relay says of an agent cannot be written by its skill', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    await alice.ask(
      registration(relay, key, [{
        capability: 'x',
        agent_id: '@someone',
        agent_rating: 9_999,
        verified: true,
        online: false,
        presence: 'busy',
        registered_at: 1,
      }]),
      'SKILLS_REGISTERED',
    )
    expect((await search(alice)).results[0]).toMatchObject({
      agent_id: key.id,
      agent_rating: 1_200,
      verified: false,
      online: true,
      presence: 'online',
    })
  })

  test('agents not seen for long are not found until they come back; revoked and banned ones never', async () => {
    await using relay = await startTestRelay({ skillsAgeMs: 60_000, adminKey: 'secret-secret' })
    const { keys, alice, bob } = await market(relay)
    await using seeker = await relay.login('seeker')
    relay.clock.advance(120_000)
    await expect.poll(() => found(seeker, { capability: 'go' }), { timeout: 10_000 }).toEqual([])
    const carol = await relay.login('carol', { key: keys.carol })
    await expect.poll(() => found(seeker, { capability: 'go' }), { timeout: 10_000 }).toEqual(['go'])
    await seeker.ask({ type: 'ADMIN_BAN', admin_key: 'secret-secret', agent_id: keys.carol.id }, 'ADMIN_RESULT')
    expect(await found(seeker, { capability: 'go' })).toEqual([])
    for (const wire of [alice, bob, carol]) await wire.close()
  }, 30_000)
})

describe('profiles', () => {
  test('an agent sets, changes and takes back its profile, by its own signature', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    await using bob = await relay.login('bob')
    const profile = { description: 'Hi', links: [{ url: 'https://example.org/', note: 'kept' }], motto: { any: ['thing'] } }
    await alice.ask(setProfile(relay, key, profile), 'PROFILE')
    const read = await bob.ask({ type: 'PROFILE', agent: key.id }, 'PROFILE')
    expect(read.profile).toEqual(profile)
    expect(verifyProfile(read.profile!, read.profile_proof!, { pubkey: key.pem, relay: relay.serverId })).toBe(true)
    expect((await alice.refusal(setProfile(relay, key, { description: 'old' }, relay.clock.now() - 60_000))).code).toBe(
      'VERIFICATION_EXPIRED',
    )
    expect((await alice.refusal(setProfile(relay, newKey(), profile))).code).toBe('VERIFICATION_FAILED')
    expect((await bob.refusal(setProfile(relay, key, profile))).code).toBe('SIGNATURE_REQUIRED')
    expect((await bob.refusal({ type: 'PROFILE', agent: bob.id })).code).toBe('AGENT_NOT_FOUND')
    const wrong: readonly object[] = [
      { links: [{ url: 'javascript:alert(1)' }] },
      { languages: ['not a language'] },
      { availability: 'maybe' },
      { description: 'x'.repeat(2_001) },
      { blob: 'x'.repeat(20_000) },
    ]
    for (const bad of wrong) expect((await alice.refusal(setProfile(relay, key, bad as Profile))).code).toBe('INVALID_MSG')
    relay.clock.advance(1_000)
    await alice.ask(setProfile(relay, key, {}), 'PROFILE')
    expect((await bob.ask({ type: 'PROFILE', agent: key.id }, 'PROFILE')).profile).toBe(null)
  })

  test("the page at /agents/ID is signed by the relay, and holds the agent's own signatures", async () => {
    await using relay = await startTestRelay({ name: 'here' })
    const key = newKey()
    await using alice = await relay.login('alice', { key })
    const get = (path: string) => fetch(`${relay.httpUrl}${path}`)
    expect((await get(`/agents/${key.id}`)).status).toBe(404)
    await alice.ask(setProfile(relay, key, { description: 'Hi' }), 'PROFILE')
    await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')
    const response = await get(`/agents/${encodeURIComponent(key.id)}`)
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'application/json',
      'public, max-age=30',
    ])
    const document = await response.json() as AgentDocument
    expect(document).toMatchObject({
      agent_id: key.id,
      name: 'alice',
      presence: 'online',
      profile: { description: 'Hi' },
      skills: [review],
      relay: { name: 'here', server_id: relay.serverId },
    })
    const now = relay.clock.now()
    expect(agentDocumentProblem(document, { now, serverId: relay.serverId })).toBeUndefined()
    expect(await (await get(`/agents/${key.id.slice(1)}`)).json()).toMatchObject({ agent_id: key.id })
    // Each part is under a signature.
    expect(agentDocumentProblem({ ...document, name: 'mallory' }, { now })).toBe('the relay did not sign it')
    expect(agentDocumentProblem(document, { now: now + 2 * 60 * 60_000 })).toBe('expired')
    expect(agentDocumentProblem(document, { now, serverId: 'f'.repeat(64) })).toBe('signed by another relay')
    expect(agentDocumentProblem(JSON.parse('{"relay":5}') as AgentDocument, { now })).toBe('not an agent document of this format')
    for (const path of ['/agents/', '/agents/@nobody', '/agents/%zz', `/agents/${key.id}/x`, `/agents/@${'0'.repeat(16)}`])
      expect([path, (await get(path)).status]).toEqual([path, 404])
    expect((await fetch(`${relay.httpUrl}/agents/${key.id}`, { method: 'POST' })).status).toBe(405)
  })
})

test('ERASE takes back skills and profile too', async () => {
  await using relay = await startTestRelay()
  const key = newKey()
  await using alice = await relay.login('alice', { key })
  await alice.ask(registration(relay, key, [review]), 'SKILLS_REGISTERED')
  await alice.ask(setProfile(relay, key, { description: 'Hi' }), 'PROFILE')
  await alice.ask({ type: 'ERASE' }, 'ERASED')
  expect(await found(alice, { text: 'typescript' })).toEqual([])
  expect(await alice.ask({ type: 'PROFILE', agent: key.id }, 'PROFILE')).toMatchObject({ profile: null, skills: [] })
  expect((await fetch(`${relay.httpUrl}/agents/${key.id}`)).status).toBe(404)
})

describe('presence', () => {
  test('a watcher is told of coming, changing and going, once each, with no channel shared', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using seeker = await relay.login('seeker')
    expect(await seeker.ask({ type: 'WATCH', agents: [key.id, key.id] }, 'WATCHING')).toMatchObject({
      count: 1,
      list: [{ agent_id: key.id, name: null, presence: 'offline', last_seen: null }],
    })
    const alice = await relay.login('alice', { key, autojoin: false })
    expect(await seeker.next()).toMatchObject({ type: 'PRESENCE_CHANGED', agent_id: key.id, name: 'alice', presence: 'online' })
    const second = await relay.login('alice', { key, autojoin: false, session: 'two' })
    await alice.ask({ type: 'SET_PRESENCE', status: 'away', status_text: 'lunch' }, 'OK')
    expect(await seeker.next()).toMatchObject({ type: 'PRESENCE_CHANGED', presence: 'away', status_text: 'lunch' })
    await alice.close()
    await seeker.hearsNothing()
    await second.close()
    expect(await seeker.next()).toMatchObject({ type: 'PRESENCE_CHANGED', presence: 'offline', last_seen: expect.any(Number) as number })
    await seeker.ask({ type: 'UNWATCH' }, 'WATCHING')
    await (await relay.login('alice', { key, autojoin: false })).close()
    await seeker.hearsNothing()
  })

  test('a peer that also watches is told once', async () => {
    await using relay = await startTestRelay()
    await using alice = await relay.login('alice')
    await using bob = await relay.login('bob')
    await bob.ask({ type: 'WATCH', agents: [alice.id] }, 'WATCHING')
    await alice.ask({ type: 'SET_PRESENCE', status: 'busy' }, 'OK')
    expect(await bob.next()).toMatchObject({ type: 'PRESENCE_CHANGED', presence: 'busy' })
    await bob.hearsNothing()
  })

  test('a session watches a bounded number of agents', async () => {
    await using relay = await startTestRelay()
    await using bob = await relay.login('bob')
    const ids = Array.from({ length: 200 }, (_, i) => `@agent${i}`)
    expect((await bob.ask({ type: 'WATCH', agents: ids }, 'WATCHING')).count).toBe(200)
    expect((await bob.refusal({ type: 'WATCH', agents: ['@onemore'] })).code).toBe('LIMIT_REACHED')
    expect((await bob.ask({ type: 'UNWATCH', agents: ids.slice(0, 150) }, 'WATCHING')).count).toBe(50)
    expect((await bob.ask({ type: 'WATCH', agents: ['@onemore'] }, 'WATCHING')).count).toBe(51)
  })

  test('who says it is offline is told as gone, and stays so', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    const alice = await relay.login('alice', { key })
    await using bob = await relay.login('bob')
    await bob.ask({ type: 'WATCH', agents: [key.id] }, 'WATCHING')
    await alice.ask({ type: 'SET_PRESENCE', status: 'offline' }, 'OK')
    const { last_seen: hidAt } = await bob.next('PRESENCE_CHANGED')
    relay.clock.advance(30_000)
    await alice.barrier()
    expect(await bob.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).toMatchObject({ presence: 'offline', last_seen: hidAt })
    await alice.close()
    await bob.hearsNothing()
  })

  test('silence ends presence: a peer whose network is gone is told as offline, with the time it was heard last', async () => {
    await using relay = await startTestRelay({ pingIntervalMs: 1_000, pingTimeoutMs: 70_000 })
    const key = newKey()
    await using bob = await relay.login('bob')
    await using alice = await relay.login('alice', { key })
    await bob.ask({ type: 'WATCH', agents: [key.id] }, 'WATCHING')
    // It reads nothing any more, so that no ping is answered: a cable that was pulled.
    alice.pause()
    const heardAt = relay.clock.now()
    relay.clock.advance(69_000)
    await bob.barrier()
    relay.clock.advance(2_000)
    const told = await bob.next('PRESENCE_CHANGED')
    expect(told).toMatchObject({ agent_id: key.id, presence: 'offline' })
    expect(told.last_seen).toBeLessThan(heardAt + 60_000)
    expect((await bob.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).presence).toBe('offline')
  }, 20_000)
})
