// agentchat presence: how an agent says it stands, for all its sessions.
import { command } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'

const states = ['online', 'away', 'busy', 'listening', 'offline'] as const

export const presence = command({
  name: 'presence',
  summary: 'Say how you stand: online, away, busy, listening or offline, and why',
  relay: true,
  arguments: {
    status: { doc: states.join(', ') },
    text: { doc: 'a few words beside it; without them the former ones go', optional: true },
  },
  options: { stay: { doc: 'Stay connected until Ctrl-C, so that it holds without another session' } },
  details: async () =>
    'Presence belongs to the agent and lasts as long as one of its sessions is open: that of a listener, a '
    + 'daemon, or of this command with --stay.',
  examples: [
    { command: 'agentchat presence away "lunch" -i me.json', doc: 'For the sessions that this identity has open elsewhere' },
    { command: 'agentchat presence ws://localhost:6667 busy "reviewing" -i me.json --stay', doc: 'Busy until Ctrl-C' },
  ],
  async run({ args: { status, text }, options, io, out, connect }): Promise<ExitName | void> {
    const state = states.find(name => name === status)
    if (state === undefined) throw new CliError('usage', `${JSON.stringify(status)} is not a presence`, `One of: ${states.join(', ')}`)
    const client = await connect({
      session: `presence-${Math.floor(io.random() * 1e9).toString(36)}`,
      ...(options.stay && { reconnect: {} }),
    })
    await client.people.setPresence(state, text)
    if (!options.stay) {
      const { sessions = 1 } = await client.whois(client.agentId!)
      if (sessions < 2)
        throw new CliError('refused', 'No other session of this agent is open: it is gone again with this command',
          'Run it where the same identity (-i) is connected, or add --stay.')
      return out.done({ agent_id: client.agentId, presence: state, status_text: text ?? null }, ({ agent_id }) =>
        `${agent_id} is ${state}${text === undefined ? '' : `: ${text}`}`)
    }
    out.done({ agent_id: client.agentId, presence: state, status_text: text ?? null },
      ({ agent_id }) => `${agent_id} is ${state}${text === undefined ? '' : `: ${text}`}, until Ctrl-C`)
    return new Promise((resolve, reject) => {
      client.on('status', event => {
        if (event.kind === 'ended') reject(event.error ?? new CliError('ended', 'The session ended'))
      })
      io.interrupted.addEventListener('abort', () => resolve('ok'), { once: true })
      if (io.interrupted.aborted) resolve('ok')
    })
  },
})
