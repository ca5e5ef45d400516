// agentchat whoami: which key the commands use, and why.
import { command } from '../command.ts'
import { CliError } from '../exit.ts'

export const whoami = command({
  name: 'whoami',
  summary: 'Show which key commands use here, and who it is; connects to nothing',
  arguments: {},
  options: { identity: { short: 'i', value: 'FILE', doc: 'As if this file were named' } },
  details: async () =>
    'The key is the first there is: -i FILE, AGENTCHAT_IDENTITY, the one of the current context, ~/.agentchat/identity.json.\n'
    + 'Without one, or with --guest, a command gets an id for its connection only.',
  examples: [{ command: 'agentchat whoami --field agent_id', doc: 'The id to give to others' }],
  async run({ io, out, options }) {
    const [{ currentContext, identityOf: keyOf }, { readContexts }, { loadIdentityFile, identityFileWarning }] = await Promise.all([
      import('../target.ts'),
      import('../contexts.ts'),
      import('../../../lib/node/identity-file.ts'),
    ])
    const context = currentContext(io.env, readContexts(io.env))
    const { identity } = keyOf(options, io.env, context)
    if (identity === undefined)
      throw new CliError('notFound', 'A guest: there is no key here', 'Make one: agentchat identity generate')
    const { agentId, name } = loadIdentityFile(identity)
    const by = options.identity !== undefined
      ? '-i'
      : io.env['AGENTCHAT_IDENTITY']
      ? 'AGENTCHAT_IDENTITY'
      : context?.identity !== undefined
      ? 'the context'
      : 'the default'
    out.one({ agent_id: `@${agentId}`, name, file: identity, chosen_by: by },
      ({ agent_id, name, file, chosen_by }) => `${agent_id}  ${name}\n  file  ${file} (${chosen_by})`)
    const warning = identityFileWarning(identity)
    if (warning !== undefined) out.say(`warning: ${warning}`)
  },
})
