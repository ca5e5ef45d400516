// The user's own list of relays and directories: servers.json, as existing clients read and write it, and directories.json beside it.
import { join } from 'node:path'
import { urlKey } from '../../domain/directory/sightings.ts'
import { CliError } from '../exit.ts'
import { agentchatHome, readJson, writeJson } from '../home.ts'
import type { Io } from '../io.ts'
import { isServerUrl } from '../target.ts'

export interface OwnServer {
  readonly name: string
  readonly url: string
  readonly description: string
  readonly region: string
}

export const serversPath = (env: Io['env']): string => join(agentchatHome(env), 'servers.json')
const directoriesPath = (env: Io['env']): string => join(agentchatHome(env), 'directories.json')

const textOf = (value: unknown): string => typeof value === 'string' ? value : ''

/** Entries of a servers.json, whoever wrote it; what is no relay is left out. */
export const ownServersOf = (value: unknown): readonly OwnServer[] => {
  const { servers } = (value ?? {}) as { readonly servers?: unknown }
  if (!Array.isArray(servers)) return []
  return servers.flatMap((entry: unknown): readonly OwnServer[] => {
    const { name, url, description, region } = (entry ?? {}) as Record<string, unknown>
    if (typeof url !== 'string' || !isServerUrl(url) || !URL.canParse(url)) return []
    return [{ name: textOf(name) || new URL(url).host, url, description: textOf(description), region: textOf(region) }]
  })
}

export const readOwnServers = (env: Io['env']): readonly OwnServer[] => {
  const file = readJson(serversPath(env))
  if (file !== undefined && !Array.isArray(file['servers']))
    throw new CliError('error', `${serversPath(env)} does not hold servers`,
      'Repair it, or move it away and add them again: agentchat discover add URL')
  return ownServersOf(file)
}

/** Whether the user has given a relay this name. */
export const hasOwnServer = (env: Io['env'], word: string): boolean => readOwnServers(env).some(server => isCalled(server, word))

/** Changes the list. Fields that other programs keep in the file stay. */
export const editOwnServers = (env: Io['env'], now: number, change: (servers: readonly OwnServer[]) => readonly OwnServer[]): void => {
  const before = readJson(serversPath(env))
  const servers = change(readOwnServers(env))
  const kept = new Map((before?.['servers'] as readonly object[] | undefined ?? []).map(entry => [(entry as { url?: unknown }).url, entry]))
  writeJson(serversPath(env), {
    ...before,
    version: 1,
    updated_at: new Date(now).toISOString(),
    servers: servers.map(server => ({ ...kept.get(server.url), ...server })),
  })
}

export const readDirectories = (env: Io['env']): readonly string[] => {
  const { directories } = readJson(directoriesPath(env)) ?? {}
  return Array.isArray(directories) ? directories.filter(each => typeof each === 'string') : []
}

export const writeDirectories = (env: Io['env'], directories: readonly string[]): void =>
  writeJson(directoriesPath(env), { version: 1, directories })

/** The entry that a name or a url means. */
export const isCalled = ({ name, url }: Pick<OwnServer, 'name' | 'url'>, word: string): boolean =>
  name === word || (isServerUrl(word) && URL.canParse(word) && urlKey(url) === urlKey(word))
