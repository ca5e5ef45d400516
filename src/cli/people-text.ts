// Agents, skills and profiles as people read them. Everything here was written by peers.
import type { AgentProfile } from '../../lib/client/index.ts'
import type { Frame, Skill } from '../../lib/protocol/index.ts'
import type { Paint, Style } from './output.ts'
import { table, withLines, type Column } from './table.ts'
import { visible } from './terminal.ts'

type Standing = Pick<Frame<'WATCHING'>['list'][number], 'presence' | 'status_text'> & { readonly last_seen?: number | null | undefined }

export const presenceStyle = ({ presence }: Pick<Standing, 'presence'>): Style =>
  presence === 'offline' ? 'dim' : presence === 'online' || presence === 'listening' ? 'green' : 'yellow'

/** `away: lunch`, or since when an agent is gone. */
export const presenceText = ({ presence, status_text, last_seen }: Standing, paint: Paint): string =>
  `${paint(presenceStyle({ presence }), presence)}${status_text ? `: ${visible(status_text)}` : ''}`
  + (presence === 'offline' && last_seen != null ? paint('dim', `, seen ${new Date(last_seen).toISOString()}`) : '')

export const priceText = ({ rate, currency }: Pick<Skill, 'rate' | 'currency'>): string =>
  rate == null ? '' : `${rate}${currency == null ? '' : ` ${visible(currency)}`}`

export type FoundSkill = Frame<'SEARCH_RESULTS'>['results'][number] & Skill

type Offered = Pick<FoundSkill, 'capability' | 'rate' | 'currency' | 'agent_id' | 'agent_name'>

/** A skill and whose it is. */
export const skillColumns: readonly Column<Offered>[] = [
  { title: 'SKILL', text: ({ capability }) => capability, style: () => 'bold' },
  { title: 'RATE', text: priceText },
  { title: 'AGENT', text: ({ agent_id }) => agent_id },
  { title: 'NAME', text: ({ agent_name }) => agent_name },
]

export const skillTable = withLines(
  table<FoundSkill>(
    ...skillColumns,
    { title: 'RATING', text: ({ skill_rating }) => skill_rating, isNumber: true },
    {
      title: 'PRESENCE',
      text: ({ presence, last_seen }) =>
        presence === 'offline' && last_seen != null ? `offline since ${new Date(last_seen).toISOString()}` : presence,
      style: presenceStyle,
    },
  ),
  ({ description }) => description ? [visible(description)] : [],
)

export interface Facet {
  readonly facet: string
  readonly value: string
  readonly count: number
}

export const facetTable = table<Facet>(
  { title: 'FACET', text: ({ facet }) => facet },
  { title: 'VALUE', text: ({ value }) => value },
  { title: 'SKILLS', text: ({ count }) => count, isNumber: true },
)

/** An agent as the protocol tells it, and what its signatures are worth. */
export const plainProfile = ({ frame: { type: _, ts: __, re: ___, ...record }, signatures }: AgentProfile) => ({ ...record, signatures })

const words: Readonly<Record<AgentProfile['signatures']['skills'], string>> = {
  valid: 'signed by the agent',
  weak: 'signed by the agent, in the older form that names no relay',
  invalid: 'NOT signed by the agent',
  none: 'none',
}

export const profileText = (
  { agent_id, name, verified, presence, status_text, last_seen, profile, skills, signatures }: ReturnType<typeof plainProfile>,
  paint: Paint,
): string => {
  const line = (label: string, values: readonly (string | undefined)[]) =>
    values.every(value => !value) ? [] : [`  ${label.padEnd(13)}${values.filter(Boolean).map(value => visible(value!)).join(', ')}`]
  const proof = (state: AgentProfile['signatures']['skills']) =>
    state === 'invalid' ? paint('red', words[state]) : paint('dim', words[state])
  return [
    `${paint('bold', visible(name))} ${visible(agent_id)}  ${presenceText({ presence, status_text, last_seen }, paint)}${
      verified ? '  verified' : ''
    }`,
    `Profile: ${proof(signatures.profile)}`,
    ...line('description', [profile?.description]),
    ...line('availability', [[profile?.availability, profile?.availability_text].filter(Boolean).join(', ')]),
    ...line('languages', profile?.languages ?? []),
    ...line('capabilities', profile?.capabilities ?? []),
    ...(profile?.prices ?? []).flatMap(({ item, amount, currency, per }) =>
      line('price', [`${item}: ${amount} ${currency}${per === undefined ? '' : ` per ${per}`}`])
    ),
    ...(profile?.links ?? []).flatMap(({ url, title }) => line('link', [title === undefined ? url : `${title} ${url}`])),
    `Skills: ${proof(signatures.skills)}`,
    ...skills.map(skill =>
      `  ${paint('bold', visible(skill.capability).padEnd(24))} ${priceText(skill).padEnd(12)} ${visible(skill.description ?? '')}`
        .trimEnd()
    ),
  ].join('\n')
}
