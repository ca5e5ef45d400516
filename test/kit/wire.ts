// A client of the wire and nothing more: it sends what it is told, bad frames too, and keeps every frame it hears, checked
// against the protocol table.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import WebSocket, { type RawData } from 'ws'
import { fingerprintOf, loginTextV3, type LocalIdentity } from '../../lib/identity/index.ts'
import { nodeIdentity } from '../../lib/node/index.ts'
import type { Inside } from '../../src/relay/inside.ts'
import { decodeFrame, originOf, type Frame, type FrameType } from '../../lib/protocol/index.ts'
import { areWatched, settled } from './statements.ts'

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

const timeoutMs = 20_000

export const newKey = (): Key => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { pem, privateKey, id: `@${createHash('sha256').update(pem).digest('hex').slice(0, 16)}` }
}

export const signWith = ({ privateKey }: Pick<Key, 'privateKey'>, text: string): string =>
  sign(null, Buffer.from(text), privateKey).toString('base64')

/** The same key as programs hold it. */
export const identityOf = ({ privateKey }: Key, name?: string): LocalIdentity =>
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

/** What carries the frames of a wire: a WebSocket, or a line inside the relay. */
export interface Cable {
  readonly isPaused: boolean
  opened(): Promise<void>
  /** In one chunk. */
  send(frames: readonly (string | Buffer)[]): void
  pause(): void
  resume(): void
  close(): void
  terminate(): void
}
/** Who hears them. */
export interface CableEnds {
  hear(text: string): void
  closed(info: CloseInfo): void
}

/** `from`: the address of this machine to connect from; `headers`: what a proxy says. */
const socketCable = (url: string, from?: string, headers: Readonly<Record<string, string>> = {}) => (ends: CableEnds): Cable => {
  const { hostname, port } = new URL(url)
  const socket = connectSocket({ host: hostname, port: Number(port), noDelay: true, ...(from !== undefined && { localAddress: from }) })
  const ws = new WebSocket(url, { createConnection: () => socket, perMessageDeflate: false, headers })
  ws.on('message', (data: RawData) => ends.hear(data.toString()))
  ws.on('error', () => undefined)
  ws.on('close', (code, reason) => ends.closed({ code, reason: reason.toString() }))
  return {
    get isPaused() {
      return ws.isPaused
    },
    opened: () =>
      ws.readyState === WebSocket.OPEN
        ? Promise.resolve()
        : new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject)),
    send: frames => {
      socket.cork()
      for (const frame of frames) ws.send(frame)
      socket.uncork()
    },
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: () => ws.close(),
    terminate: () => ws.terminate(),
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
  readonly #cable: Cable
  #unread: Frame[] = []
  #waiting: (() => void)[] = []
  #broken: Error | undefined
  #closed: CloseInfo | undefined
  #barriers = 0

  constructor(connect: (ends: CableEnds) => Cable) {
    this.#cable = connect({
      hear: text => this.#hear(text),
      closed: info => {
        this.#closed = info
        this.#wake()
      },
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
    return within(this.#cable.opened(), () => 'the relay did not take the connection')
  }

  /** Sends frames in one chunk: objects as JSON, strings as they are, buffers as binary frames. */
  send(...frames: readonly (object | string | Buffer)[]): void {
    this.#cable.send(frames.map(frame => typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)))
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
    if (!areWatched()) return
    await settled()
    await this.ask({ type: 'PING' }, 'PONG')
  }

  /** Fails if anything unread is here, or comes before the answer to a PING. */
  async hearsNothing(): Promise<void> {
    await this.barrier()
    if (this.#unread.length > 0) throw new Error(`expected silence, heard ${this.#unread.map(frame => JSON.stringify(frame)).join('\n')}`)
  }

  /** Forgets what was heard so far, and waits for nothing: a test of many thousand rounds does not keep them all. */
  forget(): void {
    this.heard.length = 0
    this.texts.length = 0
    this.#unread = []
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
    this.#cable.pause()
  }

  resume(): void {
    this.#cable.resume()
  }

  /** Ends the connection and waits until it is gone. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return
    if (this.#cable.isPaused) this.#cable.resume()
    this.#cable.close()
    await this.closed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cable.terminate()
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
  return connectBy(socketCable(url, from, headers))
}

export const connectBy = async (cable: (ends: CableEnds) => Cable): Promise<Wire> => {
  const wire = new Wire(cable)
  await wire.opened()
  return wire
}

/** A connection without a socket. */
export const insideCable =
  (inside: Inside, { httpUrl, address = '127.0.0.1' }: { readonly httpUrl: string, readonly address?: string }) =>
  (ends: CableEnds): Cable => {
    const line = inside.connect({
      address,
      host: new URL(httpUrl).host,
      arrival: { address: '127.0.0.1', port: Number(new URL(httpUrl).port) },
    }, {
      hear: text => {
        ends.hear(text.toString())
        return true
      },
      pinged: mark => line.pong(mark),
      closed: (code, reason) => ends.closed({ code, reason }),
    })
    const close = () => line.close()
    return {
      isPaused: false,
      opened: () => Promise.resolve(),
      send: frames => frames.forEach(frame => line.send(Buffer.from(frame))),
      pause: close,
      resume: () => undefined,
      close,
      terminate: close,
    }
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
  { from, ...options }: LoginOptions & { readonly from?: string } = {},
): Promise<Wire> => loginOn(await connect(url, from), url, name, options)

export interface LoginOptions {
  readonly key?: Key
  readonly form?: 3
  readonly [field: string]: unknown
}

/** The same on a connection that is open. */
export const loginOn = async (wire: Wire, url: string, name: string, { key, form, ...fields }: LoginOptions = {}): Promise<Wire> => {
  if (key !== undefined && form === 3) {
    const { identify, verify } = bound(url, key)
    wire.send({ ...identify, name, ...fields })
    const challenge = await wire.next('CHALLENGE')
    wire.send(verify(challenge))
    wire.session = { origin: identify.origin, relayNonce: challenge.nonce }
    wire.id = (await wire.next('WELCOME')).agent_id
    await settled()
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
  // What waited for it is sent by then: what comes from now on is new.
  await settled()
  return wire
}
