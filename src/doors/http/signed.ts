// Who asks: the agent whose key signed the request (RFC 9421). What changes something is done once for each signature, on every process
// and after every restart: its nonce is stored with what it changed, or neither is.
import type { IncomingHttpHeaders } from 'node:http'
import { contentDigestOf, readHttpSignature, readKeyHeader } from '../../../lib/identity/index.ts'
import { tokenScopes } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import { Fail, newcomersSpent, requestsSpent, type Along, type DoorVisit, type Newcomer } from '../../relay/inside.ts'
import { findAgent } from '../../store/agents.ts'
import { isNonceUsed, useNonce } from '../../store/nonces.ts'
import type { Store } from '../../store/store.ts'
import type { Bearer } from './bearer.ts'
import { Problem } from './problem.ts'

export interface SignersOptions {
  readonly store: Pick<Store, 'read'>
  readonly clock: Clock
  readonly verify: (publicPem: string, text: string, signature: string) => Promise<boolean>
  /** Whether a host means this relay, for who came in there. */
  readonly isOwnHost: (host: string, arrival: { readonly address: string | undefined, readonly port: number | undefined }) => boolean
}

const challenge = { 'www-authenticate': 'Signature realm="agentchat"' }

/** An agent whose own key asks. */
export interface Signer extends Bearer {
  /** @throws Problem it is not the body that was signed */
  checkBody(bytes: Uint8Array): void
  /** Uses the signature up, in the transaction of what it is for. @throws Fail it was used before */
  readonly spend: Along
}

/** Whether a request brings a signature, and no token. */
export const isSigned = ({ headers }: DoorVisit['request']): boolean =>
  headers['signature-input'] !== undefined && headers.authorization === undefined

export class Signers {
  readonly #options: SignersOptions

  constructor(options: SignersOptions) {
    this.#options = options
  }

  /** Before its body is read, of which only the digest is signed. @throws Problem */
  async of({ request, address, pace }: Pick<DoorVisit, 'request' | 'address' | 'pace'>): Promise<Signer> {
    const { store, clock, verify, isOwnHost } = this.#options
    const { method = 'GET', url = '/', headers, socket } = request
    const now = clock.now()
    // Trying costs what a message costs.
    const refuse = (message: string): Problem => {
      const waitMs = pace()
      return waitMs > 0
        ? new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs)
        : new Problem('SIGNATURE_INVALID', message, challenge)
    }
    const authority = headers.host ?? ''
    const at = url.indexOf('?')
    const read = readHttpSignature({
      method,
      authority,
      path: at < 0 ? url : url.slice(0, at),
      query: at < 0 ? '' : url.slice(at),
      header: name => headerOf(headers[name]),
      body: hasBody(headers) ? 'later' : nothing,
    }, now)
    if ('problem' in read) throw refuse(read.problem)
    if (!isOwnHost(authority, { address: socket.localAddress, port: socket.localPort }))
      throw refuse(`Host: ${JSON.stringify(authority.slice(0, 100))} is not this relay; its operator names its addresses in publicUrls`)
    const known = await findAgent(store.read, read.keyId)
    const newcomer = known === undefined ? newcomerOf(headers) : undefined
    if (typeof newcomer === 'string') throw refuse(newcomer)
    if (newcomer !== undefined && newcomer.agentId !== read.keyId)
      throw refuse(`Pubkey: it is not that of keyid, but of ${newcomer.agentId}`)
    const pubkey = known?.pubkey ?? newcomer!.pubkey
    if (!await verify(pubkey, read.text, read.signature)) throw refuse('Signature: it is not that of keyid over this request')
    // To come in costs what a message costs.
    const waitMs = newcomer === undefined ? 0 : pace()
    if (waitMs > 0) throw new Problem('RATE_LIMITED', newcomersSpent(waitMs), {}, waitMs)
    const nonce = `http.${read.nonce}`
    const isSafe = method === 'GET' || method === 'HEAD'
    if (!isSafe && await isNonceUsed(store.read, read.keyId, nonce)) throw refuse(usedBefore)
    return {
      agent: read.keyId,
      via: 'http',
      address,
      newcomer,
      scopes: new Set(tokenScopes),
      token: undefined,
      until: Infinity,
      spend: async (tx, at) => {
        // Of two that come at once.
        if (!await useNonce(tx, read.keyId, nonce, at)) throw new Fail('AUTH_REQUIRED', usedBefore)
      },
      checkBody: bytes => {
        // What was signed may have been left out on the way.
        const isCompared = bytes.length > 0 || read.contentDigest !== undefined
        if (isCompared && contentDigestOf(bytes) !== read.contentDigest) throw refuse('Content-Digest: not the sha-256 of this body')
      },
    }
  }
}

/** Whose key it is that nobody has seen here; or what is wrong. */
const newcomerOf = ({ pubkey: header }: IncomingHttpHeaders): Newcomer & { readonly agentId: string } | string => {
  if (typeof header !== 'string')
    return 'No agent of this keyid has been here: send its key too, as Pubkey: :BASE64 of its SPKI:;name="…" (agentchat curl does)'
  const shown = readKeyHeader(header)
  if (shown === undefined) return 'Pubkey: :BASE64 of the SPKI of an Ed25519 key:, and ;name="…" of 1–32 of A–Z a–z 0–9 _ -'
  const { publicKey, agentId, name = `agent-${agentId.slice(1, 9)}` } = shown
  return { pubkey: publicKey, name, agentId }
}

const usedBefore = 'Signature-Input: this nonce was used before; sign again'
const nothing = new Uint8Array()

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const headerOf = (value: string | readonly string[] | undefined): string | undefined => typeof value === 'object' ? value.join(', ') : value
