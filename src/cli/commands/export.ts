// agentchat export: a relay's data as JSON Lines, whether the relay runs or not.
import { command } from '../command.ts'
import { dataFolder, dataOption, storeOption, storeUrl, watched, withKeeper } from '../keeping.ts'

export const exportData = command({
  name: 'export',
  summary: "Write a relay's data as JSON Lines, with the relay running or not",
  arguments: {},
  options: {
    data: dataOption,
    store: storeOption,
    channel: {
      short: 'c',
      value: 'CHANNEL',
      doc: 'Only this channel, with its members and messages; may be given several times',
      parse: (text: string, before: readonly string[] = []): readonly string[] => [...before, ...text.split(',')],
    },
    out: { short: 'o', value: 'FILE', doc: 'File to make; - is stdout (the default)' },
  },
  details: async () =>
    'The first line is a header, the last one counts the records and holds a SHA-256 of all lines before it. The '
    + "relay's own key and secrets are not in it;\ndirect messages are. What holds only at this relay (deals, money, skills, profiles) is not, and is counted. `agentchat import` makes a "
    + 'relay of it.',
  examples: [
    { command: 'agentchat export --data /var/lib/agentchat --out relay.jsonl', doc: 'Everything, as of now' },
    {
      command: "agentchat export -c '#general' | jq -r 'select(.kind == \"event\") | .text | fromjson | .content'",
      doc: 'What was said in a channel',
    },
  ],
  async run(call) {
    const { options: { channel, store, out: file = '-' }, io, out } = call
    const from = {
      data: dataFolder(call),
      ...(store !== undefined && { store: storeUrl(store, io) }),
      now: io.now(),
      ...(channel !== undefined && { channels: channel }),
      ...watched(call, 'Exporting'),
    }
    const { counts, leftOut } = await withKeeper(keeper =>
      file === '-' ? keeper.export({ ...from, write: text => out.raw(text) }) : keeper.exportToFile(file, from)
    )
    const { event, agent } = counts
    const stays = Object.entries(leftOut).filter(([, n]) => n > 0).map(([name, n]) => `${n} ${name.replaceAll('_', ' ')}`)
    if (stays.length > 0) out.say(`Not in it, because they hold only at this relay: ${stays.join(', ')}. A backup has them.`)
    if (file === '-') out.say(`${event} messages and ${agent} agents exported`)
    else out.done({ file, counts, left_out: leftOut }, () => `${event} messages and ${agent} agents are in ${file}`)
  },
})
