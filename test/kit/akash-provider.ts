// A provider for tests: a TLS 1.3 gateway with a certificate of its own, that checks token and manifest as the real one does,
// and runs the relay that the manifest describes.
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import { WebSocketServer, type WebSocket } from 'ws'
import { verifySecp256k1 } from './akash-wire.ts'
import type { FakeChain } from './akash-chain.ts'
import type { FakeProvider, LeaseRow } from './akash-ledger.ts'
import { newCertificate, type Certificate } from './certificate.ts'
import { newFolder, type Folder } from './folder.ts'
import { builtBin, Program } from './process.ts'

interface ManifestService {
  readonly name: string
  readonly args: readonly string[] | null
  readonly env: readonly string[] | null
  readonly expose: readonly { readonly port: number }[]
  readonly params?: { readonly storage: readonly { readonly mount: string }[] }
}

class HttpRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface ProviderOptions {
  readonly address: string
  readonly price?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly auditors?: readonly string[]
  /** Host in its address; a name is sent by SNI, an IP is not. */
  readonly host?: string
  /** Made where none is given, which takes a moment. */
  readonly certificate?: Certificate
  /** Takes manifests and says that they run, without starting anything. */
  readonly isIdle?: boolean
  /** Shown to those who ask for `host` by SNI. */
  readonly publicCertificate?: { readonly cert: string, readonly key: string }
}

export class ProviderGateway implements AsyncDisposable {
  readonly row: FakeProvider
  /** So many manifests are answered 404 first, as by a provider that has not seen the lease. */
  blindness = 0
  /** Answers this to every manifest instead. */
  manifestAnswer: number | undefined
  /** Streams open, and from then on nothing is heard or said: as behind a cut cable. */
  isMute = false
  /** Every token that came, for tests that must not find it anywhere. */
  readonly tokens: string[] = []
  /** Manifests that were accepted. */
  readonly manifests: string[] = []
  relay: Program | undefined
  #uri = ''
  readonly #isIdle: boolean
  readonly #chain: FakeChain
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #folder: Folder
  readonly #timer: NodeJS.Timeout

  private constructor(chain: FakeChain, server: Server, folder: Folder, row: FakeProvider, isIdle: boolean) {
    this.#isIdle = isIdle
    this.#chain = chain
    this.#server = server
    this.#folder = folder
    this.row = row
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response))
    server.on('upgrade', (request: IncomingMessage, socket, head) => {
      const end = (status: number) => void socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`)
      try {
        const url = new URL(request.url!, 'https://gateway')
        const [, dseq, , , kind] = /^\/lease\/(\d+)\/(\d+)\/(\d+)\/(logs|kubeevents)$/.exec(url.pathname) ?? []
        if (dseq === undefined || kind === undefined) return end(404)
        const owner = this.#owner(request, kind === 'logs' ? 'logs' : 'events')
        this.#sockets.handleUpgrade(request, socket, head, ws => this.#stream(ws, kind, this.#lease(owner, dseq), url.searchParams))
      } catch (error) {
        end(error instanceof HttpRefusal ? error.status : 500)
      }
    })
    // Without a lease nothing runs.
    this.#timer = setInterval(() => {
      if (this.relay !== undefined && !this.#leases().some(({ state }) => state === 'active')) this.#stop()
    }, 20)
  }

  /** A gateway whose address and certificate stand on the chain. */
  static async start(
    chain: FakeChain,
    { address, host = '127.0.0.1', publicCertificate, isIdle = false, certificate, ...rest }: ProviderOptions,
  ): Promise<ProviderGateway> {
    const folder = newFolder()
    const { cert, key } = certificate ?? newCertificate(folder, address)
    const [pem, privateKey] = [readFileSync(cert, 'utf8'), readFileSync(key, 'utf8')]
    const server = createServer({
      cert: pem,
      key: privateKey,
      minVersion: 'TLSv1.3',
      SNICallback: (name, done) =>
        done(null, name === host && publicCertificate !== undefined
          ? createSecureContext({ cert: publicCertificate.cert, key: publicCertificate.key })
          : undefined),
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const row = { address, hostUri: `https://${host}:${(server.address() as AddressInfo).port}`, cert: pem, ...rest }
    chain.ledger.providers.push(row)
    return new ProviderGateway(chain, server, folder, row, isIdle)
  }

  get fingerprint(): string {
    return new X509Certificate(this.row.cert).fingerprint256
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    for (const ws of this.#sockets.clients) ws.terminate()
    this.#server.closeAllConnections()
    this.#server.close()
    await this.relay?.[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const answer = (status: number, body = '') => response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    try {
      const put = /^\/deployment\/(\d+)\/manifest$/.exec(request.url!)
      const status = /^\/lease\/(\d+)\/1\/1\/status$/.exec(request.url!)
      if (put !== null && request.method === 'PUT') {
        await this.#manifest(this.#owner(request, 'send-manifest'), put[1]!, Buffer.concat(chunks).toString('utf8'))
        answer(200)
      } else if (status !== null && request.method === 'GET')
        answer(200, JSON.stringify(this.#status(this.#lease(this.#owner(request, 'status'), status[1]!))))
      else answer(404)
    } catch (error) {
      if (error instanceof HttpRefusal) answer(error.status, JSON.stringify({ message: error.message }))
      else answer(500, String(error))
    }
  }

  /** Who the token says it is; all of AEP-64 that the gateway checks. */
  #owner({ headers: { authorization } }: IncomingMessage, scope: string): string {
    if (authorization === undefined) throw new HttpRefusal(401, 'unauthorized access')
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/.exec(authorization)?.[1]
    if (token === undefined) throw new HttpRefusal(400, 'invalid Authorization header')
    this.tokens.push(token)
    const [head, body, signature] = token.split('.') as [string, string, string]
    const json = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    const { alg } = json(head) as { alg?: string }
    const { iss, iat, nbf, exp, version, leases } = json(body) as {
      iss: string
      iat: number
      nbf: number
      exp: number
      version: string
      leases: { access: string, scope?: unknown, permissions?: { provider: string, access: string, scope?: string[] }[] }
    }
    const pubkey = this.#chain.accounts.get(iss)?.pubkey
    if (
      alg !== 'ES256K' || pubkey === undefined
      || !verifySecp256k1(pubkey, Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url'))
    ) throw new HttpRefusal(401, 'JWT is invalid')
    const now = Date.now() / 1_000
    if (exp <= now) throw new HttpRefusal(401, 'JWT is expired')
    if (![iat, nbf, exp].every(Number.isFinite) || nbf > now || iat > now || version !== 'v1') throw new HttpRefusal(401, 'JWT is invalid')
    const { access, permissions } = leases
    if (access === 'full' && leases.scope === undefined && permissions === undefined) return iss
    if (access !== 'granular' || permissions === undefined) throw new HttpRefusal(400, 'JWT has invalid claims')
    if (
      !permissions.some(permission =>
        permission.provider === this.row.address && permission.access === 'scoped' && permission.scope?.includes(scope)
      )
    ) throw new HttpRefusal(401, 'unauthorized access')
    return iss
  }

  #leases(): readonly LeaseRow[] {
    return this.#chain.ledger.state.leases.filter(({ id }) => id.provider === this.row.address)
  }

  #lease(owner: string, dseq: string): LeaseRow {
    const lease = this.#leases().find(({ id, state }) => id.owner === owner && id.dseq === dseq && state === 'active')
    if (lease === undefined) throw new HttpRefusal(404, 'no lease for deployment')
    return lease
  }

  async #manifest(owner: string, dseq: string, text: string): Promise<void> {
    if (this.manifestAnswer !== undefined) throw new HttpRefusal(this.manifestAnswer, 'as the test wants it')
    if (this.blindness-- > 0) throw new HttpRefusal(404, 'no lease for deployment')
    this.#lease(owner, dseq)
    const hash = createHash('sha256').update(marshalled(JSON.parse(text))).digest('hex')
    if (hash !== this.#chain.ledger.deployment(owner, dseq)!.hash) throw new HttpRefusal(422, 'manifest version validation failed')
    this.manifests.push(text)
    const [{ services: [service] }] = JSON.parse(text) as [{ services: [ManifestService] }]
    if (!this.#isIdle) await this.#run(service)
  }

  /** As its container would run it, with the mount in a folder and the port that it exposes mapped to a free one. */
  async #run({ args, env, expose: [exposed], params }: ManifestService): Promise<void> {
    await this.relay?.[Symbol.asyncDispose]()
    const mounted = (text: string) =>
      params?.storage.some(({ mount }) => mount === text) === true ? this.#folder.at('volume') : text === '0.0.0.0' ? '127.0.0.1' : text
    const variables = Object.fromEntries((env ?? []).map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
    if (variables['AGENTCHAT_PORT'] === String(exposed!.port)) variables['AGENTCHAT_PORT'] = '0'
    this.relay = new Program(process.execPath, [builtBin(), ...(args ?? []).map(mounted)], { env: variables })
    this.#uri = `127.0.0.1:${(await this.relay.prints(/ws:\/\/[\w.-]+:(\d+)/))[1]!}`
  }

  #stop(): void {
    this.relay?.signal('SIGTERM')
    this.relay = undefined
  }

  #status({ id }: LeaseRow): object {
    if (this.relay === undefined && !(this.#isIdle && this.manifests.length > 0)) throw new HttpRefusal(404, 'lease not found')
    const [{ services: [{ name }] }] = JSON.parse(this.manifests.at(-1)!) as [{ services: [ManifestService] }]
    return {
      services: {
        [name]: {
          name,
          available: 1,
          total: 1,
          uris: [this.#uri],
          observed_generation: 1,
          replicas: 1,
          updated_replicas: 1,
          ready_replicas: 1,
          available_replicas: 1,
        },
      },
      forwarded_ports: null,
      ips: null,
      dseq: id.dseq,
    }
  }

  #stream(ws: WebSocket, kind: string, _: LeaseRow, query: URLSearchParams): void {
    const { relay } = this
    if (this.isMute) return ws.pause()
    if (relay === undefined) return ws.close(4_000, 'no running pods')
    if (kind === 'kubeevents') {
      for (const reason of ['Scheduled', 'Pulled', 'Started'])
        ws.send(
          JSON.stringify({
            type: 'Normal',
            reason,
            note: `${reason} by the test`,
            object: { kind: 'Pod', name: 'agentchat-0' },
            lastTimestamp: new Date().toISOString(),
          }),
        )
      return ws.close(1_000)
    }
    let sent = 0
    const send = () => {
      const lines = `${relay.stdout}${relay.stderr}`.split('\n').slice(0, -1)
      for (const message of lines.slice(sent)) ws.send(JSON.stringify({ name: 'agentchat-0', message }))
      sent = lines.length
    }
    send()
    if (query.get('follow') !== 'true') return ws.close(1_000)
    const timer = setInterval(send, 20)
    ws.on('close', () => clearInterval(timer))
  }
}

/** As Go writes it: keys sorted, absent params left out, `< > &` escaped. */
export const marshalled = (value: unknown): string =>
  JSON.stringify(sorted(value)).replace(/[<>&]/g, char => `\\u00${char.charCodeAt(0).toString(16)}`)

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
    ? Object.fromEntries(
      Object.entries(value).filter(([key, entry]) => !(key === 'params' && entry === null)).sort(([a], [b]) => a < b ? -1 : 1).map((
        [key, entry],
      ) => [key, sorted(entry)]),
    )
    : value
