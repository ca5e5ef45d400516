// The browser's key, in IndexedDB: WebCrypto gives it to no page, this one included.
import { IdentityError, makeBrowserKey, type BrowserKey } from '../../lib/identity/index.ts'

/** A key as it is kept, and the name that its owner goes by. */
export interface KeptKey extends BrowserKey {
  readonly name: string
}

/** Said to other windows when a key is forgotten here. */
const forgotten = 'agentchat.forgotten'
export const onForgotten = (begin: () => void): void =>
  addEventListener('storage', ({ key }) => {
    if (key === forgotten) begin()
  })

const shelf = 'keys'
const mine = 'me'

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('The browser could not read what it keeps'))
  })

const open = (): Promise<IDBDatabase> => {
  const opening = indexedDB.open('agentchat', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(shelf)
  return done(opening)
}

const withShelf = async <T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
  const base = await open()
  try {
    return await done(use(base.transaction(shelf, mode).objectStore(shelf)))
  } finally {
    base.close()
  }
}

/** The key of this browser; undefined: it has none yet. */
export const keptKey = async (): Promise<KeptKey | undefined> => {
  const kept: unknown = await withShelf('readonly', store => store.get(mine))
  return kept as KeptKey | undefined
}

/**
 * Makes a key and keeps it. `seal` is shown its bytes once, for a vault.
 * @throws IdentityError where this browser knows no Ed25519, or keeps nothing
 */
export const newKey = async (name: string, seal?: (pkcs8: Uint8Array<ArrayBuffer>, publicKey: string) => unknown): Promise<KeptKey> => {
  const key = { ...await makeBrowserKey(seal), name }
  await keepKey(key)
  return key
}

export const keepKey = async (key: KeptKey): Promise<void> => {
  try {
    await withShelf('readwrite', store => store.put(key, mine))
    // Not cleared away when the disk gets full, where the browser agrees.
    await navigator.storage?.persist?.()
  } catch (error) {
    throw new IdentityError('BAD_KEY', `This browser keeps no keys: ${(error as Error).message}`)
  }
}

/** Forgets it for good, and all that was kept for it; how the console looks stays. Other windows of it begin anew. */
export const forgetKey = async (): Promise<void> => {
  await withShelf('readwrite', store => store.delete(mine))
  for (const key of Object.keys(localStorage)) if (/^agentchat\.(?!theme$|locale$|relay$)/.test(key)) localStorage.removeItem(key)
  sessionStorage.clear()
  localStorage.setItem(forgotten, String(Date.now()))
}
