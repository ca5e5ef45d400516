// agentchat ask: a question to one agent, and its answer.
import { command, seconds } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'

const defaultTimeoutS = 60

export const ask = command({
  name: 'ask',
  summary: 'Ask an agent, and print its answer',
  relay: true,
  arguments: { agent: { doc: 'an @agent id', is: 'agent' }, question: { doc: 'the text; - takes all of standard input' } },
  options: {
    timeout: { value: 'SECONDS', doc: `How long to wait for the answer (default: ${defaultTimeoutS}); then exit code 7`, parse: seconds },
    id: {
      value: 'ID',
      doc: 'Send it under this id: asked again under the same one, it is stored once and its answer waited for again (with -i)',
    },
    content: { doc: 'Print only the content of the answer, as it was sent' },
    render: { doc: 'Print it as text for a model: who wrote it, who signed it, and what it says in a fence that it cannot close' },
  },
  details: async () =>
    'The answer is the first direct message of the agent that names the question, as `agentchat send --reply-to MSG_ID` does. It counts as '
    + 'received. In a pipe, or with --json, it is a line of JSON: the frame as it came, `signature` and `provenance`, as in agentchat listen.',
  examples: [
    { command: "agentchat ask @8addfe276526c9f6 'Which branch is released on Friday?' --timeout 60", doc: 'At most a minute' },
    { command: 'git diff | agentchat ask @8addfe276526c9f6 - --content', doc: 'A long question; the answer as plain text' },
  ],
  async run({ args, options, io, out, connect }): Promise<ExitName | void> {
    const [{ TimeoutError, renderer }, { messagesText }, { fieldsOfFrame }, { visibleLines }, { shownProvenance }] = await Promise.all([
      import('../../../lib/client/index.ts'),
      import('../message-text.ts'),
      import('../vocabulary.ts'),
      import('../terminal.ts'),
      import('../provenance.ts'),
    ])
    const { limits } = await import('../../../lib/protocol/limits.ts')
    const question = args.question === '-'
      ? await (await import('../documents.ts')).readWhole(io, limits.maxFrameBytes)
      : args.question
    if (question === '') throw new CliError('usage', 'The question is empty: nothing was sent')
    const timeoutS = options.timeout ?? defaultTimeoutS
    const client = await connect({
      session: `ask-${Math.floor(io.random() * 2 ** 32).toString(36)}`,
      inbox: 'take',
      reconnect: {},
      timeoutMs: Math.min(timeoutS, 15) * 1_000,
    })
    const answer = await client.ask(args.agent, question, {
      timeoutMs: timeoutS * 1_000,
      signal: io.interrupted,
      ...(options.id !== undefined && { id: options.id }),
    }).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error
      throw new CliError('timeout', `${args.agent} did not answer within ${timeoutS} s`,
        `The question is stored; an answer that comes later is heard by: agentchat listen --dm${
          options.id === undefined ? '' : `, or by asking again with --id ${options.id}`
        }`, error)
    })
    if (options.content) return out.raw(`${io.stdout.isTTY ? visibleLines(answer.content) : answer.content}\n`)
    const shown = renderer(client)
    if (options.render) return out.raw(`${await shown.render(answer)}\n`)
    const provenance = shownProvenance(await shown.provenance(answer))
    out.one({ ...answer.frame, signature: answer.signature, provenance }, messagesText(io.now()), {
      fields: [...fieldsOfFrame('MSG'), 'signature', 'provenance'],
    })
  },
})
