// agentchat admin log, agents, settings: what an operator looks at without a shell on the relay's machine.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../../lib/protocol/timer.ts'
import { logLevels } from '../../../../lib/protocol/inspection.ts'
import type { Frame } from '../../../../lib/protocol/index.ts'
import { adminBody, adminKeyOption, connectAdmin } from '../../admin-key.ts'
import { command, count } from '../../command.ts'
import { CliError } from '../../exit.ts'
import { table } from '../../table.ts'
import { visible, visibleJson } from '../../terminal.ts'

type Line = Frame<'LOG'>['lines'][number]

const followMs = 2_000
const fields = ['n', 'at', 'level', 'text', 'facts']

const levelOf = (text: string): Line['level'] => {
  const found = logLevels.find(level => level === text.toLowerCase())
  if (found === undefined) throw new CliError('usage', `${JSON.stringify(text)} is no level`, `One of: ${logLevels.join(', ')}`)
  return found
}

const said = ({ at, level, text, facts }: Line): string =>
  `${new Date(at).toISOString()} ${level.padEnd(5)} ${visible(text)} ${
    Object.entries(facts).map(([name, value]) => `${name}=${typeof value === 'string' ? visible(value) : visibleJson(value)}`).join(' ')
  }`

export const log = command({
  name: 'log',
  summary: "The newest lines of the relay's log, of the process that answers; --follow goes on with those that come",
  relay: true,
  arguments: {},
  options: {
    follow: { short: 'f', doc: 'Go on until Ctrl-C' },
    level: { value: 'LEVEL', doc: `From this level on: ${logLevels.join(', ')}`, parse: levelOf },
    limit: { short: 'l', value: 'N', doc: 'How many of those that are there (default: 50, at most 200)', parse: count },
    ...adminKeyOption,
  },
  examples: [
    { command: 'agentchat admin log --level warn', doc: 'What is wrong; the relay keeps its newest 1,000 lines in memory' },
    { command: 'agentchat admin log --follow --json > relay.jsonl', doc: 'A line of JSON for each' },
  ],
  async run(call) {
    const { options: { follow, level, limit = 50 }, io: { interrupted }, out } = call
    const client = await connectAdmin(call)
    const asked = { ...adminBody(call), ...(level !== undefined && { level }) }
    const first = await client.request('ADMIN_LOG', { ...asked, limit: Math.min(limit, 200) })
    if (!follow) {
      out.list(first.lines, said, { none: 'No lines yet', fields })
      return undefined
    }
    for (let page = first, after = 0;;) {
      if (after > 0 && page.oldest > after + 1) out.say('Some lines came and went before they could be read.')
      for (const line of page.lines) out.one(line, said, { fields })
      await out.taken()
      after = page.lines.at(-1)?.n ?? after
      if (!page.more) await sleep(timerMs(followMs), undefined, { signal: interrupted }).catch(() => undefined)
      if (interrupted.aborted) return 'interrupted'
      // Of a log that was empty everything that comes is new.
      page = await client.request('ADMIN_LOG', { ...asked, after })
    }
  },
})

export const agents = command({
  name: 'agents',
  summary: 'Who is connected, and from where',
  relay: true,
  arguments: {},
  options: adminKeyOption,
  examples: [{ command: 'agentchat admin agents --json', doc: 'All of them, as one JSON array' }],
  async run(call) {
    const client = await connectAdmin(call)
    const { firstOf } = await import('../../../../lib/client/index.ts')
    const found = await firstOf(Infinity, {
      read: (after: `@${string}` | undefined) =>
        client.request('ADMIN_AGENTS', { ...adminBody(call), ...(after !== undefined && { after }) }),
      entries: page => page.agents,
      more: page => page.more,
      next: page => page.agents.at(-1)?.agent,
      order: 'any',
    })
    call.out.list(found, table(
      { title: 'AGENT', text: ({ agent }) => agent, style: () => 'bold' },
      { title: 'NAME', text: ({ name }) => name },
      { title: 'IS', text: ({ presence }) => presence },
      { title: 'SESSIONS', text: ({ sessions }) => sessions, isNumber: true },
      { title: 'FROM', text: ({ addresses }) => addresses.join(', ') },
      { title: '', text: each => [each.admin && 'admin', each.verified && 'verified', !each.keyed && 'no key'].filter(Boolean).join(', ') },
    ), {
      none: 'Nobody is connected',
      fields: ['agent', 'name', 'verified', 'keyed', 'admin', 'presence', 'sessions', 'channels', 'addresses'],
    })
  },
})

export const settings = command({
  name: 'settings',
  summary: 'By which settings the relay runs, without secrets',
  relay: true,
  arguments: {},
  options: { changed: { doc: 'Only those that differ from their defaults' }, ...adminKeyOption },
  examples: [{
    command: 'agentchat admin settings --changed',
    doc: 'They are changed where the relay is started; docs/CONFIG.md says how',
  }],
  async run(call) {
    const client = await connectAdmin(call)
    const { settings: all } = await client.request('ADMIN_SETTINGS', adminBody(call))
    call.out.list(all.filter(each => call.options.changed === undefined || !each.default), table(
      { title: 'SETTING', text: ({ name }) => name, style: ({ default: isDefault }) => isDefault ? undefined : 'bold' },
      {
        title: 'VALUE',
        text: ({ value, secret, default: isDefault }) =>
          secret === true ? isDefault ? '' : '(secret)' : Array.isArray(value) ? value.join(', ') : String(value ?? ''),
      },
    ), { none: 'All are as by default', fields: ['name', 'value', 'default', 'secret', 'doc'] })
  },
})
