// The relay's own key and secret, for app.ts: made on the first start, kept in the store.
import { generateKeyPairSync } from 'node:crypto'
import { formerIds, serverIdOf, type LocalIdentity } from '../lib/identity/index.ts'
import { createSignAsync, nodeIdentity } from '../lib/node/crypto.ts'
import { makeOnce, readMeta } from './store/meta.ts'
import type { Store } from './store/store.ts'

type Rotations = NonNullable<Parameters<typeof formerIds>[0]['rotations']>

/** The relay's key pair and the secret behind its resume tokens: made once, kept in the store. */
export const relaySecrets = async (
  store: Store,
  randomHex: (bytes: number) => string,
): Promise<{
  serverId: string
  relayKey: LocalIdentity
  /** Its former keys, each signed over to the next, and what the relay was by them. */
  rotations: Rotations
  formerIds: readonly string[]
  signAsRelay: (text: string) => Promise<string>
  resumeSecret: string
}> => {
  const privatePem = await makeOnce(store, 'relay_private_key',
    () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const relayKey = nodeIdentity(privatePem)
  const serverId = serverIdOf(relayKey.publicKey)
  const rotations = JSON.parse(await readMeta(store.read, 'relay_rotations') ?? '[]') as Rotations
  return {
    serverId,
    relayKey,
    rotations,
    formerIds: formerIds({ server_id: serverId, rotations }),
    signAsRelay: createSignAsync(privatePem),
    resumeSecret: await makeOnce(store, 'resume_secret', () => randomHex(32)),
  }
}
