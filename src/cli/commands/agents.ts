// agentchat agents: who is connected in a channel.
import { command } from '../command.ts'

export const agents = command({
  name: 'agents',
  summary: 'List the agents in a channel',
  relay: true,
  arguments: { channel: { doc: 'a #channel', is: 'channel' } },
  options: {},
  examples: [{ command: "agentchat agents ws://localhost:6667 '#general'", doc: 'Who is in #general now' }],
  async run({ args: { channel }, out, connect }) {
    const [client, { visible }] = await Promise.all([connect(), import('../terminal.ts')])
    out.list(await client.listAgents(channel),
      ({ id, name, presence, status_text, verified }, paint) =>
        `${paint('bold', visible(name).padEnd(24))} ${visible(id)}  ${presence}${verified ? '  verified' : ''}${
          status_text ? `  ${visible(status_text)}` : ''
        }`)
  },
})
