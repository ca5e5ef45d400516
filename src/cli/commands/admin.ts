// agentchat admin: operating a relay. With its admin key, or as an admin agent.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { asListed, channelTable } from '../tables.ts'
import { agents, log, settings } from './admin/inspection.ts'

const agent = '@8addfe276526c9f6'
const time = (ms: number): string => new Date(ms).toISOString()

/** A key as PEM text, in a file of one, or in an identity file; - reads stdin. */
const keyIn = async (text: string, stdin: Parameters<typeof readKey>[1]): Promise<string> =>
  text.includes('BEGIN PUBLIC KEY') ? text : readKey(text, stdin)
const readKey = async (file: string, io: { readonly stdin: AsyncIterable<Uint8Array> & { destroy(): unknown } }): Promise<string> => {
  const { readInput, readText } = await import('../documents.ts')
  const text = file === '-' ? await readInput(io) : await readText(file)
  if (text.includes('BEGIN PUBLIC KEY') && !text.trimStart().startsWith('{')) return text
  try {
    const { publicKey, pubkey, public_key } = JSON.parse(text) as Readonly<Record<string, unknown>>
    const key = publicKey ?? pubkey ?? public_key
    if (typeof key === 'string') return key
  } catch {
    // Told below.
  }
  throw new CliError('usage', `${file} holds no public key`, 'A PEM file, or the output of: agentchat identity export')
}

const kick = requestCommand({
  name: 'kick',
  type: 'ADMIN_KICK',
  arguments: ['agent_id', 'reason'],
  examples: [{ command: `agentchat admin kick ${agent} "too loud"`, doc: 'With AGENTCHAT_ADMIN_KEY in the environment; it may come back' }],
  done: ({ agent_id }) => `${String(agent_id)} is out; it may come back`,
})

const banned = (_: unknown, { agentId, addresses = [] }: Frame<'ADMIN_RESULT'>): string =>
  [...agentId === undefined ? [] : [agentId], ...addresses].join(', ')

const ban = requestCommand({
  name: 'ban',
  type: 'ADMIN_BAN',
  arguments: ['agent_id', 'reason'],
  options: {
    address: { value: '[ADDRESS]', doc: 'An IP address, of IPv6 any of its network; without a value those that the agent comes from' },
  },
  body: ({ agent_id, reason, address }) => ({ agent_id, reason, address }),
  examples: [
    { command: `agentchat admin ban ${agent} spam`, doc: 'Under every key that it has' },
    { command: `agentchat admin ban ${agent} spam --address`, doc: 'And the addresses that it comes from' },
    { command: 'agentchat admin ban --address 203.0.113.7', doc: 'An address alone' },
  ],
  done: (given, reply) => `Banned: ${banned(given, reply)}. Lift it: agentchat admin unban`,
})

const unban = requestCommand({
  name: 'unban',
  type: 'ADMIN_UNBAN',
  arguments: ['agent_id'],
  examples: [{ command: `agentchat admin unban ${agent}`, doc: 'An agent' }, {
    command: 'agentchat admin unban --address 203.0.113.7',
    doc: 'An address',
  }],
  done: (given, reply) => `Not banned any more: ${banned(given, reply)}`,
})

/** Pages of something that an admin asks for. */
const pagesFor = async <Entry, Cursor extends string | number>(
  limit: number,
  read: (cursor: Cursor | undefined, left: number) => Promise<{ readonly entries: readonly Entry[], readonly more: boolean }>,
  next: (last: Entry) => Cursor,
): Promise<readonly Entry[]> => {
  const { firstOf } = await import('../../../lib/client/index.ts')
  return firstOf(limit, {
    read,
    entries: page => page.entries,
    more: page => page.more,
    next: page => page.entries.length === 0 ? undefined : next(page.entries.at(-1)!),
    order: 'any',
  })
}

const bans = command({
  name: 'bans',
  summary: 'Who is banned: agents and addresses',
  relay: true,
  arguments: {},
  options: adminKeyOption,
  examples: [{ command: 'agentchat admin bans --json', doc: 'All of them, as one JSON array' }],
  async run(call) {
    const client = await connectAdmin(call)
    const found = await pagesFor(Infinity, async (after: string | undefined) => {
      const { bans = [], more = false } = await client.request('ADMIN_BANS', { ...adminBody(call), ...(after !== undefined && { after }) })
      return { entries: bans, more }
    }, ({ of }) => of)
    call.out.list(found, table(
      { title: 'BANNED', text: ({ of }) => of, style: () => 'bold' },
      { title: 'SINCE', text: ({ at }) => time(at), style: () => 'dim' },
      { title: 'REASON', text: ({ reason = '' }) => reason },
    ), { none: 'Nobody is banned', fields: ['of', 'at', 'reason'] })
  },
})

const approve = requestCommand({
  name: 'approve',
  type: 'ADMIN_APPROVE',
  arguments: ['pubkey'],
  meanings: { pubkey: 'a file that holds the key, as PEM or as identity export prints it; - reads stdin' },
  body: async ({ pubkey, note }, { io }) => ({ pubkey: await keyIn(String(pubkey), io), note }),
  examples: [
    { command: 'agentchat admin approve alice.pub.json --note "our alice"', doc: 'What alice got from: agentchat identity export' },
    { command: 'agentchat admin approve - < alice.pem', doc: 'A key as PEM' },
  ],
  done: (_, { agentId }) => `${agentId!} is approved, and verified from its next session on`,
})

const revoke = requestCommand({
  name: 'revoke',
  type: 'ADMIN_REVOKE',
  arguments: ['agent_id'],
  without: ['pubkey'],
  examples: [{ command: `agentchat admin revoke ${agent}`, doc: 'See who is on it: agentchat admin allowlist' }],
  done: ({ agent_id }) => `${String(agent_id)} is not on the allowlist any more`,
})

const allowlist = command({
  name: 'allowlist',
  summary: 'Which keys are approved',
  relay: true,
  arguments: {},
  options: adminKeyOption,
  examples: [{ command: 'agentchat admin allowlist', doc: 'Approve and revoke change it' }],
  async run(call) {
    const client = await connectAdmin(call)
    let [enabled, strict]: (boolean | undefined)[] = []
    const approved = await pagesFor(Infinity, async (after: string | undefined) => {
      const page = await client.request('ADMIN_LIST', { ...adminBody(call), ...(after !== undefined && { after }) })
      ;({ enabled, strict } = page)
      return { entries: page.entries ?? [], more: page.more ?? false }
    }, ({ agentId }) => agentId)
    call.out.list(approved.map(({ agentId, pubkeyPrefix, approvedAt, ...rest }) => ({
      agent_id: `@${agentId}`,
      pubkey_prefix: pubkeyPrefix,
      approved_at: approvedAt,
      ...rest,
    })), table(
      { title: 'AGENT', text: ({ agent_id }) => agent_id, style: () => 'bold' },
      { title: 'SINCE', text: ({ approved_at }) => time(approved_at), style: () => 'dim' },
      { title: 'NOTE', text: ({ note = '' }) => note },
    ), { none: 'No key is approved', fields: ['agent_id', 'pubkey_prefix', 'approved_at', 'note'] })
    call.out.say(
      strict
        ? 'Only these keys, admin agents and the admin key are let in.'
        : enabled
        ? 'Others are let in too.'
        : 'No allowlist is asked for here.',
    )
  },
})

const verify = requestCommand({
  name: 'verify',
  type: 'ADMIN_VERIFY',
  arguments: ['agent_id'],
  without: ['verified'],
  options: { withdraw: { doc: 'It is not verified any more' } },
  body: ({ agent_id, withdraw }) => ({ agent_id, verified: withdraw === undefined }),
  examples: [{ command: `agentchat admin verify ${agent}`, doc: 'It may enter channels for verified agents' }, {
    command: `agentchat admin verify ${agent} --withdraw`,
    doc: 'Not any more',
  }],
  done: (_, { agentId, verified }) => `${agentId!} is ${verified ? '' : 'not '}verified`,
})

const motd = command({
  name: 'motd',
  summary: 'Show, set or clear the message of the day: who logs in is told it, and who is here when it changes',
  relay: true,
  arguments: { text: { doc: 'the new one; without it the present one is shown', optional: true } },
  options: { clear: { doc: 'Have none' }, kick: { doc: 'Close every other connection, to come back and read it' }, ...adminKeyOption },
  examples: [{ command: 'agentchat admin motd "Maintenance at noon"', doc: 'Set it' }, {
    command: 'agentchat admin motd --clear',
    doc: 'Clear it',
  }],
  async run(call) {
    const { args: { text }, options: { clear, kick }, out } = call
    if (clear && text !== undefined) throw new CliError('usage', 'A TEXT and --clear do not go together')
    const client = await connectAdmin(call)
    if (text === undefined && !clear) {
      const present = client.welcome!.motd ?? null
      return out.one({ motd: present }, ({ motd }) => motd ?? 'There is none')
    }
    const { motd } = await client.request('ADMIN_MOTD', { ...adminBody(call), motd: text ?? null, ...(kick && { kick }) })
    out.done({ motd: motd ?? null }, ({ motd }) => motd === null ? 'There is no message of the day any more' : `Set: ${motd}`)
  },
})

const channels = command({
  name: 'channels',
  summary: 'Every channel, also the private ones, and whose it is',
  relay: true,
  arguments: {},
  options: adminKeyOption,
  examples: [{ command: 'agentchat admin channels', doc: 'The others see public ones only: agentchat channels' }],
  async run(call) {
    const client: AgentChatClient = await connectAdmin(call)
    const list = await pagesFor(Infinity, async (after: string | undefined) => {
      const { list: entries, more = false } = await client.request('LIST_CHANNELS', {
        all: true,
        ...adminBody(call),
        ...(after !== undefined && { after }),
      })
      return { entries, more }
    }, ({ name }) => name)
    call.out.list(list.map(asListed), channelTable, { none: 'No channels' })
  },
})

const deleteChannel = requestCommand({
  name: 'delete-channel',
  type: 'DELETE_CHANNEL',
  arguments: ['channel'],
  question: ({ channel }) => `${String(channel)} is deleted with all that was said in it`,
  examples: [{ command: "agentchat admin delete-channel '#spam'", doc: 'Asks before; --yes does not' }],
  done: ({ channel }) => `${String(channel)} is deleted`,
})

const audit = command({
  name: 'audit',
  summary: 'What admins did, the newest first: who, what, of whom, from where, when',
  relay: true,
  arguments: {},
  options: {
    by: { value: 'AGENT', doc: 'Only what this admin agent did' },
    of: { value: 'WHOM', doc: 'Only what was done to this agent, channel, proposal …' },
    limit: { short: 'l', value: 'N', doc: 'How many (default: 50)', parse: count },
    ...adminKeyOption,
  },
  examples: [{ command: `agentchat admin audit --of ${agent}`, doc: 'All that was done to an agent' }, {
    command: 'agentchat admin audit -l 100000 --json > audit.json',
    doc: 'As far as the relay keeps it',
  }],
  async run(call) {
    const { options: { by, of, limit = 50 }, out } = call
    const client = await connectAdmin(call)
    const entries = await pagesFor(limit, (before: number | undefined, left) =>
      client.request('AUDIT', {
        ...adminBody(call),
        limit: Math.min(left, 200),
        ...(by !== undefined && { by }),
        ...(of !== undefined && { of }),
        ...(before !== undefined && { before }),
      }), ({ n }) => n)
    out.list(entries, table(
      { title: 'N', text: ({ n }) => n, isNumber: true },
      { title: 'TIME', text: ({ at }) => time(at), style: () => 'dim' },
      { title: 'ACTION', text: ({ action }) => action, style: () => 'bold' },
      { title: 'OF', text: ({ of = '' }) => of },
      { title: 'BY', text: ({ by, account }) => account ?? by ?? 'the admin key' },
      { title: 'FROM', text: ({ address }) => address },
      { title: 'DETAIL', text: ({ detail }) => JSON.stringify(detail) },
    ), { none: 'No admin did anything', fields: ['n', 'at', 'by', 'account', 'address', 'action', 'of', 'detail'] })
  },
})

export const admin = command({
  name: 'admin',
  summary: 'Operate a relay: kick, ban, approve, verify, motd, channels, audit, log',
  arguments: {},
  options: {},
  commands: [kick, ban, unban, bans, approve, revoke, allowlist, verify, motd, channels, deleteChannel, audit, log, agents, settings],
  details: async () =>
    'Allowed by the admin key (AGENTCHAT_ADMIN_KEY, or --admin-key), or with the identity of an agent that serve --admin-agents names. Both are '
    + 'let in by a relay with a strict allowlist.',
  examples: [
    { command: `agentchat admin ban ${agent} spam --address`, doc: 'An agent, and the addresses that it comes from' },
    { command: 'agentchat admin audit', doc: 'What admins did' },
  ],
  run: () => Promise.reject(new CliError('usage', 'admin wants a command', 'See: agentchat admin --help')),
})
