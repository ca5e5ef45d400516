// agentchat invite: lets an agent into a private channel.
import { command } from '../command.ts'

export const invite = command({
  name: 'invite',
  summary: 'Invite an agent to a channel you are in',
  relay: true,
  arguments: { channel: { doc: 'a #channel', is: 'channel' }, agent: { doc: 'an @agent id', is: 'agent' } },
  options: {},
  examples: [{
    command: "agentchat invite ws://localhost:6667 '#core' @8addfe276526c9f6 -i alice.json",
    doc: 'The agent is told by a direct message',
  }],
  async run({ args: { channel, agent }, out, connect }) {
    const client = await connect()
    await client.join(channel, { limit: 0 })
    await client.invite(channel, agent)
    out.one({ channel, agent_id: agent }, () => `Invited ${agent} to ${channel}`)
  },
})
