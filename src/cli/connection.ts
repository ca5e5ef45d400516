// A logged-in client for a command: as whom, to a relay that is still the one it was, with the newest key told.
import { join } from 'node:path'
import {
  AgentChatClient,
  ConnectionError,
  ProtocolError,
  RelayDoubtError,
  RelayError,
  type RelayDoubt,
  type Transport,
} from '../../lib/client/index.ts'
import { generateKeyPair, identityFrom } from '../../lib/identity/index.ts'
import {
  KnownRelays,
  createVerify,
  identityFileWarning,
  identityOf,
  loadIdentityFile,
  wsTransport,
  wsTransportWith,
} from '../../lib/node/index.ts'
import { limits } from '../../lib/protocol/limits.ts'
import { agentName } from './agent-name.ts'
import { readCertificates } from './certificates.ts'
import type { Call, Wish } from './command.ts'
import { CliError } from './exit.ts'
import { agentchatHome } from './home.ts'
import type { Target } from './target.ts'

const defaultTimeoutMs = 15_000

/** @throws what the client throws, and CliError when the relay's key has changed */
export const openClient = async (
  { url, serverId, name, identity: path, isDefaultIdentity, ca, allow }: Target,
  wish: Wish,
  { io, out, options }: Pick<Call, 'io' | 'out' | 'options'>,
): Promise<AgentChatClient> => {
  const { adminKey } = wish
  const file = path === undefined ? undefined : loadIdentityFile(path)
  if (isDefaultIdentity && file !== undefined && !wish.isFurther) out.say(`As @${file.agentId}, the key in ${path}; --guest goes without.`)
  const warning = file && identityFileWarning(path!)
  if (warning !== undefined) out.say(`warning: ${warning}`)

  const relaysFile = join(agentchatHome(io.env), 'known-relays.json')
  const relays = new KnownRelays(relaysFile)
  const known = options.acceptNewRelayKey ? undefined : relays.get(url) ?? serverId
  if (relays.problem !== undefined && !wish.isFurther)
    out.say(
      `warning: The keys of known relays cannot be read, so this one is believed: ${relaysFile}: ${relays.problem}. The file is put aside.`,
    )
  let doubt: RelayDoubt | undefined
  const transport = await transportOf(ca, allow)
  const clientWith = (admin: { readonly adminKey?: string }) =>
    new AgentChatClient({
      server: url,
      name: agentName(name ?? file?.name, io),
      inbox: wish.inbox ?? 'none',
      reconnect: wish.reconnect ?? false,
      requestTimeoutMs: wish.timeoutMs ?? (options.timeout === undefined ? defaultTimeoutMs : options.timeout * 1_000),
      transport,
      verify: createVerify(),
      onCaptcha: sumOf,
      now: io.now,
      random: io.random,
      ...(file !== undefined && { identity: identityOf(file) }),
      // The key that lets in is shown with a login by a key: to a relay that has proved its own.
      ...(file === undefined && (wish.anonymous === 'keyed' || admin.adminKey !== undefined)
        && { identity: identityFrom(generateKeyPair().privateKey) }),
      ...admin,
      ...(wish.session !== undefined && { session: wish.session }),
      ...(wish.bufferSize !== undefined && { bufferSize: wish.bufferSize }),
      ...(wish.positions !== undefined && { positions: wish.positions }),
      ...(wish.witnesses !== undefined && { witnesses: wish.witnesses }),
      ...(known !== undefined && { serverId: known }),
      knownRelays: relays,
      legacyLogin: options.legacyLogin ?? false,
      ...(options.acceptNewRelayKey && { confirmRelay: () => true }),
    })
  const opened = async (admin: { readonly adminKey?: string }) => {
    const client = clientWith(admin)
    client.on('status', status => {
      if (status.kind === 'relay-doubt') doubt = status.doubt
    })
    wish.prepare?.(client)
    return { client, welcome: await client.connect({ signal: io.interrupted }) }
  }
  const { client, welcome } = await opened({}).catch((error: unknown) => {
    if (adminKey === undefined || !(error instanceof RelayError) || error.code !== 'NOT_ALLOWED') throw error
    return opened({ adminKey })
  }).catch(async (error: unknown) => {
    throw await mixedUp(error, url) ?? explained(error, url, known)
  })
  const isOther = known !== undefined && welcome.serverId !== known
  // The admin key is told to nobody but the relay that it is for.
  if (adminKey !== undefined && (isOther || doubt !== undefined)) {
    await client.close()
    throw isOther ? changed(url, known) : elsewhere(doubt!)
  }
  // Without a key there is nothing that another relay could misuse: it is said, and goes on.
  if (!wish.isFurther) {
    const { motd } = welcome
    if (motd !== undefined && motd !== '' && io.stderr.isTTY === true && !out.isJson) out.say(`${welcome.server}: ${motd}`)
    if (isOther) out.say(`warning: ${changed(url, known).message}`)
    else if (doubt !== undefined) out.say(`warning: ${elsewhere(doubt).message}`)
  }

  // All of them: which was the key of the last visit, the relay knows.
  const [rotation, ...chain] = file?.rotations?.slice(-limits.maxRotations) ?? []
  if (rotation !== undefined) {
    await client.request('ROTATION', { ...rotation, ...(chain.length > 0 && { chain }) }).catch((error: unknown) => {
      if (!(error instanceof RelayError)) throw error
      out.say(`warning: the relay does not take over the standing of @${rotation.old_agent_id}: ${error.message}`)
    })
  }
  return client
}

/** Where a stranger's name leads to is judged once more when it is dialled: names may lead elsewhere by then. */
const transportOf = async (ca: string | undefined, allow: readonly string[] | undefined): Promise<Transport> => {
  if (ca === undefined && allow === undefined) return wsTransport
  const { addressGuard } = await import('../outbound/guard.ts')
  return wsTransportWith({
    ...(ca !== undefined && { ca: readCertificates(ca) }),
    ...(allow !== undefined && { lookup: addressGuard({ allow }).lookup }),
  })
}

/** What relays ask is a sum, and no protection: any program answers it. Another question is for people, and answered by none. */
const sumOf = (question: string): string => {
  const numbers = /^What is (\d+) \+ (\d+)\?$/.exec(question)
  if (numbers === null)
    throw new CliError('auth', `The relay asks a question that this tool cannot answer: ${question}`,
      'Ask its operator to let your key in.')
  return String(Number(numbers[1]) + Number(numbers[2]))
}

/** A relay that hangs up at one scheme and answers at the other. */
const mixedUp = async (error: unknown, url: string): Promise<CliError | undefined> => {
  if (!(error instanceof ConnectionError) || error.problem !== 'hung-up') return undefined
  const other = await (await import('./other-scheme.ts')).otherScheme(url)
  if (other === undefined) return undefined
  const what = other.startsWith('wss:') ? 'What is there speaks TLS' : 'What is there does not speak TLS'
  return new CliError('usage', `${error.message}. ${what}: the URL begins with ${other.split(':')[0]}://`, `Use ${other}`, error)
}

/** What the client found wrong with the relay, and what to do about it. */
export const explained = (error: unknown, url: string, known: string | undefined): unknown => {
  if (error instanceof RelayDoubtError && error.doubt.kind === 'elsewhere') return elsewhere(error.doubt)
  if (error instanceof RelayDoubtError) return changed(error.doubt.url, error.doubt.known)
  if (!(error instanceof ProtocolError)) return error
  if (error.code === 'RELAY_CHANGED' && known !== undefined) return changed(url, known)
  return error.code === 'RELAY_UNPROVED'
    ? new CliError('auth', `The relay at ${url} does not prove that its key is its own: nothing was signed for it`,
      'Ask its operator to upgrade it. What --legacy-login signs for an older one could be used at another relay: log in so only where you '
        + 'trust it, with a key that matters nowhere else.')
    : error
}

const elsewhere = ({ url, known }: RelayDoubt): CliError =>
  new CliError('auth', `THE RELAY AT ${url} IS THE ONE THAT IS KNOWN AT ${known}. It is reached there as well, or somebody stands between.`,
    'Ask its operator. If it is right, trust it at this address too with --accept-new-relay-key.')

const changed = (url: string, known: string): CliError =>
  new CliError('auth',
    `THE RELAY AT ${url} HAS ANOTHER KEY THAN BEFORE (known: ${known.slice(0, 16)}…). It was set up anew, or somebody stands between.`,
    'Ask its operator. If the change is right, trust it with --accept-new-relay-key.')
