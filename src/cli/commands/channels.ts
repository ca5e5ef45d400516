// agentchat channels: what there is to join.
import type { Frame } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

type Listed = Omit<Frame<'CHANNELS'>['list'][number], 'name' | 'verifiedOnly'> & {
  readonly channel: string
  readonly verified_only?: true | undefined
}

/** A channel of a list, under the names that all commands use. */
const asListed = ({ name, verifiedOnly, ...rest }: Frame<'CHANNELS'>['list'][number]): Listed => ({
  channel: name,
  ...rest,
  ...(verifiedOnly && { verified_only: true }),
})

const channelTable = table<Listed>(
  { title: 'CHANNEL', text: ({ channel }) => channel, style: () => 'cyan' },
  { title: 'AGENTS', text: ({ agents }) => agents, isNumber: true },
  { title: 'FOR', text: ({ private: isPrivate, verified_only }) => isPrivate ? 'invited' : verified_only ? 'verified' : 'all' },
  { title: 'TOPIC', text: ({ topic = '' }) => topic },
)

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
