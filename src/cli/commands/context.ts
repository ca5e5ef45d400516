// agentchat context: names for relays, so that commands need no URL.
import { command, type Call } from '../command.ts'
import { table } from '../table.ts'
import type { Context, Contexts } from '../target.ts'

const edit = async (call: Pick<Call, 'io'>, change: (contexts: Contexts) => Contexts): Promise<void> => {
  const { readContexts, writeContexts } = await import('../contexts.ts')
  writeContexts(call.io.env, change(readContexts(call.io.env)))
}

const listed = ({ current, contexts }: Contexts) =>
  Object.entries(contexts).map(([name, context]) => ({ context: name, ...context, current: name === current }))

const line = ({ context, url, identity, name, current }: Context & { readonly context: string, readonly current: boolean }): string =>
  `${current ? '*' : ' '} ${context}  ${url}${name === undefined ? '' : `  as ${name}`}${identity === undefined ? '' : `  (${identity})`}`

const contextTable = table<ReturnType<typeof listed>[number]>(
  { title: '', text: ({ current }) => current ? '*' : '' },
  { title: 'CONTEXT', text: ({ context }) => context, style: () => 'bold' },
  { title: 'URL', text: ({ url }) => url },
  { title: 'NAME', text: ({ name = '' }) => name },
  { title: 'IDENTITY', text: ({ identity = '' }) => identity },
)

const add = command({
  name: 'add',
  summary: 'Keep a relay under a name; the first one becomes the current one',
  arguments: { context: { doc: 'name of the context' }, url: { doc: 'relay URL, ws:// or wss://' } },
  options: {
    identity: { short: 'i', value: 'FILE', doc: 'Identity file to log in with there' },
    name: { short: 'n', value: 'NAME', doc: 'Name to appear under there' },
    ca: { value: 'FILE', doc: "Certificate to trust there (PEM): the relay's own, or its authority's" },
    use: { doc: 'Make it the current one' },
  },
  examples: [
    { command: 'agentchat context add home ws://localhost:6667', doc: 'From now on no command needs the URL' },
    { command: 'agentchat context add work wss://chat.intern --ca ca.pem', doc: 'A relay whose certificate no public authority signed' },
  ],
  async run(call) {
    const [{ serverUrl }, { resolve }, { CliError }] = await Promise.all([
      import('../target.ts'),
      import('node:path'),
      import('../exit.ts'),
    ])
    const { args, options, out } = call
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(args.context)) throw new CliError('usage', 'A context is named with A-Z a-z 0-9 . _ -')
    const context: Context = {
      url: serverUrl(args.url),
      // Kept as a full path: contexts are used from everywhere.
      ...(options.identity !== undefined && { identity: resolve(options.identity) }),
      ...(options.name !== undefined && { name: options.name }),
      ...(options.ca !== undefined && { ca: resolve(options.ca) }),
    }
    if (context.ca !== undefined) (await import('../certificates.ts')).readCertificates(context.ca)
    await edit(call, ({ current, contexts }) => ({
      current: options.use || current === undefined ? args.context : current,
      contexts: { ...contexts, [args.context]: context },
    }))
    out.done({ context: args.context, ...context }, ({ url }) => `Context ${args.context} is ${url}`)
  },
})

const use = command({
  name: 'use',
  summary: 'Make a context the current one',
  arguments: { context: { doc: 'name of the context' } },
  options: {},
  examples: [{ command: 'agentchat context use home', doc: 'Talk to the relay called home' }],
  async run(call) {
    const { contextNamed } = await import('../target.ts')
    const { context } = call.args
    await edit(call, contexts => {
      contextNamed(contexts, context)
      return { ...contexts, current: context }
    })
    call.out.done({ context }, () => `Current context: ${context}`)
  },
})

const list = command({
  name: 'list',
  summary: 'All contexts',
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat context list --json', doc: 'As one JSON array' }],
  async run({ io, out }) {
    const { readContexts } = await import('../contexts.ts')
    out.list(listed(readContexts(io.env)), contextTable, { none: 'No contexts. Keep a relay: agentchat context add NAME URL' })
  },
})

const show = command({
  name: 'show',
  summary: 'One context, by default the current one',
  arguments: { context: { doc: 'name of the context', optional: true } },
  options: {},
  examples: [{ command: 'agentchat context show', doc: 'Which relay commands talk to' }],
  async run({ args, io, out }) {
    const [{ readContexts }, { contextNamed }, { CliError }] = await Promise.all([
      import('../contexts.ts'),
      import('../target.ts'),
      import('../exit.ts'),
    ])
    const contexts = readContexts(io.env)
    const name = args.context ?? (io.env['AGENTCHAT_CONTEXT'] || contexts.current)
    if (name === undefined) throw new CliError('notFound', 'There is no current context', 'Make one with: agentchat context add NAME URL')
    out.one({ context: name, ...contextNamed(contexts, name), current: name === contexts.current }, line)
  },
})

const remove = command({
  name: 'remove',
  summary: 'Forget a context',
  arguments: { context: { doc: 'name of the context' } },
  options: {},
  examples: [{ command: 'agentchat context remove home', doc: 'Forget the relay called home' }],
  async run(call) {
    const { contextNamed } = await import('../target.ts')
    const { context } = call.args
    await edit(call, contexts => {
      contextNamed(contexts, context)
      const { [context]: _, ...rest } = contexts.contexts
      return { contexts: rest, ...(contexts.current !== undefined && contexts.current !== context && { current: contexts.current }) }
    })
    call.out.done({ context }, () => `Context ${context} is forgotten`)
  },
})

export const context = command({
  name: 'context',
  summary: 'Names for relays, so that commands need no URL',
  arguments: {},
  options: {},
  commands: [add, use, list, show, remove],
  examples: [
    { command: 'agentchat context add home ws://localhost:6667', doc: 'Keep a relay; then `agentchat send "#general" hi` is enough' },
    { command: 'agentchat context', doc: 'List them; * marks the current one' },
  ],
  run: call => list.run(call),
})
