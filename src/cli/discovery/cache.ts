// What was found last, in ~/.agentchat/discovered.json: for names, and for when there is no network.
import { join } from 'node:path'
import { agentchatHome, readJson, writeJson } from '../home.ts'
import type { Io } from '../io.ts'
import { isServerUrl } from '../target.ts'
import type { Found } from './found.ts'

const maxKept = 2_000

const pathOf = (env: Io['env']): string => join(agentchatHome(env), 'discovered.json')

const isFound = (value: unknown): value is Found => {
  const { name, url, from, features, warnings } = (value ?? {}) as Record<string, unknown>
  return typeof name === 'string' && typeof url === 'string' && isServerUrl(url) && URL.canParse(url)
    && [from, features, warnings].every(list => Array.isArray(list))
}

/** A cache that cannot be read is empty: it is only a cache. */
export const readCache = (env: Io['env']): readonly Found[] => {
  try {
    const servers = readJson(pathOf(env))?.['servers']
    return Array.isArray(servers) ? servers.filter(isFound) : []
  } catch {
    return []
  }
}

/** Keeps what was found; relays that were not looked at this time stay as they were. */
export const writeCache = (env: Io['env'], found: readonly Found[]): void => {
  const before = new Map(readCache(env).map(server => [server.url, server]))
  for (const server of found) {
    const last_seen = server.last_seen ?? before.get(server.url)?.last_seen ?? null
    before.delete(server.url)
    before.set(server.url, { ...server, last_seen })
  }
  writeJson(pathOf(env), { version: 1, servers: [...before.values()].slice(-maxKept) })
}
