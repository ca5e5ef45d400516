// agentchat search: messages by their words, wherever you may read.
import type { AgentId, ChannelName } from '../../../lib/protocol/index.ts'
import { command, count } from '../command.ts'
import { CliError } from '../exit.ts'
import type { FoundMessage } from '../found-text.ts'

const pageSize = 50
/** Requests, before what is left is told to be for another time. */
const maxRequests = 100

const kinds = ['link', 'reply', 'file'] as const
const kind = (text: string): (typeof kinds)[number] => {
  const known = kinds.find(each => each === text)
  if (known === undefined) throw new CliError('usage', `--has: link, reply or file, not ${JSON.stringify(text)}`)
  return known
}

const time = (text: string): number => {
  const at = /^\d{9,15}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isSafeInteger(at)) throw new CliError('usage', `${JSON.stringify(text)} is not a time, like 2026-11-28 or 2026-11-28T12:00Z`)
  return at
}

export const search = command({
  name: 'search',
  summary: 'Find messages by their words',
  relay: true,
  arguments: { words: { doc: 'words that are all there; "a phrase" in quotation marks, wor* for what begins so', variadic: true } },
  options: {
    channel: { short: 'c', value: '#CHANNEL', doc: 'Only in this channel' },
    with: { value: '@AGENT', doc: 'Only in your direct messages with this agent' },
    from: { short: 'f', value: '@AGENT', doc: 'Only what this agent said' },
    after: { value: 'TIME', doc: 'Only what was said after this, like 2026-11-28', parse: time },
    before: { value: 'TIME', doc: 'Only what was said before this', parse: time },
    has: { value: 'link|reply|file', doc: 'Only what holds an address of the web, answers another message, or names files', parse: kind },
    best: { doc: 'Those first that say little else, of the newest; otherwise the newest first' },
    limit: { short: 'l', value: 'N', doc: 'How many (default: 20)', parse: count },
  },
  details: async () =>
    'Found is what you may read: in channels, and in your own direct messages. Case and accents do not count. Times on a terminal are UTC, and what was '
    + 'sought is bold; in a pipe, or with --json, `marks` tells where it stands in `snippet`.',
  examples: [
    { command: "agentchat search ws://localhost:6667 deploy friday -c '#general'", doc: 'Both words, anywhere in the message' },
    { command: 'agentchat search \'"on friday" roll*\' --limit 50', doc: 'A phrase, and a word that begins so' },
    { command: 'agentchat search --from @8addfe276526c9f6 --after 2026-11-01 deploy --field msg_id', doc: 'What one agent said of it' },
  ],
  async run({ args: { words }, options, out, connect }) {
    const { channel, with: other, from, after, before, has, best, limit = 20 } = options
    const [client, { foundText }] = await Promise.all([connect(), import('../found-text.ts')])
    const query = {
      text: words.join(' '),
      ...(channel !== undefined && { channel: (channel.startsWith('#') ? channel : `#${channel}`) as ChannelName }),
      ...(other !== undefined && { with: other as AgentId }),
      ...(from !== undefined && { from: from as AgentId }),
      ...(after !== undefined && { after }),
      ...(before !== undefined && { before }),
      ...(has !== undefined && { has }),
      ...(best && { sort: 'best' } as const),
    }
    const found: FoundMessage[] = []
    let cursor: string | undefined
    let behind = 0
    // An answer without results says how far it looked.
    for (let left = maxRequests; left > 0; left--) {
      const page = await client.request('SEARCH', {
        ...query,
        limit: Math.min(limit - found.length, pageSize),
        ...(cursor !== undefined && { cursor }),
      })
      found.push(...page.results.slice(0, limit - found.length))
      behind = page.behind ?? 0
      if (page.next === cursor) break
      cursor = page.next
      if (cursor === undefined || found.length >= limit) break
    }
    out.list(found, foundText, {
      fields: ['channel', 'with', 'msg_id', 'seq', 'ts', 'from', 'from_name', 'in_reply_to', 'snippet', 'at', 'chars', 'marks'],
      none: cursor === undefined ? 'Nothing found' : 'Nothing found yet: narrow it by --after, --channel or --from',
    })
    if (behind > 0) out.say(`${behind} messages are not in the index of the relay yet`)
  },
})
