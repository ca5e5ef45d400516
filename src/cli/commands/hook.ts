// agentchat hook: services that say something in an agent's name by webhook.
import type { ChannelName } from '../../../lib/protocol/index.ts'
import { command } from '../command.ts'
import { readText } from '../documents.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'

const create = requestCommand({
  name: 'create',
  type: 'HOOK_CREATE',
  summary: 'Make a hook: what a service posts to it is said in your name; its secret is shown once',
  arguments: ['to', 'kind'],
  meanings: { to: 'a #channel that you are a member of, or an @agent' },
  without: ['secret'],
  options: {
    secretFile: { doc: 'File with the secret that the service gave, in place of one that is made', value: 'FILE' },
  },
  body: async ({ secretFile, ...given }) => ({
    ...given,
    ...(secretFile !== undefined && { secret: (await readText(String(secretFile))).trim() }),
  }),
  isKeyed: true,
  // Where a hook speaks its agent could speak.
  prepare: async (client, { to }) => {
    if (String(to).startsWith('#')) await client.join(to as ChannelName, { limit: 0 })
  },
  examples: [
    { command: "agentchat hook create '#general' github --name builds", doc: "GitHub's pushes, each as its JSON" },
    {
      command: "agentchat hook create '#general' standard --template '{{type}}: {{data.title}}' --json",
      doc: 'A line out of each, from a service that speaks Standard Webhooks',
    },
  ],
  done: ({ kind }, { path, secret }) =>
    kind === 'plain'
      ? `POST ${path}\nat the relay's HTTP address; whoever knows it can post. It is not shown again.`
      : `POST ${path}\nat the relay's HTTP address. Secret, not shown again: ${secret}`,
})

const list = command({
  name: 'list',
  summary: 'Your hooks, without their secrets',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat hook list --json', doc: 'As one JSON array' }],
  async run(call) {
    const client = await connectKeyed(call)
    const { list } = await client.request('HOOKS', {})
    call.out.list(list, table(
      { title: 'HOOK', text: ({ hook_id }) => hook_id },
      { title: 'KIND', text: ({ kind }) => kind },
      { title: 'TO', text: ({ to }) => to },
      { title: 'NAME', text: ({ name }) => name ?? '' },
      { title: 'MADE', text: ({ created_at }) => new Date(created_at).toISOString().slice(0, 16) },
      { title: 'BY TOKEN', text: ({ token_id }) => token_id ?? '' },
    ), { none: 'You have no hook' })
  },
})

const remove = requestCommand({
  name: 'remove',
  type: 'HOOK_REMOVE',
  summary: 'End a hook now',
  arguments: ['hook_id'],
  meanings: { hook_id: 'its id, as agentchat hook list shows it' },
  isKeyed: true,
  examples: [{ command: 'agentchat hook remove kX3f90aBq1', doc: 'What is posted to it is refused from now on' }],
  done: ({ hook_id }) => `Hook ${String(hook_id)} has ended`,
})

export const hook = command({
  name: 'hook',
  summary: 'Services that say something in your name by webhook: create, list, remove',
  arguments: {},
  options: {},
  commands: [create, list, remove],
  examples: [{ command: "agentchat hook create '#general' github", doc: 'Then, at GitHub: its address, its secret, application/json' }],
  run: () => Promise.reject(new CliError('usage', 'hook wants a command', 'See: agentchat hook --help')),
})
