// Relays and offers as people read them. Everything here was written by strangers.
import { presenceStyle, skillColumns } from '../people-text.ts'
import { table, withLines } from '../table.ts'
import { visible } from '../terminal.ts'
import { spanText, type Found } from './found.ts'
import type { Offer } from './offers.ts'

const colours = { online: 'green', degraded: 'yellow', draining: 'yellow', offline: 'red', unchecked: 'dim' } as const

/** What was found by looking, or is not worth showing where nobody answered. */
const seen = ({ status }: Found, text: string | number | null | undefined): string | number =>
  status === 'offline' || text == null ? '' : text

export const relayTable = withLines(
  table<Found>(
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => colours[status] },
    { title: 'NAME', text: ({ name }) => name, style: () => 'bold' },
    { title: 'URL', text: ({ url }) => url },
    { title: 'MS', text: found => seen(found, found.latency_ms === null ? null : Math.round(found.latency_ms)), isNumber: true },
    { title: 'AGENTS', text: found => seen(found, found.agents), isNumber: true },
    { title: 'UP', text: found => seen(found, found.uptime_seconds === null ? null : spanText(found.uptime_seconds * 1_000)) },
    {
      title: 'WEEK',
      text: ({ uptime_week }) => uptime_week == null ? '' : `${Math.floor(uptime_week * 1_000) / 10} %`,
      isNumber: true,
    },
    { title: 'VERSION', text: ({ version }) => version ?? '' },
    { title: 'REGION', text: ({ region }) => region },
  ),
  ({ status, trust, last_seen, description, features, problem, warnings }, paint) => [
    ...(description === '' ? [] : [visible(description)]),
    ...(features.length === 0 ? [] : [paint('dim', features.map(visible).join(' '))]),
    ...(trust === 'unsigned' ? [paint('dim', 'unsigned')] : []),
    ...(status === 'offline' && last_seen !== null ? [paint('dim', `seen ${new Date(last_seen).toISOString()}`)] : []),
    ...(problem === null ? [] : [paint('dim', visible(problem))]),
    ...warnings.map(warning => paint('red', `warning: ${visible(warning)}`)),
  ],
)

export const offerTable = withLines(
  table<Offer>(
    ...skillColumns,
    { title: 'PRESENCE', text: ({ presence }) => presence, style: presenceStyle },
  ),
  ({ description, relays }, paint) => [
    ...(description ? [visible(description)] : []),
    paint('dim', `at ${relays.map(({ name, url, address }) => `${visible(name)} ${visible(address ?? url)}`).join(', ')}`),
  ],
)
