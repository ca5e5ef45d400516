// agentchat migrate: a relay's data from its directory to a PostgreSQL server, or back.
import { command } from '../command.ts'
import { dataFolder, dataOption, storeUrl, watched, withKeeper } from '../keeping.ts'

export const migrate = command({
  name: 'migrate',
  summary: "Move a relay's data to a PostgreSQL server, or back; the relay must not run",
  arguments: {},
  options: {
    data: { ...dataOption, doc: `${dataOption.doc}; with --back it must be empty, not there yet, or the one that was moved away` },
    to: {
      value: 'URL',
      doc: 'Move to this database, which must be empty: postgres://user:password@host:5432/agentchat; env is the one of AGENTCHAT_STORE',
    },
    back: { doc: 'Move back into the directory' },
    from: { value: 'URL', doc: 'With --back: the database to move from (default: AGENTCHAT_STORE)' },
    yes: { short: 'y', doc: 'Do not ask' },
  },
  details: async () =>
    'Every table is copied in one transaction, and then compared on both sides, row by row. It stays the same relay and the same log: '
    + 'clients go on from their positions and notice nothing.\nWhat it was moved from stays as it was, and a relay refuses to start on it. '
    + 'Other users of the machine see a password on the command line; they do not see it in AGENTCHAT_STORE.',
  examples: [
    { command: 'agentchat migrate --data /var/lib/agentchat --to postgres://agentchat@db.example/agentchat', doc: 'To a server' },
    {
      command: 'agentchat migrate --data /var/lib/agentchat --to env --yes',
      doc: 'To the database of AGENTCHAT_STORE, without a question',
    },
    { command: 'agentchat migrate --data /var/lib/agentchat --back', doc: 'From the database of AGENTCHAT_STORE back into the directory' },
  ],
  async run(call) {
    const [{ randomBytes }, { CliError }, { confirm }] = await Promise.all([
      import('node:crypto'),
      import('../exit.ts'),
      import('../trade.ts'),
    ])
    const { options: { to, back = false, from }, io, out } = call
    if ((to === undefined) === !back) throw new CliError('usage', 'Say --to URL or --back, and not both')
    if (from !== undefined && !back) throw new CliError('usage', '--from goes with --back')
    const store = storeUrl(back ? from : to, io)
    const data = dataFolder(call)
    await confirm(call, back ? `Everything is moved from the database to ${data}` : `Everything is moved from ${data} to the database`)
    const options = { data, store, newEpoch: randomBytes(8).toString('hex'), now: io.now(), ...watched(call, 'Moving and comparing') }
    const moved = await withKeeper(keeper => back ? keeper.moveBack(options) : keeper.moveToPostgres(options))
    out.done({ ...moved },
      ({ rows, to: where, aside }) =>
        `${where} holds everything: ${rows['events'] ?? 0} messages, ${rows['agents'] ?? 0} agents, each of ${
          Object.keys(rows).length
        } tables compared${aside === undefined ? '' : `\nWhat was there is ${aside}`}\nNow start the relay ${
          back ? `with --data ${where} and no store` : 'with this store'
        }`)
  },
})
