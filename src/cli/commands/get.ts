// agentchat get: writes files that a message names.
import { command } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { transferOf } from '../file-transfer.ts'

export const get = command({
  name: 'get',
  summary: 'Fetch the files of a message',
  relay: true,
  arguments: { what: { doc: 'the id of a message, for all its files; or the SHA-256 of one file', is: 'held' } },
  options: {
    output: { short: 'o', value: 'PATH', doc: "Write to this path, or into this directory (default: here, under the file's own name)" },
    force: { short: 'f', doc: 'Replace a file that is there' },
  },
  details: async () =>
    'Whoever may read a message may fetch its files. What comes is compared with the hash that the message names before it gets its name; what was '
    + 'broken off goes on where it was. Names that a shell, a tool or a file system would obey are changed.',
  examples: [
    { command: 'agentchat get 1-16-5b1f0c', doc: 'All files of a message' },
    {
      command: 'agentchat get 6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72 -o report.pdf',
      doc: 'One file, under a name of yours',
    },
  ],
  async run(call): Promise<ExitName> {
    const { args: { what }, options, io, out } = call
    const [{ getFile }, { safeFileNames }, { progressText }, { join }, { stat }] = await Promise.all([
      import('../../../lib/node/files.ts'),
      import('../../../lib/protocol/file-name.ts'),
      import('../progress-text.ts'),
      import('node:path'),
      import('node:fs/promises'),
    ])
    const isHash = /^[0-9a-f]{64}$/i.test(what)
    const wanted = isHash ? { sha256: what.toLowerCase() } : { msgId: what }
    const transfer = await transferOf(call)
    const client = await call.connect({ session: `get-${Math.floor(io.random() * 2 ** 32).toString(36)}`, reconnect: {} })
    const { files, file } = await getFile(client, wanted, transfer)
    const chosen = isHash ? [file] : files
    const names = safeFileNames(chosen.map(({ name }) => name))
    const { output } = options
    const isFolder = output !== undefined && (await stat(output).catch(() => undefined))?.isDirectory() === true
    if (output !== undefined && !isFolder && chosen.length > 1)
      throw new CliError('usage', `The message names ${chosen.length} files, and ${output} is no directory`, 'Name a directory with -o.')
    const paths = names.map(name => output === undefined ? name : isFolder ? join(output, name) : output)
    for (const path of paths) {
      if (options.force !== true && await stat(path).then(() => true, () => false))
        throw new CliError('usage', `${path} is there already`, 'Give another path with -o, or replace it with --force.')
    }
    for (const [i, each] of chosen.entries()) {
      const path = paths[i]!
      const progress = progressText(names[i]!, io)
      try {
        const found = await getFile(client, { ...wanted, sha256: each.sha256 }, {
          ...transfer,
          onProgress: (...at) => out.progress(progress(...at)),
        })
        await found.save(path)
      } finally {
        out.progress('')
      }
      out.done({ ...each, path }, () => `${path}: ${each.bytes} bytes`, { fields: ['sha256', 'bytes', 'name', 'mime', 'path'] })
    }
    return 'ok'
  },
})
