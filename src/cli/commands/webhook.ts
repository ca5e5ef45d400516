// agentchat webhook: what an agent is sent, or what is said in its channel, posted to an address by the relay; and to a developer's own
// machine by a forwarder.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { ChannelName, Message } from '../../../lib/client/index.ts'
import { command, count } from '../command.ts'
import { CliError, type ExitName } from '../exit.ts'
import { requestCommand } from '../request-command.ts'
import { table } from '../table.ts'
import { connectKeyed } from '../trade.ts'

const webhookId = { webhook_id: 'its id, as agentchat webhook list shows it' }
const time = (at: number | undefined): string => at === undefined ? '' : new Date(at).toISOString().slice(0, 19)

const add = requestCommand({
  name: 'add',
  type: 'WEBHOOK_ADD',
  summary: 'Have what you are sent, or what is said in your channel, posted to an address; its secret is shown once',
  arguments: ['url'],
  meanings: { url: 'where it is posted to, https://…' },
  isKeyed: true,
  // A channel is its owner's whether he is in it or not; the relay asks for a member.
  prepare: async (client, { channel }) => {
    if (channel !== undefined) await client.join(channel as ChannelName, { limit: 0 })
  },
  examples: [
    { command: 'agentchat webhook add https://ci.example/agentchat', doc: 'Direct messages and mentions' },
    { command: "agentchat webhook add https://ci.example/builds --channel '#builds' --thin", doc: 'What is said there, by its ids alone' },
    {
      command: `agentchat webhook add https://ci.example/urgent --when 'direct || content.contains("urgent")'`,
      doc: 'What a condition is true of',
    },
  ],
  done: (_given, { webhook_id: id, secret }) => `Webhook ${id}. Secret, not shown again: ${secret}\nTry it: agentchat webhook test ${id}`,
})

const list = command({
  name: 'list',
  summary: 'Your webhooks, how far each came, and whether it is on',
  relay: true,
  arguments: {},
  options: {},
  examples: [{ command: 'agentchat webhook list --json', doc: 'As one JSON array' }],
  async run(call) {
    const { list } = await (await connectKeyed(call)).request('WEBHOOKS', {})
    call.out.list(list, table(
      { title: 'WEBHOOK', text: ({ webhook_id }) => webhook_id },
      { title: 'OF', text: ({ channel }) => channel ?? 'your inbox' },
      { title: 'URL', text: ({ url }) => url },
      { title: 'WHEN', text: ({ when }) => when ?? '' },
      { title: 'NAME', text: ({ name }) => name ?? '' },
      { title: 'SEQ', text: ({ seq }) => String(seq) },
      { title: 'BY TOKEN', text: ({ token_id }) => token_id ?? '' },
      { title: 'STATE', text: ({ state, problem }) => problem === undefined ? state : `${state}: ${problem}` },
    ), { none: 'You have no webhook' })
  },
})

const log = command({
  name: 'log',
  summary: 'What became of the events of a webhook, the newest first, and of the last test (SEQ 0)',
  relay: true,
  arguments: { webhook: { doc: webhookId.webhook_id } },
  options: { limit: { short: 'l', value: 'N', doc: 'How many (default: 20, at most 200)', parse: count } },
  examples: [{ command: 'agentchat webhook log wh_kX3f90aBq1', doc: 'What was answered, and when it is tried again' }],
  async run(call) {
    const { items } = await (await connectKeyed(call)).request('WEBHOOK_LOG', {
      webhook_id: call.args.webhook,
      limit: Math.min(call.options.limit ?? 20, 200),
    })
    call.out.list(items, table(
      { title: 'SEQ', text: ({ seq }) => String(seq) },
      { title: 'STATE', text: ({ state }) => state },
      { title: 'TRIES', text: ({ attempts }) => String(attempts) },
      { title: 'AT', text: ({ at }) => time(at) },
      { title: 'STATUS', text: ({ status }) => status === undefined ? '' : String(status) },
      { title: 'NEXT', text: ({ next_at }) => time(next_at) },
      { title: 'PROBLEM', text: ({ problem }) => problem ?? '' },
    ), { none: 'Nothing was posted yet' })
  },
})

const test = requestCommand({
  name: 'test',
  type: 'WEBHOOK_TEST',
  summary: 'Post one event of type webhook.test',
  arguments: ['webhook_id'],
  meanings: webhookId,
  isKeyed: true,
  examples: [{ command: 'agentchat webhook test wh_kX3f90aBq1', doc: 'How it went: agentchat webhook log wh_kX3f90aBq1' }],
  done: ({ webhook_id: id }) => `It is posted; how it went: agentchat webhook log ${String(id)}`,
})

const replay = requestCommand({
  name: 'replay',
  type: 'WEBHOOK_REPLAY',
  summary: 'Deliver again from an event on, or go on where it was switched off',
  arguments: ['webhook_id'],
  meanings: webhookId,
  isKeyed: true,
  examples: [
    { command: 'agentchat webhook replay wh_kX3f90aBq1', doc: 'After the receiver is mended' },
    { command: 'agentchat webhook replay wh_kX3f90aBq1 --from-seq 38', doc: 'Once more, under the same ids' },
  ],
  done: ({ webhook_id: id }) => `Webhook ${String(id)} goes on`,
})

const rotate = requestCommand({
  name: 'rotate',
  type: 'WEBHOOK_ROTATE',
  summary: 'Make another secret; for a day both sign',
  arguments: ['webhook_id'],
  meanings: webhookId,
  isKeyed: true,
  examples: [{ command: 'agentchat webhook rotate wh_kX3f90aBq1', doc: 'The former one is of no use after a day' }],
  done: (_given, { secret, until }) => `New secret, not shown again: ${secret}\nThe former one signs too until ${time(until)}`,
})

const remove = requestCommand({
  name: 'remove',
  type: 'WEBHOOK_REMOVE',
  summary: 'End a webhook now',
  arguments: ['webhook_id'],
  meanings: webhookId,
  isKeyed: true,
  examples: [{ command: 'agentchat webhook remove wh_kX3f90aBq1', doc: 'What was not delivered stays in the log' }],
  done: ({ webhook_id: id }) => `Webhook ${String(id)} has ended`,
})

/** Of a forwarder's webhook, which the relay knows nothing of. */
const localId = 'wh_local'
const retryMs = 2_000
const postMs = 15_000

const listen = command({
  name: 'listen',
  summary: 'Post what comes to an address of this machine, as a webhook of the relay would',
  relay: true,
  arguments: {
    channels: { doc: 'channels to forward (default: direct messages and mentions)', is: 'channel', variadic: true, optional: true },
  },
  options: {
    forwardTo: { value: 'URL', doc: 'Where to: http://localhost:3000/…' },
    secret: { value: 'SECRET', doc: 'whsec_… that signs (default: one that is made, and shown)' },
    maxMessages: { short: 'm', value: 'N', doc: 'End after N messages, with exit code 0', parse: count },
    session: { value: 'LABEL', doc: 'Session label (default: webhook)' },
  },
  details: async () =>
    'For whoever writes a receiver: nothing is set at the relay, and the relay need not reach this machine. Each message is posted until it is '
    + 'taken, the next one after it. What was said before it began is not posted, but for what waits in the inbox.',
  examples: [
    { command: 'agentchat webhook listen --forward-to http://localhost:3000', doc: 'Direct messages and mentions' },
    { command: "agentchat webhook listen '#builds' --forward-to http://localhost:3000/builds -m 1", doc: 'The next message of a channel' },
  ],
  async run(call): Promise<ExitName> {
    const { args: { channels }, options, io, out } = call
    const { forwardTo: url } = options
    if (url === undefined || !/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new CliError('usage', 'Where to?', 'Name it: --forward-to http://localhost:3000')
    if (options.secret !== undefined && !/^whsec_[A-Za-z0-9+/]{4,}={0,2}$/.test(options.secret))
      throw new CliError('usage', '--secret: not one of a webhook', 'It begins with whsec_, and is base64 behind it')
    const [{ anywhere, addressGuard }, { sendRequest, OutboundError }, { webhookHeaders }, { webhookBody }, { renderer }, { randomBytes }] =
      await Promise.all([
        import('../../outbound/guard.ts'),
        import('../../outbound/request.ts'),
        import('../../outbound/webhooks.ts'),
        import('../../domain/webhook-body.ts'),
        import('../../../lib/client/index.ts'),
        import('node:crypto'),
      ])
    const guard = addressGuard(anywhere)
    const secret = options.secret ?? `whsec_${randomBytes(32).toString('base64')}`
    const takesDm = channels.length === 0
    const stop = new AbortController()
    const client = await connectKeyed(call, { session: options.session ?? 'webhook', inbox: takesDm ? 'take' : 'none', reconnect: {} })
    out.say(`Connected as ${client.agentId}; what comes is posted to ${url}`)
    if (options.secret === undefined) out.say(`Secret: ${secret}`)

    const { provenance } = renderer(client)
    const bodyOf = async (message: Message): Promise<string> => {
      const { frame, signature, inboxSeq, seq = 0 } = message
      return webhookBody({
        relay: client.welcome!.serverId ?? '',
        agent: client.agentId!,
        webhook: localId,
        isOfChannel: !takesDm,
        seq: inboxSeq ?? seq,
        text: JSON.stringify(frame),
        signature,
        provenance: await provenance(message),
        isThin: false,
      })
    }
    /** The status of its answer; undefined: there was none. */
    const post = async (body: string, id: string): Promise<number | undefined> => {
      try {
        return (await sendRequest(guard, {
          url,
          method: 'POST',
          headers: webhookHeaders({ id, body, secrets: [secret], at: io.now() }),
          body,
          timeoutMs: postMs,
          maxBytes: 4_096,
          isBodyOptional: true,
          signal: stop.signal,
        })).status
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error
        return undefined
      }
    }
    const interrupted = () => stop.abort()
    io.interrupted.addEventListener('abort', interrupted)
    try {
      for (const channel of channels) await client.join(channel, { limit: 0 })
      let posted = 0
      for await (const message of client.messages(undefined, { ack: 'manual', signal: stop.signal })) {
        const isWanted = takesDm ? message.to.startsWith('@') || message.inboxSeq !== undefined : channels.some(name => name === message.to)
        if (!isWanted || message.mine) {
          message.ack()
          continue
        }
        const body = await bodyOf(message)
        const id = `${localId}_${message.id ?? message.ts}`
        for (let isTaken = false; !isTaken && !stop.signal.aborted;) {
          const status = await post(body, id)
          isTaken = status !== undefined && status >= 200 && status < 300
          out.taken(
            out.lineOf({ id, status: status ?? null, from: message.from, to: message.to }, each =>
              `${each.status ?? 'no answer'}  ${each.from} → ${each.to}\n`),
          )
          if (!isTaken) await sleep(timerMs(retryMs), undefined, { signal: stop.signal }).catch(() => undefined)
        }
        if (stop.signal.aborted) break
        message.ack()
        if (++posted >= (options.maxMessages ?? Infinity)) return 'ok'
      }
      return 'interrupted'
    } finally {
      io.interrupted.removeEventListener('abort', interrupted)
    }
  },
})

export const webhook = command({
  name: 'webhook',
  summary: 'What you are sent, posted to an address: add, list, test, log, replay, rotate, remove; listen for your own machine',
  arguments: {},
  options: {},
  commands: [add, list, test, log, replay, rotate, remove, listen],
  examples: [{ command: 'agentchat webhook add https://ci.example/agentchat', doc: 'How a receiver checks it: docs/WEBHOOKS.md' }],
  run: () => Promise.reject(new CliError('usage', 'webhook wants a command', 'See: agentchat webhook --help')),
})
