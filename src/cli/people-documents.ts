// The files that speak of skills and profiles: lists, A2A agent cards, profiles.
import * as z from 'zod'
import type { CardSkills } from '../domain/a2a-skills.ts'
import { requests, type Profile, type Skill } from '../../lib/protocol/index.ts'

const { skills: SkillList } = requests.REGISTER_SKILLS.body.shape

/** A list of skills, or an object that has one. */
export const skillsDocument: z.ZodType<readonly Skill[]> = z.union([
  z.looseObject({ skills: SkillList }).transform(({ skills }) => skills),
  SkillList,
])

/** An A2A agent card; only what it says of skills is looked at. */
export const cardDocument = z.looseObject({
  skills: z.array(z.looseObject({
    id: z.string().min(1),
    name: z.string(),
    description: z.string().default(''),
    tags: z.array(z.string()).default([]),
    examples: z.array(z.string()).optional(),
    inputModes: z.array(z.string()).optional(),
    outputModes: z.array(z.string()).optional(),
  })),
  capabilities: z.looseObject({ extensions: z.array(z.unknown()).optional() }).optional(),
}) as unknown as z.ZodType<CardSkills>

export const profileDocument = requests.SET_PROFILE.body.shape.profile as unknown as z.ZodType<Profile>
