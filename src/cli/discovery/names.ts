// A discovered name in place of a url: the user's own names first; a stranger's only where no other relay bears it.
import { urlKey } from '../../domain/directory/sightings.ts'
import { CliError } from '../exit.ts'
import type { Io } from '../io.ts'
import { readCache } from './cache.ts'
import { isCalled, readOwnServers } from './servers-file.ts'

export interface NamedServer {
  readonly name: string
  readonly url: string
  /** The key it has to have: it was found under it. */
  readonly serverId?: string
}

/** The relay of a name or a url. @throws CliError when there is none, or several */
export const serverNamed = (env: Io['env'], word: string): NamedServer => {
  const cached = readCache(env)
  const withKey = (server: { readonly name: string, readonly url: string }): NamedServer => {
    const found = cached.find(({ url }) => urlKey(url) === urlKey(server.url))
    return {
      name: server.name,
      url: server.url,
      ...(found?.server_id != null && (found.trust === 'known' || found.trust === 'new') && { serverId: found.server_id }),
    }
  }
  const own = readOwnServers(env).filter(server => isCalled(server, word))
  const candidates = own.length > 0 ? own : cached.filter(server => isCalled(server, word))
  if (candidates.length === 1) return withKey(candidates[0]!)
  if (candidates.length > 1) {
    throw new CliError('usage', `${candidates.length} relays are called ${JSON.stringify(word)}: ${
      candidates.slice(0, 5).map(({ url }) => url).join(', ')
    }`, `Use the URL, or give yours a name: agentchat discover add URL --name ${word}`)
  }
  throw new CliError('notFound', `No relay is known as ${JSON.stringify(word)}`,
    'Relay URLs look like ws://localhost:6667. Names are those of: agentchat discover')
}
