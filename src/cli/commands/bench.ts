// agentchat bench: how fast a relay answers and delivers, measured by agents of its own in a channel of their own.
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { AgentChatClient, ChannelName, RelayError } from '../../../lib/client/index.ts'
import { command, count, seconds } from '../command.ts'
import { CliError } from '../exit.ts'
import type { Latency, LoadResult } from '../load.ts'

/** What anybody's relay bears; more is for one's own. */
const polite = { agents: 20, messagesPerSecond: 50, seconds: 60 }
const most = { agents: 1_000, messagesPerSecond: 100_000, seconds: 3_600 }
const connectedAtOnce = 10

const options = {
  agents: { short: 'a', value: 'N', doc: 'Agents in the channel; all of them talk and hear (default: 5)', parse: count },
  rate: {
    short: 'r',
    value: 'N',
    doc: 'Messages per second, of all agents together (default: one per agent, or a little less than the relay allows)',
    parse: count,
  },
  seconds: { short: 's', value: 'SECONDS', doc: 'How long (default: 10)', parse: seconds },
  size: { value: 'CHARS', doc: 'Length of a message (default: 200)', parse: count },
  outstanding: { short: 'w', value: 'N', doc: 'Messages of one agent that may wait for their acknowledgement (default: 10)', parse: count },
  force: {
    doc:
      `More than ${polite.agents} agents, ${polite.messagesPerSecond} messages/s or ${polite.seconds} seconds against a relay that is not on this machine`,
  },
} as const

export const bench = command({
  name: 'bench',
  summary: 'Measure how fast a relay acknowledges and delivers',
  relay: true,
  arguments: {},
  options,
  details: async () =>
    [
      'Agents that nobody else knows meet in a private channel that nobody else hears, each on a connection of its own, and talk at a steady '
      + 'rate for a short time.',
      "The relay's rate limits are kept. The channel is deleted at the end, with what was said in it. Latencies are seen "
      + 'from here: network and this process are in them.',
      'Exit code 1: messages were refused, or did not arrive.',
    ].join('\n'),
  examples: [
    { command: 'agentchat bench', doc: 'Five agents, one message a second each, ten seconds' },
    { command: 'agentchat bench ws://localhost:6667 -a 50 -r 2000 -s 30', doc: 'Press a relay on this machine' },
    { command: 'agentchat bench --json | jq .delivery_ms.p99', doc: 'One figure, for a monitor' },
  ],
  async run(call) {
    const { options, io, out } = call
    const plan = {
      agents: options.agents ?? 5,
      seconds: options.seconds ?? 10,
      size: options.size ?? 200,
      outstanding: options.outstanding ?? 10,
    }
    const { url } = await call.target()
    const { hostname } = new URL(url)
    const allowed = ['localhost', '[::1]'].includes(hostname) || /^127\./.test(hostname) || options.force ? most : polite
    for (const [what, value] of [['agents', plan.agents], ['seconds', plan.seconds], ['messagesPerSecond', options.rate ?? 0]] as const) {
      if (value <= allowed[what]) continue
      const hint = allowed === most ? undefined : 'If the relay is yours, and its people know: --force.'
      throw new CliError('usage',
        `${value} ${what === 'messagesPerSecond' ? 'messages per second' : what} are more than the ${allowed[what]} that are allowed here`,
        hint)
    }
    if (plan.agents < 2) throw new CliError('usage', 'One agent alone has nobody to hear it', 'At least --agents 2.')

    // The first one owns the channel; the others come in small groups, as a relay lets them.
    const first = await call.connect({ anonymous: 'keyed' })
    const { msgRate: allowedRate } = first.welcome!.limits
    const each = options.rate === undefined ? Math.min(1, allowedRate === 0 ? 1 : allowedRate * 0.8) : options.rate / plan.agents
    if (allowedRate > 0 && each > allowedRate)
      throw new CliError('usage', `The relay allows each agent ${allowedRate} messages per second`,
        `At most --rate ${Math.floor(allowedRate * plan.agents)} with ${plan.agents} agents.`)
    const channel: ChannelName = `#bench-${Math.floor(io.random() * 36 ** 6).toString(36).padStart(6, '0')}`
    await first.createChannel(channel, { inviteOnly: true })
    const clients: AgentChatClient[] = [first]
    while (clients.length < plan.agents && !io.interrupted.aborted) {
      out.progress(`Connecting: ${clients.length} of ${plan.agents} agents`)
      const group = Math.min(connectedAtOnce, plan.agents - clients.length)
      clients.push(...await Promise.all(Array.from({ length: group }, async () => {
        const client = await call.connect({ anonymous: true, isFurther: true })
        await patiently(() => first.invite(channel, client.agentId!))
        await client.join(channel)
        return client
      })))
    }

    // The one who invited has its allowance back.
    if (allowedRate > 0) await new Promise(resolve => setTimeout(resolve, timerMs(2_000 / allowedRate)))

    const { runLoad } = await import('../load.ts')
    const result = await runLoad({
      clients,
      channel,
      messagesPerSecond: each,
      outstanding: plan.outstanding,
      size: plan.size,
      durationMs: plan.seconds * 1_000,
      signal: io.interrupted,
      onProgress: ({ elapsedMs, sent, received }) =>
        out.progress(`${bar(elapsedMs / plan.seconds / 1_000)} ${sent} sent, ${received} received`),
    })
    out.progress('')
    await first.channels.delete(channel).catch(() => undefined)
    const { ackMs, deliveryMs, seconds: took, ...counts } = result
    const document = {
      server: url,
      ...plan,
      seconds: Math.round(took * 100) / 100,
      messages_per_second: Math.round(result.sent / took * 10) / 10,
      ...counts,
      ack_ms: ackMs ?? null,
      delivery_ms: deliveryMs ?? null,
    }
    out.one(document, () => text(result))
    if (io.interrupted.aborted) return 'interrupted'
    return result.acknowledged === result.sent && result.received === result.expected ? 'ok' : 'error'
  },
})

/** Invitations count as messages: past the relay's limit they come when it says. */
const patiently = async (ask: () => Promise<void>): Promise<void> => {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const { retryAfterMs } = error as Partial<RelayError>
      if (retryAfterMs === undefined) throw error
      await new Promise(resolve => setTimeout(resolve, timerMs(retryAfterMs)))
    }
  }
}

const bar = (share: number): string => {
  const done = Math.min(20, Math.floor(share * 20))
  return `[${'#'.repeat(done)}${'.'.repeat(20 - done)}]`
}

const text = ({ seconds, sent, acknowledged, failed, skipped, expected, received, ackMs, deliveryMs }: LoadResult): string => {
  const row = (name: string, latency: Latency | undefined) =>
    latency === undefined
      ? []
      : [`${name.padEnd(14)}${[latency.p50, latency.p90, latency.p99, latency.max].map(ms => ms.toFixed(1).padStart(9)).join('')}`]
  return [
    `${sent} messages in ${seconds.toFixed(1)} s: ${acknowledged} acknowledged, ${received} of ${expected} deliveries`,
    ...Object.entries(failed).map(([code, count]) => `${count} failed: ${code}`),
    ...(skipped > 0 ? [`${skipped} not sent in time: too many were outstanding`] : []),
    `${'ms'.padEnd(14)}${['p50', 'p90', 'p99', 'max'].map(name => name.padStart(9)).join('')}`,
    ...row('until ACK', ackMs),
    ...row('until delivery', deliveryMs),
  ].join('\n')
}
