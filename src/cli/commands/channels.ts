// agentchat channels: what there is to join.
import { command } from '../command.ts'
import { asListed, channelTable } from '../tables.ts'

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
    const client = await connect()
    out.list((await client.listChannels()).map(asListed), channelTable, { none: 'No channels' })
  },
})
