// agentchat topic: what a channel is about.
import { CliError } from '../exit.ts'
import { command } from '../command.ts'

export const topic = command({
  name: 'topic',
  summary: 'Show or set the topic of a channel',
  relay: true,
  arguments: { channel: { doc: 'a #channel', is: 'channel' }, text: { doc: 'the new topic; "" clears it', optional: true } },
  options: {},
  examples: [
    { command: "agentchat topic ws://localhost:6667 '#builders'", doc: 'Show it' },
    { command: 'agentchat topic \'#builders\' "Release on Friday"', doc: 'Set it' },
  ],
  async run({ args: { channel, text }, out, connect }) {
    const [client, { visible }] = await Promise.all([connect(), import('../terminal.ts')])
    if (text !== undefined) {
      await client.join(channel, { limit: 0 })
      return out.one((await client.setTopic(channel, text)).frame, ({ topic }) => visible(topic))
    }
    const found = (await client.listChannels()).find(({ name }) => name === channel)
    if (found === undefined) throw new CliError('notFound', `No channel ${channel}`)
    out.one({ channel, topic: found.topic ?? '' }, ({ topic }) => visible(topic))
  },
})
