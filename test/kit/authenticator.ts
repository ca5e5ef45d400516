// An authenticator of passkeys in software: real keys, real signatures, as an honest browser would send them, and as whoever means harm could.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

type Cbor = number | string | Buffer | readonly Cbor[] | ReadonlyMap<number | string, Cbor>

const head = (major: number, n: number): Buffer =>
  n < 24
    ? Buffer.from([major << 5 | n])
    : n < 0x100
    ? Buffer.from([major << 5 | 24, n])
    : Buffer.from([major << 5 | 25, n >> 8, n & 0xff])

const cbor = (value: Cbor): Buffer => {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if ('length' in value) return Buffer.concat([head(4, value.length), ...value.map(cbor)])
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)])])
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()

export interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string, readonly name: string }
}
export interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
}

/** What an answer says that is not so. */
export interface Lie {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly counter?: number
  readonly isVerified?: boolean
  readonly userHandle?: string
  readonly type?: string
  /** Of which make it says it is. */
  readonly attestation?: readonly [format: string, statement: ReadonlyMap<string, Cbor>]
  /** Signs by another key. */
  readonly key?: KeyObject
}

export class Passkey {
  readonly id = randomBytes(16).toString('base64url')
  readonly #origin: string
  readonly #kind: 'ES256' | 'EdDSA'
  readonly #key: KeyObject
  readonly #cose: Buffer
  #counter: number
  #userHandle = ''

  /** @param counter undefined: it counts nothing, as those that are on several devices do */
  constructor(origin: string, kind: 'ES256' | 'EdDSA' = 'ES256', counter?: number) {
    this.#origin = origin
    this.#kind = kind
    this.#counter = counter ?? -1
    const { privateKey, publicKey } = kind === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
    this.#key = privateKey
    const { x, y } = publicKey.export({ format: 'jwk' })
    const bytes = (text: string | undefined) => Buffer.from(text!, 'base64url')
    this.#cose = cbor(
      kind === 'ES256'
        ? new Map<number, Cbor>([[1, 2], [3, -7], [-1, 1], [-2, bytes(x)], [-3, bytes(y)]])
        : new Map<number, Cbor>([[1, 1], [3, -8], [-1, 6], [-2, bytes(x)]]),
    )
  }

  create({ challenge, rp, user }: CreationOptions, lie: Lie = {}) {
    this.#userHandle = user.id
    const id = Buffer.from(this.id, 'base64url')
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, this.#cose])
    const authData = Buffer.concat([this.#authData(lie.rpId ?? rp.id, 0x40, lie), attested])
    const [fmt, attStmt] = lie.attestation ?? ['none', new Map<string, Cbor>()]
    return this.#answer({
      clientDataJSON: this.#clientData(lie.type ?? 'webauthn.create', challenge, lie),
      attestationObject: cbor(new Map<string, Cbor>([['fmt', fmt], ['attStmt', attStmt], ['authData', authData]])).toString('base64url'),
      transports: ['internal'],
    })
  }

  get({ challenge, rpId }: RequestOptions, lie: Lie = {}) {
    if (this.#counter >= 0) this.#counter++
    const authData = this.#authData(lie.rpId ?? rpId, 0, lie)
    const clientDataJSON = this.#clientData(lie.type ?? 'webauthn.get', challenge, lie)
    const data = Buffer.concat([authData, sha256(Buffer.from(clientDataJSON, 'base64url'))])
    const signature = sign(this.#kind === 'ES256' ? 'sha256' : null, data, lie.key ?? this.#key)
    return this.#answer({
      clientDataJSON,
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: lie.userHandle ?? this.#userHandle,
    })
  }

  #authData(rpId: string, flags: number, { counter = Math.max(0, this.#counter), isVerified = true }: Lie): Buffer {
    const tail = Buffer.alloc(5)
    tail[0] = flags | 0x01 | (isVerified ? 0x04 : 0)
    tail.writeUInt32BE(counter, 1)
    return Buffer.concat([sha256(rpId), tail])
  }

  #clientData(type: string, challenge: string, lie: Lie): string {
    const data = { type, challenge: lie.challenge ?? challenge, origin: lie.origin ?? this.#origin, crossOrigin: false }
    return Buffer.from(JSON.stringify(data)).toString('base64url')
  }

  #answer<R extends object>(response: R) {
    return { id: this.id, rawId: this.id, type: 'public-key', response, clientExtensionResults: {} }
  }
}

/** A browser: its cookies, and pages of one origin. */
export class Browser {
  readonly origin: string
  readonly #url: () => string
  cookie = ''
  setCookie = ''
  /** Of a way to an identity provider. */
  flow = ''

  /** @param url where the relay is: another place each time that it starts */
  constructor(url: () => string, origin: string) {
    this.#url = url
    this.origin = origin
  }

  async ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    const response = await fetch(`${this.#url()}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(method !== 'GET' && { origin: this.origin }),
        ...(this.cookie + this.flow !== '' && { cookie: [this.cookie, this.flow].filter(each => each !== '').join('; ') }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    for (const set of response.headers.getSetCookie()) {
      const held = /^[^=]+=;/.test(set) ? '' : set.split(';', 1)[0]!
      if (/^[^=]+-oidc=/.test(set)) this.flow = held
      else [this.setCookie, this.cookie] = [set, held]
    }
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Record<string, unknown> }
  }

  post(path: string, body: unknown = {}) {
    return this.ask('POST', path, body)
  }

  /** Makes an account by the link, and stays signed in. */
  async setUp(url: string, passkey: Passkey, name: string) {
    const by = { link: url.split('#')[1]!, name }
    const options = (await this.post('/signin/link/options', by)).body as unknown as CreationOptions
    return this.post('/signin/link/verify', { ...by, answer: passkey.create(options) })
  }

  async asked(): Promise<RequestOptions> {
    return (await this.post('/signin/passkey/options')).body as unknown as RequestOptions
  }

  async signIn(passkey: Passkey, lie: Lie = {}) {
    return this.post('/signin/passkey/verify', { answer: passkey.get(await this.asked(), lie) })
  }
}
