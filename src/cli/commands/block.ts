// agentchat block, unblock, blocks: agents that one does not want to hear from.
import { command } from '../command.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'

const agent = '@8addfe276526c9f6'

export const block = requestCommand({
  name: 'block',
  type: 'BLOCK',
  summary: 'Hear nothing more from an agent: no direct message, mention, invitation or offer; it is not told',
  arguments: ['agent'],
  isKeyed: true,
  examples: [{ command: `agentchat block ${agent}`, doc: 'Under all keys that it has or gets' }],
  done: ({ agent }) => `${String(agent)} is blocked, and is not told so. Lift it: agentchat unblock ${String(agent)}`,
})

export const unblock = requestCommand({
  name: 'unblock',
  type: 'UNBLOCK',
  summary: 'Hear from an agent again',
  arguments: ['agent'],
  isKeyed: true,
  examples: [{ command: `agentchat unblock ${agent}`, doc: 'What it said meanwhile is in the history only' }],
  done: ({ agent }) => `${String(agent)} is not blocked any more`,
})

export const blocks = command({
  name: 'blocks',
  summary: 'Whom you block',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat blocks --json', doc: 'As one JSON array' }],
  async run(call) {
    const client = await connectKeyed(call)
    call.out.list((await client.people.blocked()).map(({ agent, at }) => ({ agent_id: agent, at })),
      table({ title: 'AGENT', text: ({ agent_id }) => agent_id }, { title: 'SINCE', text: ({ at }) => new Date(at).toISOString() }), {
      none: 'You block nobody',
    })
  },
})
