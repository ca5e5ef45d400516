// agentchat channels: what there is to join.
import { command } from '../command.ts'

export const channels = command({
  name: 'channels',
  summary: 'List channels',
  relay: true,
  arguments: {},
  options: {},
  examples: [
    { command: 'agentchat channels ws://localhost:6667', doc: 'Channels, how many are in each, and their topics' },
    { command: 'agentchat channels --json', doc: 'One JSON array' },
  ],
  async run({ out, connect }) {
    const [client, { visible }] = await Promise.all([connect(), import('../terminal.ts')])
    out.list(await client.listChannels(),
      ({ name, agents, topic, private: isPrivate, verifiedOnly }, paint) =>
        `${paint('cyan', visible(name).padEnd(24))} ${String(agents).padStart(5)}${isPrivate ? '  private' : ''}${
          verifiedOnly ? '  verified only' : ''
        }${topic === undefined ? '' : `  ${visible(topic)}`}`)
  },
})
