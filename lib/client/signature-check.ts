// Whether messages were signed by who is said to have sent them: their keys, asked of the relay once, and what the check came to.
import { agentIdOf, messageText, type Identity, type SignatureState, type Verify } from '../identity/index.ts'
import type { Frame } from '../protocol/index.ts'

/** A verifier that may take its time. */
export type VerifySignature = (...asked: Parameters<Verify>) => boolean | Promise<boolean>

export interface SignatureCheckOptions {
  readonly identity: Identity | undefined
  readonly verify: VerifySignature
  /** The public key the relay has for an agent; undefined when it knows none. */
  readonly keyOf: (agent: string) => Promise<string | undefined>
}

const maxKeys = 10_000

export class SignatureCheck {
  readonly #options: SignatureCheckOptions
  readonly #keys = new Map<string, string>()
  /** Agents whose keys were asked for and not told yet. */
  readonly #wanted = new Set<string>()
  #connection = 0

  constructor(options: SignatureCheckOptions) {
    this.#options = options
  }

  /** At once where nothing has to be asked; never rejects. */
  of({ sig, sig_ts: ts, to, content, from }: Frame<'MSG'>): SignatureState | Promise<SignatureState> {
    if (sig === undefined || ts === undefined) return 'none'
    const text = messageText({ to, content, ts })
    const key = this.#knownKey(from)
    if (key === undefined) return this.#later(from, text, sig)
    const result = this.#options.verify(key, text, sig)
    return typeof result === 'boolean' ? stateOf(result) : result.then(stateOf, () => 'invalid')
  }

  /** The connection is gone, and the answers with it. */
  lost(): void {
    this.#connection++
  }

  /** Asks again for the keys whose lookup ended with the last connection: before a long replay stands in the way of the answer. */
  askAgain(): void {
    for (const agent of this.#wanted) this.#lookUp(agent).catch(() => undefined)
  }

  async #later(agent: string, text: string, sig: string): Promise<SignatureState> {
    try {
      const key = await this.#lookUp(agent)
      return key === undefined ? 'unknown-key' : stateOf(await this.#options.verify(key, text, sig))
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
      if (key === undefined || agentIdOf(key) !== agent) return undefined
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

const stateOf = (isValid: boolean): SignatureState => isValid ? 'valid' : 'invalid'
