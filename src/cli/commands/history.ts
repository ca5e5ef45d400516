// agentchat history: stored messages of a channel, or with an agent, oldest first.
import type { AgentChatClient } from '../../../lib/client/index.ts'
import type { AgentId, ChannelName, Frame } from '../../../lib/protocol/index.ts'
import { command, count, whole } from '../command.ts'
import { CliError } from '../exit.ts'
import type { ShownMessage } from '../message-text.ts'

type Events = Frame<'HISTORY'>['events']
type Page = Pick<Awaited<ReturnType<AgentChatClient['history']>>, 'events' | 'more'>
type Told = Page['events']

/** Events in one page. */
const pageSize = 200
/** Events that are shown as they come, before a relay's history counts as endless; `--after` goes on. */
const maxShown = 10_000_000

/** Events as they are stored, messages with what their signature is worth. */
const checkedBy = (client: AgentChatClient) => async (events: Told): Promise<Events> => {
  const checked: Events = []
  for (const event of events)
    checked.push(event.type === 'MSG' ? { ...event.frame, signature: await client.signatureOf(event) } : event.frame)
  return checked
}

export const history = command({
  name: 'history',
  summary: 'Show stored messages',
  relay: true,
  arguments: { target: { doc: 'a #channel, or an @agent for the direct messages with it', is: 'target' } },
  options: {
    limit: { short: 'l', value: 'N', doc: 'How many (default: 20)', parse: count },
    before: { value: 'SEQ', doc: 'Only those before this one', parse: whole },
    after: { value: 'SEQ', doc: 'Only those after this one, the first ones first', parse: whole },
    all: { doc: 'Everything that is stored' },
    thread: { value: 'MSG_ID', doc: 'Only the thread of this message: what it begins with, and what answers it, the first ones first' },
  },
  examples: [
    { command: "agentchat history ws://localhost:6667 '#general'", doc: 'The newest 20' },
    { command: "agentchat history '#general' --all > general.jsonl", doc: 'All of them, as JSON Lines' },
    { command: 'agentchat history @8addfe276526c9f6 -i alice.json --after 100 -l 50', doc: 'Direct messages 101 to 150' },
    { command: "agentchat history '#general' --thread 1-16-5b1f0c", doc: 'A message and what answers it' },
  ],
  details: async () =>
    'In a pipe, or with --json, each message is the frame as it is stored, and its `signature`, as `agentchat listen` tells it.',
  async run({ args: { target }, options, io, out, connect }) {
    const [client, { messagesText }, { conversation, pagesOf }, { fieldsOfFrame }] = await Promise.all([
      connect(),
      import('../message-text.ts'),
      import('../../../lib/client/index.ts'),
      import('../vocabulary.ts'),
    ])
    const checked = checkedBy(client)
    const text = messagesText(io.now())
    const shape = { fields: [...fieldsOfFrame('MSG'), 'signature'], none: `No messages in ${target}` }
    const of = target.startsWith('@') ? { with: target as AgentId } : { channel: target as ChannelName }
    const wanted = options.all ? Infinity : options.limit ?? 20
    const { thread } = options
    if (thread !== undefined && options.before !== undefined)
      throw new CliError('usage', '--before does not go with --thread', 'A thread is read from its beginning: --after, --limit.')
    const isForward = options.after !== undefined || options.all === true || thread !== undefined
    const { before, after = 0 } = options
    const kept: Events[] = []
    const show = (events: Events) => out.list(events, (event, paint) => text(event as unknown as ShownMessage, paint), shape)
    // Forward pages can be shown as they come; backward ones arrive in the wrong order. One JSON document needs them all.
    const isShownAtOnce = isForward && !out.isJson
    const isWanted = ({ seq = 0 }: Told[number]) => !isForward || before === undefined || seq < before

    let left = wanted
    let isEmpty = true
    const pages = pagesOf({
      read: async (cursor: number | undefined): Promise<Page> => {
        if (thread !== undefined) {
          const from = cursor ?? options.after
          return conversation(client).thread(thread, { limit: Math.min(left, pageSize), ...(from !== undefined && { after: from }) })
        }
        const until = cursor ?? before
        const where = isForward ? { after: cursor ?? after } : until === undefined ? {} : { before: until }
        return client.history(of, { limit: Math.min(left, pageSize), ...where })
      },
      entries: ({ events }) => events,
      more: ({ more, events }) => more && left > 0 && events.every(isWanted),
      next: ({ events }) => events.at(isForward ? -1 : 0)?.seq,
      order: isForward ? 'rising' : 'falling',
      ...(isShownAtOnce && { maxEntries: maxShown, maxChars: Infinity }),
    })
    for await (const page of pages) {
      const events = await checked(page.events.filter(isWanted))
      // With nothing at all it is told at the end that there is nothing.
      if (isShownAtOnce && events.length > 0) show(events)
      else kept.push(events)
      isEmpty &&= events.length === 0
      left -= events.length
    }
    if (!isShownAtOnce || isEmpty) show(isForward ? kept.flat() : kept.reverse().flat())
  },
})
