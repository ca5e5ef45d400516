// What went wrong, in words: exit, message and next step for whatever a command threw.
import {
  AddressError,
  ConnectionError,
  ProtocolError,
  RelayError,
  TimeoutError,
  type AddressErrorCode,
  type TransportProblem,
} from '../../lib/client/index.ts'
import { IdentityError } from '../../lib/identity/index.ts'
import { closeCodes, closeDocs, type CloseName } from '../../lib/protocol/index.ts'
import { CliError, exitOfCode, type ExitName } from './exit.ts'

export interface Failure {
  readonly exit: ExitName
  readonly message: string
  /** What to do next. */
  readonly hint?: string | undefined
  /** Error code of the wire. */
  readonly code?: string
}

const hints: Partial<Record<RelayError['code'], string>> = {
  CHANNEL_NOT_FOUND:
    'See what there is: agentchat channels. Make one: agentchat create. A private one is there for the invited only (with an identity, -i, so that your id stays).',
  NOT_INVITED: 'A member can let you in: agentchat invite CHANNEL AGENT (with an identity, -i, so that your id stays).',
  AGENT_NOT_FOUND: 'See who is there: agentchat agents CHANNEL. Agents without a key exist only while they are connected.',
  ORIGIN_UNKNOWN: 'Where the relay is, only its operator can tell it: agentchat serve --public-urls URL.',
  VERIFICATION_EXPIRED: 'If it says so again, the clock of this machine or of the relay is wrong: agentchat doctor tells by how much.',
  SIGNATURE_REQUIRED: 'Log in with a key: agentchat identity generate, then -i FILE.',
  ID_REUSED: 'Under this --id another text was stored before: take another prefix for another input.',
}

/** What is between here and a relay that cannot be reached. */
const problems: Readonly<Record<TransportProblem, Pick<Failure, 'exit' | 'hint'>>> = {
  'certificate': {
    exit: 'auth',
    hint:
      "The relay's certificate is not one that is trusted here. If its operator gave you it, or its authority's: --ca FILE, or for good "
      + 'agentchat context add NAME URL --ca FILE. Expired, or for another name, only the operator can mend it; not valid yet: look at the '
      + 'clock of this machine.',
  },
  'not-tls': { exit: 'usage', hint: 'Nothing speaks TLS there: if the relay is at this port, its URL begins with ws://.' },
  'hung-up': {
    exit: 'unreachable',
    hint: 'What is there hung up at once: it ends, or does not want connections from here. agentchat doctor URL looks closer.',
  },
  'not-a-relay': {
    exit: 'notFound',
    hint: 'Is the URL right, with its path, and does a proxy pass WebSockets on? Behind TLS it begins with wss://.',
  },
}

const believeNot = 'Somebody stands between, or the relay is set up wrong: ask its operator. Nothing was signed for it.'

/** Why the relay of an address was not found, or not believed. */
const addressed: Readonly<Record<AddressErrorCode, Pick<Failure, 'exit' | 'hint'>>> = {
  HOST_REFUSED: {
    exit: 'auth',
    hint:
      'Whoever wrote the address may want something of your network. If the relay is yours: agentchat discover add URL, or its URL in front.',
  },
  HOST_UNREACHABLE: { exit: 'unreachable', hint: 'Is the host right, and is the relay there? agentchat doctor wss://HOST looks closer.' },
  NO_DOCUMENT: { exit: 'notFound', hint: 'Is the host right? A relay is at https://HOST/.well-known/agentchat.json, by TLS.' },
  DOCUMENT_INVALID: { exit: 'auth', hint: believeNot },
  DOCUMENT_EXPIRED: { exit: 'auth', hint: 'agentchat doctor tells whether a clock is wrong.' },
  OTHER_HOST: {
    exit: 'auth',
    hint: 'Use the host that it names, if you meant that one. Its operator can add hosts: agentchat serve --public-urls.',
  },
  NO_HOST: { exit: 'usage', hint: undefined },
  TOO_MANY_RELAYS: { exit: 'refused', hint: undefined },
}

const closeDoc = (closeCode: number | undefined): string | undefined =>
  (Object.keys(closeCodes) as CloseName[]).filter(name => closeCodes[name].code === closeCode).map(name => closeDocs[name])[0]

export const failureOf = (error: unknown): Failure => {
  if (error instanceof CliError) return { exit: error.exit, message: error.message, hint: error.hint }
  if (error instanceof RelayError) {
    const { code, wireCode, message } = error
    return {
      exit: code === 'UNKNOWN' ? 'refused' : exitOfCode[code],
      message: `${message} (${wireCode})`,
      hint: hints[code],
      code: wireCode,
    }
  }
  if (error instanceof TimeoutError)
    return {
      exit: 'timeout',
      message: error.message,
      // Of a login: whatever is there, it did not speak.
      ...(error.id === undefined
        && { hint: 'Something may listen there that is no relay, or a busy one. agentchat doctor URL looks closer.' }),
    }
  if (error instanceof ConnectionError) {
    if (error.code === 'BAD_URL') return { exit: 'usage', message: error.message }
    if (error.problem !== undefined) return { message: error.message, ...problems[error.problem] }
    return error.shouldRetry()
      ? { exit: 'unreachable', message: error.message, hint: 'Is the relay running, and the URL right? agentchat doctor URL looks closer.' }
      : { exit: 'ended', message: error.message, hint: closeDoc(error.closeCode) }
  }
  if (error instanceof AddressError) return { message: error.message, ...addressed[error.code] }
  if (error instanceof ProtocolError) return { exit: 'refused', message: error.message }
  if (error instanceof IdentityError)
    return {
      exit: error.code === 'NO_FILE' ? 'notFound' : 'error',
      message: error.message,
      hint: 'Another file is named with -i or AGENTCHAT_IDENTITY.',
    }
  // The relay's own errors (a busy port, a locked database, a bad setting) bring their hint along.
  const { message, hint } = error instanceof Error ? error as Error & { hint?: unknown } : { message: String(error), hint: undefined }
  return { exit: 'error', message, hint: typeof hint === 'string' ? hint : undefined }
}
