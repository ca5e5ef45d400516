// Agents, skills and profiles as people read them. Everything here was written by peers.
import type { AgentProfile } from '../../lib/client/index.ts'
import type { Frame, Skill } from '../../lib/protocol/index.ts'
import type { Paint } from './output.ts'
import { visible } from './terminal.ts'

type Standing = Pick<Frame<'WATCHING'>['list'][number], 'presence' | 'status_text'> & { readonly last_seen?: number | null | undefined }

/** `away: lunch`, or since when an agent is gone. */
export const presenceText = ({ presence, status_text, last_seen }: Standing, paint: Paint): string =>
  `${paint(presence === 'offline' ? 'dim' : presence === 'online' || presence === 'listening' ? 'green' : 'yellow', presence)}${
    status_text ? `: ${visible(status_text)}` : ''
  }`
  + (presence === 'offline' && last_seen != null ? paint('dim', `, seen ${new Date(last_seen).toISOString()}`) : '')

export const priceText = ({ rate, currency }: Pick<Skill, 'rate' | 'currency'>): string =>
  rate == null ? '' : `${rate}${currency == null ? '' : ` ${visible(currency)}`}`

export type FoundSkill = Frame<'SEARCH_RESULTS'>['results'][number] & Skill

export const foundText = (skill: FoundSkill, paint: Paint): string =>
  [
    `${paint('bold', visible(skill.capability).padEnd(24))} ${priceText(skill).padEnd(12)} ${visible(skill.agent_id)} ${
      visible(skill.agent_name).padEnd(16)
    } ${String(skill.skill_rating).padStart(5)}  ${
      presenceText({ presence: skill.presence, status_text: null, last_seen: skill.last_seen }, paint)
    }`,
    ...(skill.description ? [`  ${visible(skill.description)}`] : []),
  ].join('\n')

const words: Readonly<Record<AgentProfile['signatures']['skills'], string>> = {
  valid: 'signed by the agent',
  weak: 'signed by the agent, in the older form that names no relay',
  invalid: 'NOT signed by the agent',
  none: 'none',
}

export const profileText = (
  { agent_id, name, verified, presence, status_text, last_seen, profile, skills, signatures }: AgentProfile,
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
