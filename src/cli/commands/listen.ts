// agentchat listen: what is said, as it is said; comes back by itself after a lost connection and misses nothing.
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { AgentChatClient, Message } from '../../../lib/client/index.ts'
import { command, count, seconds, whole } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'

type Since = number | 'all' | 'now'

const since = (text: string): Since => text === 'all' || text === 'now' ? text : whole(text)

const joinOptions = (since: Since | undefined) =>
  since === 'now' ? { limit: 0 } : since === undefined ? {} : { since: since === 'all' ? 0 : since }

export const listen = command({
  name: 'listen',
  summary: 'Print messages as they come',
  relay: true,
  arguments: { channels: { doc: 'channels to listen to (default: #general)', sigil: true, variadic: true, optional: true } },
  options: {
    maxMessages: { short: 'm', value: 'N', doc: 'End after N messages, with exit code 0', parse: count },
    timeout: { value: 'SECONDS', doc: 'End after this time, with exit code 7', parse: seconds },
    since: {
      value: 'SEQ|all|now',
      doc: 'Begin after this position, at the first message, or with the next one (default: the newest few)',
      parse: since,
    },
    cursor: { value: 'FILE', doc: 'Keep in FILE how far this went, and go on from there: a listener that is started again misses nothing' },
    followDm: { doc: 'Direct messages and mentions too, also those that waited; what is printed counts as received' },
    content: { doc: 'Print only the contents, a line each, as they were sent' },
    session: { value: 'LABEL', doc: 'Session label; the same agent can listen once per label (default: listen)' },
  },
  details: async () =>
    'In a pipe, or with --json, each message is a line of JSON: the frame as it came, and `signature` (valid, '
    + 'invalid, none, unknown-key).',
  examples: [
    { command: "agentchat listen ws://localhost:6667 '#general' -m 5", doc: 'Five messages, then end' },
    { command: "agentchat listen '#general' '#builds' --since now | jq -r .content", doc: 'Two channels, from now on' },
    { command: 'agentchat listen --follow-dm -i alice.json -m 1 --timeout 60', doc: 'Wait up to a minute for something to do' },
    { command: "agentchat listen '#tasks' --cursor tasks.json -m 1", doc: 'The next message that no earlier run has seen' },
    { command: "agentchat listen '#notes' --since all --content > notes.txt", doc: 'A channel as a text file' },
  ],
  async run({ args, options, io, out, connect }): Promise<ExitName> {
    const channels = args.channels.length === 0 ? ['#general'] : args.channels
    const wrong = channels.find(name => !name.startsWith('#'))
    if (wrong !== undefined)
      throw new CliError('usage', `${JSON.stringify(wrong)} is not a channel`,
        "Channels are written like '#general', with quotes. Direct messages come with --follow-dm.")
    const [{ RelayError }, { messageText }, { visibleLines }] = await Promise.all([
      import('../../../lib/client/index.ts'),
      import('../message-text.ts'),
      import('../terminal.ts'),
    ])
    const { maxMessages = Infinity } = options
    const positions = options.cursor === undefined ? undefined : await openCursor(options.cursor)
    let received = 0
    let end: (exit: ExitName) => void
    let fail: (error: unknown) => void
    const ended = new Promise<ExitName>((resolve, reject) => {
      ;[end, fail] = [resolve, reject]
    })
    // It may fail while nobody awaits it yet.
    ended.catch(() => undefined)

    const print = ({ frame, signature }: Message): void => {
      if (options.content) out.raw(`${io.stdout.isTTY ? visibleLines(frame.content) : frame.content}\n`)
      else out.one({ ...frame, signature }, messageText)
    }
    const prepare = (client: AgentChatClient): void => {
      client.on('message', message => {
        const isMine = message.to.startsWith('@') || message.inboxSeq !== undefined
        if (!channels.includes(message.to) && !(isMine && options.followDm)) return
        print(message)
        if (++received < maxMessages) return
        // What comes after it was not printed, so it was not received either: the next run begins there.
        void client.close()
        positions?.close()
        end('ok')
      })
      client.on('status', status => {
        switch (status.kind) {
          case 'lost':
            return out.say(`${status.error.message}; trying again in ${(status.retryInMs / 1_000).toFixed(1)} s`)
          case 'connected':
            return status.again && out.say(`Connected again as ${status.welcome.agent_id}`)
          case 'ended':
            return status.error && fail(status.error)
          // Lost again in between: the next connection joins again.
          case 'rejoin-failed':
            return status.error instanceof RelayError && !status.error.shouldRetry() && fail(status.error)
          case 'gap':
            return out.say(
              `warning: ${status.channel} keeps nothing before ${status.oldest}; what came after ${status.since} and before that is missing`,
            )
          case 'epoch-changed':
            return out.say('warning: the relay began a new log; positions from before mean nothing')
          default:
            return undefined
        }
      })
    }

    const timer = options.timeout === undefined ? undefined : setTimeout(() => end('timeout'), timerMs(options.timeout * 1_000))
    const stop = () => end('interrupted')
    io.interrupted.addEventListener('abort', stop)
    try {
      const client = await connect({
        session: options.session ?? 'listen',
        inbox: options.followDm ? 'manual' : 'none',
        reconnect: {},
        timeoutMs: Math.min(options.timeout ?? 15, 15) * 1_000,
        prepare,
        ...(positions !== undefined && { positions }),
      })
      out.say(`Connected as ${client.agentId}`)
      for (const channel of channels) await Promise.race([client.join(channel, joinOptions(options.since)), ended])
      const exit = await ended
      if (exit === 'timeout') out.say(`Time is up; ${received} messages received`)
      return exit
    } finally {
      clearTimeout(timer)
      io.interrupted.removeEventListener('abort', stop)
      positions?.close()
    }
  },
})

const openCursor = async (file: string) => {
  const { PositionsFile } = await import('../../../lib/node/index.ts')
  try {
    return new PositionsFile(file)
  } catch (error) {
    throw new CliError('usage', `${file} is not a cursor file of agentchat listen`, 'Give another name, or delete it to begin anew.', error)
  }
}
