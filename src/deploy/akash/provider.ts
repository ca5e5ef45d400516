// A provider's gateway: TLS 1.3 by a public certificate or by the very one that stands on the chain, a token for each request,
// the manifest, status, logs.
import { X509Certificate } from 'node:crypto'
import { Agent, request, type RequestOptions } from 'node:https'
import { checkServerIdentity, rootCertificates } from 'node:tls'
import WebSocket from 'ws'
import * as z from 'zod'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { BidId, Provider } from './chain.ts'
import { AkashError } from './failure.ts'
import type { Scope } from './token.ts'

export interface ProviderOptions {
  readonly provider: Pick<Provider, 'address' | 'hostUri'>
  /** Its certificates on the chain, PEM. */
  readonly pins: readonly string[]
  token(scope: Scope): Promise<string>
  /** Certificates of the authorities that are trusted; default those of Node. */
  readonly roots?: readonly string[]
}

/** A host, perhaps with a port: it is shown, and connected to. */
const uriPattern = /^[\w.-]{1,253}(:\d{1,5})?\/?$/

const leaseStatus = z.object({
  services: z.record(z.string(),
    z.object({ uris: z.array(z.string()).nullish(), available: z.number().default(0), total: z.number().default(0) })).nullish(),
})

export interface LeaseStatus {
  readonly services: Readonly<Record<string, { readonly uris: readonly string[], readonly available: number, readonly total: number }>>
}

export type Stream = 'logs' | 'kubeevents'
export interface StreamOptions {
  readonly follow: boolean
  readonly tail: number
  readonly service?: string
  readonly signal: AbortSignal
  readonly pingMs?: number
  /** One JSON object each. */
  readonly onMessage: (value: Readonly<Record<string, unknown>>) => void
}

const patienceMs = 30_000
/** A stream whose other end has gone without a word is noticed by its next two. */
const defaultPingMs = 30_000
/** The provider itself works on a manifest for up to 120 s. */
const manifestPatienceMs = 130_000
const maxAnswerBytes = 1_024 ** 2
/** Of a connection that ended without a word, as WebSocket libraries tell it. */
const lostCode = 1_006
const streamEnds: Readonly<Record<number, string>> = {
  4_000: 'nothing runs yet',
  4_001: 'there is no such lease',
  4_002: 'the provider cannot tell now',
}

export class ProviderClient implements Disposable {
  readonly address: string
  readonly #base: URL
  readonly #agent: Agent
  readonly #token: ProviderOptions['token']

  constructor({ provider: { address, hostUri }, pins, token, roots = rootCertificates }: ProviderOptions) {
    const base = URL.canParse(hostUri) ? new URL(hostUri) : undefined
    if (base?.protocol !== 'https:')
      throw new AkashError('refused', `The provider ${address} names ${JSON.stringify(hostUri)} as its address, which is not https://`,
        'Take another one: agentchat deploy abort, then up with --deny-provider.')
    this.address = address
    this.#base = base
    this.#token = token
    // Anybody may put anything on the chain as a certificate of their own.
    const certificates = pins.flatMap(pem => certificateOf(pem) ?? [])
    const pinned = new Set(certificates.map(({ fingerprint256 }) => fingerprint256))
    this.#agent = new Agent({
      ca: [...roots, ...certificates.map(String)],
      minVersion: 'TLSv1.3',
      checkServerIdentity: (host, certificate) =>
        pinned.has(certificate.fingerprint256) ? undefined : checkServerIdentity(host, certificate),
    })
  }

  /** false: the provider has not seen the lease yet. */
  async sendManifest(dseq: string, json: string): Promise<boolean> {
    const { status, text } = await this.#ask('PUT', `/deployment/${dseq}/manifest`, 'send-manifest', json)
    if (status === 404) return false
    if (status === 200) return true
    throw this.#refusal(status, text, 'the manifest')
  }

  /** undefined: the provider knows of nothing that runs. */
  async status(lease: BidId): Promise<LeaseStatus | undefined> {
    const { status, text } = await this.#ask('GET', `${leasePath(lease)}/status`, 'status')
    if (status === 404) return undefined
    if (status !== 200) throw this.#refusal(status, text, 'the status')
    const parsed = leaseStatus.safeParse(jsonOf(text))
    if (!parsed.success)
      throw new AkashError('unreachable', `The provider ${this.address} tells the status in a form that this program does not know`)
    return {
      services: Object.fromEntries(
        Object.entries(parsed.data.services ?? {}).map(([name, { uris, available, total }]) => [name, {
          uris: (uris ?? []).filter(uri => uriPattern.test(uri)).map(uri => uri.replace(/\/$/, '')),
          available,
          total,
        }]),
      ),
    }
  }

  /** Resolves when the stream ends by itself or by the signal. */
  async stream(
    kind: Stream,
    lease: BidId,
    { follow, tail, service, signal, onMessage, pingMs = defaultPingMs }: StreamOptions,
  ): Promise<void> {
    const url = new URL(`${leasePath(lease)}/${kind}`, this.#base)
    url.protocol = 'wss:'
    url.search = String(new URLSearchParams({ follow: String(follow), tail: String(tail), ...(service !== undefined && { service }) }))
    const authorization = `Bearer ${await this.#token(kind === 'logs' ? 'logs' : 'events')}`
    const ws = new WebSocket(url, {
      agent: this.#agent,
      headers: { authorization },
      maxPayload: maxAnswerBytes,
      handshakeTimeout: patienceMs,
      followRedirects: false,
    })
    const close = () => ws.close()
    let isAlive = true
    const pinging = setInterval(() => {
      if (!isAlive) return ws.terminate()
      isAlive = false
      if (ws.readyState === WebSocket.OPEN) ws.ping()
    }, timerMs(pingMs))
    signal.addEventListener('abort', close)
    try {
      await new Promise<void>((resolve, reject) => {
        ws.on('unexpected-response', (_, response) => {
          response.destroy()
          reject(this.#refusal(response.statusCode!, '', kind === 'logs' ? 'the logs' : 'the events'))
        })
        ws.on('error', error => signal.aborted ? resolve() : reject(this.#lost(error)))
        ws.on('pong', () => {
          isAlive = true
        })
        ws.on('message', data => {
          const value = jsonOf(data.toString())
          if (typeof value === 'object' && value !== null) onMessage(value as Readonly<Record<string, unknown>>)
        })
        ws.on('close', code => {
          const end = streamEnds[code]
          if (signal.aborted || (end === undefined && code !== lostCode)) resolve()
          else if (end === undefined) reject(this.#lost(new Error('the connection is gone')))
          else reject(
              new AkashError(code === 4_001 ? 'notFound' : 'unreachable', `The provider ended the stream: ${end}`,
                'agentchat deploy status tells how it stands.'),
            )
        })
        if (signal.aborted) ws.close()
      })
    } finally {
      signal.removeEventListener('abort', close)
      clearInterval(pinging)
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #ask(method: string, path: string, scope: Scope, body?: string): Promise<{ readonly status: number, readonly text: string }> {
    const headers = {
      authorization: `Bearer ${await this.#token(scope)}`,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const options: RequestOptions = {
      method,
      headers,
      agent: this.#agent,
      signal: AbortSignal.timeout(timerMs(body === undefined ? patienceMs : manifestPatienceMs)),
    }
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(this.#lost(error))
      const outgoing = request(new URL(path, this.#base), options, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length > maxAnswerBytes) response.destroy(new Error('answers too much'))
        })
        response.on('end', () => resolve({ status: response.statusCode!, text }))
        response.on('error', fail)
      })
      outgoing.on('error', fail)
      outgoing.end(body)
    })
  }

  #lost(error: Error): AkashError {
    const { code = '', message } = error as NodeJS.ErrnoException
    const isIdentity = /CERT|SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(code)
    return isIdentity
      ? new AkashError('auth',
        `${this.#base.host} is not the provider ${this.address}: its certificate is neither a public one nor the one on the chain (${code})`,
        'Nothing was sent. Somebody may stand in between; or the provider changed its certificate: try again later, or agentchat '
          + 'deploy abort.', error)
      : new AkashError('unreachable',
        `The provider ${this.address} (${this.#base.host}): ${code === 'ABORT_ERR' ? 'no answer in time' : message}`,
        'Try again: agentchat deploy resume. Or take the money back: agentchat deploy abort.', error)
  }

  #refusal(status: number, text: string, what: string): AkashError {
    const message = text.trim().slice(0, 300)
    const said = `The provider ${this.address} refuses ${what} with ${status}${message === '' ? '' : `: ${message}`}`
    if (status === 422)
      return new AkashError('refused', said,
        'Its manifest is not the one whose hash is on the chain. agentchat deploy abort takes the money back.')
    if (status === 400 || status === 401 || status === 403) return new AkashError('auth', said, 'Is the clock of this machine right?')
    if (status >= 300 && status < 400) return new AkashError('refused', said, 'Providers are not followed elsewhere.')
    return new AkashError('unreachable', said, 'Try again: agentchat deploy resume. A domain that another lease holds ends like this too.')
  }
}

const leasePath = ({ dseq, gseq, oseq }: BidId): string => `/lease/${dseq}/${gseq}/${oseq}`

const certificateOf = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
