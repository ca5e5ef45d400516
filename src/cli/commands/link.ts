// agentchat link: other relays whose channels are mirrored at one's own.
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command } from '../command.ts'
import { CliError } from '../exit.ts'
import { table, withLines } from '../table.ts'
import { visible } from '../terminal.ts'

type Link = Frame<'LINKS'>['links'][number]

const host = { doc: 'the relay as it stands behind names: b.example' }

const stateStyle = (state: string) =>
  state === 'open' || state === 'following' ? 'green' : state === 'refused' || state === 'stopped' ? 'red' : 'dim'

const linkTable = withLines(
  table<Link>(
    { title: 'HOST', text: each => each.host, style: () => 'bold' },
    { title: 'STATE', text: ({ state, trust }) => trust === 'off' ? 'off' : state, style: ({ state }) => stateStyle(state) },
    { title: 'URL', text: ({ url }) => url },
    { title: 'KEY', text: ({ server_id }) => server_id, style: () => 'dim' },
  ),
  ({ mirrors, problem, waiting, host, closed_until: closed }, paint) => [
    ...(problem === undefined ? [] : [visible(problem)]),
    ...(closed === undefined
      ? []
      : [
        `Until ${
          new Date(closed).toISOString()
        } nothing is taken from it: too much was not signed (opened by: agentchat link trust ${host} both)`,
      ]),
    ...(waiting === 0 ? [] : [`${waiting} messages wait to be handed on`]),
    ...mirrors.map(({ channel, state, seq, problem: why }) =>
      [visible(channel), paint(stateStyle(state), state), `${seq} messages`, ...(why === undefined ? [] : [visible(why)])].join('  ')
    ),
  ],
)

const channelOption = {
  channel: {
    short: 'c',
    value: 'LIST',
    doc: 'Channels of it that are mirrored here, as #name@host',
    parse: (text: string) => text.split(','),
  },
} as const

const add = command({
  name: 'add',
  summary: 'Link another relay, and mirror channels of it',
  relay: true,
  arguments: { host },
  options: {
    ...adminKeyOption,
    ...channelOption,
    key: { value: 'SERVER_ID', doc: 'Which relay it is: its server_id, 64 hex digits (required for a new link)' },
    url: { value: 'URL', doc: 'Where it is (default: wss:// and the host)' },
  },
  details: async () =>
    'Its server_id is in its /.well-known/agentchat.json, and in `agentchat whoami --json` there. Have it from somebody who knows: another relay that answers there '
    + ' is told nothing. Done again it adds channels, and tries mirrors again that had stopped.',
  examples: [
    {
      command: "agentchat link add b.example --key 8c2d1f0e9b7a65c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0 --channel '#general'",
      doc: 'Your agents then join #general@b.example here',
    },
  ],
  async run(call) {
    const { args, options, out } = call
    const { links } = await (await connectAdmin(call)).request('ADMIN_LINK', {
      ...adminBody(call),
      host: args.host,
      ...(options.url !== undefined ? { url: options.url } : options.key !== undefined && { url: `wss://${args.host}` }),
      ...(options.key !== undefined && { key: options.key }),
      ...(options.channel !== undefined && { channels: options.channel as `#${string}`[] }),
    })
    out.done(links.find(each => each.host === args.host)!,
      () => `${args.host} is linked; how it stands: agentchat link status ${args.host}`)
  },
})

const list = command({
  name: 'list',
  summary: 'Relays that are linked, and how far their mirrors are',
  relay: true,
  arguments: {},
  options: adminKeyOption,
  examples: [{ command: 'agentchat link list --json', doc: 'With `problem` where something does not go on' }],
  async run(call) {
    const { links } = await (await connectAdmin(call)).request('ADMIN_LINKS', adminBody(call))
    call.out.list(links, linkTable, { none: 'No relay is linked' })
  },
})

const status = command({
  name: 'status',
  summary: 'How one link stands',
  relay: true,
  arguments: { host },
  options: adminKeyOption,
  details: async () => 'Exit code 10 (unreachable) while it is not connected, or a mirror of it does not go on.',
  examples: [{ command: 'agentchat link status b.example', doc: 'The state of the connection, and of each mirror' }],
  async run(call) {
    const { args, out } = call
    const { links } = await (await connectAdmin(call)).request('ADMIN_LINKS', adminBody(call))
    const link = links.find(each => each.host === args.host)
    if (link === undefined) throw new CliError('notFound', `${visible(args.host)} is not linked`, 'agentchat link list')
    out.list([link], linkTable, { none: '' })
    const bad = link.mirrors.find(({ state }) => state !== 'following')
    if (bad !== undefined || (link.state !== 'open' && link.mirrors.length > 0))
      throw new CliError('unreachable', visible(bad?.problem ?? link.problem ?? `${args.host} is ${link.state}`))
  },
})

const trust = command({
  name: 'trust',
  summary: 'How far a link is trusted: to read, to hand on too, or not at all',
  relay: true,
  arguments: {
    host,
    trust: { doc: 'read: its channels are mirrored; both: and what agents say is handed on; off: nothing is asked of it' },
  },
  options: adminKeyOption,
  examples: [{ command: 'agentchat link trust b.example off', doc: 'What is mirrored stays to be read' }],
  async run(call) {
    const { args, out } = call
    if (args.trust !== 'read' && args.trust !== 'both' && args.trust !== 'off')
      throw new CliError('usage', `${JSON.stringify(args.trust)} is neither read, both nor off`)
    const { links } = await (await connectAdmin(call)).request('ADMIN_LINK', { ...adminBody(call), host: args.host, trust: args.trust })
    out.done(links.find(each => each.host === args.host)!, () => `${args.host}: ${args.trust}`)
  },
})

const remove = command({
  name: 'remove',
  summary: 'End a link; its mirrored channels end too',
  relay: true,
  arguments: { host },
  options: adminKeyOption,
  examples: [{ command: 'agentchat link remove b.example', doc: 'What was mirrored is cleared away here' }],
  async run(call) {
    await (await connectAdmin(call)).request('ADMIN_UNLINK', { ...adminBody(call), host: call.args.host })
    call.out.done({ host: call.args.host, removed: true }, () => `${call.args.host} is not linked any more`)
  },
})

export const link = command({
  name: 'link',
  summary: 'Mirror channels of other relays: add, list, status, trust, remove',
  arguments: {},
  options: {},
  commands: [add, list, status, trust, remove],
  details: async () => 'Needs a relay with the setting `links` (serve --links listed); docs/LINKS.md.',
  examples: [{ command: 'agentchat link list', doc: 'With AGENTCHAT_ADMIN_KEY in the environment' }],
  run: () =>
    Promise.reject(new CliError('usage', 'link wants a command', 'One of: add, list, status, trust, remove. agentchat link --help')),
})
