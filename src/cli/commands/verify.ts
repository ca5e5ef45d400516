// agentchat verify: what a relay signed, checked without it and without a network.
import type { WitnessPolicy } from '../../../lib/identity/index.ts'
import { command, type Call } from '../command.ts'
import { watched, withKeeper } from '../keeping.ts'
import { visible } from '../terminal.ts'
import { witnessesNamed, witnessOptions } from '../witness-options.ts'

export const verify = command({
  name: 'verify',
  summary: 'Check without a network what a relay signed: an export, the proof of one message, evidence against it',
  arguments: { file: { doc: 'what `agentchat export` or `agentchat transcript prove` made; - is stdin' } },
  options: {
    ...witnessOptions,
    evidence: { doc: 'The file is evidence: the JSON that a client told as a status of kind transcript' },
    key: {
      value: 'FILE',
      doc: "The relay's public key (PEM), as you know it; of a proof it is needed. It is `pubkey` in /.well-known/agentchat.json",
    },
  },
  details: async () =>
    'Of an export every event has to be under the heads that its relay signed: one that was changed, left out, put in or '
    + 'moved is refused, and the first bad line told.\nOf a proof the message has to be under its head. Of evidence it is said what it shows, '
    + 'and it is refused unless it shows that the relay signed two histories (docs/TRANSCRIPTS.md).\nWith --witness the head of a proof, and all that an export has '
    + 'of channels, have to be cosigned by as many as --need says.',
  examples: [
    { command: 'agentchat export --data ./agentchat-data | agentchat verify -', doc: 'Nothing was changed on the way' },
    { command: 'agentchat verify relay.jsonl --key relay.pem', doc: 'And it is of the relay whose key this is' },
    { command: 'agentchat verify offer.tlog-proof --key relay.pem', doc: 'That message was said there' },
    { command: 'agentchat verify relay.jsonl --key relay.pem --witness c.pem,d.pem --need 2', doc: 'And two others saw it so' },
    { command: 'agentchat verify --evidence fork.json', doc: 'Did the relay sign two histories?' },
  ],
  async run(call) {
    const { args: { file }, options, io, out } = call
    const [{ createReadStream, existsSync, readFileSync }, { CliError }] = await Promise.all([import('node:fs'), import('../exit.ts')])
    for (const name of [file, options.key]) {
      if (name !== undefined && name !== '-' && !existsSync(name)) throw new CliError('notFound', `There is no file ${name}`)
    }
    const key = options.key === undefined ? undefined : readFileSync(options.key, 'utf8')
    const witnesses = (await witnessesNamed(options))?.witnessPolicyOf(options)
    if (options.evidence) return checkEvidence(call, await wholeOf(file === '-' ? io.stdin : createReadStream(file)), key)
    const [source, isProof] = await peeked(file === '-' ? io.stdin : createReadStream(file))
    if (isProof) return checkOne(call, await wholeOf(source), key, witnesses)
    const checked = await withKeeper(keeper => keeper.verifyArchive(source, { ...watched(call, 'Checking'), witnesses }))
    const { serverId, serverPubkey, isSigned, heads, counts } = checked
    const isKnown = key === undefined ? undefined : serverPubkey !== undefined && isSameKey(key, serverPubkey)
    if (isKnown === false) throw new CliError('refused', `It is of relay ${visible(String(serverId))}, whose key is another one`)
    out.one({ file, ...checked }, () =>
      [
        `${counts.event} messages${heads === undefined ? '' : ` under ${heads} signed heads`} are as relay ${
          visible(String(serverId))
        } had them`,
        heads === undefined
          ? 'The export is of an older form: each line is as it was written, and its relay did not sign what was said'
          : undefined,
        isSigned ? undefined : 'The file as a whole is NOT signed: what is not a message can have been changed',
        witnesses === undefined ? undefined : `What is in channels was cosigned by ${witnesses.need} of ${witnesses.keys.length} witnesses`,
        isKnown === undefined ? `Is that the relay? Compare the id, or give --key` : undefined,
      ].filter(line => line !== undefined).join('\n'))
  },
})

const proofMark = 'c2sp.org/tlog-proof@'
const maxTextBytes = 16 * 1024 * 1024

/** The same bytes, and whether they begin as a proof does. */
const peeked = async (source: AsyncIterable<Uint8Array>): Promise<readonly [AsyncIterable<Uint8Array>, boolean]> => {
  const rest = source[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  while (first.length < proofMark.length) {
    const { value, done } = await rest.next()
    if (done === true) break
    first = Buffer.concat([first, value])
  }
  const again = async function*() {
    yield first
    for (;;) {
      const { value, done } = await rest.next()
      if (done === true) return
      yield value as Uint8Array
    }
  }
  return [again(), first.toString('latin1').startsWith(proofMark)]
}

const wholeOf = async (source: AsyncIterable<Uint8Array>): Promise<string> => {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of source) {
    size += part.length
    if (size > maxTextBytes) {
      const { CliError } = await import('../exit.ts')
      throw new CliError('refused', `It is longer than ${maxTextBytes} bytes: no proof is`)
    }
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

const isSameKey = (a: string, b: string): boolean => a.replace(/\s/g, '') === b.replace(/\s/g, '')

const checkOne = async (
  { out }: Pick<Call, 'out'>,
  text: string,
  key: string | undefined,
  witnesses: WitnessPolicy | undefined,
): Promise<void> => {
  const [{ checkProof, cosignersOf, IdentityError, readProof, witnessedBy }, { CliError }] = await Promise.all([
    import('../../../lib/identity/index.ts'),
    import('../exit.ts'),
  ])
  if (key === undefined)
    throw new CliError('usage', 'Which relay signed it? Give its public key: --key FILE',
      'It is `pubkey` in https://RELAY/.well-known/agentchat.json.')
  try {
    const { head, entry, text: event } = checkProof(text, key)
    const { checkpoint } = readProof(text)
    const isWitnessed = witnesses !== undefined && witnessedBy([checkpoint], witnesses, key).size > 0
    const cosigned = witnesses === undefined
      ? undefined
      : [...cosignersOf(checkpoint, witnesses.keys)].map(([{ name }, at]) => ({ name, at }))
    if (witnesses !== undefined && !isWitnessed)
      throw new CliError('refused', `${cosigned!.length} of its witnesses cosigned its head, and ${witnesses.need} are needed`,
        'A witness cosigns a moment after a message was said: prove it again.')
    const said = JSON.parse(event) as { readonly from?: string, readonly content?: string }
    out.one({
      relay: head.relay,
      epoch: head.epoch,
      stream: head.stream,
      seq: entry.seq,
      size: head.size,
      erased: entry.isBlank,
      event: said,
      ...(cosigned !== undefined && { cosigned }),
    }, () =>
      `Message ${entry.seq} of ${visible(head.stream)} (${head.size} when it was signed) is as relay ${head.relay} had it:\n`
      + `${visible(String(said.from))}: ${entry.isBlank ? '(erased)' : visible(String(said.content))}${
        (cosigned ?? []).map(({ name, at }) => `\nCosigned by ${visible(name)} at ${new Date(at * 1_000).toISOString()}`).join('')
      }`)
  } catch (error) {
    throw error instanceof IdentityError ? new CliError('refused', error.message, undefined, error) : error
  }
}

const checkEvidence = async ({ out }: Pick<Call, 'out'>, text: string, key: string | undefined): Promise<void> => {
  const [z, { findingOf }, { CliError }] = await Promise.all([
    import('zod'),
    import('../../../lib/identity/index.ts'),
    import('../exit.ts'),
  ])
  const Evidence = z.object({
    format: z.literal('agentchat-evidence/1'),
    stream: z.string(),
    relay_pubkey: z.string().optional(),
    heads: z.array(z.string()).max(16),
    texts: z.array(z.string()).max(16).optional(),
    author_pubkey: z.string().optional(),
    proof: z.object({ root: z.string(), consistency: z.array(z.string()).max(64) }).optional(),
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CliError('refused', 'It is not JSON')
  }
  const parsed = Evidence.safeParse(value)
  if (!parsed.success)
    throw new CliError('refused', `It is no evidence: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`)
  if (key !== undefined && (parsed.data.relay_pubkey === undefined || !isSameKey(key, parsed.data.relay_pubkey)))
    throw new CliError('refused', 'It is of a relay with another key')
  const { finding, why, heads } = findingOf(parsed.data)
  if (finding !== 'fork') throw new CliError('refused', `It does not prove that the relay lied (${finding}): ${why}`)
  const [{ relay, epoch, stream, size }] = heads as [(typeof heads)[number]]
  out.one({ finding, relay, epoch, stream, size, why }, () => `fork: ${why} of ${visible(stream)}. Relay ${relay}, epoch ${epoch}`)
}
