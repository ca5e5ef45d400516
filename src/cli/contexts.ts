// Named contexts on disk: ~/.agentchat/contexts.json.
import { join } from 'node:path'
import { CliError } from './exit.ts'
import { agentchatHome, defaultIdentity, readJson, writeJson } from './home.ts'
import type { Io } from './io.ts'
import { currentContext, identityOf, type Context, type Contexts } from './target.ts'

const fileOf = (env: Io['env']): string => join(agentchatHome(env), 'contexts.json')

const isContext = (value: unknown): value is Context => {
  const { url, ...others } = (value ?? {}) as Record<string, unknown>
  return typeof url === 'string'
    && (['identity', 'name', 'ca'] as const).every(key => ['string', 'undefined'].includes(typeof others[key]))
}

export const readContexts = (env: Io['env']): Contexts => {
  const { current, contexts = {} } = readJson(fileOf(env)) ?? {}
  if (typeof contexts !== 'object' || contexts === null || !Object.values(contexts).every(isContext)) {
    throw new CliError('error', `${fileOf(env)} does not hold contexts`, 'Repair it, or move it away and add them again.')
  }
  return { contexts: contexts as Contexts['contexts'], ...(typeof current === 'string' && { current }) }
}

export const writeContexts = (env: Io['env'], contexts: Contexts): void => writeJson(fileOf(env), contexts)

/** The identity file that a command is about which talks to no relay: by the rule for keys; the default one where there is none yet. */
export const identityPath = (named: string | undefined, env: Io['env']): string =>
  identityOf({ identity: named }, env, currentContext(env, readContexts(env))).identity ?? defaultIdentity(env)
