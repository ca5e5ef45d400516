// One HTTP request to a relay, as commands send it: certificates of the user's own, silence that ends, failures in words.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { timerMs } from '../../lib/protocol/timer.ts'
import { CliError, exitOfCode, type ExitName } from './exit.ts'
import { visible } from './terminal.ts'

/** Where the relay speaks HTTP: the address of its WebSockets, in the other scheme. */
export const urlOf = (relay: string, path: string): URL => {
  const base = relay.replace(/^ws/i, 'http').replace(/[?].*$/, '').replace(/\/$/, '')
  if (!path.startsWith('/') || !URL.canParse(`${base}${path}`))
    throw new CliError('usage', `${JSON.stringify(path)} is not a path`, 'Paths begin with a slash, like /v1/me.')
  return new URL(`${base}${path}`)
}

export interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly ca: string | undefined
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** Sends it, and gives what begins to come. @throws CliError */
export const answerTo = (url: URL, { method, headers, body, ca, silenceMs, signal }: Asked): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const asking = send(url, { method, headers, agent: false, signal, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) }, resolve)
    asking.setTimeout(timerMs(silenceMs), () =>
      asking.destroy(new CliError('timeout', `Nothing came for ${silenceMs / 1_000} s`, 'Wait longer with --timeout.')))
    asking.on('error', error => reject(brokenOff(error, url)))
    asking.end(body)
  })

/** In words, what became of it. */
export const brokenOff = (error: unknown, { origin }: URL): unknown =>
  error instanceof CliError
    ? error
    : new CliError('unreachable', `${origin} cannot be reached, or hung up: ${(error as Error).message}`,
      'Is the relay running, and the URL right? agentchat doctor URL looks closer.', error)

/** The code of a problem (RFC 9457). */
export const codeIn = (text: string): string | undefined => {
  try {
    const { code } = JSON.parse(text) as { readonly code?: unknown }
    return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}

/** What a problem says, as one line that drives no terminal. */
export const detailIn = (text: string): string => {
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown }
    return typeof detail === 'string' ? visible(detail.slice(0, maxDetailChars)) : 'The relay refused it'
  } catch {
    return 'The relay refused it'
  }
}

const maxDetailChars = 1_000

/** How an answer of that status ends the command, where it does not say a code of the protocol. */
const exitOfStatus = (status: number): ExitName => {
  if (status < 400) return 'ok'
  if (status === 401 || status === 403) return 'auth'
  if (status === 404 || status === 410) return 'notFound'
  if (status === 408) return 'timeout'
  if (status === 429) return 'rateLimited'
  return status >= 500 ? 'busy' : 'refused'
}

/** How an answer ends the command. @param code of its problem, where it has one */
export const exitOfAnswer = (status: number, code: string | undefined): ExitName =>
  code !== undefined && Object.hasOwn(exitOfCode, code) ? exitOfCode[code as keyof typeof exitOfCode] : exitOfStatus(status)
