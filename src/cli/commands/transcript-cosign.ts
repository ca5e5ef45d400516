// agentchat transcript cosign: a head of a channel, brought to a witness elsewhere (https://c2sp.org/tlog-witness), and its line handed to the relay.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { WitnessKey } from '../../../lib/identity/index.ts'
import { command } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { write } from '../new-file.ts'
import { visible } from '../terminal.ts'

/** Others may bring heads of the same channel meanwhile. */
const maxTries = 4
const maxAnswerBytes = 16 * 1024

/** What a witness answers to a head. */
type Bring = (body: string) => Promise<{ readonly status: number, readonly text: string }>

/** The line of the witness in its answer. @throws CliError */
const lineOf = async (checkpoint: string, text: string, key: WitnessKey): Promise<{ readonly line: string, readonly at: number }> => {
  const { cosignedAt, IdentityError } = await import('../../../lib/identity/index.ts')
  const found = text.split('\n', 16).find(each => each.startsWith(`— ${key.name} `))
  try {
    const line = `${found ?? ''}\n`
    const at = found === undefined ? undefined : cosignedAt(checkpoint + line, key)
    if (at !== undefined) return { line, at }
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
  }
  throw new CliError('refused', `The answer is no cosignature of ${visible(key.name)}`, 'Is --witness the key of the witness at --at?')
}

type Refusal = readonly [exit: ExitName, message: string, hint?: string]

/** What is wrong with what was brought. @param listed the channel, as the operator of the witness lists it */
const refusal = (status: number, listed: string): CliError => {
  const known: Readonly<Record<number, Refusal>> = {
    403: ['refused', 'The witness knows another key of the relay', `Its operator has to take this one:\n  ${listed}`],
    404: ['notFound', 'The witness does not know this channel, or is not there', `Its operator has to list it:\n  ${listed}`],
    409: ['refused', 'The witness has cosigned another history of as many events', 'The relay shows two: compare heads with it.'],
    422: ['refused', 'What the relay signs does not go on behind what the witness cosigned', 'The relay shows two histories.'],
    429: ['rateLimited', 'The witness was asked too often', 'Try again in a while.'],
  }
  const other: Refusal = [status >= 500 ? 'busy' : 'refused', `The witness answered ${status}`]
  const [exit, message, hint] = known[status] ?? other
  return new CliError(exit, message, hint)
}

/** Brings the newest head, with the proof that the witness wants. @throws CliError */
const witnessed = async (client: AgentChatClient, channel: `#${string}`, key: WitnessKey, bring: Bring) => {
  const [{ openCheckpoint, logKeyText, writeSubmission }, { fromBase64 }] = await Promise.all([
    import('../../../lib/identity/transcripts/index.ts'),
    import('../../../lib/identity/pem.ts'),
  ])
  const { relayKey } = client
  if (relayKey === undefined) throw new CliError('auth', 'The relay has not proved its key', 'A witness knows a log by its key.')
  let old = 0
  for (let tries = 0; tries < maxTries; tries++) {
    const { checkpoint, consistency = [] } = await client.request('HEAD', { channel, from: old })
    const { size, stream } = openCheckpoint(checkpoint, relayKey)
    if (stream !== channel) throw new CliError('refused', `The relay signed a head of ${visible(stream)}`)
    if (size < old)
      throw new CliError('refused', `The witness has cosigned ${old} events of ${channel}, and the relay signs ${size}: it went back`)
    const proof = consistency.map(hash => fromBase64(hash) ?? new Uint8Array(0))
    const { status, text } = await bring(writeSubmission({ old, proof, checkpoint }))
    if (status === 200) return { checkpoint, size, ...await lineOf(checkpoint, text, key) }
    const known = status === 409 && /^(?:0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : old
    if (known === old) throw refusal(status, `${checkpoint.slice(0, checkpoint.indexOf('\n'))} ${logKeyText(relayKey)}`)
    old = known
  }
  throw new CliError('busy', 'Others bring heads of this channel to the witness at the moment', 'Try again.')
}

/** Whether the relay keeps what the witness signed, and shows it with its heads. */
const handed = async (client: AgentChatClient, channel: `#${string}`, checkpoint: string): Promise<boolean> => {
  try {
    await client.request('COSIGN', { channel, checkpoint })
    return true
  } catch (error) {
    const { RelayError } = await import('../../../lib/client/index.ts')
    if (error instanceof RelayError && ['NOT_ALLOWED', 'INVALID_MSG'].includes(error.code)) return false
    throw error
  }
}

export const cosign = command({
  name: 'cosign',
  summary: 'Have the head of a channel cosigned by a witness elsewhere, and hand that to the relay',
  relay: true,
  arguments: { channel: { doc: "a channel ('#general')" } },
  options: {
    at: { value: 'URL', doc: 'Where the witness takes heads: what stands before /add-checkpoint' },
    witness: { value: 'KEY', doc: 'The key of the witness: a line NAME+ID+KEY, or a file with that or with the public key of a relay' },
    out: { short: 'o', value: 'FILE', doc: 'File to make of the head and what is under it; - is stdout (the default)' },
  },
  details: async () =>
    'Any witness of C2SP tlog-witness will do, and a relay that lists the channel in its setting witnessedLogs. The operator of the witness needs the origin of the '
    + 'channel and the key of the relay: where it lists neither, the command says them (exit code 4).\nThe relay keeps the line and shows it with its heads where its '
    + 'setting witnesses names the key; otherwise only you have it (`kept`).\nExit code 5 (refused): the witness was shown another history.',
  examples: [{
    command: "agentchat transcript cosign '#general' --at https://witness.example --witness witness.key",
    doc: 'From time to time, as cron does it',
  }],
  async run({ args: { channel }, options: { at, witness, out: file = '-', timeout }, out, io, connect, target }) {
    if (at === undefined || witness === undefined)
      throw new CliError('usage', 'Which witness? Say where it is and what its key is', '--at URL --witness KEY')
    if (!channel.startsWith('#'))
      throw new CliError('usage', `${channel} is no channel`, "Names of channels begin with #, in quotes: '#general'")
    if (!URL.canParse(at) || !/^https?:/.test(at))
      throw new CliError('usage', `${at} is no URL of a witness`, '--at https://witness.example')
    const [{ witnessPolicyOf }, { addressGuard, anywhere }, { sendRequest, OutboundError }] = await Promise.all([
      import('../witnesses.ts'),
      import('../../outbound/guard.ts'),
      import('../../outbound/request.ts'),
    ])
    const [key] = witnessPolicyOf({ witness: [witness] })!.keys
    const url = `${at.replace(/\/$/, '')}/add-checkpoint`
    const { ca } = await target()
    const certificates = ca === undefined ? undefined : (await import('../certificates.ts')).readCertificates(ca)
    const guard = addressGuard(anywhere)
    const bring: Bring = async body => {
      try {
        const { status, body: answer } = await sendRequest(guard, {
          ...{
            url,
            method: 'POST',
            body,
            maxBytes: maxAnswerBytes,
            timeoutMs: (timeout ?? 15) * 1_000,
            ca: certificates,
            signal: io.interrupted,
          },
          headers: { 'content-type': 'text/plain; charset=utf-8' },
        })
        return { status, text: answer.toString() }
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error
        throw new CliError(error.kind === 'timeout' ? 'timeout' : 'unreachable', `${url} cannot be asked: ${error.message}`, undefined,
          error)
      }
    }
    const client = await connect()
    const { checkpoint, line, size, at: seconds } = await witnessed(client, channel as `#${string}`, key!, bring)
    const whole = checkpoint + line
    const kept = await handed(client, channel as `#${string}`, whole)
    const made = { stream: channel, size, witness: key!.name, at: seconds, kept }
    if (!kept) out.say('The relay does not keep it: its setting witnesses does not name the key')
    if (file === '-') return out.one({ ...made, checkpoint: whole }, () => whole.trimEnd())
    await write(file, whole)
    out.done({ file, ...made }, () => `The head of ${size} events of ${channel}, cosigned by ${visible(key!.name)}, is in ${file}`)
  },
})
