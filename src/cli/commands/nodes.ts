// agentchat nodes: the processes of a relay that run on one database.
import { command } from '../command.ts'
import { storeOption, storeUrl } from '../keeping.ts'
import { table } from '../table.ts'

export const nodes = command({
  name: 'nodes',
  summary: 'The processes of a relay that run on one database, at a machine that reaches it',
  arguments: {},
  options: { store: storeOption },
  details: async () =>
    'Each process says every three seconds that it runs; one that ended without a word stays for ten. NATS: whether it hears '
    + 'the others, and how many of them say nothing. Behind: what they told and it does not know yet. Missed, since it started: what was told and did not come, and messages that '
    + 'did not; both were read from the database. Settings: whether those that have to be the same at all are. A relay that runs alone on its data is not listed.',
  examples: [
    { command: 'AGENTCHAT_STORE=postgres://user:password@db/agentchat agentchat nodes', doc: 'Who runs, since when, in which version' },
    { command: 'agentchat nodes --store env --json', doc: 'For programs' },
  ],
  async run(call) {
    const { processesOf } = await import('../../app.ts')
    const all = await processesOf(storeUrl(call.options.store, call.io))
    const [first] = all
    const rows = all.map(({ name, version, state, since, now, config, standing }) => ({
      ...{ node: name, version, state, since, up_ms: now - since, same_settings: config === first!.config },
      ...standing,
    }))
    type Row = (typeof rows)[number]
    call.out.list(rows, table<Row>(
      { title: 'NODE', text: ({ node }) => node },
      { title: 'VERSION', text: ({ version }) => version },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'SINCE', text: ({ since }) => new Date(since).toISOString() },
      { title: 'NATS', text: ({ bus = '', unheard = 0 }) => unheard === 0 ? bus : `${bus}, ${unheard} unheard` },
      { title: 'AGENTS', text: ({ agents }) => String(agents ?? '') },
      { title: 'BEHIND', text: ({ behind }) => String(behind ?? '') },
      { title: 'MISSED', text: ({ gaps, repaired }) => gaps === undefined ? '' : `${gaps} told, ${repaired} events` },
      { title: 'SETTINGS', text: ({ same_settings: same }) => same ? 'same' : 'others' },
    ))
  },
})
