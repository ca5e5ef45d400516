// An agent id is a quarter of a key's fingerprint: two keys with the same one can be made. The relay goes by the whole key. Since a
// second key of the same id costs too much for a test, the relay's tables are made to hold the first one.
import { describe, expect, test } from 'vitest'
import { fingerprintOf, revocationText, rotationText } from '../lib/identity/index.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { connect, newKey, signWith, type Key } from './kit/wire.ts'

const adminKey = 'correct horse battery'
const timestamp = '2026-11-21T00:00:00.000Z'

interface Tables {
  agents: { id: string, pubkey: string, rotated_to: string | null, revoked_at: number | null }
  allowlist: { agent: string, pubkey: string }
}

/** The relay knows the id of `key` by another key; gives that one. */
const anotherHas = async (relay: TestRelay, table: keyof Tables, { id }: Key): Promise<Key> => {
  const other = newKey()
  await relay.store.write(async tx => {
    const tables = tx.tables<Record<string, Record<string, unknown>>>()
    await tables.deleteFrom(table).where(table === 'agents' ? 'id' : 'agent', '=', id).execute()
    await tables.insertInto(table).values(
      table === 'agents'
        ? { id, pubkey: other.pem, name: 'first', first_seen: 1, last_seen: 1 }
        : { agent: id, pubkey: other.pem, at: 1 },
    ).execute()
  })
  return other
}
const rowOf = (relay: TestRelay, { id }: Key) =>
  relay.store.read.tables<Tables>().selectFrom('agents').selectAll().where('id', '=', id).executeTakeFirst()

const identify = (key: Key) => ({ type: 'IDENTIFY', name: 'mallory', pubkey: key.pem })

const revocation = (key: Key) => {
  const notice = { type: 'REVOCATION' as const, pubkey: key.pem, agent_id: key.id.slice(1), reason: 'mine', timestamp }
  return { ...notice, signature: signWith(key, revocationText(notice)) }
}
const rotation = (from: Key, to: Key) => {
  const record = { old_pubkey: from.pem, new_pubkey: to.pem, timestamp }
  return { type: 'ROTATION', ...record, signature: signWith(from, rotationText(record)) }
}

describe('a key with the id of another one that the relay knows', () => {
  test.each(['agents', 'allowlist'] as const)('does not log in where that one is in %s', async table => {
    await using relay = await startTestRelay({ allowlistStrict: table === 'allowlist' })
    const key = newKey()
    await anotherHas(relay, table, key)
    await using wire = await relay.connect()
    expect(await wire.refusal(identify(key))).toMatchObject({ code: 'NOT_ALLOWED', message: expect.stringContaining('another key') })
  })

  test('does not log in where that one came between its challenge and its proof', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using wire = await connect(relay.url)
    const { challenge_id, nonce } = await wire.ask(identify(key), 'CHALLENGE')
    const other = await anotherHas(relay, 'agents', key)
    const now = Date.now()
    const proof = { challenge_id, timestamp: now, signature: signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${now}`) }
    expect(await wire.refusal({ type: 'VERIFY_IDENTITY', ...proof })).toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await rowOf(relay, key)).toMatchObject({ pubkey: other.pem })
  })

  test('does not revoke it', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await anotherHas(relay, 'agents', key)
    await using wire = await relay.connect()
    expect(await wire.refusal(revocation(key))).toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await rowOf(relay, key)).toMatchObject({ revoked_at: null })
    // Its own notice holds.
    const mine = newKey()
    await wire.ask(revocation(mine), 'OK')
    expect(await rowOf(relay, mine)).toMatchObject({ pubkey: mine.pem })
  })

  test('does not hand its standing over', async () => {
    await using relay = await startTestRelay()
    const [old, next] = [newKey(), newKey()]
    await anotherHas(relay, 'agents', old)
    await using wire = await relay.login('mallory', { key: next })
    expect(await wire.refusal(rotation(old, next))).toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await rowOf(relay, old)).toMatchObject({ rotated_to: null, revoked_at: null })
  })

  test('is not approved in its place, nor does it take its approval away', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using boss = await relay.login('boss')
    const key = newKey()
    const approval = { type: 'ADMIN_APPROVE', admin_key: adminKey, pubkey: key.pem }
    await anotherHas(relay, 'agents', key)
    expect(await boss.refusal(approval)).toMatchObject({ code: 'NOT_ALLOWED' })
    const approved = newKey()
    const other = await anotherHas(relay, 'allowlist', approved)
    expect(await boss.refusal({ ...approval, pubkey: approved.pem })).toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await boss.refusal({ ...approval, type: 'ADMIN_REVOKE', pubkey: approved.pem })).toMatchObject({ code: 'NOT_ALLOWED' })
    const { entries } = await boss.ask({ type: 'ADMIN_LIST', admin_key: adminKey }, 'ADMIN_RESULT')
    expect(entries).toEqual([expect.objectContaining({ agentId: approved.id.slice(1), key: fingerprintOf(other.pem) })])
  })

  test('is no admin where the fingerprint of that one is named', async () => {
    const [first, second] = [newKey(), newKey()]
    // The id of the second key, and not its fingerprint: what a ground key would have in common with the first one.
    const ground = `${second.id.slice(1)}${fingerprintOf(first.pem).slice(16)}`
    await using relay = await startTestRelay({ adminAgents: [fingerprintOf(first.pem), ground] })
    const motd = { type: 'ADMIN_MOTD', motd: 'mine' }
    await using admin = await relay.login('chief', { key: first })
    await admin.ask(motd, 'ADMIN_RESULT')
    await using mallory = await relay.login('mallory', { key: second })
    expect(await mallory.refusal(motd)).toMatchObject({ code: 'INVALID_MSG' })
    // Whoever follows the key that is named is one too, at once and at its next login.
    const next = newKey()
    await using after = await relay.login('chief', { key: next })
    await after.ask(rotation(first, next), 'OK')
    await after.ask(motd, 'ADMIN_RESULT')
    await using again = await relay.login('chief', { key: next, session: 'again' })
    await again.ask(motd, 'ADMIN_RESULT')
    expect(await again.ask({ type: 'WHOIS', agent: next.id }, 'WHOIS')).toMatchObject({ key: fingerprintOf(next.pem) })
  })
})
