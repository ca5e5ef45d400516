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
    'Each process says every three seconds that it runs; one that ended without a word stays for ten. Settings: whether those that have to be '
    + 'the same at all are. A relay that runs alone on its data is not listed.',
  examples: [
    { command: 'AGENTCHAT_STORE=postgres://user:password@db/agentchat agentchat nodes', doc: 'Who runs, since when, in which version' },
    { command: 'agentchat nodes --store env --json', doc: 'For programs' },
  ],
  async run(call) {
    const { processesOf } = await import('../../app.ts')
    const all = await processesOf(storeUrl(call.options.store, call.io))
    const [first] = all
    const rows = all.map(({ name, version, state, since, now, config }) => ({
      ...{ node: name, version, state, since, up_ms: now - since, same_settings: config === first!.config },
    }))
    type Row = (typeof rows)[number]
    call.out.list(rows, table<Row>(
      { title: 'NODE', text: ({ node }) => node },
      { title: 'VERSION', text: ({ version }) => version },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'SINCE', text: ({ since }) => new Date(since).toISOString() },
      { title: 'SETTINGS', text: ({ same_settings: same }) => same ? 'same' : 'others' },
    ))
  },
})
