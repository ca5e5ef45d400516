// Guests: who has no key yet gets one, and a token with it. The login is the one of every agent, with its rules; the key is told once, and
// nothing here keeps it: what the guest signs, it signs itself.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import * as z from 'zod'
import { agentIdOf, canonicalPem, fingerprintOf, loginTextV3 } from '../../../lib/identity/index.ts'
import { isErrorCode, originOf, timerMs, type Frame } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import { Fail, type DoorVisit, type Inside, type LocalConnection } from '../../relay/inside.ts'
import { Problem } from './problem.ts'

export interface GuestsOptions {
  readonly inside: () => Pick<Inside, 'connect'>
  readonly clock: Clock
  readonly serverId: string
}

/** What is told once. */
export interface Guest {
  readonly agent_id: string
  readonly name: string
  readonly token: string
  readonly scopes: readonly string[]
  readonly expires_at: number
  /** PEM: SPKI, and PKCS #8. */
  readonly public_key: string
  readonly private_key: string
}

const Asked = z.union([
  z.strictObject({ name: z.string() }),
  z.strictObject({ captcha_id: z.string(), answer: z.string() }),
])

interface Arriving {
  readonly line: Line
  readonly address: string
  readonly publicKey: string
  readonly privateKey: string
}

/** Those of whom an answer is awaited: in all, and of one address, whose oldest question goes for a new one. */
const maxArriving = 100
const maxOfAddress = 5
const busyRetryMs = 5_000
const answerTimeoutMs = 30_000

export class Guests {
  readonly #options: GuestsOptions
  readonly #arriving = new Map<string, Arriving>()

  constructor(options: GuestsOptions) {
    this.#options = options
  }

  /** By a name, or by the answer to the question that came. @throws Problem, Fail */
  async arrive(visit: DoorVisit, body: object): Promise<Guest> {
    const asked = Asked.safeParse(body)
    if (!asked.success) throw new Problem('INVALID_MSG', 'Send { "name": … }, or { "captcha_id": …, "answer": … }')
    const waitMs = visit.pace()
    if (waitMs > 0) throw new Problem('RATE_LIMITED', 'Too many requests of this address', {}, waitMs)
    if ('name' in asked.data) return this.#come(visit, asked.data.name)
    const { captcha_id, answer } = asked.data
    const arriving = this.#arriving.get(captcha_id)
    if (arriving === undefined) throw new Problem('CAPTCHA_EXPIRED', 'No such question is open: send a name again')
    // Answered once, however many answers come at the same time.
    this.#arriving.delete(captcha_id)
    return this.#settle(arriving, await this.#closing(arriving.line, () => arriving.line.ask('CAPTCHA_RESPONSE', { captcha_id, answer })))
  }

  async #come({ request: { headers: { host = '' }, socket }, address }: DoorVisit, name: string): Promise<Guest> {
    const { inside, clock, serverId: relay } = this.#options
    const url = `${(socket as Partial<TLSSocket>).encrypted === true ? 'wss' : 'ws'}://${host}`
    if (!URL.canParse(url)) throw new Problem('ORIGIN_UNKNOWN', 'Host: not the name of a host')
    const origin = originOf(url)
    const isFull = this.#arriving.size >= maxArriving && this.#of(address).length < maxOfAddress
    if (isFull) throw new Fail('BUSY', 'Too many newcomers are asked at once', busyRetryMs)
    const { publicKey: spki, privateKey: key } = generateKeyPairSync('ed25519')
    const publicKey = canonicalPem(spki.export({ type: 'spki', format: 'pem' }).toString())
    const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const line = new Line(ear =>
      inside().connect({ address, host, arrival: { address: socket.localAddress, port: socket.localPort } }, ear)
    )
    return this.#settle({ line, address, publicKey, privateKey }, await this.#closing(line, async () => {
      const nonce = randomBytes(16).toString('hex')
      const answer = await line.ask('IDENTIFY', { name, pubkey: publicKey, nonce, origin })
      if (answer.type !== 'CHALLENGE') return answer
      const { challenge_id, nonce: relayNonce } = answer as Frame<'CHALLENGE'>
      const ts = clock.now()
      const text = loginTextV3({
        by: agentIdOf(publicKey),
        key: fingerprintOf(publicKey),
        origin,
        relay,
        nonce,
        relayNonce,
        challengeId: challenge_id,
        ts,
      })
      const signature = sign(null, Buffer.from(text), key).toString('base64')
      return line.ask('VERIFY_IDENTITY', { challenge_id, signature, timestamp: ts, sig_v: 3 })
    }))
  }

  /** It is in, or it is asked a question first. */
  async #settle(arriving: Arriving, answer: Frame): Promise<Guest> {
    const { line, publicKey, privateKey } = arriving
    if (answer.type === 'CAPTCHA_CHALLENGE') {
      const { captcha_id, question, expires_at } = answer as Frame<'CAPTCHA_CHALLENGE'>
      const own = this.#of(arriving.address)
      if (own.length >= maxOfAddress) {
        const [[oldest, { line: its }]] = own as [[string, Arriving]]
        this.#arriving.delete(oldest)
        its.close()
      }
      this.#arriving.set(captcha_id, arriving)
      line.whenOver(() => this.#arriving.delete(captcha_id))
      setTimeout(() => line.close(), timerMs(expires_at - this.#options.clock.now())).unref()
      throw new Problem('CAPTCHA_ASKED', question, {}, undefined, { captcha_id, question, expires_at })
    }
    const { agent_id, name } = answer as Frame<'WELCOME'>
    const { token, scopes, expires_at } = await line.ask('TOKEN_CREATE', { name: 'guest' }).finally(() => line.close()) as Frame<
      'TOKEN_CREATED'
    >
    return { agent_id, name, token, scopes, expires_at, public_key: publicKey, private_key: privateKey }
  }

  /** Questions that are open for an address, the oldest first. */
  #of(address: string): readonly (readonly [string, Arriving])[] {
    return [...this.#arriving].filter(([, arriving]) => arriving.address === address)
  }

  /** What fails ends the line. */
  async #closing(line: Line, work: () => Promise<Frame>): Promise<Frame> {
    try {
      return await work()
    } catch (error) {
      line.close()
      throw error
    }
  }
}

/** One that logs in: a question at a time. */
class Line {
  readonly #connection: LocalConnection
  #asked = 0
  #waiting: { readonly id: string, readonly resolve: (frame: Frame) => void, readonly reject: (error: Error) => void } | undefined
  #isOver = false
  #over = () => {}

  constructor(open: (ear: Parameters<Inside['connect']>[1]) => LocalConnection) {
    this.#connection = open({
      hear: text => {
        const frame = JSON.parse(text.toString()) as Frame & { readonly re?: string }
        if (this.#waiting === undefined || frame.re !== this.#waiting.id) return true
        const { resolve, reject } = this.#waiting
        this.#waiting = undefined
        if (frame.type === 'ERROR') reject(failOf(frame as Frame<'ERROR'>))
        else resolve(frame)
        return true
      },
      pinged: mark => this.#connection.pong(mark),
      closed: () => {
        this.#isOver = true
        this.#waiting?.reject(new Fail('BUSY', 'The relay ended the login; ask again', busyRetryMs))
        this.#waiting = undefined
        this.#over()
      },
    })
  }

  whenOver(over: () => void): void {
    this.#over = over
    if (this.#isOver) over()
  }

  close(): void {
    this.#connection.close()
  }

  /** @throws Fail */
  ask(type: string, body: object): Promise<Frame> {
    const id = `${++this.#asked}`
    return new Promise<Frame>((resolve, reject) => {
      if (this.#isOver) return reject(new Fail('BUSY', 'The relay ended the login; ask again', busyRetryMs))
      const timer = setTimeout(() => reject(new Fail('BUSY', 'Not answered in time; ask again', busyRetryMs)), timerMs(answerTimeoutMs))
        .unref()
      const done = <T>(then: (value: T) => void) => (value: T) => {
        clearTimeout(timer)
        then(value)
      }
      this.#waiting = { id, resolve: done(resolve), reject: done(reject) }
      this.#connection.send(Buffer.from(JSON.stringify({ ...body, type, id })))
    })
  }
}

const failOf = ({ code, message, retry_after_ms }: Frame<'ERROR'>): Fail =>
  new Fail(isErrorCode(code) ? code : 'INTERNAL', message, retry_after_ms)
