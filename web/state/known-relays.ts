// Which relay answered at this address before, kept in this browser: another one there is a question for its owner.
import type { KnownRelays } from '../../lib/index.ts'

const key = 'agentchat.relay'

/** A page has one relay: the one that it came from. */
export const keptRelay: KnownRelays = {
  get: () => {
    try {
      return localStorage.getItem(key) ?? undefined
    } catch {
      return undefined
    }
  },
  elsewhere: () => undefined,
  remember: (_url, serverId) => {
    try {
      localStorage.setItem(key, serverId)
    } catch {
      // It is asked the next time.
    }
  },
}
