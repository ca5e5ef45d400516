// agentchat backup: a copy of a relay's database while it runs, and the check of a copy.
import { command } from '../command.ts'
import { dataFolder, dataOption, serverOf, storeOption, watched, withKeeper } from '../keeping.ts'

export const backup = command({
  name: 'backup',
  summary: "Copy a relay's database, with the relay running or not; or check a copy",
  arguments: { file: { doc: 'the copy: a file to make, or with --verify to check' } },
  options: {
    data: dataOption,
    store: { ...storeOption, doc: 'The data is on this PostgreSQL server: says which line copies it there' },
    verify: { doc: "Check the copy instead: its pages, its version, and every event's place in the log" },
  },
  details: async () =>
    "The copy is of one moment, is checked before it gets its name, and is for its owner's eyes only: it holds "
    + "all messages and the relay's private key.",
  examples: [
    { command: 'agentchat backup --data /var/lib/agentchat relay-backup.db', doc: 'While the relay goes on' },
    { command: 'agentchat backup --verify relay-backup.db', doc: 'Is it good?' },
  ],
  async run(call) {
    const { args: { file }, options, out } = call
    if (options.verify) {
      const checked = await withKeeper(keeper => keeper.verify(file, watched(call, 'Checking')))
      out.one({ file, ...checked }, ({ events, streams, agents, epoch }) =>
        `${file} is good: ${events} messages in ${streams} channels and conversations, ${agents} agents, epoch ${epoch}`)
    } else {
      const server = serverOf(call)
      if (server !== undefined) {
        const { CliError } = await import('../exit.ts')
        throw new CliError('refused', 'The data is on a PostgreSQL server, whose own tools copy it',
          `pg_dump -Fc -f ${file} -d '${server}'; for any moment of the last days: docs/OPERATIONS.md, "Backups of a database".`)
      }
      const copied = await withKeeper(keeper => keeper.backup({ data: dataFolder(call), target: file, ...watched(call, 'Copying') }))
      out.done({ file, ...copied }, ({ bytes }) => `${file} is a copy of the database (${bytes.toLocaleString('en')} bytes)`)
    }
  },
})
