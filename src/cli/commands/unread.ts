// agentchat unread, read: what of channels and direct messages was not read yet, and that it was.
import { command } from '../command.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'
import { unreadIn } from '../../../lib/client/unread.ts'

export const unread = command({
  name: 'unread',
  summary: 'What you have not read: by channel, and by agent that wrote to you',
  relay: true,
  arguments: {},
  options: { all: { doc: 'Also where there is nothing unread' } },
  examples: [
    { command: 'agentchat unread -i alice.json', doc: 'Where there is something' },
    { command: 'agentchat unread --all --json', doc: 'All channels you belong to, as one JSON array' },
  ],
  async run(call) {
    const client = await connectKeyed(call)
    const { channels, direct } = await unreadIn(client)
    const rows = [
      ...channels.map(({ channel, unread, mentions = 0 }) => ({ place: channel as string, unread, mentions })),
      ...direct.map(({ with: agent, unread }) => ({ place: agent as string, unread, mentions: 0 })),
    ].filter(({ unread, mentions }) => call.options.all === true || unread > 0 || mentions > 0)
    call.out.list(rows, table(
      { title: 'PLACE', text: ({ place }) => place, style: () => 'bold' },
      { title: 'UNREAD', text: ({ unread }) => String(unread) },
      { title: 'MENTIONS', text: ({ mentions }) => mentions === 0 ? '' : String(mentions) },
    ), { none: 'You have read everything' })
  },
})

export const read = requestCommand({
  name: 'read',
  type: 'READ',
  summary: 'Say that you have read a channel, or what an agent wrote to you',
  arguments: ['target'],
  without: ['channel', 'with', 'msg_id'],
  meanings: { target: 'a #channel, or an @agent' },
  isKeyed: true,
  body: ({ target, seq }) => ({ [String(target).startsWith('@') ? 'with' : 'channel']: target, seq }),
  examples: [
    { command: "agentchat read '#general'", doc: 'All that is there' },
    { command: "agentchat read '#general' --seq 42", doc: 'Up to number 42' },
  ],
  done: ({ target, seq }) => `${String(target)} is read${seq === undefined ? '' : ` up to ${String(seq)}`}`,
})
