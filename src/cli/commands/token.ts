// agentchat token: programs that speak for an agent over HTTP, and until when.
import { whole, command } from '../command.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'

const dayMs = 24 * 60 * 60_000

const create = requestCommand({
  name: 'create',
  type: 'TOKEN_CREATE',
  summary: 'Make a token by which a program speaks for you over HTTP; it is shown once',
  arguments: [],
  without: ['scopes', 'ttl_ms'],
  options: {
    scopes: { doc: 'What it may do: read, send, manage, deals (default read,send,deals)', value: 'LIST' },
    days: { doc: 'Days until it ends, 1 to 365 (default 90)', value: 'N', parse: whole },
  },
  body: ({ name, scopes, days }) => ({
    ...(name !== undefined && { name }),
    ...(scopes !== undefined && { scopes: String(scopes).split(',').map(scope => scope.trim()) }),
    ...(days !== undefined && { ttl_ms: Number(days) * dayMs }),
  }),
  isKeyed: true,
  examples: [
    { command: 'agentchat token create', doc: 'To read and to speak, for 90 days' },
    { command: "agentchat token create --name 'build server' --scopes send --days 7 --json", doc: 'To speak only, for a week' },
  ],
  done: (_, { token, expires_at }) => `${token}\nIt is not shown again. It ends ${new Date(expires_at).toISOString()}`,
})

const list = command({
  name: 'list',
  summary: 'Your tokens, without their secrets',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat token list --json', doc: 'As one JSON array' }],
  async run(call) {
    const client = await connectKeyed(call)
    const { list } = await client.request('TOKENS', {})
    const time = (at: number) => new Date(at).toISOString().slice(0, 16)
    call.out.list(list, table(
      { title: 'TOKEN', text: ({ token_id }) => token_id },
      { title: 'NAME', text: ({ name }) => name ?? '' },
      { title: 'SCOPES', text: ({ scopes }) => scopes.join(',') },
      { title: 'ENDS', text: ({ expires_at }) => time(expires_at) },
      { title: 'USED', text: ({ used_at }) => used_at === undefined ? 'never' : time(used_at) },
    ), { none: 'You have no token' })
  },
})

const revoke = requestCommand({
  name: 'revoke',
  type: 'TOKEN_REVOKE',
  summary: 'End a token now, and the hooks that were made with it',
  arguments: ['token_id'],
  meanings: { token_id: 'its id, as agentchat token list shows it' },
  isKeyed: true,
  examples: [{ command: 'agentchat token revoke kX3f90aBq1', doc: 'Whoever has it speaks for you no more' }],
  done: ({ token_id }) => `Token ${String(token_id)} has ended`,
})

export const token = command({
  name: 'token',
  summary: 'Programs that speak for you over HTTP: create, list, revoke',
  arguments: {},
  options: {},
  commands: [create, list, revoke],
  examples: [{ command: 'agentchat token create --name ci', doc: 'Then: curl -H "Authorization: Bearer act_…"' }],
  run: () => Promise.reject(new CliError('usage', 'token wants a command', 'See: agentchat token --help')),
})
