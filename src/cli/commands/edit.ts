// agentchat edit, retract: says a message anew, or takes it back.
import type { AgentChatClient, ChannelName, Content, Frame } from '../../../lib/client/index.ts'
import { limits } from '../../../lib/protocol/limits.ts'
import { adminKeyOption, askWithKey, connectAdmin } from '../admin-key.ts'
import { command, type Call } from '../command.ts'
import { CliError } from '../exit.ts'

const message = { doc: "the message's id: `msg_id` of what send, listen and history print", is: 'held' } as const

/** Changes are signed with the key that the client came with. */
const talkOf = async (call: Pick<Call, 'target'>, client: AgentChatClient) => {
  const [{ identity: file }, { conversation }, { identityOf, loadIdentityFile, createVerify }] = await Promise.all([
    call.target(),
    import('../../../lib/client/index.ts'),
    import('../../../lib/node/index.ts'),
  ])
  return conversation(client, {
    identity: file === undefined ? undefined : identityOf(loadIdentityFile(file)),
    verify: createVerify(),
  })
}

type Files = NonNullable<Frame<'MSG'>['files']>

/** The files that stay, where some are taken off. */
const remaining = (files: Files, { dropFile, dropFiles }: { readonly dropFile?: string, readonly dropFiles?: true }): Files | undefined => {
  if (dropFiles) return []
  if (dropFile === undefined) return undefined
  if (files.every(({ name }) => name !== dropFile)) throw new CliError('notFound', `The message has no file ${JSON.stringify(dropFile)}`)
  return files.filter(({ name }) => name !== dropFile)
}

export const edit = command({
  name: 'edit',
  summary: 'Say a message of your own anew',
  relay: true,
  arguments: { message, text: { doc: 'what it says from now on; - takes all of standard input' } },
  options: {
    dropFile: { value: 'NAME', doc: 'Take the file of this name off; its other files stay' },
    dropFiles: { doc: 'Take all of its files off' },
  },
  details: async () =>
    'A message keeps its files unless they are taken off; others go with a message of their own. What it said before stays readable by `agentchat call EDITS`, until it is retracted. If it was edited elsewhere meanwhile, it is '
    + 'refused and not overwritten.',
  examples: [
    { command: 'agentchat edit 1-16-5b1f0c "Release on Monday"', doc: 'Returns once the edit is stored' },
    { command: 'agentchat edit 1-16-5b1f0c - < report.txt', doc: 'From a file' },
    { command: "agentchat edit 1-16-5b1f0c 'the numbers, without the draft' --drop-file draft.pdf", doc: 'Its other files stay' },
  ],
  async run(call) {
    const { args: { message, text }, options, io, out, connect } = call
    const content: Content = text === '-' ? await (await import('../documents.ts')).readWhole(io, limits.maxFrameBytes) : text
    const client = await connect()
    const talk = await talkOf(call, client)
    const said = await talk.edits(message)
    const frameOf = (at: number) => said.at(at)!.frame as unknown as Frame<'MSG'>
    const { to, msg_id: id = message } = frameOf(0)
    if (to.startsWith('#')) await client.join(to as ChannelName, { limit: 0 })
    const { fieldsOfFrame } = await import('../vocabulary.ts')
    const { content: replaced, files = [] } = frameOf(-1)
    const stored = await talk.edit({ id, content: replaced }, content, { files: remaining(files, options) })
    out.done(stored.frame, ({ to, seq }) => `Stored in ${to} as ${seq}`, { fields: fieldsOfFrame('ACK') })
  },
})

export const retract = command({
  name: 'retract',
  summary: 'Take a message back: what it said is gone from the relay, its place stays',
  relay: true,
  arguments: { message },
  options: adminKeyOption,
  examples: [{ command: 'agentchat retract 1-16-5b1f0c', doc: 'One of your own; the owner of a channel, any of it' }],
  async run(call) {
    const { args: { message }, out } = call
    const client = await connectAdmin(call)
    const talk = await talkOf(call, client)
    const { fieldsOfFrame } = await import('../vocabulary.ts')
    const stored = await askWithKey('RETRACT', call,
      async ({ admin_key }) =>
        admin_key === undefined ? (await talk.retract(message)).frame : client.request('RETRACT', { msg_id: message, admin_key }))
    out.done(stored, ({ to }) => `${message} is gone from ${to}`, { fields: fieldsOfFrame('ACK') })
  },
})
