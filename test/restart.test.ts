// What survives the relay's process: everything that was acknowledged, and every standing.
import { describe, expect, test } from 'vitest'
import { revocationText, rotationText } from '../lib/identity/index.ts'
import type { Config } from '../src/app.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

const adminKey = "the operator's"

/** Runs one life of a relay after another on the same data. */
const lives = async (
  run: (live: (life: (relay: TestRelay) => Promise<void>) => Promise<void>) => Promise<void>,
  config: Partial<Config> = {},
): Promise<void> => {
  using data = newFolder()
  await run(async life => {
    await using relay = await startTestRelay({ data: data.path, adminKey, ...config })
    await life(relay)
  })
}

const admin = async (relay: TestRelay, request: { readonly type: string, readonly [field: string]: unknown }): Promise<void> => {
  await using operator = await relay.connect()
  await operator.ask({ admin_key: adminKey, ...request }, 'ADMIN_RESULT')
}

/** How a login with this key is turned down. */
const refusedLogin = async (relay: TestRelay, { pem, privateKey }: Key): Promise<string> => {
  await using wire = await relay.connect()
  wire.send({ type: 'IDENTIFY', name: 'returning', pubkey: pem })
  const answer = await wire.next()
  if (answer.type === 'ERROR') return answer.code
  if (answer.type !== 'CHALLENGE') throw new Error(`not a challenge: ${answer.type}`)
  const timestamp = Date.now()
  const { challenge_id, nonce } = answer
  return (await wire.refusal({
    type: 'VERIFY_IDENTITY',
    challenge_id,
    timestamp,
    signature: signWith({ privateKey }, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`),
  })).code
}

describe('the relay', () => {
  test('keeps its identity and the epoch of its log; another data directory has others', async () => {
    const seen: { readonly serverId: string, readonly epoch: string }[] = []
    const look = async (relay: TestRelay) => {
      await using wire = await relay.connect()
      const { server_id, epoch } = await wire.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME')
      expect(server_id).toBe(relay.serverId)
      seen.push({ serverId: relay.serverId, epoch })
    }
    await lives(async live => {
      await live(look)
      await live(look)
    })
    await lives(live => live(look))
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]!.serverId).not.toBe(seen[0]!.serverId)
    expect(seen[2]!.epoch).not.toBe(seen[0]!.epoch)
  })

  test('keeps its message of the day', () =>
    lives(async live => {
      await live(relay => admin(relay, { type: 'ADMIN_MOTD', motd: 'be kind' }))
      await live(async relay => {
        await using wire = await relay.connect()
        expect(await wire.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME')).toMatchObject({ motd: 'be kind' })
      })
    }))

  test('gives an ephemeral agent its id back', () =>
    lives(async live => {
      let id = ''
      let resume: string | undefined
      await live(async relay => {
        await using wire = await relay.connect()
        ;({ agent_id: id, resume } = await wire.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME'))
      })
      await live(async relay => {
        await using thief = await relay.login('thief', { resume: `${id}.${'A'.repeat(43)}` })
        expect(thief.id).not.toBe(id)
        await using wire = await relay.login('ann', { resume })
        expect(wire.id).toBe(id)
      })
    }))
})

describe('channels', () => {
  test('with topics, privacy, memberships and invitations', () =>
    lives(async live => {
      const [ann, bob, eve] = [newKey(), newKey(), newKey()]
      await live(async relay => {
        await using owner = await relay.login('ann', { key: ann })
        await owner.ask({ type: 'CREATE_CHANNEL', channel: '#lab', topic: 'first', description: 'where we try things' }, 'JOINED')
        await owner.ask({ type: 'SET_TOPIC', channel: '#lab', topic: 'second' }, 'TOPIC_CHANGED')
        await owner.ask({ type: 'CREATE_CHANNEL', channel: '#den', invite_only: true }, 'JOINED')
        await owner.ask({ type: 'INVITE', channel: '#den', agent: bob.id }, 'OK')
        await owner.ask({ type: 'MSG', to: '#den', content: 'kept' }, 'ACK')
      })
      await live(async relay => {
        await using stranger = await relay.login('eve', { key: eve })
        const { list } = await stranger.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
        expect(list.find(channel => channel.name === '#lab')).toMatchObject({ topic: 'second', description: 'where we try things' })
        expect(list.map(channel => channel.name)).not.toContain('#den')
        expect(await stranger.refusal({ type: 'JOIN', channel: '#den' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
        await using invited = await relay.login('bob', { key: bob })
        await invited.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
        expect(await invited.next('MSG')).toMatchObject({ content: 'kept', seq: 1, replay: true })
      })
      await live(async relay => {
        // The invitation was used up; the membership it gave lasts, also without a JOIN.
        await using member = await relay.login('bob', { key: bob })
        expect((await member.ask({ type: 'HISTORY', channel: '#den' }, 'HISTORY')).events).toMatchObject([{ content: 'kept' }])
        await member.ask({ type: 'MSG', to: '#den', content: 'still a member' }, 'ACK')
        await using owner = await relay.login('ann', { key: ann })
        for (const wire of [owner, member]) await wire.ask({ type: 'LEAVE', channel: '#den' }, 'LEFT')
      })
      await live(async relay => {
        await using former = await relay.login('bob', { key: bob })
        expect(await former.refusal({ type: 'JOIN', channel: '#den' })).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
        // Whose it is comes back without an invitation.
        await using owner = await relay.login('ann', { key: ann })
        await owner.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
      })
    }))

  test('with their messages, numbered on without a gap, and caught up by since', () =>
    lives(async live => {
      const said = async (relay: TestRelay, from: number, to: number) => {
        await using wire = await relay.login('ann')
        for (let seq = from; seq <= to; seq++)
          expect(await wire.ask({ type: 'MSG', to: '#general', content: `line ${seq}` }, 'ACK'))
            .toMatchObject({ seq })
      }
      await live(relay => said(relay, 1, 5))
      await live(async relay => {
        await said(relay, 6, 8)
        await using reader = await relay.login('reader')
        expect(await reader.ask({ type: 'JOIN', channel: '#general', since: 3 }, 'JOINED')).toMatchObject({ seq: 8, recovered: true })
        const events = await reader.take('MSG', 5)
        expect(events.map(({ seq, content }) => [seq, content])).toEqual([4, 5, 6, 7, 8].map(seq => [seq, `line ${seq}`]))
        expect(events.every((event, i) => i === 0 || event.ts > events[i - 1]!.ts)).toBe(true)
      })
    }))

  test('a message sent again under its id is the one that was stored before', () =>
    lives(async live => {
      const key = newKey()
      const message = { type: 'MSG', id: 'once', to: '#general', content: 'only once' }
      let first: { readonly msg_id: string, readonly seq: number } | undefined
      await live(async relay => {
        await using wire = await relay.login('ann', { key })
        first = await wire.ask(message, 'ACK')
      })
      await live(async relay => {
        await using wire = await relay.login('ann', { key })
        expect(await wire.ask(message, 'ACK')).toMatchObject({ msg_id: first!.msg_id, seq: first!.seq, duplicate: true })
        expect(await wire.refusal({ ...message, content: 'another' })).toMatchObject({ code: 'ID_REUSED' })
        expect((await wire.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events).toHaveLength(1)
      })
    }))
})

describe('direct messages', () => {
  test('wait for an agent with a key, until it has received them', () =>
    lives(async live => {
      const bob = newKey()
      await live(async relay => {
        await (await relay.login('bob', { key: bob })).close()
        await using ann = await relay.login('ann')
        for (const content of ['one', 'two', 'three']) await ann.ask({ type: 'MSG', to: bob.id, content }, 'ACK')
      })
      await live(async relay => {
        await using wire = await relay.login('bob', { key: bob, inbox: 'manual' })
        const waiting = await wire.take('MSG', 3)
        expect(waiting.map(({ content, replay }) => [content, replay])).toEqual([['one', true], ['two', true], ['three', true]])
        await wire.ask({ type: 'RECEIVED', msg_id: waiting[1]!.msg_id }, 'OK')
      })
      await live(async relay => {
        await using wire = await relay.login('bob', { key: bob, inbox: 'manual' })
        expect(await wire.next('MSG')).toMatchObject({ content: 'three', replay: true })
        await wire.hearsNothing()
        expect(await wire.ask({ type: 'INBOX' }, 'INBOX')).toMatchObject({
          cursor: 2,
          seq: 3,
          items: [{ seq: 3, event: { content: 'three' } }],
        })
        await wire.ask({ type: 'RECEIVED', seq: 3 }, 'OK')
      })
      await live(async relay => {
        await using wire = await relay.login('bob', { key: bob })
        await wire.hearsNothing()
        expect(await wire.ask({ type: 'INBOX' }, 'INBOX')).toMatchObject({ cursor: 3, items: [] })
      })
    }))

  test('count as received once the client answered the ping after them', () =>
    lives(async live => {
      const bob = newKey()
      await live(async relay => {
        await (await relay.login('bob', { key: bob })).close()
        await using ann = await relay.login('ann')
        await ann.ask({ type: 'MSG', to: bob.id, content: 'hello' }, 'ACK')
      })
      await live(async relay => {
        await using wire = await relay.login('bob', { key: bob })
        await wire.next('MSG')
        await expect.poll(async () => (await wire.ask({ type: 'INBOX' }, 'INBOX')).cursor, { timeout: 5_000 }).toBe(1)
      })
      await live(async relay => {
        await using wire = await relay.login('bob', { key: bob })
        await wire.hearsNothing()
      })
    }))
})

describe('standing', () => {
  test('bans', () =>
    lives(async live => {
      const eve = newKey()
      await live(async relay => {
        await using wire = await relay.login('eve', { key: eve })
        await admin(relay, { type: 'ADMIN_BAN', agent_id: eve.id, reason: 'spam' })
        expect(await wire.closed()).toMatchObject({ code: 4502 })
      })
      await live(async relay => {
        expect(await refusedLogin(relay, eve)).toBe('BANNED')
        await admin(relay, { type: 'ADMIN_UNBAN', agent_id: eve.id })
      })
      await live(async relay => {
        await (await relay.login('eve', { key: eve })).close()
      })
    }))

  test('the allowlist', () =>
    lives(async live => {
      const [ann, eve] = [newKey(), newKey()]
      await live(relay => admin(relay, { type: 'ADMIN_APPROVE', pubkey: ann.pem, note: 'founder' }))
      await live(async relay => {
        await (await relay.login('ann', { key: ann })).close()
        expect(await refusedLogin(relay, eve)).toBe('NOT_ALLOWED')
        await admin(relay, { type: 'ADMIN_REVOKE', agent_id: ann.id })
      })
      await live(async relay => expect(await refusedLogin(relay, ann)).toBe('NOT_ALLOWED'))
    }, { allowlist: true, allowlistStrict: true }))

  test('verification', () =>
    lives(async live => {
      const ann = newKey()
      await live(async relay => {
        await using wire = await relay.login('ann', { key: ann })
        expect(await wire.refusal({ type: 'JOIN', channel: '#ops' })).toMatchObject({ code: 'AUTH_REQUIRED' })
        await admin(relay, { type: 'ADMIN_VERIFY', agent_id: ann.id, verified: true })
      })
      await live(async relay => {
        await using wire = await relay.login('ann', { key: ann })
        await wire.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
      })
    }))

  test('moves with a rotated key, with what waited for it; the old key is shut', () =>
    lives(async live => {
      const [old, fresh] = [newKey(), newKey()]
      await live(async relay => {
        await using wire = await relay.login('ann', { key: old })
        await wire.ask({ type: 'CREATE_CHANNEL', channel: '#den', invite_only: true }, 'JOINED')
        await admin(relay, { type: 'ADMIN_VERIFY', agent_id: old.id, verified: true })
        await wire.close()
        await using bob = await relay.login('bob')
        await bob.ask({ type: 'MSG', to: old.id, content: 'for the old key' }, 'ACK')
      })
      await live(async relay => {
        await using wire = await relay.login('ann', { key: fresh })
        const record = { old_pubkey: old.pem, new_pubkey: fresh.pem, timestamp: new Date().toISOString() }
        expect(await wire.refusal({ type: 'ROTATION', ...record, signature: signWith(fresh, rotationText(record)) })).toMatchObject({
          code: 'VERIFICATION_FAILED',
        })
        await wire.ask({ type: 'ROTATION', ...record, signature: signWith(old, rotationText(record)) }, 'OK')
      })
      await live(async relay => {
        expect(await refusedLogin(relay, old)).toBe('NOT_ALLOWED')
        await using wire = await relay.login('ann', { key: fresh })
        expect(await wire.next('MSG')).toMatchObject({ content: 'for the old key' })
        await wire.ask({ type: 'JOIN', channel: '#den' }, 'JOINED')
        await wire.ask({ type: 'JOIN', channel: '#ops' }, 'JOINED')
        await using bob = await relay.login('bob')
        expect(await bob.ask({ type: 'WHOIS', agent: old.id }, 'WHOIS')).toMatchObject({ rotated_to: fresh.id })
      })
    }))

  test('ends with a revoked key', () =>
    lives(async live => {
      const lost = newKey()
      await live(async relay => {
        await using wire = await relay.login('ann', { key: lost })
        const notice = {
          type: 'REVOCATION' as const,
          pubkey: lost.pem,
          agent_id: lost.id.slice(1),
          reason: 'laptop lost',
          timestamp: new Date().toISOString(),
        }
        await using thief = await relay.connect()
        thief.send({ type: 'IDENTIFY', name: 'ann', pubkey: lost.pem })
        const { challenge_id, nonce } = await thief.next('CHALLENGE')
        await using stranger = await relay.connect()
        expect(await stranger.refusal({ ...notice, signature: signWith(newKey(), revocationText(notice)) })).toMatchObject({
          code: 'VERIFICATION_FAILED',
        })
        await stranger.ask({ ...notice, signature: signWith(lost, revocationText(notice)) }, 'OK')
        expect(await wire.closed()).toMatchObject({ code: 4503 })
        // A login that had begun before does not end after.
        const timestamp = Date.now()
        const proof = signWith(lost, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`)
        expect(await thief.refusal({ type: 'VERIFY_IDENTITY', challenge_id, timestamp, signature: proof })).toMatchObject({
          code: 'NOT_ALLOWED',
        })
      })
      await live(async relay => {
        expect(await refusedLogin(relay, lost)).toBe('NOT_ALLOWED')
        await using bob = await relay.login('bob')
        expect(await bob.refusal({ type: 'MSG', to: lost.id, content: 'are you there?' })).toMatchObject({ code: 'AGENT_NOT_FOUND' })
      })
    }))
})
