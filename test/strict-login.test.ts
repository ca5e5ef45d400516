// A strict allowlist on the wire: the admin key lets a key in, saying that it will come does not, and it gives no rights.
import { expect, test } from 'vitest'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const adminKey = 'correct horse battery'

const proofOf = async (wire: Wire, key: Key) => {
  const { challenge_id, nonce } = await wire.ask({ type: 'IDENTIFY', name: 'ann', pubkey: key.pem, admin: true }, 'CHALLENGE')
  const timestamp = Date.now()
  return {
    type: 'VERIFY_IDENTITY',
    challenge_id,
    timestamp,
    signature: signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`),
  }
}

test('the admin key lets a key in that is not approved, for this session and for nothing else', async () => {
  await using relay = await startTestRelay({ adminKey, allowlistStrict: true })
  const key = newKey()
  await using plain = await relay.connect()
  expect(await plain.refusal({ type: 'IDENTIFY', name: 'ann', pubkey: key.pem })).toMatchObject({ code: 'NOT_ALLOWED' })
  expect(await plain.refusal({ type: 'IDENTIFY', name: 'ann', admin: true })).toMatchObject({ code: 'NOT_ALLOWED' })
  for (const [admin_key, code] of [[undefined, 'NOT_ALLOWED'], ['a key that was guessed', 'AUTH_REQUIRED']] as const) {
    await using wire = await relay.connect()
    const proof = await proofOf(wire, key)
    expect(await wire.refusal({ ...proof, ...(admin_key !== undefined && { admin_key }) })).toMatchObject({ code })
    // Nobody is there who could say something.
    expect(await wire.refusal({ type: 'MSG', to: '#general', content: 'hi', id: '1' })).toMatchObject({ code: 'AUTH_REQUIRED' })
  }
  await using wire = await relay.connect()
  const proof = await proofOf(wire, key)
  expect(await wire.ask({ ...proof, admin_key: adminKey }, 'WELCOME')).toMatchObject({ agent_id: key.id, verified: false })
  expect(await wire.refusal({ type: 'ADMIN_BANS', id: '2' })).toMatchObject({ code: 'INVALID_MSG', message: 'admin_key: missing' })
  // What changes its standing otherwise leaves it in; a ban does not.
  expect(await wire.ask({ type: 'ADMIN_VERIFY', agent_id: key.id, verified: true, admin_key: adminKey }, 'ADMIN_RESULT')).toMatchObject({
    verified: true,
  })
  await wire.barrier()
  wire.send({ type: 'ADMIN_BAN', agent_id: key.id, admin_key: adminKey })
  expect((await wire.closed()).code).toBe(4502)
})
