// agentchat transcript: the signed head of a channel or conversation, and the proof of one message as a file.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { WitnessPolicy } from '../../../lib/identity/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import { write } from '../new-file.ts'
import { visible } from '../terminal.ts'
import { witnessesNamed, witnessOptions } from '../witness-options.ts'
import { cosign } from './transcript-cosign.ts'

const stream = { doc: "a channel ('#general'), or another agent (@id)" } as const
const out = { short: 'o', value: 'FILE', doc: 'File to make; - is stdout (the default)' } as const

const placeOf = (name: string) => {
  if (name.startsWith('#')) return { channel: name as `#${string}` }
  if (name.startsWith('@')) return { with: name as `@${string}` }
  throw new CliError('usage', `${name} is neither a #channel nor an @agent`)
}

/** Where a stream is, for one of the two that it is of. */
const placeIn = (stream: string, me: string) =>
  stream.startsWith('#') ? placeOf(stream) : placeOf(stream.split('|').find(id => id !== me) ?? me)

/** The event as it is stored. */
const eventAt = async (client: AgentChatClient, name: string, seq: number): Promise<string> => {
  const [{ rawTextOf }, { rawField, rawItems }] = await Promise.all([
    import('../../../lib/client/index.ts'),
    import('../../../lib/protocol/index.ts'),
  ])
  const page = await client.request('HISTORY', { ...placeOf(name), after: seq - 1, limit: 1 })
  const [text] = page.events[0]?.seq === seq ? rawItems(rawField(rawTextOf(page) ?? '{}', 'events') ?? '[]') : []
  if (text === undefined) throw new CliError('notFound', `There is no message ${seq} in ${name} any more`)
  return text
}

/** Who put lines under a head, as their names there say; unchecked. */
const cosignersIn = (head: string): readonly string[] =>
  head.slice(head.indexOf('\n\n') + 2).split('\n').slice(1, -1).map(line => line.split(' ')[1] ?? '')

const sizeIn = (head: string): number => Number(head.split('\n')[1])

const head = command({
  name: 'head',
  summary: 'The head of a transcript, as the relay signs it now',
  relay: true,
  arguments: { stream },
  options: { out, upto: { value: 'N', doc: 'The newest that was cosigned of at most N events', parse: count }, ...witnessOptions },
  details: async () =>
    'Witnesses that cosigned it stand under it. With --witness it is the newest head that as many as --need says have cosigned; exit code 5 (refused) where there is '
    + 'none.\nOf a channel of another relay that is mirrored there, a relay gives what it cosigned itself.',
  examples: [{
    command: "agentchat transcript head '#general' --out general.head",
    doc: 'Keep it: it commits the relay to all that was said',
  }, {
    command: "agentchat transcript head '#general' --witness c.pem,d.pem --need 2",
    doc: 'The newest that both cosigned',
  }, {
    command: "agentchat transcript head wss://c.example '#general@b.example' --out its.head",
    doc: 'What a witness was shown of the channel: agentchat transcript compare its.head',
  }],
  async run({ args: { stream: name }, options: { out: file = '-', upto = Infinity, ...options }, out, connect }) {
    const policy = (await witnessesNamed(options))?.witnessPolicyOf(options)
    const client = await connect()
    const { oldest, checkpoint: newest, witnessed = [] } = await client.request('HEAD', {
      ...placeOf(name),
      witnessed: true,
      ...(name.includes('@', 1) && upto !== Infinity && { from: upto }),
    })
    const heads = [newest, ...witnessed].filter(each => sizeIn(each) <= upto)
    const checkpoint = policy === undefined ? heads[0] : heads.find(await cosignedBy(policy))
    if (checkpoint === undefined) {
      throw new CliError('refused', policy === undefined
        ? `No head of at most ${upto} events is kept`
        : `No head of ${name} was cosigned by ${policy.need} of these witnesses`, 'A witness cosigns a moment after a message was said.')
    }
    const size = sizeIn(checkpoint)
    const cosigned = cosignersIn(checkpoint)
    if (file === '-') return out.one({ stream: name, size, oldest, checkpoint, cosigned }, () => checkpoint.trimEnd())
    await write(file, checkpoint)
    out.done({ file, stream: name, size, cosigned }, () => `The head of ${size} events of ${name} is in ${file}`)
  },
})

/** Whether as many as are needed have cosigned a head. */
const cosignedBy = async (policy: WitnessPolicy): Promise<(head: string) => boolean> => {
  const [{ cosignersOf }, { createVerify }] = await Promise.all([
    import('../../../lib/identity/index.ts'),
    import('../../../lib/node/index.ts'),
  ])
  const verify = createVerify()
  return text => cosignersOf(text, policy.keys, verify).size >= policy.need
}

const compare = command({
  name: 'compare',
  summary: 'Compare a head that somebody else has with what the relay signs now',
  relay: true,
  arguments: { file: { doc: 'a head, as `agentchat transcript head` made it, of a channel or of what you and another say; - is stdin' } },
  options: { out: { ...out, doc: 'Where evidence is put, if there is some (default: in ~/.agentchat)' } },
  details: async () =>
    'Another one who reads the same channel, or a witness of it, sends you a head; if the relay shows you the same history, that is the beginning of what it signs now.\n'
    + 'Where it is not, the relay keeps you apart: exit code 5 (refused), and evidence that `agentchat verify --evidence` accepts.\nA head of more events than you are '
    + 'shown cannot be compared yet (exit code 8, busy): let them compare yours, or ask for an older one (transcript head --upto).',
  examples: [{ command: 'agentchat transcript compare its.head', doc: 'Were they shown what you are?' }],
  async run({ args: { file }, options, out, io, connect }) {
    const [{ comparedHeads, IdentityError, openCheckpoint, readCheckpoint }, { readInput, readText }, { join }, { agentchatHome }] =
      await Promise.all([
        import('../../../lib/identity/index.ts'),
        import('../documents.ts'),
        import('node:path'),
        import('../home.ts'),
      ])
    const text = await (file === '-' ? readInput(io) : readText(file))
    const client = await connect()
    const { relayKey } = client
    if (relayKey === undefined)
      throw new CliError('auth', 'The relay has not proved its key', 'Without that there is nothing to compare with.')
    try {
      const theirs = openCheckpoint(text, relayKey)
      const { size, stream, epoch } = theirs
      const answer = await client.request('HEAD', { ...placeIn(stream, client.agentId!), from: size, peaks: true })
      const now = readCheckpoint(answer.checkpoint)
      if (now.epoch !== epoch)
        throw new CliError('refused',
          'That head is of another life of the log: the relay was restored or imported since, or shows you another log')
      if (now.size < size)
        throw new CliError('busy',
          `That head is of ${size} events, and ${now.size} are here: let them compare yours, or ask for an older one`,
          `agentchat transcript head '${stream}' --upto ${now.size}`)
      const { isBeginning, proof } = comparedHeads(theirs, answer, relayKey)
      if (isBeginning)
        return out.one({ stream, size, now: now.size, isBeginning }, () => `Its ${size} events are the beginning of the ${now.size} here`)
      const evidence = {
        format: 'agentchat-evidence/1',
        problem: 'fork',
        stream,
        relay_pubkey: relayKey,
        heads: [text, answer.checkpoint],
        proof,
      }
      const to = options.out ?? join(agentchatHome(io.env), `evidence-${io.now()}.json`)
      await write(to, `${JSON.stringify(evidence, null, 2)}\n`)
      throw new CliError('refused', `The relay shows two histories of ${visible(stream)}; what shows it is in ${to}`,
        `agentchat verify --evidence ${to}`)
    } catch (error) {
      throw error instanceof IdentityError ? new CliError('refused', error.message, undefined, error) : error
    }
  },
})

const prove = command({
  name: 'prove',
  summary: 'The proof of one message as a file, for those who know no relay',
  relay: true,
  arguments: { stream, seq: { doc: 'its number there (`seq`)' } },
  options: { out },
  details: async () =>
    'The file holds the message. Whoever has the public key of the relay checks it with `agentchat verify`, or with any tool for C2SP tlog-proof.',
  examples: [
    {
      command: "agentchat transcript prove '#general' 42 --out offer.tlog-proof",
      doc: 'Then: agentchat verify offer.tlog-proof --key relay.pem',
    },
  ],
  async run({ args: { stream: name, ...args }, options: { out: file = '-' }, out, connect }) {
    const client = await connect()
    const [{ writeProof }, { fromBase64 }] = await Promise.all([
      import('../../../lib/identity/index.ts'),
      import('../../../lib/identity/pem.ts'),
    ])
    const seq = count(args.seq)
    const text = await eventAt(client, name, seq)
    const { checkpoint, inclusion = [] } = await client.request('HEAD', { ...placeOf(name), seq, witnessed: true })
    const proof = writeProof({ text, index: seq - 1, proof: inclusion.map(node => fromBase64(node) ?? new Uint8Array(0)), checkpoint })
    if (file === '-') return out.raw(proof)
    await write(file, proof)
    out.done({ file, stream: name, seq }, () => `Message ${seq} of ${name} is proved by ${file}`)
  },
})

const key = command({
  name: 'key',
  summary: 'The key of a relay, as those need it who ask for it as a witness, who witness it, or who check what it signed',
  relay: true,
  arguments: {},
  options: {},
  details: async () =>
    'It is the key that the relay proved when you were connected. Have it confirmed by somebody who knows: `server_id` is short enough to be read out.\n'
    + '`key` is for those who ask for its cosignatures, `log_key` for those who witness it.',
  examples: [{ command: 'agentchat transcript key wss://c.example --field key > c.key', doc: 'Then: --witness c.key' }],
  async run({ out, connect }) {
    const [{ logKeyText, relayWitness, serverIdOf, witnessKeyText }, { relayKey }] = await Promise.all([
      import('../../../lib/identity/index.ts'),
      connect(),
    ])
    if (relayKey === undefined) throw new CliError('auth', 'The relay has not proved its key')
    const text = witnessKeyText(relayWitness(relayKey))
    out.one({ server_id: serverIdOf(relayKey), key: text, log_key: logKeyText(relayKey), pubkey: relayKey }, () => text)
  },
})

export const transcript = command({
  name: 'transcript',
  summary: 'Signed heads of channels and conversations, and proofs of single messages',
  arguments: {},
  options: {},
  commands: [head, prove, compare, cosign, key],
  details: async () => 'What they prove, and what they do not: docs/TRANSCRIPTS.md.',
  examples: [
    { command: "agentchat transcript head '#general'", doc: 'What the relay commits itself to' },
    { command: "agentchat transcript prove '#general' 42 > offer.tlog-proof", doc: 'One message, for those who know no relay' },
  ],
  run: () =>
    Promise.reject(
      new CliError('usage', 'transcript wants a command', 'One of: head, prove, compare, cosign, key. agentchat transcript --help'),
    ),
})
