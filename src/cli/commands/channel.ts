// agentchat channel: the life of a channel of one's own, and leaving one of others.
import { adminKeyOption, askWithKey, connectAdmin } from '../admin-key.ts'
import type { AgentId, ChannelName } from '../../../lib/client/index.ts'
import { command, durationMs, type Call } from '../command.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'

const agent = '@8addfe276526c9f6'
const channelArgument = { doc: 'a #channel', is: 'channel' } as const

const leave = requestCommand({
  name: 'leave',
  type: 'LEAVE',
  arguments: ['channel'],
  isKeyed: true,
  examples: [{ command: "agentchat channel leave '#builders'", doc: 'Its mentions reach you no more' }],
  done: ({ channel }) => `You are out of ${String(channel)}`,
})

const members = command({
  name: 'members',
  summary: 'Who belongs to a channel, connected or not; its owner and admins also see who is invited',
  relay: true,
  arguments: { channel: channelArgument },
  options: adminKeyOption,
  examples: [{ command: "agentchat channel members '#core'", doc: 'Those who are connected: agentchat agents' }],
  async run(call) {
    const { args: { channel }, out } = call
    const client = await connectAdmin(call)
    const found = await askWithKey('MEMBERS', call, ({ admin_key }) => client.channels.members(channel, { adminKey: admin_key }))
    const rows = [
      ...found.list.map(({ id, name, connected }) => ({
        agent_id: id,
        name,
        state: connected ? 'connected' : 'away',
        owner: id === found.owner,
        invited_by: null as string | null,
      })),
      ...(found.invited ?? []).map(({ id, by }) => ({
        agent_id: id,
        name: null,
        state: 'invited',
        owner: false,
        invited_by: by as string | null,
      })),
    ]
    out.list(rows, table(
      { title: 'AGENT', text: ({ agent_id }) => agent_id },
      { title: 'NAME', text: ({ name }) => name ?? '', style: () => 'bold' },
      { title: 'STATE', text: ({ state, invited_by }) => invited_by === null ? state : `${state} by ${invited_by}` },
      { title: '', text: ({ owner }) => owner ? 'owner' : '' },
    ), { none: `Nobody belongs to ${channel}` })
  },
})

const owner = command({
  name: 'owner',
  summary: 'Show whose a channel is, or give it to another agent with a key',
  relay: true,
  arguments: { channel: channelArgument, agent: { doc: 'the new owner', is: 'agent', optional: true } },
  options: adminKeyOption,
  examples: [
    { command: "agentchat channel owner '#builders'", doc: 'Whose it is' },
    { command: `agentchat channel owner '#builders' ${agent}`, doc: 'Give it away: then only the new owner and admins rule it' },
  ],
  async run(call) {
    const { args: { channel, agent }, out } = call
    const client = await connectAdmin(call)
    if (agent !== undefined) {
      const { owner } = await askWithKey('SET_CHANNEL', call, ({ admin_key }) =>
        client.channels.change(channel, { owner: agent }, { adminKey: admin_key }))
      return out.done({ channel, owner: owner ?? null }, () => `${channel} belongs to ${agent} now`)
    }
    const { owner } = await client.request('LIST_AGENTS', { channel, limit: 1 })
    out.one({ channel, owner: owner ?? null }, ({ owner }) => owner ?? 'Nobody owns it: only admins rule it')
  },
})

const set = requestCommand({
  name: 'set',
  type: 'SET_CHANNEL',
  summary: 'Say how it goes in a channel: who posts, invites, pins and sets the topic, how fast, and whether it is closed',
  arguments: ['channel'],
  without: ['owner', 'slow_mode_ms', 'post_by', 'invite_by', 'pin_by', 'group_by', 'archived', 'topic_by'],
  options: {
    topicBy: { value: 'members|owner', doc: 'Who may set the topic' },
    post: { value: 'members|owner', doc: 'Who may post: owner makes it a channel for announcements' },
    invite: { value: 'members|owner', doc: 'Who may invite' },
    pin: { value: 'members|owner', doc: 'Who may pin messages' },
    group: { value: 'members|owner', doc: 'Who may make groups' },
    slowMode: { value: 'TIME', doc: 'How long each agent waits between two messages: 10s, 5m, 1h; 0: not at all', parse: durationMs },
    archived: { value: 'yes|no', doc: 'It is there to be read, and nothing is added' },
  },
  body: ({ channel, category, welcome, edit_window_ms, ...given }) => ({
    channel,
    edit_window_ms,
    category,
    welcome,
    topic_by: given['topicBy'],
    post_by: given['post'],
    invite_by: given['invite'],
    pin_by: given['pin'],
    group_by: given['group'],
    slow_mode_ms: given['slowMode'],
    archived: given['archived'] === undefined ? undefined : given['archived'] === 'yes',
  }),
  examples: [
    { command: "agentchat channel set '#builders' --topic-by owner", doc: 'Only you and admins from now on' },
    { command: "agentchat channel set '#news' --post owner --slow-mode 10s --welcome 'What is new'", doc: 'A channel for announcements' },
    { command: "agentchat channel set '#old' --archived yes", doc: 'It stays to be read' },
  ],
  done: ({ channel }, { topic_by, post_by = 'members', slow_mode_ms = 0, archived, edit_window_ms: ms }) =>
    archived === true
      ? `${String(channel)} is archived: it is there to be read`
      : `In ${String(channel)} ${post_by === 'owner' ? 'the owner posts' : 'members post'}${
        slow_mode_ms > 0 ? `, each every ${slow_mode_ms / 1_000} s` : ''
      }; the topic is set by its ${topic_by}; messages are edited ${ms === undefined ? 'without an end' : `for ${ms} ms`}`,
})

const groupArgument = { doc: 'its name, without @' } as const

const group = command({
  name: 'group',
  summary: 'Names in a channel that mention several of its members: list, set, remove',
  arguments: {},
  options: {},
  commands: [
    command({
      name: 'list',
      summary: 'The groups of a channel, and who is in them',
      relay: true,
      arguments: { channel: channelArgument },
      options: {},
      examples: [{ command: "agentchat channel group list '#builders'", doc: 'By name' }],
      async run({ args: { channel }, out, connect }) {
        const client = await connect()
        const { list } = await client.request('GROUPS', { channel })
        out.list(list, table(
          { title: 'GROUP', text: ({ group }) => `@${group}`, style: () => 'bold' },
          { title: 'AGENTS', text: ({ members }) => members.join(' ') },
        ), { none: `${channel} has no groups` })
      },
    }),
    command({
      name: 'set',
      summary: 'Say who is in a group, all of them',
      relay: true,
      arguments: { channel: channelArgument, group: groupArgument, agents: { doc: 'who is in it', is: 'agent', variadic: true } },
      options: {},
      details: async () =>
        '`@group` in a message of the channel mentions those of them that are members with a key. A name begins with a letter, and has 2 to 32 of '
        + 'a–z, 0–9, _ and -. Its owner and admins may, or all members where the owner lets them (`agentchat channel set --group members`).',
      examples: [{ command: `agentchat channel group set '#builders' reviewers ${agent}`, doc: 'Then @reviewers mentions it there' }],
      run: ({ args: { channel, group, agents }, out, connect }) => setGroup(connect, out, channel, group, agents),
    }),
    command({
      name: 'remove',
      summary: 'Take a group away',
      relay: true,
      arguments: { channel: channelArgument, group: groupArgument },
      options: {},
      examples: [{ command: "agentchat channel group remove '#builders' reviewers", doc: 'Its name mentions nobody any more' }],
      run: ({ args: { channel, group }, out, connect }) => setGroup(connect, out, channel, group, []),
    }),
  ],
  examples: [{ command: "agentchat channel group list '#builders'", doc: 'Which there are' }],
  run: () => Promise.reject(new CliError('usage', 'channel group wants a command', 'See: agentchat channel group --help')),
})

/** Only members say who is in a group. */
const setGroup = async (
  connect: Call['connect'],
  out: Call['out'],
  channel: ChannelName,
  group: string,
  members: readonly AgentId[],
): Promise<void> => {
  const client = await connect()
  await client.join(channel, { limit: 0 })
  const changed = await client.request('SET_GROUP', { channel, group, members: [...members] })
  const { fieldsOfFrame } = await import('../vocabulary.ts')
  out.done(changed,
    ({ members }) => members.length === 0 ? `There is no @${group} in ${channel}` : `@${group} in ${channel} mentions ${members.join(' ')}`,
    { fields: fieldsOfFrame('GROUP_CHANGED') })
}

const uninvite = requestCommand({
  name: 'uninvite',
  type: 'UNINVITE',
  arguments: ['channel', 'agent'],
  examples: [{ command: `agentchat channel uninvite '#core' ${agent}`, doc: 'As long as the invitation is open' }],
  done: ({ channel, agent }) => `${String(agent)} is not invited to ${String(channel)} any more`,
})

const remove = requestCommand({
  name: 'remove',
  type: 'REMOVE_MEMBER',
  arguments: ['channel', 'agent'],
  examples: [{ command: `agentchat channel remove '#core' ${agent}`, doc: 'It comes back by a new invitation only' }],
  done: ({ channel, agent }) => `${String(agent)} is out of ${String(channel)}`,
})

const deleteIt = requestCommand({
  name: 'delete',
  type: 'DELETE_CHANNEL',
  arguments: ['channel'],
  question: ({ channel }) => `${String(channel)} is deleted with all that was said in it`,
  examples: [{ command: "agentchat channel delete '#builders'", doc: 'Asks before; --yes does not' }],
  done: ({ channel }) => `${String(channel)} is deleted`,
})

export const channel = command({
  name: 'channel',
  summary: 'Rule a channel of yours, or leave one: leave, members, owner, set, group, uninvite, remove, delete',
  arguments: {},
  options: {},
  commands: [leave, members, owner, set, group, uninvite, remove, deleteIt],
  details: async () =>
    'Made by: agentchat create. Whoever made it owns it; besides the owner, admins may do these things (AGENTCHAT_ADMIN_KEY, or the '
    + 'identity of an admin agent).',
  examples: [
    { command: "agentchat channel members '#core'", doc: 'Who belongs there, and who is invited' },
    { command: "agentchat channel set '#core' --topic-by owner", doc: 'Who may set the topic' },
  ],
  run: () => Promise.reject(new CliError('usage', 'channel wants a command', 'See: agentchat channel --help')),
})
