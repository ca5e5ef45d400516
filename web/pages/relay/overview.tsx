// How the relay does: what it says of itself, and the last half hour as small charts.
import { useEffect } from 'preact/hooks'
import { duration } from '../../kit/time.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { hasMetrics, health, lost, ratesOf, samples, watchMetrics, type Sample } from '../../state/metrics.ts'
import { language, t } from '../../text/index.ts'
import { Chart } from './chart.tsx'

type Unit = 'count' | 'rate' | 'bytes' | 'percent'

interface Plot {
  readonly id: 'agents' | 'connections' | 'messages' | 'deliveries' | 'refused' | 'queue' | 'memory' | 'cpu' | 'data'
  readonly metric: string
  readonly unit: Unit
  /** Whether it counts up for ever, so that its pace is what says something. */
  readonly isCounter?: boolean
  readonly times?: number
}

const plots: readonly Plot[] = [
  { id: 'agents', metric: 'agentchat_agents', unit: 'count' },
  { id: 'connections', metric: 'agentchat_connections', unit: 'count' },
  { id: 'messages', metric: 'agentchat_messages_stored_total', unit: 'rate', isCounter: true },
  { id: 'deliveries', metric: 'agentchat_deliveries_total', unit: 'rate', isCounter: true },
  { id: 'refused', metric: 'agentchat_errors_sent_total', unit: 'rate', isCounter: true },
  { id: 'queue', metric: 'agentchat_queue_frames', unit: 'count' },
  { id: 'cpu', metric: 'process_cpu_seconds_total', unit: 'percent', isCounter: true, times: 100 },
  { id: 'memory', metric: 'process_resident_memory_bytes', unit: 'bytes' },
  { id: 'data', metric: 'agentchat_data_bytes', unit: 'bytes' },
]

const valuesOf = (all: readonly Sample[], { metric, isCounter = false, times = 1 }: Plot): (number | null)[] =>
  (isCounter ? ratesOf(all, metric) : all.map(({ values }) => values[metric] ?? null)).map(value => value === null ? null : value * times)

const bytes = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** A value as it is read. */
export const amount = (value: number, unit: Unit): string => {
  if (unit === 'bytes') {
    const power = Math.min(bytes.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
    return new Intl.NumberFormat(language.value, { style: 'unit', unit: bytes[power]!, maximumFractionDigits: 1 }).format(
      value / 1_000 ** power,
    )
  }
  const number = new Intl.NumberFormat(language.value, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)
  return unit === 'rate' ? `${number}/s` : unit === 'percent' ? `${number} %` : number
}

export const Overview = () => {
  const texts = t.value.relay
  useEffect(watchMetrics, [])
  const found = health.value
  const all = samples.value
  return (
    // Nothing in it takes the focus, and a keyboard has to scroll it.
    <div class='page' tabIndex={0} role='region' aria-label={texts.parts.overview}>
      {lost.value !== undefined && <p class='wrong' role='alert'>{texts.lost(lost.value)}</p>}
      {found !== undefined && (
        <dl class='facts' aria-label={texts.health}>
          <Fact
            name={texts.status}
            value={texts.statuses[found.status as keyof typeof texts.statuses] ?? plain(found.status)}
            tone={found.status}
          />
          {found.reason !== undefined && <Fact name={texts.why} value={plain(found.reason)} tone='degraded' />}
          <Fact name={texts.server} value={plain(found.server)} />
          <Fact name={texts.version} value={plain(found.version)} />
          <Fact name={texts.uptime} value={duration(found.uptime_seconds * 1_000)} />
          <Fact name={texts.connected} value={texts.keyed(found.agents.connected, found.agents.with_identity)} />
          <Fact name={texts.channelsNow} value={texts.public(found.channels.total, found.channels.public)} />
        </dl>
      )}
      {!hasMetrics.value && <p class='small'>{texts.noMetrics}</p>}
      <div class='charts'>
        {plots.filter(plot => all.some(({ values }) => values[plot.metric] !== undefined)).map(plot => {
          const values = valuesOf(all, plot)
          const now = values.at(-1)
          return (
            <figure key={plot.id} class='chart'>
              <figcaption>
                <span>{texts.charts[plot.id]}</span>
                <strong>{now == null ? '–' : amount(now, plot.unit)}</strong>
              </figcaption>
              <Chart
                times={all.map(({ at }) => at)}
                values={values}
                format={value => amount(value, plot.unit)}
                label={texts.charts[plot.id]}
              />
            </figure>
          )
        })}
      </div>
      <p class='small'>{texts.sampled(all.length)}</p>
    </div>
  )
}

const Fact = ({ name, value, tone }: { readonly name: string, readonly value: string, readonly tone?: string }) => (
  <div class={`fact ${tone ?? ''}`}>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
)
