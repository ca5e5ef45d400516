// agentchat agents: who is connected in a channel.
import type { Frame } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

const agentTable = table<Omit<Frame<'AGENTS'>['list'][number], 'id'> & { readonly agent_id: string }>(
  { title: 'AGENT', text: ({ agent_id }) => agent_id },
  { title: 'NAME', text: ({ name }) => name, style: () => 'bold' },
  { title: 'PRESENCE', text: ({ presence }) => presence },
  { title: 'VERIFIED', text: ({ verified }) => verified ? 'yes' : '' },
  { title: 'STATUS', text: ({ status_text }) => status_text ?? '' },
)

export const agents = command({
  name: 'agents',
  summary: 'List the agents in a channel',
  relay: true,
  arguments: { channel: { doc: 'a #channel', is: 'channel' } },
  options: {},
  examples: [{ command: "agentchat agents ws://localhost:6667 '#general'", doc: 'Who is in #general now' }],
  async run({ args: { channel }, out, connect }) {
    const client = await connect()
    out.list((await client.listAgents(channel)).map(({ frame: { id, ...rest } }) => ({ agent_id: id, ...rest })), agentTable, {
      none: `Nobody is connected in ${channel}`,
    })
  },
})
