// Whether messages were signed by who is said to have sent them, for this relay, now, and once: their keys, asked of the relay once, and
// what the check came to.
import {
  agentIdOf,
  hasLaterFields,
  signedTextOf,
  type Identity,
  type SignatureState,
  type SignedMessage,
  type Verify,
} from '../identity/index.ts'
import { addressOf, hasHost } from '../protocol/address.ts'
import { fieldLimits } from '../protocol/field-limits.ts'
import type { Frame } from '../protocol/index.ts'
import { isPromise } from './emitter.ts'
import type { Homes } from './homes.ts'
import { rawTextOf } from './raw-text.ts'

/** A verifier that may take its time. */
export type VerifySignature = (...asked: Parameters<Verify>) => boolean | Promise<boolean>

/** A message as it came, live or in a page of the log. */
export type CheckedMessage = Pick<Frame<'MSG'>, 'from' | 'to' | 'content' | 'ts' | 'seq' | 'replay'> & SignedMessage

export interface SignatureCheckOptions {
  readonly identity: Identity | undefined
  readonly verify: VerifySignature
  /** The public key the relay has for an agent; undefined when it knows none. */
  readonly keyOf: (agent: string) => Promise<string | undefined>
  /** The relay's identity, where it has proved it. */
  readonly relay: () => string | undefined
  /** Relays whose channels are mirrored at this one. */
  readonly homes?: Pick<Homes, 'of' | 'known'> | undefined
  /** ms since 1970 */
  readonly now: () => number
}

const maxKeys = 10_000
/** Signatures that are remembered, the latest ones: what comes again after so many others is told by its time alone. */
const maxSeen = 20_000

export class SignatureCheck {
  readonly #options: SignatureCheckOptions
  readonly #keys = new Map<string, string>()
  /** Agents of whom this relay shows no key that is theirs; asked again on another connection. */
  readonly #keyless = new Set<string>()
  /** Agents whose keys were asked for and not told yet. */
  readonly #wanted = new Set<string>()
  /** Where each signature was seen first: the number of its message, 0 where it has none. */
  readonly #seen = new Map<string, number>()
  #connection = 0

  constructor(options: SignatureCheckOptions) {
    this.#options = options
  }

  /** At once where nothing has to be asked; never rejects. */
  of(message: CheckedMessage): SignatureState | Promise<SignatureState> {
    const { sig, sig_v, sig_ts } = message
    if (sig === undefined || (sig_ts === undefined && sig_v === undefined)) return 'none'
    const { homes } = this.#options
    const host = hasHost(message.to) ? addressOf(message.to).host! : undefined
    if (homes !== undefined && host !== undefined && homes.known(host) === undefined) return this.#atHome(homes.of(host), message)
    return this.#of(message)
  }

  #of(message: CheckedMessage): SignatureState | Promise<SignatureState> {
    const { from } = message
    if (this.#keyless.has(from)) return 'unknown-key'
    const key = this.#knownKey(from)
    return key === undefined ? this.#later(message) : this.#checked(key, message)
  }

  async #atHome(home: Promise<unknown>, message: CheckedMessage): Promise<SignatureState> {
    await home.catch(() => undefined)
    return this.#of(message)
  }

  /** The key of an agent, where it is known. PEM */
  keyOf(agent: string): string | undefined {
    return this.#knownKey(agent)
  }

  /** The connection is gone, and the answers with it. */
  lost(): void {
    this.#connection++
    this.#keyless.clear()
  }

  /** Asks again for the keys whose lookup ended with the last connection: before a long replay stands in the way of the answer. */
  askAgain(): void {
    for (const agent of this.#wanted) this.#lookUp(agent).catch(() => undefined)
  }

  #checked(key: string, message: CheckedMessage): SignatureState | Promise<SignatureState> {
    const holds = this.#holds(key, message)
    return isPromise(holds) ? this.#settled(key, message, holds) : this.#stateOf(key, message, holds)
  }

  async #settled(key: string, message: CheckedMessage, holds: Promise<boolean>): Promise<SignatureState> {
    return this.#stateOf(key, message, await holds.catch(() => false))
  }

  #stateOf(key: string, message: CheckedMessage, holds: boolean): SignatureState | Promise<SignatureState> {
    if (holds) return this.#standing(message)
    const whole = this.#withLaterFields(message)
    return whole === undefined ? 'invalid' : this.#checked(key, whole)
  }

  #holds(key: string, message: CheckedMessage): boolean | Promise<boolean> {
    const { to } = message
    // In a channel of another relay it was signed for that one, where the channel has its bare name.
    const text = signedTextOf(hasHost(to) ? { ...message, to: addressOf(to).name } : message)
    try {
      return text !== undefined && this.#options.verify(key, text, message.sig!)
    } catch {
      return false
    }
  }

  /** The message with what it says beyond the fields of this version, which its signature may cover too. */
  #withLaterFields(message: CheckedMessage): CheckedMessage | undefined {
    if (message.sig_v === undefined || hasLaterFields(message)) return undefined
    const text = rawTextOf(message)
    if (text === undefined) return undefined
    const raw = JSON.parse(text) as object
    return hasLaterFields(raw) ? { ...raw, ...message } : undefined
  }

  /** What a signature that holds says of this message. */
  #standing(message: CheckedMessage): SignatureState {
    const { now } = this.#options
    const { sig_v, sig_ts = 0, ts, replay } = message
    if (!this.#isForHere(message)) return 'foreign'
    if (this.#isSeenElsewhere(message)) return 'duplicated'
    const isNear = (time: number) => Math.abs(time - sig_ts) <= fieldLimits.maxClockSkewMs
    if (!isNear(ts) || (replay !== true && !isNear(now()))) return 'stale'
    return sig_v === undefined ? 'weak' : 'valid'
  }

  /** Whether it was signed for the relay that orders its stream, as far as that is known. */
  #isForHere({ to, sig_v, relay: signedFor }: CheckedMessage): boolean {
    if (!hasHost(to)) return sig_v === undefined || signedFor === this.#options.relay()
    const home = this.#options.homes?.known(addressOf(to).host!)
    return home !== undefined && (sig_v === undefined || signedFor === home.serverId || home.former.includes(signedFor ?? ''))
  }

  /** One signature is for one message. What is read again is the same one: it has its number, in the stream that is signed. */
  #isSeenElsewhere({ from, sig_v, nonce, sig, seq = 0 }: CheckedMessage): boolean {
    const name = `${from} ${sig_v === undefined ? sig : nonce}`
    const first = this.#seen.get(name)
    if (first !== undefined) return first === 0 || first !== seq
    if (this.#seen.size >= maxSeen) this.#seen.delete(this.#seen.keys().next().value!)
    this.#seen.set(name, seq)
    return false
  }

  async #later(message: CheckedMessage): Promise<SignatureState> {
    try {
      const key = await this.#lookUp(message.from)
      return key === undefined ? 'unknown-key' : await this.#checked(key, message)
    } catch {
      return 'unknown-key'
    }
  }

  async #lookUp(agent: string): Promise<string | undefined> {
    const connection = this.#connection
    this.#wanted.add(agent)
    try {
      const key = await this.#options.keyOf(agent)
      // The id is the hash of the key: a relay cannot pass off another one.
      if (key === undefined || agentIdOf(key) !== agent) {
        if (connection === this.#connection && this.#keyless.size < maxKeys) this.#keyless.add(agent)
        return undefined
      }
      if (this.#keys.size >= maxKeys) this.#keys.delete(this.#keys.keys().next().value!)
      this.#keys.set(agent, key)
      return key
    } finally {
      if (connection === this.#connection) this.#wanted.delete(agent)
    }
  }

  #knownKey(agent: string): string | undefined {
    const { identity } = this.#options
    return agent === identity?.agentId ? identity.publicKey : this.#keys.get(agent)
  }
}
