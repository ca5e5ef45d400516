// Agents that a setting names: admins, arbiters.

export interface AgentKey {
  readonly id: string
  /** PEM */
  readonly pubkey: string
}

export interface NamedAgents {
  /** Nobody is, so that nothing has to be asked. */
  readonly isNobody: boolean
  /** Those named by their id alone: whoever makes a key of the same id before they have been here is taken for them. */
  readonly byId: readonly string[]
  /** Of all that are named; whoever has such an id may have another key. */
  readonly ids: readonly string[]
  has(agent: AgentKey): boolean
}

const idChars = '@'.length + 16

/** `names`: fingerprints of whole keys, or ids. `fingerprintOf` gives the SHA-256 of a canonical PEM in hex. */
export const agentsNamed = (names: readonly string[], fingerprintOf: (pubkey: string) => string): NamedAgents => {
  const byId = names.filter(name => name.startsWith('@'))
  const ids = new Set(byId)
  const keys = new Set(names.filter(name => !name.startsWith('@')))
  const idsOfKeys = new Set([...keys].map(key => `@${key}`.slice(0, idChars)))
  return {
    isNobody: names.length === 0,
    byId,
    ids: [...ids, ...idsOfKeys],
    has: ({ id, pubkey }) => ids.has(id) || (idsOfKeys.has(id) && keys.has(fingerprintOf(pubkey))),
  }
}
