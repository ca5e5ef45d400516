// agentchat history: stored messages of a channel, or with an agent, oldest first.
import type { Frame } from '../../../lib/protocol/index.ts'
import { command, count, whole } from '../command.ts'
import type { ShownMessage } from '../message-text.ts'

/** Events in one page. */
const pageSize = 200

export const history = command({
  name: 'history',
  summary: 'Show stored messages',
  relay: true,
  arguments: { target: { doc: 'a #channel, or an @agent for the direct messages with it', sigil: true } },
  options: {
    limit: { short: 'l', value: 'N', doc: 'How many (default: 20)', parse: count },
    before: { value: 'SEQ', doc: 'Only those before this one', parse: whole },
    after: { value: 'SEQ', doc: 'Only those after this one, the first ones first', parse: whole },
    all: { doc: 'Everything that is stored' },
  },
  examples: [
    { command: "agentchat history ws://localhost:6667 '#general'", doc: 'The newest 20' },
    { command: "agentchat history '#general' --all > general.jsonl", doc: 'All of them, as JSON Lines' },
    { command: 'agentchat history @8addfe276526c9f6 -i alice.json --after 100 -l 50', doc: 'Direct messages 101 to 150' },
  ],
  async run({ args: { target }, options, out, connect }) {
    const [client, { messageText }] = await Promise.all([connect(), import('../message-text.ts')])
    const of = target.startsWith('@') ? { with: target } : { channel: target }
    const wanted = options.all ? Infinity : options.limit ?? 20
    const isForward = options.after !== undefined || options.all === true
    let { before, after = isForward ? 0 : undefined } = options
    const pages: Frame<'HISTORY'>['events'][] = []
    const show = (events: Frame<'HISTORY'>['events']) =>
      out.list(events, (event, paint) => messageText(event as unknown as ShownMessage, paint))

    for (let left = wanted; left > 0;) {
      const page = await client.history(of, {
        limit: Math.min(left, pageSize),
        ...(after !== undefined ? { after } : before !== undefined && { before }),
      })
      const events = after !== undefined && before !== undefined ? page.events.filter(({ seq = 0 }) => seq < before!) : page.events
      // Forward pages can be shown as they come; backward ones arrive in the wrong order. One JSON document needs them all.
      if (after !== undefined && !out.isJson) show(events)
      else pages.push(events)
      left -= events.length
      if (!page.more || events.length < page.events.length || events.length === 0) break
      if (after !== undefined) after = events.at(-1)!.seq!
      else before = events[0]!.seq!
    }
    show(after === undefined ? pages.reverse().flat() : pages.flat())
  },
})
