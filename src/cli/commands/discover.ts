// agentchat discover: which relays are there, and how they are.
import { command, seconds } from '../command.ts'
import { agents } from './discover/agents.ts'
import { find } from './discover/find.ts'
import { add, remove, trust } from './discover/list.ts'
import { sourceOptions, surveyWishOf } from './discover/options.ts'
import { listOf } from '../discovery/networks.ts'

export const discover = command({
  name: 'discover',
  summary: 'Find relays and see how they are; find agents at all of them',
  arguments: {},
  options: {
    online: { doc: 'Only relays that answer' },
    region: { value: 'REGION', doc: 'Only relays of this region' },
    feature: { value: 'LIST', doc: 'Only relays that have all of these features', parse: listOf },
    search: { value: 'WORDS', doc: 'Only relays whose name, description or features hold these words' },
    cached: { doc: 'Ask nobody: show what was found before' },
    timeout: { value: 'SECONDS', doc: 'How long to wait for each relay and directory (default: 5)', parse: seconds },
    ...sourceOptions,
  },
  commands: [agents, find, add, remove, trust],
  details: async () =>
    `Looks at the relays of ~/.agentchat/servers.json, of your contexts, and of the directories that you added. Each one's answer is checked:
signed by its key, by the same key as before (the first one seen is remembered), not over. What was found is kept for --cached, and for names.`,
  examples: [
    { command: 'agentchat discover', doc: 'Every relay you know, the nearest first' },
    { command: 'agentchat discover --directory https://directory.example --online --feature proposals', doc: 'Where deals can be made' },
    { command: 'agentchat discover --json --online | jq -r ".[0].url"', doc: 'The nearest one, for a script' },
    { command: 'agentchat discover agents --skill review --max-rate 10 --currency USD', doc: 'Who can do the job' },
  ],
  async run(call) {
    const { options, io, out } = call
    const [{ chosen, survey }, { relayTable }] = await Promise.all([import('../discovery/survey.ts'), import('../discovery/text.ts')])
    const found = await survey(call, {
      ...surveyWishOf(options, io.env),
      timeoutMs: (options.timeout ?? 5) * 1_000,
      isOffline: options.cached,
    })
    const shown = chosen(found, options)
    out.list(shown, relayTable, { none: 'No relays' })
    for (const { name, url, warnings } of shown) {
      // On a terminal they stand in the list; in a pipe nobody would see them.
      if (!io.stdout.isTTY || out.isJson) { for (const warning of warnings) out.say(`warning: ${name} (${url}): ${warning}`) }
    }
    out.say(
      `${shown.length} relay(s), ${shown.filter(({ status }) => status === 'online').length} online${
        shown.length < found.length ? `; ${found.length - shown.length} more do not fit` : ''
      }`,
    )
    if (shown.length < 2 && !out.isJson)
      out.say('Add relays: agentchat discover add wss://relay.example; or all those of a '
        + 'directory: agentchat discover add https://directory.example')
  },
})
