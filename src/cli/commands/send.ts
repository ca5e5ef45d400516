// agentchat send: says something, and ends well only once the relay has stored it.
import type { AgentChatClient, ChannelName, Frame, Sent, Target } from '../../../lib/client/index.ts'
import { addressOf } from '../../../lib/protocol/address.ts'
import { limits } from '../../../lib/protocol/limits.ts'
import { command, relayOptions, whole, type Call, type Wish } from '../command.ts'
import { CliError } from '../exit.ts'
import { readable, transferOf } from '../file-transfer.ts'

const options = {
  stdin: { doc: 'Send each line of standard input as a message; the same as - for MESSAGE' },
  whole: { doc: 'Send all of standard input as one message, as it is' },
  stream: { doc: 'Send all of standard input as one message that others see grow: the tokens of a model' },
  id: { value: 'PREFIX', doc: 'Send line N under the id PREFIX-N: repeating the same input stores nothing twice (with -i)' },
  skip: { value: 'N', doc: 'Leave out the first N lines', parse: whole },
  file: { value: 'PATH', doc: 'Send this file; MESSAGE is what is said of it (default: its name)' },
  replyTo: { value: 'MSG_ID', doc: 'The message this answers' },
} as const
const args = {
  target: { doc: 'a #channel or an @agent', is: 'target' },
  message: { doc: 'the text; - takes the lines of standard input', optional: true },
} as const

type SendCall = Call<typeof args, typeof options>

/** Request ids are at most 64 characters; a line number takes the rest. */
const maxPrefixChars = 48
const maxWaiting = 256
const maxWaitingChars = 4 * 1024 * 1024
const progressEveryMs = 100

/** Prefix of the ids of this run's lines. */
const prefixOf = ({ options, io }: SendCall): string => {
  const { id } = options
  if (id === undefined) return `cli-${Math.floor(io.random() * 2 ** 48).toString(36)}`
  if (id.length < 1 || id.length > maxPrefixChars) throw new CliError('usage', `--id takes 1 to ${maxPrefixChars} characters`)
  return id
}

/** Says so when a line came with a stable id that a nameless session cannot make good. */
const connectFor = async (call: SendCall, more: Wish): Promise<Way> => {
  const { args, server, options, io, out } = call
  const wish = { session: `send-${Math.floor(io.random() * 2 ** 32).toString(36)}`, ...more }
  if (options.id !== undefined && (await call.target()).identity === undefined)
    out.say('note: without an identity (-i) every run is '
      + 'another agent, so --id cannot find what an earlier run stored')
  const { name, host } = addressOf(args.target)
  if (host === undefined || server !== undefined) return entered(await call.connect(wish), args.target)
  return await linkedWay(call, wish, host) ?? entered(await call.connect({ ...wish, host }), name)
}

/** Who sends, and the name that the relay has there for whom it is. */
interface Way {
  readonly client: AgentChatClient
  readonly target: Target
}

const entered = async (client: AgentChatClient, name: string): Promise<Way> => {
  const target = name as Target
  if (target.startsWith('#')) await client.join(target as ChannelName, { limit: 0 })
  return { client, target }
}

/** By the relay of one's own, where that is linked to the one of the name and hands on: what is answered comes there too. */
const linkedWay = async (call: SendCall, wish: Wish, host: string): Promise<Way | undefined> => {
  const { isOwn } = await import('../addressed.ts')
  const isThere = await isOwn(host, () => call.target())
  const client = isThere ? undefined : await call.connect({ ...wish, isFurther: true }).catch(() => undefined)
  try {
    const { trust } = await client!.request('HOME', { host })
    if (trust === 'both') return await entered(client!, call.args.target)
  } catch {
    // There is no relay of one's own, it is not linked, or does not mirror the channel.
  }
  await client?.close()
  return undefined
}

/** Brings the file first: what came of it in an earlier run is not sent again. */
const fileFor = async (call: SendCall, client: AgentChatClient, path: string) => {
  const { io, out } = call
  const [{ putFile }, { safeFileName }, { progressText }, { basename }, transfer] = await Promise.all([
    import('../../../lib/node/files.ts'),
    import('../../../lib/protocol/file-name.ts'),
    import('../progress-text.ts'),
    import('node:path'),
    transferOf(call),
  ])
  const name = safeFileName(basename(path))
  const progress = progressText(name, io)
  try {
    return await putFile(client, path, { ...transfer, name, onProgress: (...at) => out.progress(progress(...at)) })
  } finally {
    out.progress('')
  }
}

const sendOne = async (call: SendCall, content: string): Promise<void> => {
  const { options, out } = call
  const { fieldsOfFrame } = await import('../vocabulary.ts')
  const prefix = prefixOf(call)
  const { client, target } = await connectFor(call, {})
  const { file } = options
  const files = file === undefined ? undefined : [await fileFor(call, client, await readable(file))]
  const how = {
    id: `${prefix}-1`,
    inReplyTo: options.replyTo,
    ...(files !== undefined && { files }),
    timeoutMs: (options.timeout ?? 15) * 1_000,
  }
  const kept = await client.send(target, content, how)
  const ack = kept.pending ? await settledOf(client, target, content, how) ?? kept : kept
  out.done(ack.frame, storedText, { fields: fieldsOfFrame('ACK') })
}

/** What the other relay made of what this one keeps for it: the same id asks for that. undefined: it has not been reached in time. */
const settledOf = async (
  client: AgentChatClient,
  ...[target, content, how]: Parameters<AgentChatClient['send']>
): Promise<Sent | undefined> => {
  const { TimeoutError } = await import('../../../lib/client/index.ts')
  return client.send(target, content, { ...how, settled: true }).catch((error: unknown) => {
    if (error instanceof TimeoutError) return undefined
    throw error
  })
}

const storedText = ({ to, seq, duplicate, pending }: Frame<'ACK'>): string =>
  pending
    ? `Kept for ${to}: it is handed on when its relay can be reached, for most of a day. The same --id tells what became of it`
    : `Stored in ${to} as ${seq}${duplicate ? ' (it was there already)' : ''}`

/** The input byte for byte, or not at all. */
const sendWhole = async (call: SendCall): Promise<void> => {
  const { readWhole } = await import('../documents.ts')
  const content = await readWhole(call.io, limits.maxFrameBytes)
  if (content === '') throw new CliError('usage', 'Standard input is empty: nothing was sent')
  return sendOne(call, content)
}

/** One message, seen while it is written; what is stored is the whole. */
const sendGrowing = async (call: SendCall): Promise<void> => {
  const { options, io, out } = call
  const [{ fieldsOfFrame }, { textsOf }] = await Promise.all([import('../vocabulary.ts'), import('../lines.ts')])
  const timeoutMs = (options.timeout ?? 60) * 1_000
  const { client, target } = await connectFor(call, { timeoutMs: 15_000, reconnect: { maxMs: 5_000, maxElapsedMs: timeoutMs } })
  const message = client.stream(target, { id: `${prefixOf(call)}-1`, inReplyTo: options.replyTo, timeoutMs })
  for await (const text of textsOf(io.stdin, client.welcome!.limits.maxContentBytes ?? limits.maxContentChars)) message.write(text)
  if (message.text === '') throw new CliError('usage', 'Standard input is empty: nothing was sent')
  const ack = await message.end()
  out.done(ack.frame, storedText, { fields: fieldsOfFrame('ACK') })
}

const sendStdin = async (call: SendCall): Promise<void> => {
  const { options, io, out } = call
  const [{ linesOf }, { Pace }, { sendLines }] = await Promise.all([import('../lines.ts'), import('../pace.ts'), import('../sender.ts')])
  const prefix = prefixOf(call)
  const reconnect = { maxMs: 5_000, maxElapsedMs: (options.timeout ?? 60) * 1_000 }
  const { client, target } = await connectFor(call, { timeoutMs: 15_000, reconnect })
  const { limits } = client.welcome!
  const startedAt = io.now()
  const skip = options.skip ?? 0
  let acknowledged = skip
  let duplicates = 0
  let shownAt = 0

  const numbered = async function*() {
    let number = 0
    for await (const content of linesOf(io.stdin, limits.maxFrameBytes)) {
      if (++number > skip) yield { number, content }
    }
  }
  const rate = () => `${((acknowledged - skip) / Math.max(0.001, (io.now() - startedAt) / 1_000)).toFixed(1)}/s`
  const stopReading = () => io.stdin.destroy()
  io.interrupted.addEventListener('abort', stopReading)
  try {
    await sendLines(numbered(), {
      send: async ({ number, content }) =>
        (await client.send(target, content, { id: `${prefix}-${number}`, inReplyTo: options.replyTo, signal: io.interrupted })).frame,
      onAck: ({ number }, ack) => {
        acknowledged = number
        if (ack.duplicate) duplicates++
        if (out.isJson) out.one({ ...ack, line: number }, () => '')
        if (io.now() - shownAt < progressEveryMs) return
        shownAt = io.now()
        out.progress(`${acknowledged - skip} lines stored, ${rate()}`)
      },
      // One less than the burst: the relay may count a little faster than this clock.
      pace: new Pace({ perSecond: limits.msgRate, burst: limits.msgBurst - 1 }),
      maxWaiting,
      maxWaitingChars,
      now: io.now,
      signal: io.interrupted,
    })
  } catch (error) {
    out.say(
      `Stopped: lines up to ${acknowledged} are stored. Go on with: --skip ${acknowledged}${
        options.id === undefined ? '' : `, or repeat the whole input with --id ${prefix}`
      }`,
    )
    throw error
  } finally {
    io.interrupted.removeEventListener('abort', stopReading)
    io.stdin.destroy()
  }
  out.say(
    `${acknowledged - skip} lines stored in ${target}, ${rate()}${duplicates === 0 ? '' : `; ${duplicates} of them were there already`}`,
  )
}

export const send = command({
  name: 'send',
  isAcrossRelays: true,
  summary: 'Send a message, or each line of standard input',
  relay: true,
  arguments: args,
  options: {
    ...options,
    timeout: {
      ...relayOptions.timeout,
      doc: 'How long to wait for the relay (default: 15); with standard '
        + 'input, how long to try to reach it again (default: 60)',
    },
  },
  examples: [
    { command: 'agentchat send ws://localhost:6667 \'#general\' "hi"', doc: 'Returns once the message is stored' },
    { command: "llm 'why is the sky blue' | agentchat send '#general' --stream -", doc: 'One message, seen as it grows' },
    { command: "agentchat send '#general' --file report.pdf 'the numbers'", doc: 'A file; run again after it was broken off, it goes on' },
    { command: "git diff | agentchat send '#builds' --whole -", doc: 'All of it as one message' },
    { command: "agentchat send '#general' -- '-5 degrees outside'", doc: 'A text that begins with -' },
    { command: "tail -f build.log | agentchat send '#builds' -", doc: 'Each line as it comes, at the pace the relay allows' },
    {
      command: "agentchat send '#general' - --id notes -i alice.json < notes.txt",
      doc: 'Can be repeated after any failure: nothing is stored twice',
    },
    { command: 'agentchat send @8addfe276526c9f6 "are you there?" -i alice.json', doc: 'To one agent; it waits there until read' },
  ],
  async run(call) {
    const { args: { message }, options } = call
    const isInput = message === undefined || message === '-'
    for (const flag of ['stdin', 'whole', 'stream'] as const) {
      if (options[flag] && !isInput) throw new CliError('usage', `A MESSAGE and --${flag} do not go together`)
    }
    for (const flag of ['whole', 'stream'] as const) {
      const other = options.stdin ? 'stdin' : options.skip !== undefined ? 'skip' : options.whole && flag === 'stream' ? 'whole' : undefined
      if (options[flag] && other !== undefined)
        throw new CliError('usage', `--${flag} and --${other} do not go together`, `--${flag} sends no lines: one message.`)
    }
    if (options.whole) return sendWhole(call)
    if (options.stream) return sendGrowing(call)
    if (options.file !== undefined && (options.stdin || message === '-'))
      throw new CliError('usage', '--file and standard input do not go together')
    if (options.stdin || message === '-') return sendStdin(call)
    if (options.file !== undefined)
      return sendOne(call,
        message ?? (await import('../../../lib/protocol/file-name.ts')).safeFileName(options.file.split(/[\\/]/).at(-1)!))
    if (message === undefined)
      throw new CliError('usage', 'Missing argument MESSAGE',
        "Give the text in quotes, or - to send the lines of standard input. To a shell a bare # begins a comment: '#general'.")
    return sendOne(call, message)
  },
})
