// The client's side of skills, profiles and presence: what it signs, what it believes, and that it goes on watching.
import { describe, expect, test } from 'vitest'
import { AgentChatClient, ProtocolError, type ClientOptions } from '../lib/index.ts'
import { generateKeyPair, identityFrom, type LocalIdentity } from '../lib/identity/index.ts'
import { proofsOf, signedSkills } from '../lib/client/people.ts'
import { wsTransport } from '../lib/node/index.ts'
import type { Transport } from '../lib/client/transport.ts'
import type { Frame, RequestInput } from '../lib/protocol/index.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const newIdentity = (name: string): LocalIdentity => identityFrom(generateKeyPair().privateKey, { name })

const clientOf = async (relay: TestRelay, options: Partial<ClientOptions> = {}): Promise<AgentChatClient & AsyncDisposable> => {
  const client = new AgentChatClient({
    server: relay.url,
    transport: wsTransport,
    name: 'agent',
    reconnect: { minMs: 5, maxMs: 20 },
    ...options,
  })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

describe('skills and profiles', () => {
  test("what is registered is found, and proved to be the agent's", async () => {
    await using relay = await startTestRelay()
    await using alice = await clientOf(relay, { identity: newIdentity('alice') })
    await using bob = await clientOf(relay)
    expect(await alice.people.registerSkills([{ capability: 'code-review', rate: 5, notes: undefined }])).toMatchObject({
      skillsCount: 1,
      sigV: 2,
    })
    expect(await alice.people.setProfile({ description: 'Hi', languages: ['en'] })).toMatchObject({
      signatures: { profile: 'valid', skills: 'valid' },
    })
    const { results, total } = await bob.people.searchSkills({ capability: 'review', language: 'en' })
    expect([total, results[0]]).toEqual([1, expect.objectContaining({ agentId: alice.agentId, rate: 5 })])
    expect(await bob.people.profile(alice.agentId!)).toMatchObject({
      profile: { description: 'Hi' },
      signatures: { profile: 'valid', skills: 'valid' },
    })
    await expect(bob.people.registerSkills([])).rejects.toThrow(ProtocolError)
    await expect(bob.people.profile('@0123456789abcdef')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
  })

  test('what a relay made up is told apart, and the older form of a signature too', () => {
    const [me, other] = [newIdentity('me'), newIdentity('other')]
    const relay = 'a'.repeat(64)
    const skills = [{ capability: 'x' }]
    const frameOf = (identity: LocalIdentity, from: LocalIdentity, signing: { relay: string | undefined }): Frame<'PROFILE'> => {
      const { sig, sig_v = 1, sig_ts, nonce } = signedSkills(skills, { identity: from, ...signing, now: 5 }) as RequestInput<
        'REGISTER_SKILLS'
      >
      return {
        type: 'PROFILE',
        ts: 1,
        agent_id: identity.agentId,
        name: 'me',
        pubkey: identity.publicKey,
        verified: false,
        presence: 'online',
        status_text: null,
        last_seen: null,
        profile: null,
        skills,
        skills_proof: { sig, sig_v, ...(sig_ts !== undefined && { sig_ts }), ...(nonce !== undefined && { nonce }) },
      }
    }
    const stateOf = (frame: Frame<'PROFILE'>) => proofsOf(frame, relay).skills
    expect(stateOf(frameOf(me, me, { relay }))).toBe('valid')
    expect(stateOf(frameOf(me, me, { relay: undefined }))).toBe('weak')
    expect(stateOf(frameOf(me, other, { relay }))).toBe('invalid')
    expect(stateOf(frameOf(me, me, { relay: 'b'.repeat(64) }))).toBe('invalid')
    expect(stateOf({ ...frameOf(me, me, { relay }), agent_id: other.agentId })).toBe('invalid')
    expect(stateOf({ ...frameOf(me, me, { relay }), skills: [{ capability: 'y' }] })).toBe('invalid')
    expect(stateOf({ ...frameOf(me, me, { relay }), skills: [] })).toBe('none')
  })
})

describe('watching', () => {
  test('goes on after a lost connection, with how agents stand then', async () => {
    await using relay = await startTestRelay()
    const identity = newIdentity('alice')
    let cut = () => undefined as void
    const transport: Transport = (url, handlers) => {
      const socket = wsTransport(url, handlers)
      cut = () => socket.close(4_000, 'cut')
      return socket
    }
    await using bob = await clientOf(relay, { transport })
    expect(await bob.people.watch([identity.agentId])).toMatchObject([{ agentId: identity.agentId, presence: 'offline', name: null }])
    const next = () =>
      new Promise<string>(resolve => {
        const stops = [
          bob.on('PRESENCE_CHANGED', ({ presence }) => done(presence)),
          bob.on('WATCHING', ({ list }) => done(`again ${list[0]?.presence}`)),
        ]
        const done = (told: string) => {
          for (const stop of stops) stop()
          resolve(told)
        }
      })
    const came = next()
    const alice = await clientOf(relay, { identity })
    expect(await came).toBe('online')
    const busy = next()
    await alice.people.setPresence('busy', 'reviewing')
    expect(await busy).toBe('busy')
    const again = next()
    cut()
    expect(await again).toBe('again busy')
    const went = next()
    await alice.close()
    expect(await went).toBe('offline')
    await bob.people.unwatch()
    expect((await bob.request('WATCH', { agents: ['@someone'] })).count).toBe(1)
  })
})
