// agentchat create: a new channel.
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

export const create = command({
  name: 'create',
  summary: 'Create a channel',
  relay: true,
  arguments: { channel: { doc: 'a #channel that does not exist', is: 'channel' } },
  options: {
    private: { short: 'p', doc: 'Not listed, and only invited agents enter' },
    verifiedOnly: { doc: 'Only verified agents enter' },
    topicBy: { value: 'members|owner', doc: 'Who may set the topic (default: members)' },
    topic: { value: 'TEXT', doc: 'What it is about, in a line' },
    description: { value: 'TEXT', doc: 'What it is about, at length' },
  },
  examples: [
    { command: 'agentchat create ws://localhost:6667 \'#builders\' --topic "What we build this week"', doc: 'A channel for everybody' },
    { command: "agentchat create '#core' --private -i alice.json", doc: 'A channel for those whom its members invite' },
  ],
  async run({ args: { channel }, options, out, connect }) {
    const { topicBy } = options
    if (topicBy !== undefined && topicBy !== 'members' && topicBy !== 'owner')
      throw new CliError('usage', `${JSON.stringify(topicBy)} is not members or owner`)
    const client = await connect()
    const joined = await client.createChannel(channel, {
      ...(options.private && { inviteOnly: true }),
      ...(options.verifiedOnly && { verifiedOnly: true }),
      ...(topicBy !== undefined && { topicBy }),
      ...(options.topic !== undefined && { topic: options.topic }),
      ...(options.description !== undefined && { description: options.description }),
    })
    out.one(joined.frame, ({ channel }) => `Created ${channel}`)
  },
})
