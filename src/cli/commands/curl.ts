// agentchat curl: one HTTP request of a relay's, signed by the user's key.
import { command } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { answerTo, brokenOff, codeIn, exitOfAnswer, urlOf } from '../http-request.ts'

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
    'The request is signed by the key of the identity (RFC 9421): what is asked, of which host, with which body, now, once. A key '
    + 'that has not been there yet comes in by it. A stream is printed as it comes. --timeout is the longest silence.',
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
    return exitOfAnswer(status, code)
  },
})

/** More than a relay takes. */
const maxBodyBytes = 4 * 1024 * 1024

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
  const [{ identityOf, loadIdentityFile }, { keyHeaderOf, signHttpRequest }] = await Promise.all([
    import('../../../lib/node/identity-file.ts'),
    import('../../../lib/identity/index.ts'),
  ])
  const identity = identityOf(loadIdentityFile(file))
  const signed = signHttpRequest(identity, {
    method,
    authority: host,
    path: pathname,
    query: search,
    header: name => headers[name],
    body: Buffer.from(body),
  }, now)
  return { ...signed, pubkey: keyHeaderOf(identity) }
}
