// agentchat pin, unpin, pins: the messages that a channel keeps at hand.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { ChannelName, Frame } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import type { ShownMessage } from '../message-text.ts'
import { requestCommand, type Given } from '../request-command.ts'

/** Only members pin. */
const prepare = (client: AgentChatClient, { channel }: Given) => client.join(channel as ChannelName, { limit: 0 })

const meanings = { channel: 'a #channel', msg_id: 'the id of a message there, as listen and history show it' }

export const pin = requestCommand({
  name: 'pin',
  type: 'PIN',
  summary: 'Pin a message in its channel',
  arguments: ['channel', 'msg_id'],
  meanings,
  prepare,
  examples: [{ command: "agentchat pin '#general' 1-16-5b1f0c", doc: 'Members may, unless the owner keeps it to himself' }],
  done: ({ channel, msg_id }) => `${String(msg_id)} is pinned in ${String(channel)}`,
})

export const unpin = requestCommand({
  name: 'unpin',
  type: 'UNPIN',
  summary: 'Take a pin away',
  arguments: ['channel', 'msg_id'],
  meanings,
  prepare,
  examples: [{ command: "agentchat unpin '#general' 1-16-5b1f0c", doc: 'Where there is none, nothing changes' }],
  done: ({ channel, msg_id }) => `${String(msg_id)} is not pinned in ${String(channel)}`,
})

export const pins = command({
  name: 'pins',
  summary: 'Pinned messages of a channel',
  relay: true,
  arguments: { channel: { doc: 'a #channel', is: 'channel' } },
  options: {},
  examples: [
    { command: "agentchat pins '#general'", doc: 'In the order in which they were said' },
    { command: "agentchat pins '#general' --json", doc: 'As one JSON array, each as it is stored' },
  ],
  async run({ args: { channel }, io, out, connect }) {
    const [{ messagesText }, { fieldsOfFrame }, client] = await Promise.all([
      import('../message-text.ts'),
      import('../vocabulary.ts'),
      connect(),
    ])
    await client.join(channel, { limit: 0 })
    const { events }: Frame<'PINS'> = await client.request('PINS', { channel })
    const text = messagesText(io.now())
    out.list(events, (event, paint) => text(event as unknown as ShownMessage, paint), {
      fields: fieldsOfFrame('MSG'),
      none: `Nothing is pinned in ${channel}`,
    })
  },
})
