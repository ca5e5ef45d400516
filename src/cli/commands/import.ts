// agentchat import: a new relay from an archive.
import { visible } from '../terminal.ts'
import { command } from '../command.ts'
import { dataFolder, dataOption, storeOption, storeUrl, watched, withKeeper } from '../keeping.ts'

export const importData = command({
  name: 'import',
  summary: "Make a new relay's data from an export",
  arguments: { file: { doc: 'an archive that `agentchat export` made; - is stdin' } },
  options: {
    data: { ...dataOption, doc: `${dataOption.doc}; it must be empty, or not there yet` },
    store: { ...storeOption, doc: `${storeOption.doc}; it must be empty` },
  },
  details: async () =>
    'Every line is checked, then the counts and the SHA-256; the data is there when all is right, and nothing is '
    + 'there before.\nThe relay gets a key of its own and a new epoch: clients go on in each channel from what they '
    + 'had that is in the archive.',
  examples: [{ command: 'agentchat import relay.jsonl --data ./new-relay', doc: 'Then: agentchat serve --data ./new-relay' }],
  async run(call) {
    const [{ createReadStream, existsSync }, { randomBytes }, { CliError }] = await Promise.all([
      import('node:fs'),
      import('node:crypto'),
      import('../exit.ts'),
    ])
    const { args: { file }, options, io, out } = call
    if (file !== '-' && !existsSync(file)) throw new CliError('notFound', `There is no file ${file}`)
    const data = dataFolder(call)
    const store = options.store === undefined ? undefined : storeUrl(options.store, io)
    const where = store === undefined ? data : 'the database'
    const source = file === '-' ? io.stdin : createReadStream(file)
    // Nothing more may come from it, and it would be waited for.
    io.interrupted.addEventListener('abort', () => source.destroy(), { once: true })
    try {
      const imported = await withKeeper(keeper =>
        keeper.import({
          source,
          data,
          ...(store !== undefined && { store }),
          newEpoch: randomBytes(8).toString('hex'),
          ...watched(call, 'Importing'),
        })
      )
      out.done({ ...(store === undefined && { data }), ...imported }, ({ counts, serverId, isSigned }) =>
        `${counts.event} messages and ${counts.agent} agents are in ${where}; ${
          isSigned
            ? `signed by relay ${serverId}`
            : `NOT signed${
              serverId === null ? '' : `, though it says that it is of relay ${visible(serverId)}`
            }: anybody can have written it`
        }`)
    } finally {
      source.destroy()
    }
  },
})
