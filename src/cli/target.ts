// Which relay, and as whom: the argument, else AGENTCHAT_URL, else a named context.
import { existsSync } from 'node:fs'
import { CliError } from './exit.ts'
import { defaultIdentity } from './home.ts'
import type { Io } from './io.ts'

export interface Context {
  readonly url: string
  /** Identity file. */
  readonly identity?: string
  readonly name?: string
  /** File of certificates that are trusted there. */
  readonly ca?: string
}

/** What ~/.agentchat/contexts.json holds. */
export interface Contexts {
  readonly current?: string
  readonly contexts: Readonly<Record<string, Context>>
}

export interface Target {
  readonly url: string
  /** The key that the relay has to have, where it was named and found under it. */
  readonly serverId?: string | undefined
  readonly identity: string | undefined
  /** Nobody named the key: it is the default one of this account. */
  readonly isDefaultIdentity: boolean
  readonly name: string | undefined
  /** File of certificates that are trusted beside the public ones. */
  readonly ca?: string | undefined
  /** Somebody else's name led there: only to public addresses, and to these networks. */
  readonly allow?: readonly string[] | undefined
}

export interface Wanted {
  /** URL on the command line. */
  readonly server?: string | undefined
  /** Context named by option. */
  readonly context?: string | undefined
  readonly identity?: string | undefined
  /** No key, whatever there is. */
  readonly guest?: true | undefined
  readonly name?: string | undefined
  readonly ca?: string | undefined
}

export const isServerUrl = (word: string): boolean => /^wss?:\/\//i.test(word)

/** A relay's URL, in one spelling. */
export const serverUrl = (word: string): string => {
  if (!isServerUrl(word) || !URL.canParse(word)) {
    throw new CliError('usage', `${JSON.stringify(word)} is not a relay URL`,
      'Relay URLs look like ws://localhost:6667 or wss://relay.example.')
  }
  const url = new URL(word)
  url.hash = ''
  return url.pathname === '/' && url.search === '' ? url.href.replace(/\/$/, '') : url.href
}

export const contextNamed = ({ contexts }: Contexts, name: string): Context => {
  if (Object.hasOwn(contexts, name)) return contexts[name]!
  const known = Object.keys(contexts)
  throw new CliError('notFound', `There is no context ${JSON.stringify(name)}`,
    known.length === 0 ? 'Make one with: agentchat context add NAME URL' : `Known: ${known.join(', ')}`)
}

/**
 * THE RULE FOR KEYS: the one that is named (-i), else AGENTCHAT_IDENTITY, else the context's, else the default one of this account
 * where there is one, else none: a guest. A context speaks for identity and name only where it was asked for by name or gave the URL.
 */
export const identityOf = (
  { guest, identity }: Pick<Wanted, 'guest' | 'identity'>,
  env: Io['env'],
  context: Pick<Context, 'identity'> | undefined,
): Pick<Target, 'identity' | 'isDefaultIdentity'> => {
  if (guest) return { identity: undefined, isDefaultIdentity: false }
  const named = identity ?? (env['AGENTCHAT_IDENTITY'] || context?.identity)
  if (named !== undefined) return { identity: named, isDefaultIdentity: false }
  const standard = defaultIdentity(env)
  return { identity: existsSync(standard) ? standard : undefined, isDefaultIdentity: true }
}

/** The context that speaks where none was asked for. */
export const currentContext = (env: Io['env'], contexts: Contexts): Context | undefined => {
  const name = env['AGENTCHAT_CONTEXT'] || contexts.current
  return name === undefined ? undefined : contextNamed(contexts, name)
}

/** What a context says of the certificate of its relay counts however the relay is named. */
export const caOf = (url: string, readContexts: () => Contexts): string | undefined =>
  url.startsWith('wss:')
    ? Object.values(readContexts().contexts).find(context => context.ca !== undefined && serverUrl(context.url) === url)?.ca
    : undefined

export const resolveTarget = (
  wanted: Wanted,
  env: Io['env'],
  readContexts: () => Contexts,
  named?: (word: string) => Pick<Target, 'url' | 'serverId'>,
): Target => {
  let context: Context | undefined
  let url = wanted.server
  if (wanted.context !== undefined) context = contextNamed(readContexts(), wanted.context)
  else if (url === undefined && !env['AGENTCHAT_URL']) context = currentContext(env, readContexts())
  url ??= context?.url ?? (env['AGENTCHAT_URL'] || undefined)
  if (url === undefined) {
    throw new CliError('usage', 'No relay named',
      'Put its URL first (ws://localhost:6667), set AGENTCHAT_URL, or keep it: agentchat context add NAME URL')
  }
  const found = isServerUrl(url) || named === undefined ? undefined : named(url)
  const server = serverUrl(found?.url ?? url)
  const ca = wanted.ca ?? context?.ca ?? caOf(server, readContexts)
  return {
    url: server,
    ...(ca !== undefined && { ca }),
    ...(found?.serverId !== undefined && { serverId: found.serverId }),
    ...identityOf(wanted, env, context),
    name: wanted.name ?? context?.name ?? (env['AGENTCHAT_NAME'] || undefined),
  }
}
