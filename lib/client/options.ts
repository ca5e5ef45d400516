// What a program tells the client, and what the client tells the program.
import type { Identity } from '../identity/index.ts'
import type { FrameType, Told } from '../protocol/index.ts'
import type { BackoffPolicy } from './backoff.ts'
import type { Connectivity } from './connectivity.ts'
import type { AgentChatError, ConnectionError, RelayDoubt } from './errors.ts'
import type { KnownRelays } from './known-relays.ts'
import type { AckMode, Message } from './message.ts'
import type { CallOptions } from './pending.ts'
import type { Positions } from './positions.ts'
import type { VerifySignature } from './signature-check.ts'
import type { TranscriptEvidence, TranscriptMode, TranscriptProblem } from './transcript-evidence.ts'
import type { Transport } from './transport.ts'
import type { WitnessOptions } from './witness-checks.ts'

/** What a client is made with; all but `server` can be left out. */
export interface ClientOptions {
  /** ws:// or wss:// url of the relay */
  readonly server: string
  /** Name to appear under; default: the identity's. */
  readonly name?: string
  /** Key to log in and sign with; without one the agent is ephemeral. */
  readonly identity?: Identity
  /** Label of this session: sessions of one agent with different labels live side by side, equal ones displace each other. */
  readonly session?: string
  /**
   * What happens to direct messages and mentions that wait for this agent: `take` them (default, with an identity); `none`: leave them, and
   * hear of none; `peek`: hear of them, and leave them. Who peeks reads them by `request('INBOX', …)`, and says RECEIVED itself.
   */
  readonly inbox?: 'take' | 'peek' | 'none'
  /** When a message counts as received: `auto` (default) when the program is done with it, `manual` when it says `message.ack()`. */
  readonly ack?: AckMode
  /** The relay's identity, if known; the key then signs for no other. */
  readonly serverId?: string
  /**
   * Log in with a key to a relay that does not prove its own, by the texts that older relays know. Whoever is at that address can use
   * them to log in elsewhere. Default: no.
   */
  readonly legacyLogin?: boolean
  /** Which relay is known at which address; on Node `new KnownRelays()` of agentchat/node keeps them in a file. Default: in memory. */
  readonly knownRelays?: KnownRelays
  /**
   * Asked when another relay answers at a known address, or a known relay at another address: true trusts it, and remembers. Without
   * it a key does not log in there. The login waits for the answer, within `requestTimeoutMs`.
   */
  readonly confirmRelay?: (doubt: RelayDoubt) => boolean | Promise<boolean>
  readonly transport?: Transport
  /** Tells when the machine goes off line and comes back; default: the platform's events, where it has them. */
  readonly connectivity?: Connectivity
  /** Come back after a lost connection (default), and how. */
  readonly reconnect?: boolean | Partial<BackoffPolicy>
  /** ms for a login and for the answer to a request; default 15,000 */
  readonly requestTimeoutMs?: number
  /**
   * ms of silence after which the client asks the relay whether it is there; without an answer in as many it reconnects.
   * Default 30,000; 0: never
   */
  readonly heartbeatMs?: number
  /** Where the client keeps how far it has come; default: in memory. */
  readonly positions?: Positions
  /** Checks signatures; on Node `createVerify()` of agentchat/node is faster. */
  readonly verify?: VerifySignature
  /**
   * Whether the relay keeps to one history of each channel, checked against what it signs and what others have seen (docs/TRANSCRIPTS.md). `check`
   * (default, where the relay keeps transcripts): what does not fit is told as `status`. `strict`: … and the client closes, also where
   * the relay keeps none. `off`: nothing is checked, and nothing said of what was seen.
   */
  readonly transcripts?: TranscriptMode
  /**
   * Witnesses that have to have cosigned what is heard in channels, so that the relay cannot show others another history (docs/TRANSCRIPTS.md). Fewer
   * than are asked for are told as `status` (`unwitnessed`), or close the client, as `transcripts` says. Default: none.
   */
  readonly witnesses?: WitnessOptions
  /** Sign sent messages when there is an identity; default true. */
  readonly signMessages?: boolean
  /**
   * Messages that may be under way in this client, handed out or waiting; default 1,000, and 4 Mi characters. While so many are, the
   * connection is not read. A browser's WebSocket cannot wait: there, and while an answer of the relay is awaited, what comes beyond eight
   * times as many is let go, and read again from the relay once there is room.
   */
  readonly bufferSize?: number
  /**
   * The relay's admin key: shown at login, once the relay has proved its own, so that a relay with a strict allowlist lets the key in. Rights
   * it gives none: requests that need it carry it themselves (`admin_key`).
   */
  readonly adminKey?: string
  /** Answers the question of a relay that asks one. */
  readonly onCaptcha?: (question: string, hint: string | undefined) => string | Promise<string>
  /** ms since 1970; for tests */
  readonly now?: () => number
  /** 0 ≤ random < 1; for tests */
  readonly random?: () => number
}

/** What happens to the connection and around it. The client never logs and never throws these. */
export type ClientStatus =
  | { readonly kind: 'connected', readonly welcome: Told<'WELCOME'>, /** not the first time */ readonly again: boolean }
  | { readonly kind: 'lost', readonly error: ConnectionError, readonly retryInMs: number }
  | { readonly kind: 'ended', readonly error: Error | undefined }
  /** an agent without a key, which is not asked: the relay is not the one that was known */
  | { readonly kind: 'relay-doubt', readonly doubt: RelayDoubt }
  | { readonly kind: 'epoch-changed', readonly epoch: string }
  | { readonly kind: 'gap', readonly channel: string, readonly since: number, readonly oldest: number }
  /** everything that was in the channel when it was entered has been handled: what comes from here on is new */
  | { readonly kind: 'end-of-replay', readonly channel: string, readonly seq: number }
  /** the relay does not keep to one history of a channel; `evidence` is JSON for `agentchat verify --evidence` */
  | { readonly kind: 'transcript', readonly problem: TranscriptProblem, readonly evidence: TranscriptEvidence }
  | { readonly kind: 'rejoin-failed', readonly channel: string, readonly error: unknown }
  /** presence or watches that the client had, and could not get again after a reconnect */
  | { readonly kind: 'restore-failed', readonly what: string, readonly error: unknown }
  | { readonly kind: 'error', readonly error: AgentChatError }
  | { readonly kind: 'invalid-frame', readonly message: string }
  | { readonly kind: 'listener-error', readonly error: unknown }

type FrameEvents = { readonly [T in FrameType]: Told<T> }
/** Everything `on` can listen to: checked messages, status, and every frame of the protocol by its type, in camelCase. */
export type ClientEvents = FrameEvents & { readonly message: Message, readonly status: ClientStatus }

/** From where a channel is replayed when it is joined. */
export interface JoinOptions extends CallOptions {
  /** Replay what came after this seq; default: after the last message this client saw. */
  readonly since?: number | undefined
  /** Replay at most so many, the newest. */
  readonly limit?: number | undefined
}

/** When what is heard counts as handled. */
export interface ListenOptions {
  /** Of messages: when they count as handled; default: that of the client */
  readonly ack?: AckMode | undefined
}

/** How `messages()` listens, and when it ends. */
export interface MessagesOptions extends ListenOptions, Pick<CallOptions, 'signal'> {}
