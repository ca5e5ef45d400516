// agentchat curl: one HTTP request of a relay's, signed by the user's key.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { command } from '../command.ts'
import { CliError, exitOfCode, type ExitName } from '../exit.ts'

/** How an answer of that status ends the command, where it does not say a code of the protocol. */
const exitOfStatus = (status: number): ExitName => {
  if (status < 400) return 'ok'
  if (status === 401 || status === 403) return 'auth'
  if (status === 404 || status === 410) return 'notFound'
  if (status === 408) return 'timeout'
  if (status === 429) return 'rateLimited'
  return status >= 500 ? 'busy' : 'refused'
}

const methodOf = (text: string): string => {
  if (!/^[A-Za-z]{1,20}$/.test(text)) throw new CliError('usage', `${JSON.stringify(text)} is not an HTTP method`)
  return text.toUpperCase()
}

/** What an answer says of itself that it is, at most: enough for every problem of the relay. */
const maxProblemBytes = 64 * 1024

export const curl = command({
  name: 'curl',
  summary: 'Send a signed HTTP request to the relay and print the answer',
  relay: true,
  arguments: { path: { doc: 'what is asked for, like /v1/me' } },
  options: {
    method: { short: 'X', value: 'METHOD', doc: 'Default: GET; with --data POST', parse: methodOf },
    data: { short: 'd', value: 'DATA', doc: 'Body, as JSON: the text itself, @FILE, or @- for stdin' },
    key: { value: 'KEY', doc: 'Idempotency-Key: sent again under it, it is done once' },
    token: { value: 'TOKEN', doc: 'Speak by this API token, and sign nothing' },
    include: { doc: 'Print status and headers too, on stderr' },
  },
  details: async () =>
    'The request is signed by the key of the identity (RFC 9421): what is asked, of which host, with which body, now, once. The agent has to '
    + 'have logged in there before. A stream is printed as it comes. --timeout is the longest silence.',
  examples: [
    { command: 'agentchat curl ws://localhost:6667 /v1/me', doc: 'Who am I there?' },
    {
      command: `agentchat curl /v1/channels/general/messages -d '{"content":"hello"}' --key hello-1`,
      doc: 'Say something, once however often it is sent',
    },
    { command: "agentchat curl /v1/events -i ada.json | grep '^data'", doc: 'Follow what comes' },
  ],
  async run({ args, options, io, out, target }): Promise<ExitName> {
    const [{ readText, readWhole }, { visibleLines }] = await Promise.all([import('../documents.ts'), import('../terminal.ts')])
    const { url, identity, ca } = await target()
    const asked = urlOf(url, args.path)
    const { data, token, key } = options
    const body = data === undefined
      ? ''
      : data === '@-'
      ? await readWhole(io, maxBodyBytes)
      : data.startsWith('@')
      ? await readText(data.slice(1))
      : data
    const method = options.method ?? (data === undefined ? 'GET' : 'POST')
    const headers: Record<string, string> = {
      ...(body !== '' && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...(key !== undefined && { 'idempotency-key': key }),
    }
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`
    else if (identity !== undefined) Object.assign(headers, await signatureOf(identity, asked, { method, body, headers, now: io.now() }))
    const certificates = ca === undefined ? undefined : (await import('../certificates.ts')).readCertificates(ca)
    const silenceMs = (options.timeout ?? 15) * 1_000
    const response = await answerTo(asked, { method, headers, body, ca: certificates, silenceMs, signal: io.interrupted })
    const status = response.statusCode ?? 0
    if (options.include === true) {
      out.say(`${status} ${response.statusMessage ?? ''}`)
      for (let i = 0; i < response.rawHeaders.length; i += 2) out.say(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`)
    }
    let start = ''
    const decoder = new TextDecoder()
    const print = async (text: string) => {
      if (start.length < maxProblemBytes) start += text
      await out.taken(io.stdout.isTTY === true ? visibleLines(text) : text)
    }
    try {
      for await (const chunk of response) await print(decoder.decode(chunk as Buffer, { stream: true }))
      await print(decoder.decode() + (io.stdout.isTTY === true && start !== '' && !start.endsWith('\n') ? '\n' : ''))
    } catch (error) {
      if (io.interrupted.aborted) return 'interrupted'
      throw brokenOff(error, asked)
    }
    const code = status < 400 ? undefined : codeIn(start)
    if (status >= 400) out.say(`error: ${status}${code === undefined ? '' : ` ${code}`}`)
    return code !== undefined && Object.hasOwn(exitOfCode, code) ? exitOfCode[code as keyof typeof exitOfCode] : exitOfStatus(status)
  },
})

/** More than a relay takes. */
const maxBodyBytes = 4 * 1024 * 1024

/** Where the relay speaks HTTP: the address of its WebSockets, in the other scheme. */
const urlOf = (relay: string, path: string): URL => {
  const base = relay.replace(/^ws/i, 'http').replace(/[?].*$/, '').replace(/\/$/, '')
  if (!path.startsWith('/') || !URL.canParse(`${base}${path}`))
    throw new CliError('usage', `${JSON.stringify(path)} is not a path`, 'Paths begin with a slash, like /v1/me.')
  return new URL(`${base}${path}`)
}

const signatureOf = async (
  file: string,
  { host, pathname, search }: URL,
  { method, body, headers, now }: {
    readonly method: string
    readonly body: string
    readonly headers: Readonly<Record<string, string>>
    readonly now: number
  },
): Promise<Readonly<Record<string, string>>> => {
  const [{ identityOf, loadIdentityFile }, { signHttpRequest }] = await Promise.all([
    import('../../../lib/node/identity-file.ts'),
    import('../../../lib/identity/index.ts'),
  ])
  return signHttpRequest(identityOf(loadIdentityFile(file)), {
    method,
    authority: host,
    path: pathname,
    query: search,
    header: name => headers[name],
    body: Buffer.from(body),
  }, now)
}

interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly ca: string | undefined
  readonly silenceMs: number
  readonly signal: AbortSignal
}

const answerTo = (url: URL, { method, headers, body, ca, silenceMs, signal }: Asked): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const asking = send(url, { method, headers, agent: false, signal, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) }, resolve)
    asking.setTimeout(timerMs(silenceMs), () =>
      asking.destroy(new CliError('timeout', `Nothing came for ${silenceMs / 1_000} s`, 'Wait longer with --timeout.')))
    asking.on('error', error => reject(brokenOff(error, url)))
    asking.end(body)
  })

const brokenOff = (error: unknown, { origin }: URL): unknown =>
  error instanceof CliError
    ? error
    : new CliError('unreachable', `${origin} cannot be reached, or hung up: ${(error as Error).message}`,
      'Is the relay running, and the URL right? agentchat doctor URL looks closer.', error)

/** The code of a problem (RFC 9457). */
const codeIn = (text: string): string | undefined => {
  try {
    const { code } = JSON.parse(text) as { readonly code?: unknown }
    return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}
