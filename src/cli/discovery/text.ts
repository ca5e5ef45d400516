// Relays and offers as people read them. Everything here was written by strangers.
import type { Paint } from '../output.ts'
import { priceText } from '../people-text.ts'
import { visible } from '../terminal.ts'
import { spanText, type Found } from './found.ts'
import type { Offer } from './offers.ts'

const colours = { online: 'green', degraded: 'yellow', draining: 'yellow', offline: 'red', unchecked: 'dim' } as const

export const foundLine = (server: Found, paint: Paint): string => {
  const {
    name,
    url,
    status,
    latency_ms,
    agents,
    uptime_seconds,
    uptime_week,
    version,
    region,
    description,
    features,
    trust,
    last_seen,
    warnings,
    problem,
  } = server
  const facts = [
    ...(latency_ms === null || status === 'offline' ? [] : [`${Math.round(latency_ms)} ms`]),
    ...(agents === null || status === 'offline' ? [] : [`${agents} agent${agents === 1 ? '' : 's'}`]),
    ...(uptime_seconds === null || status === 'offline' ? [] : [`up ${spanText(uptime_seconds * 1_000)}`]),
    ...(uptime_week == null ? [] : [`${Math.floor(uptime_week * 1_000) / 10} % of the week`]),
    ...(version === null ? [] : [visible(version)]),
    ...(region === '' ? [] : [visible(region)]),
    ...(trust === 'unsigned' ? ['unsigned'] : []),
    ...(status === 'offline' && last_seen !== null ? [`seen ${new Date(last_seen).toISOString()}`] : []),
  ]
  return [
    `${paint(colours[status], status.padEnd(9))} ${paint('bold', visible(name).padEnd(20))} ${visible(url)}  ${
      paint('dim', facts.join(', '))
    }`,
    ...(description === '' ? [] : [`          ${visible(description)}`]),
    ...(features.length === 0 ? [] : [paint('dim', `          ${features.map(visible).join(' ')}`)]),
    ...(problem === null ? [] : [`          ${paint('dim', visible(problem))}`]),
    ...warnings.map(warning => `          ${paint('red', `warning: ${visible(warning)}`)}`),
  ].join('\n')
}

export const offerLine = ({ relays, ...skill }: Offer, paint: Paint): string =>
  [
    `${paint('bold', visible(skill.capability).padEnd(24))} ${priceText(skill).padEnd(12)} ${visible(skill.agent_id)} ${
      visible(skill.agent_name).padEnd(16)
    } ${paint(skill.online ? 'green' : 'dim', skill.presence)}`,
    ...(skill.description ? [`  ${visible(skill.description)}`] : []),
    `  ${paint('dim', `at ${relays.map(({ name, url }) => `${visible(name)} ${visible(url)}`).join(', ')}`)}`,
  ].join('\n')
