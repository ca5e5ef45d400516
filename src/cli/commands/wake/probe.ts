// agentchat wake test: a probe to an agent, and how far it comes: rung by rung, each with its time.
import { command, seconds } from '../../command.ts'
import { CliError, type ExitName } from '../../exit.ts'

const defaultTimeoutS = 30
/** What a worker takes is told to nobody: it is asked for so often. */
const askMs = 250
const probe = 'This is a probe of agentchat wake test: nothing is to be done. Answer with one word, if you answer.'

export const probeCommand = command({
  name: 'test',
  summary: 'Send an agent a probe, and print how far it comes and when',
  relay: true,
  arguments: { agent: { doc: 'an @agent id', is: 'agent' } },
  options: {
    reply: { doc: 'An answer belongs to it: without one the probe has failed' },
    timeout: { value: 'SECONDS', doc: `How long it may take in all (default: ${defaultTimeoutS}); then exit code 7`, parse: seconds },
  },
  details: async () =>
    'The rungs: `relay`, it was reached and let you in; `inbox`, the probe waits for the agent; `taken`, a worker holds it, or a program received '
    + 'it; `done`, it was dealt with; `reply`, an answer came. Each is a line: its name and the milliseconds since the beginning. '
    + 'The probe is a message like others: what the agent wakes is woken, and pays for it. It expires with the time.\n'
    + 'Exit code 0: done (with --reply: and answered). 1: its worker says that it failed. 4: no such agent, or '
    + 'one without a key, for which nothing waits. 7: not in time; the last line says how far it came.',
  examples: [
    { command: 'agentchat wake test @8addfe276526c9f6', doc: 'Does anybody work there?' },
    { command: 'agentchat wake test @8addfe276526c9f6 --reply --timeout 120 --json', doc: 'With an answer, for a program' },
  ],
  async run({ args: { agent }, options, io, out, connect }): Promise<ExitName> {
    const [{ setTimeout: sleep }, { timerMs }, { visible }] = await Promise.all([
      import('node:timers/promises'),
      import('../../../../lib/protocol/timer.ts'),
      import('../../terminal.ts'),
    ])
    const timeoutMs = (options.timeout ?? defaultTimeoutS) * 1_000
    const beginMs = io.now()
    const reached = new Set<string>()
    const rung = (name: string, more: Readonly<Record<string, unknown>> = {}): void => {
      if (reached.has(name)) return
      reached.add(name)
      out.one({ rung: name, ms: io.now() - beginMs, ...more }, ({ rung, ms }) => `${rung.padEnd(6)} ${ms} ms`)
    }
    const client = await connect({
      session: `probe-${Math.floor(io.random() * 2 ** 32).toString(36)}`,
      inbox: 'peek',
      reconnect: {},
      timeoutMs: Math.min(timeoutMs, 15_000),
    })
    rung('relay')
    let answered = () => {}
    const answer = new Promise<void>(resolve => {
      answered = resolve
    })
    /** Whoever works fast answers before the acknowledgement is here. */
    const answers = new Set<string>()
    let msgId: string | undefined
    client.on('message', ({ from, mine, inReplyTo }) => {
      if (mine || from !== agent || inReplyTo === undefined) return
      if (answers.size < 100) answers.add(inReplyTo)
      if (inReplyTo === msgId) answered()
    }, { ack: 'manual' })
    ;({ msgId } = await client.dm(agent, probe, { ttlMs: Math.ceil(timeoutMs), receipts: true }))
    if (answers.has(msgId)) answered()
    void answer.then(() => rung('reply'))

    const isOver = () => io.interrupted.aborted || io.now() - beginMs >= timeoutMs
    const late = () =>
      new CliError('timeout', `${agent} did not come further within ${timeoutMs / 1_000} s than: ${[...reached].at(-1)!}`,
        reached.has('done')
          ? 'It was dealt with, and not answered: agentchat wake answers with --reply.'
          : reached.has('taken')
          ? 'Somebody has it, and is not done yet.'
          : 'Nobody takes what waits there: agentchat wake or agentchat listen has to run for the agent.')
    for (;;) {
      const { recipients: [fate] } = await client.status(msgId)
      if (fate === undefined)
        throw new CliError('notFound', `${agent} has no key: nothing waits for it`, 'Wake agents that log in with -i.')
      rung('inbox')
      const { state, attempts = 0, failedAt, failedReason } = fate
      if (attempts > 0 || state === 'received' || state === 'read') rung('taken', { attempt: attempts })
      if (failedAt !== undefined)
        throw new CliError('error', `The worker says that it failed: ${visible(failedReason ?? 'it does not say why')}`)
      if (state === 'read') {
        rung('done')
        break
      }
      if (io.interrupted.aborted) return 'interrupted'
      if (isOver()) throw late()
      await sleep(timerMs(askMs), undefined, { signal: io.interrupted }).catch(() => undefined)
    }
    if (options.reply !== true || reached.has('reply')) return 'ok'
    const leftMs = Math.max(0, timeoutMs - (io.now() - beginMs))
    await Promise.race([answer, sleep(timerMs(leftMs), undefined, { signal: io.interrupted }).catch(() => undefined)])
    if (reached.has('reply')) return 'ok'
    if (io.interrupted.aborted) return 'interrupted'
    throw late()
  },
})
