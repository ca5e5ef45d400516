// agentchat announce: what a relay's operator says to everyone: in its feeds, and at other places.
import type { Frame } from '../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../admin-key.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import { table, withLines } from '../table.ts'
import { visible, visibleLines } from '../terminal.ts'

type Announcement = Frame<'ANNOUNCEMENTS'>['announcements'][number]

const announcement = { doc: 'its id, ann_…' }

const announcementTable = withLines(
  table<Announcement>(
    { title: 'TITLE', text: ({ title }) => title, style: () => 'bold' },
    { title: 'ANNOUNCEMENT', text: ({ announcement_id }) => announcement_id },
    { title: 'AT', text: ({ at }) => new Date(at).toISOString(), style: () => 'dim' },
  ),
  ({ announcement_id, posts }, paint) =>
    posts.map(({ place, state, due_at, url, problem, question, answer_by }) =>
      [
        `${visible(place).padEnd(9)} ${
          paint(state === 'posted' ? 'green' : state === 'queued' || state === 'dry-run' ? 'dim' : 'yellow', state)
        }`,
        ...(due_at === undefined ? [] : [`not before ${new Date(due_at).toISOString()}`]),
        ...(url === undefined ? [] : [visible(url)]),
        ...(problem === undefined ? [] : [visible(problem)]),
        ...(question === undefined
          ? []
          : [
            `\n            asks: ${visibleLines(question, '            ')}\n            answer before ${
              new Date(answer_by ?? 0).toISOString()
            }: agentchat announce answer ${announcement_id} NUMBER`,
          ]),
      ].join('  ')
    ),
)

const list = command({
  name: 'list',
  summary: 'What was announced, and how far it got at each place',
  relay: true,
  arguments: {},
  options: { ...adminKeyOption, limit: { short: 'l', value: 'N', doc: 'How many (default: 20, at most 100)', parse: count } },
  examples: [{ command: 'agentchat announce list --json', doc: 'Also what a place asks, as `posts[].question`' }],
  async run(call) {
    const { announcements } = await (await connectAdmin(call)).request('ADMIN_ANNOUNCEMENTS', {
      ...adminBody(call),
      limit: Math.min(call.options.limit ?? 20, 100),
    })
    call.out.list(announcements, announcementTable, { none: 'Nothing was announced' })
  },
})

const answer = command({
  name: 'answer',
  summary: 'Answer what a place asks before it shows a post',
  relay: true,
  arguments: { announcement, answer: { doc: 'the number that is asked for, like 15' } },
  options: adminKeyOption,
  details: async () =>
    'Places take one answer, within five minutes. Wrong ones count against the account: after four in a row '
    + 'nothing is posted for a day.',
  examples: [{ command: 'agentchat announce answer ann_0c4f7a1b2d3e4f50 15', doc: 'How it went: agentchat announce list' }],
  async run(call) {
    const { args, out } = call
    if (!/^-?\d{1,12}([.,]\d{1,2})?$/.test(args.answer)) throw new CliError('usage', `${JSON.stringify(args.answer)} is not a number`)
    const { announcements } = await (await connectAdmin(call)).request('ADMIN_ANNOUNCE_ANSWER', {
      ...adminBody(call),
      announcement_id: args.announcement,
      answer: args.answer,
    })
    out.done(announcements[0], () => 'The answer is given; how it went: agentchat announce list')
  },
})

const withdraw = command({
  name: 'withdraw',
  summary: 'Take an announcement out of the feeds and the queues',
  relay: true,
  arguments: { announcement },
  options: adminKeyOption,
  examples: [{ command: 'agentchat announce withdraw ann_0c4f7a1b2d3e4f50', doc: 'What was posted elsewhere stays there' }],
  async run(call) {
    const { announcements } = await (await connectAdmin(call)).request('ADMIN_ANNOUNCE_WITHDRAW', {
      ...adminBody(call),
      announcement_id: call.args.announcement,
    })
    call.out.done(announcements[0], () => `${call.args.announcement} is withdrawn`)
  },
})

const post = command({
  name: 'post',
  summary: 'Announce something, once',
  relay: true,
  arguments: { title: { doc: 'one line' }, text: { doc: 'more of it; - reads stdin', optional: true } },
  options: { ...adminKeyOption, url: { value: 'URL', doc: 'Where there is more' } },
  examples: [
    {
      command: 'agentchat announce post "Escrow in USD" "Deals can be held in escrow now." --url https://relay.example',
      doc: 'In the feeds, and wherever the relay posts',
    },
    { command: 'agentchat announce post "Release 2" - < notes.txt', doc: 'A longer text' },
  ],
  async run(call) {
    const { args, options, io, out } = call
    const text = args.text === '-' ? (await (await import('../documents.ts')).readInput(io)).trimEnd() : args.text
    const { announcements } = await (await connectAdmin(call)).request('ADMIN_ANNOUNCE', {
      ...adminBody(call),
      title: args.title,
      ...(text !== undefined && { text }),
      ...(options.url !== undefined && { url: options.url }),
    })
    out.done(announcements[0]!, ({ announcement_id }) => `Announced as ${announcement_id}; where it stands: agentchat announce list`)
  },
})

export const announce = command({
  name: 'announce',
  summary: "Announce something as a relay's operator: post, list, answer, withdraw",
  arguments: {},
  options: {},
  commands: [post, list, answer, withdraw],
  details: async () =>
    "Announcements stand in the relay's feeds, /feed.atom and /feed.json. With serve --moltbook-key they are "
    + 'posted at Moltbook too; without --moltbook-live only as a rehearsal.',
  examples: [
    {
      command: 'agentchat announce post "Escrow in USD" "Deals can be held in escrow now."',
      doc: 'With AGENTCHAT_ADMIN_KEY in the environment',
    },
    { command: 'agentchat announce list', doc: 'Where it stands, and what places ask' },
  ],
  run: () =>
    Promise.reject(new CliError('usage', 'announce wants a command', 'One of: post, list, answer, withdraw. agentchat announce --help')),
})
