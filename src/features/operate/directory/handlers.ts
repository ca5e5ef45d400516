// Being a directory: relays announce themselves, are asked back, listed, looked at, and forgotten.
import { serverDocumentText, serverIdOf } from '../../../../lib/identity/index.ts'
import { ServerDocument, type ErrorCode, type FrameBody } from '../../../../lib/protocol/index.ts'
import { admit, hostOf, type FillLimits } from '../../../domain/directory/admission.ts'
import { endOf } from '../../../domain/directory/documents.ts'
import { countServers, makeRoom } from '../../../store/servers.ts'
import type { Tx } from '../../../store/store.ts'
import { Fail, reply, type Feature, type HttpAnswer, type Outcome, type PostCtx, type SweepCtx } from '../../../relay/feature.ts'
import { findKept, forgetOld, keepServer } from './book.ts'
import { entryOf, listingOf } from './listing.ts'
import { Peers, type PeersOptions } from './peers.ts'
import { Prober, type LookAt } from './prober.ts'

export interface DirectoryOptions extends Omit<PeersOptions, 'isSigned'> {
  readonly directory: boolean
  /** SHA-256 of the relay's own key, in hex. */
  readonly serverId: string
  readonly maxServers: number
  readonly lookAt: LookAt
  readonly verifyAsync: (publicPem: string, text: string, signature: string) => Promise<boolean>
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
}

/** Announcements that wait to be checked, in all and of one announcer; relays of one host. */
const bounds = { maxPending: 1_000, maxPendingHere: 20, maxAtHost: 64 }
const arrivalsAtOnce = 100
const tidyEveryMs = 60_000
/** When whoever was refused for its rate may come back: most of what waits is checked within this time. */
const retryAfterMs = 30_000
/** A process that ended does not ask other directories any more, after this. */
const leaseMs = 30_000

type Announced = Omit<FrameBody<'ANNOUNCED'>, 'ts' | 're'>

export const directory = (options: DirectoryOptions): Feature<'ANNOUNCE'> => {
  const { maxServers, verify, verifyAsync, probeEveryMs } = options
  const prober = new Prober(options.lookAt, probeEveryMs)
  const peers = new Peers({
    ...options,
    isSigned: async document => {
      const text = textOf(document)
      return text !== undefined && isIdOfKey(document) && verifyAsync(document.pubkey, text, document.sig)
    },
  })
  let tidiedAt = 0

  /** What no moment changes: whose words these are. @throws Fail */
  const checkSignature = (document: ServerDocument): void => {
    if (!isIdOfKey(document)) throw new Fail('VERIFICATION_FAILED', 'server_id: it is not the SHA-256 of pubkey')
    const text = textOf(document)
    if (text === undefined || !verify(document.pubkey, text, document.sig))
      throw new Fail('VERIFICATION_FAILED', 'sig: the key did not sign this')
  }

  /** @throws Fail */
  const take = async (
    tx: Tx,
    document: ServerDocument,
    announcer: string,
    now: number,
    waiting: Pick<FillLimits, 'maxPendingHere'> = bounds,
  ): Promise<Announced> => {
    const { server_id, urls: [url] } = document
    if (url === undefined) throw new Fail('INVALID_MSG', 'urls: a relay that is announced says where it is')
    const [kept, fill] = [await findKept(tx, server_id), await countServers(tx, { announcer, host: hostOf(url), id: server_id })]
    let admission = admit(document, kept, fill, { maxServers, ...bounds, ...waiting }, now)
    // What is over makes room for what is not.
    if (admission.kind === 'refuse' && admission.code === 'LIMIT_REACHED' && fill.servers >= maxServers) {
      const servers = fill.servers - await makeRoom(tx, now, 100)
      admission = admit(document, kept, { ...fill, servers }, { maxServers, ...bounds, ...waiting }, now)
    }
    if (admission.kind === 'refuse')
      throw new Fail(admission.code, admission.message, admission.code === 'RATE_LIMITED' ? retryAfterMs : undefined)
    if (admission.kind === 'take') await keepServer(tx, document, admission.state, { announcer, now })
    const state = admission.kind === 'take' ? admission.state : kept!.state
    return {
      server_id,
      status: state === 'listed' ? 'listed' : 'pending',
      expires_at: endOf(admission.kind === 'take' ? document : kept!.document),
      ...(state !== 'listed' && kept?.problem != null && { problem: kept.problem }),
    }
  }

  const post = async ({ address, write }: PostCtx, body: string): Promise<HttpAnswer> => {
    try {
      const parsed = ServerDocument.safeParse(jsonOf(body))
      if (!parsed.success)
        throw new Fail('INVALID_MSG', parsed.error.issues.slice(0, 3).map(({ path, message }) =>
          `${path.join('.')}: ${message}`
        ).join('; '))
      checkSignature(parsed.data)
      const taken = await write((tx, now) =>
        take(tx, parsed.data, address, now).catch((error: unknown) => error instanceof Fail ? error : Promise.reject(error as Error))
      )
      if (taken instanceof Fail) throw taken
      return json(taken.status === 'listed' ? 200 : 202, taken, { location: `/directory/servers/${taken.server_id}` })
    } catch (error) {
      if (!(error instanceof Fail)) throw error
      return json(statusOf[error.code] ?? 400, { error: error.code, message: error.message },
        error.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterMs / 1_000)) })
    }
  }

  /** Looks at relays, and takes what other directories said. */
  const tick = async ({ tx, now }: SweepCtx): Promise<Outcome | undefined> => {
    if (options.directoryPeers.length > 0 && await tx.own('directory peers', leaseMs)) peers.turn(now)
    const arrivals = peers.next(arrivalsAtOnce)
    for (const { document, from } of arrivals) {
      // One that is known, over, or too many is nothing to speak of: it comes again with the next pull.
      await take(tx, document, from, now, { maxPendingHere: bounds.maxPending / 2 }).catch((error: unknown) => {
        if (!(error instanceof Fail)) throw error
      })
    }
    const probes = await prober.turn(tx, now)
    if (arrivals.length === 0) return probes
    return {
      committed: () => {
        peers.taken(arrivals.length)
        probes?.committed?.()
      },
    }
  }

  const sweep = async ({ tx, now }: SweepCtx): Promise<undefined> => {
    if (now - tidiedAt >= tidyEveryMs || now < tidiedAt) {
      await forgetOld(tx, now)
      tidiedAt = now
    }
  }

  return {
    scope: 'directory',
    handlers: {
      ANNOUNCE: {
        async write({ tx, now, asker }, { server }) {
          if (!options.directory) throw new Fail('INVALID_MSG', 'This relay is no directory')
          checkSignature(server)
          return { reply: reply('ANNOUNCED', await take(tx, server, asker.address, now)) }
        },
      },
    },
    ...(options.directory && {
      sweep,
      tick,
      routes: [
        { path: '/directory/servers', get: ctx => listingOf(ctx, options.serverId), post },
        { path: '/directory/servers/', get: ({ db, now }, id) => entryOf(db, id, now) },
      ],
    } satisfies Partial<Feature>),
  }
}

/** What has no exact JSON is signed by nobody. */
const textOf = (document: ServerDocument): string | undefined => {
  try {
    return serverDocumentText(document)
  } catch {
    return undefined
  }
}

const isIdOfKey = ({ pubkey, server_id }: ServerDocument): boolean => {
  try {
    return serverIdOf(pubkey) === server_id
  } catch {
    return false
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fail('INVALID_MSG', 'The body is not JSON; post what /.well-known/agentchat.json of the relay answers')
  }
}

const statusOf: { readonly [C in ErrorCode]?: number } = {
  INVALID_MSG: 400,
  VERIFICATION_FAILED: 403,
  VERIFICATION_EXPIRED: 409,
  RATE_LIMITED: 429,
  LIMIT_REACHED: 503,
}

const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(body)}\n`,
  headers,
})
