// The relay's own key and secret, for app.ts: made on the first start, kept in the store.
import { generateKeyPairSync } from 'node:crypto'
import { serverIdOf, type LocalIdentity } from '../lib/identity/index.ts'
import { createSignAsync, nodeIdentity } from '../lib/node/crypto.ts'
import { makeOnce } from './store/meta.ts'
import type { Store } from './store/store.ts'

/** The relay's key pair and the secret behind its resume tokens: made once, kept in the store. */
export const relaySecrets = async (
  store: Store,
  randomHex: (bytes: number) => string,
): Promise<{ serverId: string, relayKey: LocalIdentity, signAsRelay: (text: string) => Promise<string>, resumeSecret: string }> => {
  const privatePem = await makeOnce(store, 'relay_private_key',
    () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const relayKey = nodeIdentity(privatePem)
  return {
    serverId: serverIdOf(relayKey.publicKey),
    relayKey,
    signAsRelay: createSignAsync(privatePem),
    resumeSecret: await makeOnce(store, 'resume_secret', () => randomHex(32)),
  }
}
