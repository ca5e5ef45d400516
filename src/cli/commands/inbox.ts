// agentchat inbox: what workers hold, and what they gave up.
import { command, whole } from '../command.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'

const list = command({
  name: 'list',
  summary: 'Entries that workers hold, will try again, or gave up',
  relay: true,
  arguments: {},
  options: { failed: { doc: 'Only those that failed' } },
  examples: [
    { command: 'agentchat inbox list', doc: 'What is under way' },
    { command: 'agentchat inbox list --failed --json', doc: 'What nobody got done, and why, as one JSON array' },
  ],
  async run(call) {
    const client = await connectKeyed(call)
    const items = []
    for (let after = 0;;) {
      const page = await client.request('LEASES', { after, ...(call.options.failed && { state: 'failed' as const }) })
      items.push(...page.items)
      const last = page.items.at(-1)
      if (!page.more || last === undefined || last.seq <= after) break
      after = last.seq
    }
    const time = (at: number | undefined) => at === undefined ? '' : new Date(at).toISOString().slice(0, 19)
    call.out.list(items, table(
      { title: 'SEQ', text: ({ seq }) => String(seq) },
      { title: 'MESSAGE', text: ({ msg_id }) => msg_id },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'ATTEMPTS', text: ({ attempts }) => String(attempts) },
      { title: 'UNTIL', text: ({ until, failed_at }) => time(until ?? failed_at) },
      { title: 'REASON', text: ({ reason }) => reason ?? '' },
    ), { none: call.options.failed ? 'Nothing has failed' : 'No worker holds anything' })
  },
})

const requeue = requestCommand({
  name: 'requeue',
  type: 'REQUEUE',
  summary: 'Let workers try a failed entry again',
  arguments: ['seq'],
  meanings: { seq: 'its number, as agentchat inbox list shows it' },
  body: ({ seq }) => ({ seq: whole(String(seq)) }),
  isKeyed: true,
  examples: [{ command: 'agentchat inbox requeue 12', doc: 'From its first attempt on' }],
  done: ({ seq }) => `${String(seq)} is tried again`,
})

const drop = requestCommand({
  name: 'drop',
  type: 'DROP',
  summary: 'Forget a failed entry',
  arguments: ['seq'],
  meanings: { seq: 'its number, as agentchat inbox list shows it' },
  body: ({ seq }) => ({ seq: whole(String(seq)) }),
  isKeyed: true,
  examples: [{ command: 'agentchat inbox drop 12', doc: 'Its message stays in the history' }],
  done: ({ seq }) => `${String(seq)} is forgotten`,
})

export const inbox = command({
  name: 'inbox',
  summary: 'What workers hold, and what they gave up: list, requeue, drop',
  arguments: {},
  options: {},
  commands: [list, requeue, drop],
  examples: [{ command: 'agentchat inbox list --failed', doc: 'What wants a person' }],
  run: () => Promise.reject(new CliError('usage', 'inbox wants a command', 'See: agentchat inbox --help')),
})
