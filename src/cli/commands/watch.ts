// agentchat watch: how agents stand, and each change as it happens.
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { AgentChatClient } from '../../../lib/client/index.ts'
import { command, count, seconds } from '../command.ts'
import type { ExitName } from '../exit.ts'

interface Line {
  readonly agent_id: string
  readonly name: string | null
  readonly presence: string
  readonly status_text: string | null
  readonly last_seen?: number | null | undefined
}

export const watch = command({
  name: 'watch',
  summary: 'Tell when agents come, go or change presence',
  relay: true,
  arguments: { agents: { doc: '@agent ids, at most 200', is: 'agent', variadic: true } },
  options: {
    maxChanges: { short: 'm', value: 'N', doc: 'End after N changes, with exit code 0', parse: count },
    timeout: { value: 'SECONDS', doc: 'End after this time, with exit code 7', parse: seconds },
  },
  details: async () =>
    'First a line for each agent as it stands now (again after a lost connection), then one per change. In a '
    + 'pipe, or with --json, each is a line of JSON.',
  examples: [
    { command: 'agentchat watch ws://localhost:6667 @8addfe276526c9f6', doc: 'Until Ctrl-C' },
    { command: 'agentchat watch @8addfe276526c9f6 -m 1 --timeout 60', doc: 'Wait up to a minute for a change' },
  ],
  async run({ args: { agents }, options, io, out, connect }): Promise<ExitName> {
    const [{ presenceText }, { visible }] = await Promise.all([import('../people-text.ts'), import('../terminal.ts')])
    const { maxChanges = Infinity } = options
    const print = ({ agent_id, name, presence, status_text, last_seen }: Line) =>
      out.one({ agent_id, name, presence, status_text, ...(last_seen != null && { last_seen }) }, (line, paint) =>
        `${paint('bold', visible(line.name ?? '?').padEnd(16))} ${visible(line.agent_id)}  ${
          presenceText({ presence: line.presence as 'online', status_text: line.status_text, last_seen }, paint)
        }`)

    const { promise: ended, resolve: end, reject: fail } = deferred<ExitName>()
    // It may fail while nobody awaits it yet.
    ended.catch(() => undefined)
    let changes = 0
    const prepare = (client: AgentChatClient): void => {
      client.on('WATCHING', ({ frame: { list } }) => list.forEach(print))
      client.on('PRESENCE_CHANGED', ({ frame: change }) => {
        if (!agents.includes(change.agent_id) || changes >= maxChanges) return
        print(change)
        if (++changes >= maxChanges) end('ok')
      })
      client.on('status', status => {
        if (status.kind === 'lost') out.say(`${status.error.message}; trying again in ${(status.retryInMs / 1_000).toFixed(1)} s`)
        if (status.kind === 'ended' && status.error !== undefined) fail(status.error)
      })
    }
    const timer = options.timeout === undefined ? undefined : setTimeout(() => end('timeout'), timerMs(options.timeout * 1_000))
    const stop = () => end('interrupted')
    io.interrupted.addEventListener('abort', stop)
    try {
      const client = await connect({ session: `watch-${Math.floor(io.random() * 1e9).toString(36)}`, reconnect: {}, prepare })
      await client.people.watch(agents)
      return await ended
    } finally {
      clearTimeout(timer)
      io.interrupted.removeEventListener('abort', stop)
    }
  },
})

const deferred = <T>() => {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    ;[resolve, reject] = [yes, no]
  })
  return { promise, resolve, reject }
}
