// agentchat restore: a copy of a relay's database back into its place.
import { command } from '../command.ts'
import { dataFolder, dataOption, serverOf, storeOption, watched, withKeeper } from '../keeping.ts'

export const restore = command({
  name: 'restore',
  summary: "Put a copy of a relay's database back; the relay must not run",
  arguments: { file: { doc: 'a copy that `agentchat backup` made' } },
  options: {
    data: dataOption,
    store: { ...storeOption, doc: 'The data is on this PostgreSQL server: says which lines put a copy back there' },
    force: { doc: 'Where there is a database already, put it aside and take the copy' },
  },
  details: async () =>
    'It stays the same relay, with its key; the log gets a new epoch, so that clients do not trust positions that '
    + 'are given out a second time: they go on from what they had that is in the copy.',
  examples: [{
    command: 'agentchat restore relay-backup.db --data /var/lib/agentchat --force',
    doc: 'Back to the copy; what was there is kept beside it',
  }],
  async run(call) {
    const { randomBytes } = await import('node:crypto')
    const { args: { file }, options, io, out } = call
    const server = serverOf(call)
    if (server !== undefined) {
      const { CliError } = await import('../exit.ts')
      throw new CliError('refused', 'The data is on a PostgreSQL server, whose own tools put a copy back',
        `Into an empty database: pg_restore -O -e -1 -d '${server}' ${file}; then: agentchat epoch new --store '${server}' `
          + '(docs/OPERATIONS.md, "Backups of a database").')
    }
    const data = dataFolder(call)
    const restored = await withKeeper(keeper =>
      keeper.restore({
        file,
        data,
        force: options.force === true,
        newEpoch: randomBytes(8).toString('hex'),
        now: io.now(),
        ...watched(call, 'Checking'),
      })
    )
    out.done({ data, ...restored },
      ({ events, aside }) => `${data} holds the copy: ${events} messages${aside === undefined ? '' : `\nWhat was there is ${aside}`}`)
  },
})
