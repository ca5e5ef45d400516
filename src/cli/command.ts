// A command is a record: its name, what it takes, examples, and `run`. Loading a record costs nothing; `run` imports what it needs.
import type {
  AgentChatClient,
  AgentId,
  BackoffPolicy,
  ChannelName,
  ClientOptions,
  Positions,
  Target as Place,
} from '../../lib/client/index.ts'
import { CliError, type ExitName } from './exit.ts'
import type { Io } from './io.ts'
import type { Output } from './output.ts'
import type { Target } from './target.ts'

export interface ArgumentSpec {
  readonly doc: string
  readonly optional?: true
  /** Takes all the words that are left. */
  readonly variadic?: true
  /**
   * What it names. A channel begins with #, which may be left out (a bare # begins a comment in a shell); an agent begins with @; a target
   * is either; what is held has an id at a relay: a deal, a dispute, a message. All may say at which relay: "#general@chat.example". A word in front of the first channel
   * or agent may be a relay's name.
   */
  readonly is?: 'channel' | 'agent' | 'target' | 'held'
}

/** The key in the record is the long name: `maxMessages` is `--max-messages`. */
export interface OptionSpec {
  readonly doc: string
  /** One letter. */
  readonly short?: string
  /** What the value is called in help; without it the option is a switch. In brackets the value may be left out: `[REASON]`. */
  readonly value?: string
  /** Text to value; throws CliError. */
  readonly parse?: (text: string) => unknown
}

/** The value of what is on or off: `--http no` can be said as `--no-http`, too. */
export const yesOrNo = '[yes|no]'

export interface Example {
  readonly command: string
  readonly doc: string
}

type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>
type OptionSpecs = Readonly<Record<string, OptionSpec>>

export type Arguments<A> = {
  readonly [K in keyof A]: A[K] extends { variadic: true } ? readonly Word<A[K]>[]
    : A[K] extends { optional: true } ? Word<A[K]> | undefined
    : Word<A[K]>
}
type Word<S> = S extends { is: 'channel' } ? ChannelName : S extends { is: 'agent' } ? AgentId : S extends { is: 'target' } ? Place : string
type OptionValue<O> = O extends { parse: (text: string) => infer V } ? V
  : O extends { value: `[${string}` } ? string | true
  : O extends { value: string } ? string
  : true
export type Options<O> = { readonly [K in keyof O]?: OptionValue<O[K]> }

export const seconds = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new CliError('usage', `${JSON.stringify(text)} is not a number of seconds`)
  return value
}

/** Lengths of time as they are said: 10s, 5m, 1h; 0 for none. */
export const durationMs = (text: string): number => {
  const match = /^(\d{1,5})(ms|s|m|h)?$/.exec(text)
  if (match === null) throw new CliError('usage', `${text}: not a time like 10s, 5m or 1h`)
  return Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h' | undefined ?? 's']
}

export const whole = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new CliError('usage', `${JSON.stringify(text)} is not a whole number`)
  return Number(text)
}

export const count = (text: string): number => {
  const value = whole(text)
  if (value === 0) throw new CliError('usage', 'The number must be 1 or more')
  return value
}

/** Options that every command has. */
export const commonOptions = {
  json: { doc: 'Machine output: one JSON document (JSON Lines where it streams), errors as JSON on stderr' },
  field: {
    value: 'LIST',
    doc: 'Print only these fields of each result, like "task,proposal.status": a line each, tabs between',
    parse: (text: string) => text.split(','),
  },
} as const satisfies OptionSpecs

/** Options of commands that talk to a relay. */
export const relayOptions = {
  name: { short: 'n', value: 'NAME', doc: "Name to appear under (default: the identity's, else agent-XXXX)" },
  identity: {
    short: 'i',
    value: 'FILE',
    doc: "Identity file to log in with (default: AGENTCHAT_IDENTITY, the context's, ~/.agentchat/identity.json; else a guest)",
  },
  guest: { doc: 'Log in without a key, under an id for this connection only' },
  context: { value: 'NAME', doc: 'Named context to take relay, identity and name from' },
  ca: { value: 'FILE', doc: "Trust this certificate too (PEM): the relay's own, or its authority's (default: the context's)" },
  timeout: { value: 'SECONDS', doc: 'How long to wait for the relay (default: 15)', parse: seconds },
  acceptNewRelayKey: { doc: 'Trust a relay whose key is not the one known from before, or that is known at another address' },
  legacyLogin: { doc: 'Log in with a key to an older relay that does not prove its own: it could use the login elsewhere' },
} as const satisfies OptionSpecs

/** What a command wants of its connection. */
export interface Wish {
  /** Session label; sessions of one agent with different labels live side by side. */
  readonly session?: string
  /** What happens to waiting direct messages; default none: they are left for a listener. */
  readonly inbox?: 'take' | 'peek' | 'none'
  /** Come back after a lost connection, and for how long to try; default no. */
  readonly reconnect?: Partial<BackoffPolicy>
  /** ms to wait for a login or an answer; default --timeout */
  readonly timeoutMs?: number
  /** How far earlier runs have come. */
  readonly positions?: Positions
  /** Messages that may be under way; default: the library's */
  readonly bufferSize?: number
  /** Relay to talk to, for commands without the [server] argument. */
  readonly server?: string
  /** Host of the relay to talk to, of a name that says it. */
  readonly host?: string | undefined
  /** Identity file, where it is not the one of -i. */
  readonly identity?: string
  /** Witnesses that have to have cosigned what is heard; what is not is told. */
  readonly witnesses?: ClientOptions['witnesses']
  /** The relay's admin key, where it is needed to be let in at all. */
  readonly adminKey?: string | undefined
  /** Log in without a key, or with one of this moment that nobody keeps. */
  readonly anonymous?: true | 'keyed'
  /** Not the first connection of the command: what was said of the relay is not said again. */
  readonly isFurther?: true
  /** Called before the connection opens, so that no event is missed. */
  readonly prepare?: (client: AgentChatClient) => void
}

/** One use of a command. */
export interface Call<A = unknown, O = unknown> {
  readonly args: Arguments<A>
  readonly options: Options<O> & Options<typeof relayOptions> & Options<typeof commonOptions>
  /** The relay that is named in front. */
  readonly server: string | undefined
  readonly io: Io
  readonly out: Output
  /** The relay that argument, environment and contexts point to. */
  target(wish?: Pick<Wish, 'server' | 'host' | 'identity' | 'anonymous'>): Promise<Target>
  /** A logged-in client; it is closed when the command ends. */
  connect(wish?: Wish): Promise<AgentChatClient>
}

export interface Command<A extends ArgumentSpecs = ArgumentSpecs, O extends OptionSpecs = OptionSpecs> {
  readonly name: string
  readonly summary: string
  /** More help, below the options. */
  readonly details?: () => Promise<string>
  /** The command talks to a relay: it takes [server] first, and the relay options. */
  readonly relay?: true
  /** Its arguments may be names at several relays: it connects to each (`Wish.host`). */
  readonly isAcrossRelays?: true
  readonly arguments: A
  readonly options: O
  readonly examples: readonly Example[]
  readonly commands?: readonly AnyCommand[]
  run(call: Call<A, O>): Promise<ExitName | void>
}

/** A command whose argument types are not known here: what tables and help hold. */
export type AnyCommand = Omit<Command, 'run'> & { run(call: never): Promise<ExitName | void> }

/** Adds types to a record, nothing else. */
export const command = <const A extends ArgumentSpecs, const O extends OptionSpecs>(record: Command<A, O>): Command<A, O> => record

/** `maxMessages` → `max-messages` */
export const longName = (key: string): string => key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

/** Every option of a command, in the order help shows them. */
export const optionsOf = (record: AnyCommand): OptionSpecs => ({
  ...record.options,
  ...(record.relay && omit(relayOptions, record.options)),
  ...commonOptions,
})

const omit = (specs: OptionSpecs, present: OptionSpecs): OptionSpecs =>
  Object.fromEntries(Object.entries(specs).filter(([key]) => !(key in present)))

/** `-m, --max-messages <N>` */
export const flagsOf = (key: string, { short, value }: OptionSpec): string =>
  [...(short === undefined ? [] : [`-${short}`]), `--${longName(key)}`].join(', ')
  + (value === undefined ? '' : value.startsWith('[') ? ` ${value}` : ` <${value}>`)

/** `send [options] [server] TARGET [MESSAGE]`, without the command's name. */
export const usageOf = (record: AnyCommand): string =>
  [
    '[options]',
    ...(record.relay ? ['[server]'] : []),
    ...(record.commands === undefined ? [] : ['[command]']),
    ...Object.entries(record.arguments).map(([name, { optional, variadic }]) => {
      const word = `${name.toUpperCase()}${variadic ? '...' : ''}`
      return optional ? `[${word}]` : word
    }),
  ].join(' ')
