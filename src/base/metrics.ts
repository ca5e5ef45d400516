// Every metric of the relay, declared once. Hot paths add to plain numbers; Prometheus reads them when it asks.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

export type { Histogram } from 'prom-client'
export type LabelledCounter = Counter<'code'>

const counters = {
  framesReceived: ['agentchat_frames_received_total', 'Frames that clients sent'],
  framesInvalid: ['agentchat_frames_invalid_total', 'Frames that could not be read'],
  messagesStored: ['agentchat_messages_stored_total', 'Messages committed to the log'],
  deliveries: ['agentchat_deliveries_total', 'Live messages handed to connections'],
  replayedEvents: ['agentchat_replayed_events_total', 'Stored messages sent again to clients that caught up'],
  repairedEvents: ['agentchat_repaired_events_total', 'Stored messages read from the log because they did not come by themselves'],
  bytesSent: ['agentchat_sent_bytes_total', 'Bytes handed to sockets'],
  commits: ['agentchat_commits_total', 'Batches committed'],
  wrongAdminKeys: ['agentchat_wrong_admin_keys_total', 'Requests with a wrong admin key'],
  rateLimited: ['agentchat_rate_limited_total', 'Requests refused for their rate'],
  httpRequests: ['agentchat_http_requests_total', 'Requests read over plain HTTP'],
  socketsRefused: ['agentchat_sockets_refused_total', 'Sockets turned away unheard: too many of their address, or in all'],
  socketsEvicted: ['agentchat_sockets_evicted_total', 'Waiting sockets closed to make room for others'],
  messagesTrimmed: ['agentchat_messages_trimmed_total', 'Messages deleted to stay within the quota of the data'],
  busTold: ['agentchat_bus_told_total', 'What this process told all the others'],
  busHeard: ['agentchat_bus_heard_total', 'What other processes told, events too'],
  busHeld: ['agentchat_bus_held_total', 'What came before what was told before it'],
  busGaps: ['agentchat_bus_gaps_total', 'What other processes told and did not come: it was asked for'],
  resyncs: [
    'agentchat_roster_resyncs_total',
    'Channels, members and bans read from their tables because something that was told was missed',
  ],
  unanswered: ['agentchat_bus_unanswered_total', 'Answers that waited in vain for another process to know what they say'],
  linkEvents: ['agentchat_link_events_total', 'Messages of other relays that were stored in mirrors'],
  linkRelayed: ['agentchat_link_relayed_total', 'Messages that linked relays handed on and that were taken here'],
  slowCloses: ['agentchat_slow_closes_total', 'Connections closed because they did not read'],
} as const

const gauges = {
  connections: ['agentchat_connections', 'Open connections'],
  sessions: ['agentchat_agents', 'Connected agents'],
  channels: ['agentchat_channels', 'Channels'],
  queueFrames: ['agentchat_queue_frames', 'Writes that wait for the committer'],
  queuedBytes: ['agentchat_queued_bytes', 'Bytes that wait for readers'],
  owedBytes: ['agentchat_owed_bytes', 'Bytes that wait in the relay, in and out'],
  partingBytes: ['agentchat_parting_bytes', 'Bytes that connections hold which were told to go for what they owed'],
  maxOwedBytes: ['agentchat_owed_limit_bytes', 'Bytes that may wait in all; over it those go that owe most'],
  dataBytes: ['agentchat_data_bytes', 'What the data directory holds, without pages that are free to be used again'],
  dataQuotaBytes: ['agentchat_data_quota_bytes', 'What it may hold; 0: there is no limit'],
  busUp: ['agentchat_bus_up', 'Whether other processes of the relay can be heard; 1 where there are none'],
  nodesLive: ['agentchat_nodes_live', 'Processes of the relay that are known to run, this one too'],
  busBehind: ['agentchat_bus_behind', 'What other processes told and is not known here yet'],
  pausedSockets: ['agentchat_paused_sockets', 'Connections not read because what they sent waits for its turn'],
} as const

const linkGauges = {
  up: ['agentchat_link_up', 'Whether a linked relay is connected'],
  behind: ['agentchat_link_behind_events', 'Messages of a linked relay that it is known to have and its mirrors here have not'],
  waiting: ['agentchat_link_waiting_messages', 'Messages that wait to be handed on to a linked relay'],
} as const

export type Counts = { -readonly [K in keyof typeof counters]: number }
export type Gauges = { readonly [K in keyof typeof gauges]: () => number }

export interface Metrics {
  readonly counts: Counts
  readonly errorsSent: LabelledCounter
  readonly closes: LabelledCounter
  /** Commits whose answer was lost, by what became of them. */
  readonly doubts: Counter<'outcome'>
  /** Posts of webhooks, by what became of them. */
  readonly webhookPosts: Counter<'outcome'>
  /** Errands, by their state. */
  readonly errands: Gauge<'state'>
  /** Links to other relays, each by its host; of whoever is first in the alphabet where there are too many. */
  readonly links: { readonly [K in keyof typeof linkGauges]: Gauge<'host'> }
  readonly linkMirrors: Gauge<'state'>
  /** Messages handed on to other relays, by what became of them. */
  readonly linkHanded: Counter<'outcome'>
  /** What links brought and was not taken, by the code of the refusal. */
  readonly linkRefusals: LabelledCounter
  readonly batchSize: Histogram
  /** Of each commit on a database server: how often its transaction waited for an answer. */
  readonly roundTrips: Histogram
  readonly commitSeconds: Histogram
  /** Where the gauges read from. */
  observe(gauges: Gauges): void
  render(): Promise<{ readonly contentType: string, readonly text: string }>
  close(): void
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const counts = Object.fromEntries(Object.keys(counters).map(key => [key, 0])) as Counts
  collectDefaultMetrics({ register: registry })
  for (const [key, [name, help]] of Object.entries(counters)) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(counts[key as keyof Counts])
      },
    })
  }
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  new Gauge({
    name: 'agentchat_event_loop_delay_p99_seconds',
    help: 'Event loop delay, 99th percentile since the last scrape',
    registers,
    collect() {
      this.set(delay.count === 0 ? 0 : delay.percentile(99) / 1e9)
      delay.reset()
    },
  })
  return {
    counts,
    errorsSent: new Counter({ name: 'agentchat_errors_sent_total', help: 'ERROR frames sent, by code', labelNames: ['code'], registers }),
    closes: new Counter({
      name: 'agentchat_closes_total',
      help: 'Connections ended, by WebSocket close code',
      labelNames: ['code'],
      registers,
    }),
    doubts: new Counter({
      name: 'agentchat_indoubt_total',
      help: 'Commits whose answer was lost on its way from the database server, by what became of them: committed, aborted, unknown',
      labelNames: ['outcome'],
      registers,
    }),
    webhookPosts: new Counter({
      name: 'agentchat_webhook_posts_total',
      help: 'Posts of webhooks: done; later, to be tried again; off, the last one of a webhook that was switched off',
      labelNames: ['outcome'],
      registers,
    }),
    errands: new Gauge({
      name: 'agentchat_errands',
      help: 'What is to be done outside the relay: waiting, leased to a worker, dead (given up)',
      labelNames: ['state'],
      registers,
    }),
    links: Object.fromEntries(Object.entries(linkGauges).map(([key, [name, help]]) => [
      key,
      new Gauge({ name, help, labelNames: ['host'], registers }),
    ])) as { readonly [K in keyof typeof linkGauges]: Gauge<'host'> },
    linkMirrors: new Gauge({
      name: 'agentchat_link_mirrors',
      help: 'Channels of other relays that are mirrored: waiting, following, stopped',
      labelNames: ['state'],
      registers,
    }),
    linkHanded: new Counter({
      name: 'agentchat_link_handed_total',
      help: 'Messages handed on to other relays: taken, refused there, or given_up',
      labelNames: ['outcome'],
      registers,
    }),
    linkRefusals: new Counter({
      name: 'agentchat_link_refusals_total',
      help: 'What links brought and was not taken, by the code of the refusal',
      labelNames: ['code'],
      registers,
    }),
    batchSize: new Histogram({
      name: 'agentchat_commit_batch_frames',
      help: 'Writes per commit',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
      registers,
    }),
    roundTrips: new Histogram({
      name: 'agentchat_log_commit_roundtrips',
      help: 'How often a transaction waited for the database server; messages alone: 3',
      buckets: [1, 2, 3, 4, 5, 8, 13, 21, 34],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'agentchat_commit_seconds',
      help: 'Time from the first decision of a batch to its commit',
      buckets: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1],
      registers,
    }),
    observe: sources => {
      for (const [key, [name, help]] of Object.entries(gauges)) {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(sources[key as keyof Gauges]())
          },
        })
      }
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close: () => {
      delay.disable()
      registry.clear()
    },
  }
}
