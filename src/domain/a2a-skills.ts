// Skills as A2A agent cards list them, and back. What a card has no field for (capability, rate, currency, anything else)
// travels in an extension
// of the card, so that nothing is lost either way.
import type { Skill } from '../../lib/protocol/index.ts'

/** A skill of an A2A agent card; `id` is unique within the card. */
export interface A2aSkill {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  readonly examples?: readonly string[]
  readonly inputModes?: readonly string[]
  readonly outputModes?: readonly string[]
  /** security requirements of the card, as they are */
  readonly security?: unknown
}

/** What the card's `capabilities.extensions` says beside it: fields per skill id. */
export interface SkillsExtension {
  readonly uri: typeof skillsExtensionUri
  readonly description: string
  readonly required: false
  readonly params: { readonly skills: Readonly<Record<string, Readonly<Record<string, unknown>>>> }
}

/** The parts of an agent card that speak of skills. */
export interface CardSkills {
  readonly skills: readonly A2aSkill[]
  readonly capabilities?: { readonly extensions?: readonly unknown[] }
}

export const skillsExtensionUri = 'urn:agentchat:skills:1'

/** Fields of ours that a card has too, and what they are called there. */
const shared = [['examples', 'examples'], ['input_modes', 'inputModes'], ['output_modes', 'outputModes'], ['security', 'security']] as const

/** A skill as its card alone tells it. */
const plainSkill = (skill: A2aSkill, capability = skill.id): Record<string, unknown> => ({
  capability,
  ...(skill.name !== capability && { name: skill.name }),
  ...(skill.description !== '' && { description: skill.description }),
  ...(skill.tags.length > 0 && { tags: skill.tags }),
  ...Object.fromEntries(shared.flatMap(([ours, theirs]) => skill[theirs] === undefined ? [] : [[ours, skill[theirs]]])),
})

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** Skills → the parts of an agent card. A capability that is listed twice gets a number behind its id. */
export const toCardSkills = (skills: readonly Skill[]): Required<CardSkills> => {
  const extras = new Map<string, Record<string, unknown>>()
  const ids = new Set<string>()
  /** The number to try next, of each capability: fifty of one name do not look for it from the start fifty times. */
  const numbers = new Map<string, number>()
  const listed = skills.map((skill): A2aSkill => {
    const { capability } = skill
    let id = capability
    for (let n = numbers.get(capability) ?? 2; ids.has(id); numbers.set(capability, ++n)) id = `${capability}-${n}`
    ids.add(id)
    const card: A2aSkill = {
      id,
      name: skill.name ?? capability,
      description: skill.description ?? '',
      tags: skill.tags ?? [],
      ...Object.fromEntries(shared.flatMap(([ours, theirs]) => skill[ours] === undefined ? [] : [[theirs, skill[ours]]])),
    }
    const plain = plainSkill(card, capability)
    const extra = Object.entries(skill).filter(([key, value]) =>
      key === 'capability' ? value !== id : !Object.hasOwn(plain, key) || !isSame(plain[key], value)
    )
    if (extra.length > 0) extras.set(id, Object.fromEntries(extra))
    return card
  })
  const extension: SkillsExtension = {
    uri: skillsExtensionUri,
    description: 'Rates, currencies and other fields of the skills, by skill id',
    required: false,
    params: { skills: Object.fromEntries(extras) },
  }
  return { skills: listed, capabilities: { extensions: extras.size === 0 ? [] : [extension] } }
}

/** The parts of an agent card → skills. Extensions of others are left alone. */
export const fromCardSkills = ({ skills, capabilities }: CardSkills): readonly Skill[] => {
  const extension = capabilities?.extensions?.find((entry): entry is SkillsExtension =>
    (entry as { uri?: unknown } | null)?.uri === skillsExtensionUri
  )
  const extras = extension?.params?.skills ?? {}
  return skills.map(skill => {
    const extra = Object.hasOwn(extras, skill.id) ? extras[skill.id]! : {}
    const capability = typeof extra['capability'] === 'string' ? extra['capability'] : skill.id
    return { ...plainSkill(skill, capability), ...extra, capability }
  })
}
