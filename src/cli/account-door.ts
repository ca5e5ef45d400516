// What commands ask of the door of accounts, and what their key signs there.
import type { Call } from './command.ts'
import { CliError } from './exit.ts'
import { connectKeyed } from './trade.ts'

/** More than an answer of that door to a command takes. */
const maxAnswerBytes = 64 * 1024

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** An agent at a relay, which knows its key. */
export interface Claimant {
  readonly agent: string
  readonly relayId: string
  /** What the key says: that it belongs to an account, or does not any more. */
  signed(account: string, isEnd: boolean): object
  /** @param isPatient gives 429 and `retry_after_ms` where it came too early @throws CliError where it is refused */
  post(path: string, body: object, isPatient?: true): Promise<Answer>
}

/** Logs in: the relay knows the key then, and has proved which one it is. @throws CliError */
export const claimant = async (call: Pick<Call, 'target' | 'connect' | 'io' | 'options'>): Promise<Claimant> => {
  const { io, options } = call
  const [{ claimEndText, claimText, randomNonce }, { identityOf, loadIdentityFile }, http] = await Promise.all([
    import('../../lib/identity/index.ts'),
    import('../../lib/node/identity-file.ts'),
    import('./http-request.ts'),
  ])
  const client = await connectKeyed(call)
  const { url, identity: file, ca } = await call.target()
  const identity = identityOf(loadIdentityFile(file!))
  const agent = `@${identity.agentId.replace(/^@/, '')}`
  const relayId = client.relayId!
  const certificates = ca === undefined ? undefined : (await import('./certificates.ts')).readCertificates(ca)
  const post = async (path: string, body: object, isPatient?: true): Promise<Answer> => {
    const text = JSON.stringify(body)
    const asked = http.urlOf(url, path)
    const response = await http.answerTo(asked, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) },
      body: text,
      ca: certificates,
      silenceMs: (options.timeout ?? 15) * 1_000,
      signal: io.interrupted,
    })
    let told = ''
    try {
      for await (const chunk of response) {
        told += (chunk as Buffer).toString()
        if (told.length > maxAnswerBytes) break
      }
    } catch (error) {
      throw http.brokenOff(error, asked)
    }
    const status = response.statusCode ?? 0
    if (status < 400) return { status, body: objectIn(told) }
    const code = http.codeIn(told)
    if (status === 429 && isPatient) return { status, body: { retry_after_ms: Number(response.headers['retry-after'] ?? 5) * 1_000 } }
    // Nothing is there to post to.
    if (code === undefined && (status === 404 || status === 405))
      throw new CliError('notFound', 'This relay takes no accounts', 'Its operator has to: agentchat serve --accounts')
    const why = code === undefined ? `The answer was ${status}` : `${http.detailIn(told)} (${code})`
    throw new CliError(http.exitOfAnswer(status, code), why)
  }
  return {
    agent,
    relayId,
    post,
    signed: (account, isEnd) => {
      const { relay, ...claim } = { agent, account, relay: relayId, ts: io.now(), nonce: randomNonce() }
      return { ...claim, sig: identity.sign((isEnd ? claimEndText : claimText)({ ...claim, relay })) }
    },
  }
}

const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
