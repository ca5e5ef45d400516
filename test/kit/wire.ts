// A client of the wire and nothing more: it sends what it is told, bad frames too, and keeps every frame it hears, checked
// against the protocol table.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import WebSocket, { type RawData } from 'ws'
import { fingerprintOf, loginTextV3, type Identity } from '../../lib/identity/index.ts'
import { nodeIdentity } from '../../lib/node/index.ts'
import { decodeFrame, originOf, type Frame, type FrameType } from '../../lib/protocol/index.ts'

export interface CloseInfo {
  readonly code: number
  readonly reason: string
}

/** An Ed25519 key as existing clients hold it. */
export interface Key {
  readonly pem: string
  readonly privateKey: KeyObject
  readonly id: string
}

const timeoutMs = 10_000

export const newKey = (): Key => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { pem, privateKey, id: `@${createHash('sha256').update(pem).digest('hex').slice(0, 16)}` }
}

export const signWith = ({ privateKey }: Pick<Key, 'privateKey'>, text: string): string =>
  sign(null, Buffer.from(text), privateKey).toString('base64')

/** The same key as programs hold it. */
export const identityOf = ({ privateKey }: Key, name?: string): Identity =>
  nodeIdentity(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), name === undefined ? {} : { name })

/** Rejects when `promise` takes too long: a missing frame fails the test that waits for it, by name. */
const within = async <T>(promise: Promise<T>, what: () => string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what())), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

export class Wire {
  /** Every frame heard, in order. */
  readonly heard: Frame[] = []
  /** The same frames as the texts they were. */
  readonly texts: string[] = []
  /** Set by `login`. */
  id = ''
  /** What signatures in this session name; set by `login` with `form: 3`. */
  session: { readonly origin: string, readonly relayNonce: string } | undefined
  readonly #ws: WebSocket
  readonly #socket: ReturnType<typeof connectSocket>
  #unread: Frame[] = []
  #waiting: (() => void)[] = []
  #broken: Error | undefined
  #closed: CloseInfo | undefined
  #barriers = 0

  /** `from`: the address of this machine to connect from; `headers`: what a proxy says. */
  constructor(url: string, from?: string, headers: Readonly<Record<string, string>> = {}) {
    const { hostname, port } = new URL(url)
    this.#socket = connectSocket({
      host: hostname,
      port: Number(port),
      noDelay: true,
      ...(from !== undefined && { localAddress: from }),
    })
    this.#ws = new WebSocket(url, { createConnection: () => this.#socket, perMessageDeflate: false, headers })
    this.#ws.on('message', (data: RawData) => this.#hear(data.toString()))
    this.#ws.on('error', () => undefined)
    this.#ws.on('close', (code, reason) => {
      this.#closed = { code, reason: reason.toString() }
      this.#wake()
    })
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Frames heard that no `next` has taken. */
  get unread(): readonly Frame[] {
    return this.#unread
  }

  opened(): Promise<void> {
    if (this.#ws.readyState === WebSocket.OPEN) return Promise.resolve()
    return within(new Promise((resolve, reject) => this.#ws.once('open', resolve).once('error', reject)),
      () => 'the relay did not take the connection')
  }

  /** Sends frames in one chunk: objects as JSON, strings as they are, buffers as binary frames. */
  send(...frames: readonly (object | string | Buffer)[]): void {
    this.#socket.cork()
    for (const frame of frames) this.#ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame))
    this.#socket.uncork()
  }

  /** Takes the next frame, or the next of a type (the others stay). Fails when the connection closes first. */
  async next(): Promise<Frame>
  async next<T extends FrameType>(type: T): Promise<Frame<T>>
  async next(type?: FrameType): Promise<Frame> {
    let found: Frame | undefined
    await this.#until(() => {
      const index = type === undefined ? 0 : this.#unread.findIndex(frame => frame.type === type)
      if (index >= 0 && index < this.#unread.length) found = this.#unread.splice(index, 1)[0]
      return found !== undefined
    }, type ?? 'frame')
    return found!
  }

  /** Takes `count` frames of a type. */
  async take<T extends FrameType>(type: T, count: number): Promise<readonly Frame<T>[]> {
    const frames: Frame<T>[] = []
    while (frames.length < count) frames.push(await this.next(type))
    return frames
  }

  /** Sends a request with an id and gives its answer; an ERROR fails. */
  async ask<T extends FrameType>(request: { readonly type: string } & Record<string, unknown>, answer: T): Promise<Frame<T>> {
    const reply = await this.#reply(request)
    if (reply.type !== answer) throw new Error(`${request.type} was answered ${JSON.stringify(reply)}`)
    return reply as Frame<T>
  }

  /** Sends a request with an id and gives its answer, whatever that is. */
  answer(request: { readonly type: string } & Record<string, unknown>): Promise<Frame> {
    return this.#reply(request)
  }

  /** Sends a request with an id and gives the code it is refused with. */
  async refusal(request: { readonly type: string } & Record<string, unknown>): Promise<Frame<'ERROR'>> {
    const reply = await this.#reply(request)
    if (reply.type !== 'ERROR') throw new Error(`${request.type} was not refused: ${JSON.stringify(reply)}`)
    return reply
  }

  /** Resolves once the relay has answered everything this client sent before: whatever it was going to send is here. */
  async barrier(): Promise<void> {
    await this.ask({ type: 'PING' }, 'PONG')
  }

  /** Fails if anything unread is here, or comes before the answer to a PING. */
  async hearsNothing(): Promise<void> {
    await this.barrier()
    if (this.#unread.length > 0) throw new Error(`expected silence, heard ${this.#unread.map(frame => JSON.stringify(frame)).join('\n')}`)
  }

  /** Forgets what is unread. */
  async clear(): Promise<void> {
    await this.barrier()
    this.#unread = []
  }

  async closed(): Promise<CloseInfo> {
    await within(new Promise<void>(resolve => {
      const check = () => {
        if (this.#closed === undefined) this.#waiting.push(check)
        else resolve()
      }
      check()
    }), () => 'the connection was not closed')
    return this.#closed!
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  /** Ends the connection and waits until it is gone. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return
    if (this.#ws.isPaused) this.#ws.resume()
    this.#ws.close()
    await this.closed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ws.terminate()
    await this.closed()
  }

  async #reply(request: { readonly type: string } & Record<string, unknown>): Promise<Frame> {
    const id = typeof request['id'] === 'string' ? request['id'] : `wire-${++this.#barriers}`
    this.send({ ...request, id })
    let reply: Frame | undefined
    await this.#until(() => {
      const index = this.#unread.findIndex(frame => 're' in frame && frame.re === id)
      if (index >= 0) reply = this.#unread.splice(index, 1)[0]
      return reply !== undefined
    }, `the answer to ${request.type}`)
    return reply!
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    await within(new Promise<void>((resolve, reject) => {
      const check = () => {
        if (this.#broken !== undefined) reject(this.#broken)
        else if (done()) resolve()
        else if (this.#closed !== undefined) reject(new Error(`closed with ${this.#closed.code} ${this.#closed.reason} before ${what}`))
        else this.#waiting.push(check)
      }
      check()
    }), () => `no ${what}; unread: ${JSON.stringify(this.#unread).slice(0, 2_000)}`)
  }

  #hear(text: string): void {
    const decoded = decodeFrame(text)
    // A frame says what the table declares, no more and no less.
    if (!decoded.ok) this.#broken = new Error(`not a frame of the protocol (${decoded.message}): ${text}`)
    else if (!isDeepStrictEqual(decoded.frame, JSON.parse(text)))
      this.#broken = new Error(`a field that the protocol table does not declare: ${text}`)
    else {
      this.heard.push(decoded.frame)
      this.texts.push(text)
      this.#unread.push(decoded.frame)
    }
    this.#wake()
  }

  #wake(): void {
    for (const check of this.#waiting.splice(0)) check()
  }
}

export const connect = async (url: string, from?: string, headers?: Readonly<Record<string, string>>): Promise<Wire> => {
  const wire = new Wire(url, from, headers)
  await wire.opened()
  return wire
}

/** What IDENTIFY and VERIFY_IDENTITY say of a login by the third form of its text. */
export const bound = (url: string, key: Key) => {
  const asked = { nonce: randomBytes(16).toString('hex'), origin: originOf(url) }
  return {
    identify: { type: 'IDENTIFY', pubkey: key.pem, ...asked },
    verify: (
      { challenge_id, nonce: relayNonce, server_id }: Pick<Frame<'CHALLENGE'>, 'challenge_id' | 'nonce' | 'server_id'>,
      timestamp = Date.now(),
    ) => {
      const text = loginTextV3({
        ...asked,
        by: key.id,
        key: fingerprintOf(key.pem),
        relay: server_id!,
        relayNonce,
        challengeId: challenge_id,
        ts: timestamp,
      })
      return { type: 'VERIFY_IDENTITY', challenge_id, timestamp, sig_v: 3, signature: signWith(key, text) }
    },
  }
}

/**
 * Opens a session: ephemeral, or with a key by the login text that every client knows, or by the third form of it. Its frames
 * are taken.
 */
export const login = async (
  url: string,
  name: string,
  options: { readonly key?: Key, readonly form?: 3, readonly from?: string, readonly [field: string]: unknown } = {},
): Promise<Wire> => {
  const { key, form, from, ...fields } = options
  const wire = await connect(url, from)
  if (key !== undefined && form === 3) {
    const { identify, verify } = bound(url, key)
    wire.send({ ...identify, name, ...fields })
    const challenge = await wire.next('CHALLENGE')
    wire.send(verify(challenge))
    wire.session = { origin: identify.origin, relayNonce: challenge.nonce }
    wire.id = (await wire.next('WELCOME')).agent_id
    return wire
  }
  wire.send({ type: 'IDENTIFY', name, ...(key !== undefined && { pubkey: key.pem }), ...fields })
  if (key !== undefined) {
    const { challenge_id, nonce } = await wire.next('CHALLENGE')
    const timestamp = Date.now()
    wire.send({
      type: 'VERIFY_IDENTITY',
      challenge_id,
      timestamp,
      signature: signWith(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`),
    })
  }
  wire.id = (await wire.next('WELCOME')).agent_id
  return wire
}
