// Names that say at which relay they are: which hosts a command line names, and the relay of one, found by what it says of itself.
import { isIP } from 'node:net'
import {
  AddressError,
  TimeoutError,
  hostOf,
  isSameHost,
  resolveHost,
  type ReadDocument,
  type ResolvedRelay,
} from '../../lib/client/index.ts'
import { addressOf, hasHost } from '../../lib/protocol/address.ts'
import { addressGuard, anywhere, type AddressGuard } from '../outbound/guard.ts'
import { OutboundError, sendRequest } from '../outbound/request.ts'
import { readCertificates } from './certificates.ts'
import type { AnyCommand, Call } from './command.ts'
import { explained } from './connection.ts'
import { readContexts } from './contexts.ts'
import { networks } from './discovery/networks.ts'
import { ownRelays } from './discovery/sources.ts'
import { knownRelaysOf } from './discovery/survey.ts'
import { CliError } from './exit.ts'
import type { Io } from './io.ts'
import { caOf, currentContext, resolveTarget, type Target, type Wanted } from './target.ts'

type Args = Readonly<Record<string, unknown>>

const bare = (word: unknown): unknown => hasHost(word) ? addressOf(word).name : word

/**
 * The one host that the arguments of a command name, and the arguments as the relay there knows them. A command that is for several relays
 * sees to that itself.
 */
export const hostIn = ({ arguments: specs, isAcrossRelays }: AnyCommand, args: Args): { readonly host?: string, readonly args: Args } => {
  if (isAcrossRelays === true) return { args }
  const places = Object.keys(specs).filter(name => specs[name]!.is !== undefined)
  const hosts = new Set(places.flatMap(name => [args[name]].flat()).filter(hasHost).map(word => addressOf(word).host!))
  if (hosts.size > 1)
    throw new CliError('usage', `Names at several relays: ${[...hosts].join(', ')}`, 'This command talks to one relay at a time.')
  const [host] = hosts
  if (host === undefined) return { args }
  return {
    host,
    args: {
      ...args,
      ...Object.fromEntries(places.map(name => [name, Array.isArray(args[name]) ? args[name].map(bare) : bare(args[name])])),
    },
  }
}

/** Whether a host is that of the relay of one's own, where there is one. */
export const isOwn = (host: string, own: () => Promise<Target>): Promise<boolean> =>
  own().then(({ url }) => isSameHost(hostOf(url), host), () => false)

/** Where the user points, the user may go. */
const unguarded = addressGuard(anywhere)

const allowedBy = (env: Io['env']): readonly string[] => networks(env['AGENTCHAT_OUTBOUND_ALLOW'] ?? '')

/** Relays whose urls the user knows; and, where the environment allows its address, the one that a host is the address of. */
const namedBy = (env: Io['env'], host: string, base: Target | undefined): readonly string[] => {
  const [hostname = ''] = host.split(':')
  const address = hostname === 'localhost' ? '127.0.0.1' : hostname
  const isAllowed = isIP(address) !== 0 && addressGuard({ allow: allowedBy(env), isStrict: true }).mayReach(address)
  return [
    ...(base === undefined ? [] : [base.url]),
    ...ownRelays(env).map(({ url }) => url),
    ...(isAllowed ? [`${address.startsWith('127.') ? 'ws' : 'wss'}://${host}`] : []),
  ]
}

/** By the relay's own way out: bounded, never redirected, and not into private networks that a stranger's name leads to. */
export const readBy = (guard: AddressGuard, ca: string | undefined, host: string): ReadDocument => async (url, { maxBytes, signal }) => {
  const request = { url, method: 'GET' as const, maxBytes, timeoutMs: maxReadMs, signal, ...(ca !== undefined && { ca }) }
  const { status, body } = await sendRequest(guard, request).catch((error: unknown) => {
    if (!(error instanceof OutboundError)) throw error
    if (error.kind === 'address') throw new AddressError('HOST_REFUSED', host, `${host} is not asked: ${error.message}`)
    if (error.kind === 'timeout') throw new TimeoutError(`${host} did not say who it is: ${error.message}`)
    if (error.kind === 'too-large')
      throw new AddressError('NO_DOCUMENT', host, `${host} is no relay that describes itself: ${error.message}`)
    throw error
  })
  if (status === 200) return body.toString()
  throw new AddressError('NO_DOCUMENT', host, `${host} answers ${status} where a relay describes itself`)
}

const maxReadMs = 15_000

/** The relay of a host, asked now. @throws AddressError, CliError, TimeoutError */
export const relayAt = async (
  host: string,
  wanted: Pick<Wanted, 'ca'>,
  { io, options }: Pick<Call, 'io' | 'options'>,
  base?: Target,
): Promise<{ readonly relay: ResolvedRelay, /** of a relay that only its host led to */ readonly allow?: readonly string[] }> => {
  const { env } = io
  const relays = namedBy(env, host, base)
  const allow = allowedBy(env)
  try {
    const relay = await resolveHost(host, {
      relays,
      read: (url, how) => {
        const named = relays.find(relay => new URL(relay).host === new URL(url).host)
        const ca = wanted.ca ?? caOf(named ?? url.replace(/^http/, 'ws'), () => readContexts(env))
        return readBy(named === undefined ? addressGuard({ allow }) : unguarded, ca && readCertificates(ca), host)(url, how)
      },
      knownRelays: knownRelaysOf(env),
      confirmRelay: () => options.acceptNewRelayKey === true,
      now: io.now,
      signal: io.interrupted,
      timeoutMs: (options.timeout ?? 15) * 1_000,
    })
    return { relay, ...(!relays.includes(relay.url) && { allow }) }
  } catch (error) {
    throw explained(error, host, undefined)
  }
}

/**
 * The relay of a host, and as whom to talk there: as at the relay of one's own, which `own` gives.
 * @throws AddressError, CliError, TimeoutError
 */
export const targetAt = async (
  host: string,
  wanted: Wanted,
  { io, options, own }: Pick<Call, 'io' | 'options'> & { readonly own: () => Promise<Target> },
): Promise<Target> => {
  const { env } = io
  const isNamed = wanted.context !== undefined || env['AGENTCHAT_URL'] || currentContext(env, readContexts(env)) !== undefined
  const base = isNamed ? await own() : undefined
  if (base !== undefined && isSameHost(hostOf(base.url), host)) return base
  const { relay: { url, serverId }, allow } = await relayAt(host, wanted, { io, options }, base)
  return {
    ...resolveTarget({ ...wanted, server: url }, env, () => readContexts(env)),
    ...(base !== undefined && { identity: base.identity, isDefaultIdentity: base.isDefaultIdentity, name: base.name }),
    serverId,
    ...(allow !== undefined && { allow }),
  }
}
