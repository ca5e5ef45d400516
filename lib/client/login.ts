// One login: what is asked, what the relay has to show first, and what is signed for it. A key signs for a relay that proves its own,
// for the address that was dialled, for this one connection; never a text that could be used elsewhere, unless the program says so.
import {
  fingerprintOf,
  loginText,
  loginTextV2,
  loginTextV3,
  relayProofText,
  serverIdOf,
  type Identity,
  type RelayProofText,
  type TradeSession,
} from '../identity/index.ts'
import { originOf, type Frame, type RequestInput } from '../protocol/index.ts'
import { ProtocolError, RelayDoubtError, type RelayDoubt } from './errors.ts'
import type { VerifySignature } from './signature-check.ts'
import { doubtOf, type KnownRelays } from './known-relays.ts'

export interface LoginOptions {
  readonly url: string
  readonly login: Omit<RequestInput<'IDENTIFY'>, 'nonce' | 'origin' | 'pubkey'>
  readonly identity: Identity | undefined
  /** The relay's identity, when it is known beforehand: the key signs for no other. */
  readonly serverId: string | undefined
  /** Sign older texts for a relay that does not prove its key. */
  readonly legacyLogin: boolean
  /** Shown to a relay that has proved itself. */
  readonly adminKey: string | undefined
  readonly knownRelays: KnownRelays
  /** Asked where the relay is not the one that is known; default: it is not trusted. */
  readonly confirmRelay: ((doubt: RelayDoubt) => boolean | Promise<boolean>) | undefined
  readonly verify: VerifySignature
  /** ms since 1970 */
  readonly now: () => number
  /** 32 hex digits that nobody can guess */
  readonly newNonce: () => string
}

/** What is known of the relay once the session is open. */
export interface Place {
  /** its `server_id`; undefined where it has none */
  readonly relay: string | undefined
  /** It has shown that it is that one, at the address that was dialled. */
  readonly isProved: boolean
  /** Its key, where it has shown that. PEM */
  readonly key: string | undefined
  /** What signatures in this session name. */
  readonly session: TradeSession | undefined
  /** Of an agent without a key, which has nothing to lose: the relay is not the one that was known. */
  readonly doubt: RelayDoubt | undefined
}

export class Login {
  readonly #options: LoginOptions
  readonly #origin: string
  readonly #nonce: string
  readonly #key: string | undefined
  /** Who the relay has shown to be, and whether it is to be remembered at this address. */
  #proved: { readonly serverId: string, readonly key: string, readonly doubt: RelayDoubt | undefined } | undefined
  #session: TradeSession | undefined

  constructor(options: LoginOptions) {
    this.#options = options
    this.#origin = originOf(options.url)
    this.#nonce = options.newNonce()
    this.#key = options.identity && fingerprintOf(options.identity.publicKey)
  }

  get request(): RequestInput<'IDENTIFY'> {
    const { login, identity, adminKey } = this.#options
    return {
      ...login,
      ...(identity !== undefined && { pubkey: identity.publicKey }),
      nonce: this.#nonce,
      origin: this.#origin,
      ...(adminKey !== undefined && { admin: true }),
    }
  }

  /**
   * The answer to a challenge.
   * @throws ProtocolError NO_IDENTITY, RELAY_CHANGED, RELAY_ELSEWHERE, RELAY_UNPROVED; IdentityError on a nonce that is none
   */
  async prove(challenge: Frame<'CHALLENGE'>): Promise<RequestInput<'VERIFY_IDENTITY'>> {
    const { identity, now, legacyLogin, adminKey } = this.#options
    if (identity === undefined) throw new ProtocolError('NO_IDENTITY', 'The relay asks for a key that was not offered')
    const { challenge_id: challengeId, nonce: relayNonce } = challenge
    const key = this.#key!
    if (challenge.relay_sig === undefined && legacyLogin) return this.#signOld(identity, challenge)
    const relay = await this.#check(challenge, { key, relayNonce })
    const ts = now()
    const text = loginTextV3({ by: identity.agentId, key, origin: this.#origin, relay, nonce: this.#nonce, relayNonce, challengeId, ts })
    this.#session = { key, origin: this.#origin, relayNonce }
    return {
      challenge_id: challengeId,
      signature: await identity.sign(text),
      timestamp: ts,
      sig_v: 3,
      ...(adminKey !== undefined && { admin_key: adminKey }),
    }
  }

  /**
   * What the session that WELCOME opens is worth; at once, where nothing has to be waited for.
   * @throws ProtocolError RELAY_CHANGED, RELAY_UNPROVED
   */
  settle(welcome: Frame<'WELCOME'>): Place | Promise<Place> {
    const { identity, legacyLogin, serverId: expected } = this.#options
    const { server_id: claimed } = welcome
    if (this.#proved !== undefined && this.#proved.serverId !== claimed)
      throw new ProtocolError('RELAY_CHANGED', 'The relay shows another identity than it has just proved')
    if (this.#proved !== undefined || (identity === undefined && welcome.relay_sig === undefined)) return this.#place(claimed)
    if (identity === undefined) return this.#check(welcome, undefined).then(() => this.#place(claimed))
    if (!legacyLogin) throw unproved(this.#options.url)
    if (expected !== undefined && claimed !== expected) throw changed(expected, claimed)
    return this.#place(claimed)
  }

  #place(relay: string | undefined): Place {
    const { url, knownRelays } = this.#options
    if (this.#proved !== undefined && this.#proved.doubt === undefined) knownRelays.remember(url, this.#proved.serverId)
    return { relay, isProved: this.#proved !== undefined, key: this.#proved?.key, session: this.#session, doubt: this.#proved?.doubt }
  }

  /** The identity that the relay has proved, and that is trusted at this address. */
  async #check(
    shown: Pick<Frame<'CHALLENGE'>, 'server_id' | 'relay_key' | 'relay_sig'>,
    login: RelayProofText['login'],
  ): Promise<string> {
    const { url, verify, identity, serverId: expected } = this.#options
    const { server_id: relay, relay_key: key, relay_sig: sig } = shown
    if (relay === undefined || key === undefined || sig === undefined) throw unproved(url)
    const text = relayProofText({ origin: this.#origin, relay, nonce: this.#nonce, login })
    if (idOf(key) !== relay || !await verify(key, text, sig))
      throw new ProtocolError('RELAY_UNPROVED', `What answers at ${url} is not the relay that it says it is; nothing was signed for it`)
    // An agent without a key is only told: there is nothing that another relay could misuse.
    if (expected !== undefined && relay !== expected && identity !== undefined) throw changed(expected, relay)
    const doubt = await this.#doubt(relay)
    if (doubt !== undefined && identity !== undefined) throw new RelayDoubtError(doubt)
    this.#proved = { serverId: relay, key, doubt }
    return relay
  }

  /** What is wrong with trusting this relay here, unless whoever owns the key says that it is right. */
  async #doubt(serverId: string): Promise<RelayDoubt | undefined> {
    const { url, knownRelays, confirmRelay } = this.#options
    const doubt = doubtOf(knownRelays, url, serverId)
    return doubt === undefined || await confirmRelay?.(doubt) === true ? undefined : doubt
  }

  /** For relays that prove nothing: texts that whoever is at this address could use at another relay. */
  async #signOld(identity: Identity, challenge: Frame<'CHALLENGE'>): Promise<RequestInput<'VERIFY_IDENTITY'>> {
    const { url, knownRelays, serverId: expected, now } = this.#options
    const { challenge_id: challengeId, nonce, server_id: serverId } = challenge
    if (expected !== undefined && serverId !== expected) throw changed(expected, serverId)
    const known = knownRelays.get(url)
    if (serverId === undefined && known !== undefined) throw changed(known, serverId)
    const doubt = serverId === undefined ? undefined : await this.#doubt(serverId)
    if (doubt !== undefined) throw new RelayDoubtError(doubt)
    const timestamp = now()
    const text = serverId === undefined
      ? loginText({ nonce, challengeId, timestamp })
      : loginTextV2({ serverId, nonce, challengeId, timestamp })
    return { challenge_id: challengeId, signature: await identity.sign(text), timestamp, ...(serverId !== undefined && { sig_v: 2 }) }
  }
}

const unproved = (url: string): ProtocolError =>
  new ProtocolError('RELAY_UNPROVED',
    `The relay at ${url} does not prove its key, so it could use what is signed for it at another relay. If it is an older one that you `
      + 'trust, say so: legacyLogin (agentchat --legacy-login)')

const changed = (expected: string, shown: string | undefined): ProtocolError =>
  new ProtocolError('RELAY_CHANGED',
    `The relay shows another identity than expected (${shown ?? 'none'} instead of ${expected}); not logging in`)

const idOf = (pem: string): string | undefined => {
  try {
    return serverIdOf(pem)
  } catch {
    return undefined
  }
}
