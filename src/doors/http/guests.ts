// Guests: who has no key yet gets one, and a token with it. The login is the one of every agent, with its rules; the key is told once, and
// nothing here keeps it: what the guest signs, it signs itself.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import * as z from 'zod'
import { agentIdOf, canonicalPem, fingerprintOf, loginTextV3 } from '../../../lib/identity/index.ts'
import { isErrorCode, originOf, timerMs, type Frame } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Seal } from '../../base/seal.ts'
import { Fail, requestsSpent, type DoorVisit, type Inside, type LocalConnection } from '../../relay/inside.ts'
import { Problem } from './problem.ts'

export interface GuestsOptions {
  readonly inside: () => Pick<Inside, 'connect'>
  readonly clock: Clock
  readonly serverId: string
  /** Of questions that are open. */
  readonly seal: Seal
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

/** Who was asked a question, as the id of the question says it, sealed: any process of the relay reads it, and none of them keeps anything. */
interface Arriving {
  readonly name: string
  /** PEM: PKCS #8 */
  readonly privateKey: string
  readonly captchaId: string
}

const maxIdChars = 2_000
const busyRetryMs = 5_000
const answerTimeoutMs = 30_000

export class Guests {
  readonly #options: GuestsOptions

  constructor(options: GuestsOptions) {
    this.#options = options
  }

  /** By a name, or by the answer to the question that came. @throws Problem, Fail */
  async arrive(visit: DoorVisit, body: object): Promise<Guest> {
    const asked = Asked.safeParse(body)
    if (!asked.success) throw new Problem('INVALID_MSG', 'Send { "name": … }, or { "captcha_id": …, "answer": … }')
    const waitMs = visit.pace()
    if (waitMs > 0) throw new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs)
    if ('name' in asked.data) {
      const { name } = asked.data
      return this.#come(visit, name, generateKeyPairSync('ed25519').privateKey)
    }
    const { captcha_id: sealed, answer } = asked.data
    const arriving = this.#arrivingOf(sealed)
    if (arriving === undefined) throw new Problem('CAPTCHA_EXPIRED', 'No such question is open: send a name again')
    const { name, privateKey, captchaId } = arriving
    return this.#come(visit, name, createPrivateKey(privateKey), { captcha_id: captchaId, answer })
  }

  #arrivingOf(sealed: string): Arriving | undefined {
    if (sealed.length > maxIdChars) return undefined
    try {
      // Nobody but this relay has sealed it.
      return JSON.parse(this.#options.seal.open(sealed)) as Arriving
    } catch {
      return undefined
    }
  }

  /** Logs in: with a new key, or again with that of who was asked before, who answers now. */
  async #come(
    { request: { headers: { host = '' }, socket }, address }: DoorVisit,
    name: string,
    key: KeyObject,
    answer?: { readonly captcha_id: string, readonly answer: string },
  ): Promise<Guest> {
    const { inside, seal } = this.#options
    const url = `${(socket as Partial<TLSSocket>).encrypted === true ? 'wss' : 'ws'}://${host}`
    if (!URL.canParse(url)) throw new Problem('ORIGIN_UNKNOWN', 'Host: not the name of a host')
    const publicKey = canonicalPem(createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString())
    const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const line = new Line(ear =>
      inside().connect({ address, host, arrival: { address: socket.localAddress, port: socket.localPort } }, ear)
    )
    try {
      let told = await this.#login(line, { name, publicKey, key, origin: originOf(url) })
      if (told.type === 'CAPTCHA_CHALLENGE') {
        if (answer === undefined) {
          const { captcha_id: captchaId, question, expires_at } = told as Frame<'CAPTCHA_CHALLENGE'>
          const sealed = seal.close(JSON.stringify({ name, privateKey, captchaId } satisfies Arriving))
          throw new Problem('CAPTCHA_ASKED', question, {}, undefined, { captcha_id: sealed, question, expires_at })
        }
        told = await line.ask('CAPTCHA_RESPONSE', answer)
      }
      const { agent_id, name: as } = told as Frame<'WELCOME'>
      const { token, scopes, expires_at } = await line.ask('TOKEN_CREATE', { name: 'guest' }) as Frame<'TOKEN_CREATED'>
      return { agent_id, name: as, token, scopes, expires_at, public_key: publicKey, private_key: privateKey }
    } finally {
      line.close()
    }
  }

  async #login(
    line: Line,
    { name, publicKey, key, origin }: {
      readonly name: string
      readonly publicKey: string
      readonly key: KeyObject
      readonly origin: string
    },
  ): Promise<Frame> {
    const { clock, serverId: relay } = this.#options
    const nonce = randomBytes(16).toString('hex')
    const asked = await line.ask('IDENTIFY', { name, pubkey: publicKey, nonce, origin })
    if (asked.type !== 'CHALLENGE') return asked
    const { challenge_id, nonce: relayNonce } = asked as Frame<'CHALLENGE'>
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
    return line.ask('VERIFY_IDENTITY', {
      challenge_id,
      signature: sign(null, Buffer.from(text), key).toString('base64'),
      timestamp: ts,
      sig_v: 3,
    })
  }
}

/** One that logs in: a question at a time. */
class Line {
  readonly #connection: LocalConnection
  #asked = 0
  #waiting: { readonly id: string, readonly resolve: (frame: Frame) => void, readonly reject: (error: Error) => void } | undefined
  #isOver = false

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
      },
    })
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
