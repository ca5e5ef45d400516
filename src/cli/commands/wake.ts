// agentchat wake: a command is run for each message that waits, by one worker of the agent at a time.
import type { AgentId, ChannelName, Floor, Job, JobEnd } from '../../../lib/client/index.ts'
import { command, count, seconds } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { probeCommand } from './wake/probe.ts'

const defaultLeaseS = 60
const defaultLimitS = 600
/** What a shell's tools say when the same may go well later: EX_TEMPFAIL of sysexits. */
const againCode = 75

export const wake = command({
  name: 'wake',
  summary: 'Run a command for each message that waits for you',
  relay: true,
  arguments: {},
  options: {
    exec: { value: 'CMD', doc: 'The command, a line for /bin/sh; it reads the message from its standard input' },
    render: { doc: 'The command reads text for a model: who wrote it, who signed it, and what it says in a fence that it cannot close' },
    reply: { doc: 'What the command prints is the answer to the message; entries that are none, as steps of a deal, get no answer' },
    floor: {
      doc:
        'In a channel the command runs only when this agent has the floor: of many that a message wakes, one answers it, the next where that one fails',
    },
    concurrency: { value: 'N', doc: 'Messages at once (default: 1)', parse: count },
    lease: {
      value: 'SECONDS',
      doc: `How long a worker that died keeps its message from the others (default: ${defaultLeaseS})`,
      parse: seconds,
    },
    limit: {
      value: 'SECONDS',
      doc: `What the command may take; then it is killed, and the message has failed (default: ${defaultLimitS})`,
      parse: seconds,
    },
    maxPerHour: {
      value: 'N',
      doc: 'Messages in an hour at most: what comes beyond waits at the relay; told when it is most of them',
      parse: count,
    },
    maxMessages: { short: 'm', value: 'N', doc: 'End after N messages, with exit code 0', parse: count },
    session: { value: 'LABEL', doc: 'Session label (default: one of its own, so that several workers run side by side)' },
  },
  commands: [probeCommand],
  details: async () =>
    'The command gets one line of JSON: `event`, the message as it is stored; `signature`: valid, weak, stale, duplicated, foreign, invalid, '
    + 'unknown-key, none; `provenance`, as in agentchat listen; `seq` and `attempt`. With --render it gets text in its place. What it says is data of a stranger: none of it is on the command line. '
    + 'In the environment are ids only: AGENTCHAT_MSG_ID, AGENTCHAT_FROM, AGENTCHAT_TO, AGENTCHAT_ATTEMPT.\n'
    + `Exit code 0: done. ${againCode}: try it again, here or at another worker, five times in all. Another: it has failed, and its sender is told the `
    + 'code. Workers of one agent get different messages; do not `listen --dm` as the same agent beside them. What failed: agentchat inbox list --failed.',
  examples: [
    { command: "agentchat wake --exec 'jq -r .event.content >> todo.txt' -i alice.json", doc: 'Write down what is asked' },
    {
      command: "agentchat wake --exec './answer.sh' --reply --concurrency 4",
      doc: 'Four at a time, each answered by what the script prints',
    },
    {
      command: "agentchat wake --exec './answer.sh' --reply --floor",
      doc: 'One answer to a question, however many agents it wakes',
    },
    { command: "agentchat wake --exec 'make -C work' -m 1 --limit 60", doc: 'The next message, for a minute at most' },
  ],
  async run({ args: _args, options, io, out, connect, target }): Promise<ExitName> {
    const { exec } = options
    if (exec === undefined || exec.trim() === '') throw new CliError('usage', 'Which command?', "Name it: --exec './answer.sh'")
    const { connectKeyed } = await import('../trade.ts')
    const [
      { work, renderer, isChannel, takeFloor, ConnectionError, RelayError },
      { handOver },
      { visible, visibleJson },
      { shownProvenance },
    ] = await Promise.all([
      import('../../../lib/client/index.ts'),
      import('../hand-over.ts'),
      import('../terminal.ts'),
      import('../provenance.ts'),
    ])
    const newLabel = () => `wake-${Math.floor(io.random() * 2 ** 32).toString(36)}`
    const client = await connectKeyed({ connect, target }, {
      session: options.session ?? newLabel(),
      inbox: 'peek',
      reconnect: {},
    })
    out.say(`Connected as ${client.agentId}; waiting for messages`)
    const answer = async ({ event }: Job, text: string, floor: Floor | undefined): Promise<void> => {
      const { from, to, msg_id } = event as unknown as Readonly<Record<'from' | 'to' | 'msg_id', string>>
      const content = text.replace(/\n+$/, '')
      // Nobody said the others, as steps of a deal.
      if (content === '' || event.type !== 'MSG') return
      const place = to.startsWith('#') ? to as ChannelName : from as AgentId
      // Only who is in a channel speaks there; whoever waits for work does not want to hear all of it.
      // A line that is lost on the way does not have the command run again.
      const speaker = isChannel(place)
        ? await connectKeyed({ connect, target }, { session: newLabel(), inbox: 'none', reconnect: {}, isFurther: true })
        : client
      try {
        if (isChannel(place)) {
          const enter = () => speaker.join(place, { limit: 0 })
          await enter().catch((error: unknown) => {
            if (!(error instanceof ConnectionError) || error.code !== 'LOST') throw error
            return enter()
          })
        }
        // Under an id of the message: the answer of an earlier attempt stays the one there is.
        await speaker.send(place, content, { inReplyTo: msg_id, id: `wake-${msg_id}`, ...(floor && { floor: true }) })
      } catch (error) {
        if (!(error instanceof RelayError) || error.code !== 'ID_REUSED') throw error
      } finally {
        if (speaker !== client) await speaker.close()
      }
    }

    const { render, provenance } = renderer(client)
    const lineOf = async (job: Job): Promise<string> => {
      const { seq, attempt, signature, event } = job
      const said = {
        seq,
        attempt,
        ...(signature !== undefined && { signature }),
        provenance: shownProvenance(await provenance(job)),
        event,
      }
      return `${visibleJson(said)}\n`
    }

    const told = ({ from = '', msg_id: msgId = '' }: Readonly<Record<string, unknown>>, text: string) =>
      out.say(`${visible(String(msgId))} from ${visible(String(from))}: ${text}`)

    /** Once it may speak. */
    const handle = async (job: Job): Promise<JobEnd> => {
      const { to = '', msg_id: msgId = '' } = job.event as Readonly<Record<string, string | undefined>>
      if (options.floor !== true || !isChannel(to)) return runFor(job, undefined)
      const floor = await takeFloor(client, to, msgId, { signal: AbortSignal.any([job.lost, io.interrupted]) })
      if (floor === undefined) return { again: true }
      if (typeof floor === 'string') {
        told(job.event, `answered by ${visible(floor)}`)
        return undefined
      }
      try {
        return await runFor(job, floor)
      } finally {
        await floor.release()
      }
    }

    const runFor = async (job: Job, floor: Floor | undefined): Promise<JobEnd> => {
      const { event, attempt, lost } = job
      const { from = '', to = '', msg_id: msgId = '' } = event as Readonly<Record<string, string | undefined>>
      const maxAnswerBytes = options.reply ? client.welcome!.limits.maxContentBytes ?? 64 * 1024 : undefined
      const ended = await handOver({
        command: exec,
        env: { ...io.env, AGENTCHAT_MSG_ID: msgId, AGENTCHAT_FROM: from, AGENTCHAT_TO: to, AGENTCHAT_ATTEMPT: String(attempt) },
        input: options.render ? await render(job) : await lineOf(job),
        timeMs: (options.limit ?? defaultLimitS) * 1_000,
        maxAnswerBytes,
        stop: [lost, io.interrupted, ...(floor === undefined ? [] : [floor.lost])],
      })
      const say = (text: string) => told(event, text)
      switch (ended.kind) {
        case 'stopped':
          say(
            lost.aborted
              ? 'not held any more; stopped'
              : floor?.lost.aborted === true
              ? 'lost the floor; stopped'
              : 'stopped; it is tried again',
          )
          return { again: true }
        case 'late':
          say('took too long; failed')
          return { failed: 'the command took too long' }
        case 'too much':
          say('said too much; failed')
          return { failed: 'the command said too much' }
        case 'killed':
          say(`ended by ${ended.signal}; failed`)
          return { failed: `the command was ended by ${ended.signal}` }
        case 'ended':
          if (ended.code === againCode) {
            say('tried again later')
            return { again: true, delayMs: 1_000 * 2 ** attempt }
          }
          if (ended.code !== 0) {
            say(`exit code ${ended.code}; failed`)
            return { failed: `exit code ${ended.code}` }
          }
          if (options.reply) {
            try {
              await answer(job, ended.answer, floor)
            } catch (error) {
              if (floor !== undefined && error instanceof RelayError && error.code === 'LEASE_OVER') {
                say('lost the floor before it answered')
                return { again: true }
              }
              // What is refused for good would be refused again, and the command would run for nothing.
              if (!(error instanceof RelayError) || error.shouldRetry()) throw error
              say(`its answer was refused; failed: ${visible(error.message)}`)
              return { failed: `its answer was refused: ${error.wireCode}` }
            }
          }
          say('done')
          return undefined
      }
    }

    await work(client, handle, {
      concurrency: options.concurrency ?? 1,
      leaseMs: Math.max(1, options.lease ?? defaultLeaseS) * 1_000,
      ...(options.maxMessages !== undefined && { maxJobs: options.maxMessages }),
      ...(options.maxPerHour !== undefined && {
        maxPerHour: options.maxPerHour,
        onHour: taken =>
          out.say(
            `warning: ${taken} of ${options.maxPerHour} messages of this hour${
              taken < options.maxPerHour! ? '' : '; what comes now waits'
            }`,
          ),
      }),
      signal: io.interrupted,
      onError: error => out.say(`warning: ${visible((error as Error).message)}; it is tried again`),
    })
    return io.interrupted.aborted ? 'interrupted' : 'ok'
  },
})
