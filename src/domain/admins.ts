// Who is an admin by the configuration.

export interface AdminKey {
  readonly id: string
  /** PEM */
  readonly pubkey: string
}

export interface Admins {
  /** Nobody is, so that nothing has to be asked. */
  readonly isNobody: boolean
  /** Those named by their id alone: whoever makes a key of the same id before they have been here is taken for them. */
  readonly byId: readonly string[]
  has(agent: AdminKey): boolean
}

const idChars = '@'.length + 16

/** `names`: fingerprints of whole keys, or ids. `fingerprintOf` gives the SHA-256 of a canonical PEM in hex. */
export const adminsNamed = (names: readonly string[], fingerprintOf: (pubkey: string) => string): Admins => {
  const byId = names.filter(name => name.startsWith('@'))
  const ids = new Set(byId)
  const keys = new Set(names.filter(name => !name.startsWith('@')))
  const idsOfKeys = new Set([...keys].map(key => `@${key}`.slice(0, idChars)))
  return {
    isNobody: names.length === 0,
    byId,
    has: ({ id, pubkey }) => ids.has(id) || (idsOfKeys.has(id) && keys.has(fingerprintOf(pubkey))),
  }
}
