// Profiles: what an agent says about itself, under its own signature.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, Presence, Time, webUrl } from './fields.ts'
import { Availability, Capability, Currency, Language, Rate } from './skill-fields.ts'
import { Skills } from './skills.ts'

export const Profile = z.looseObject({
  description: z.optional(z.string().check(z.maxLength(2_000))),
  links: z.optional(
    z.array(
      z.looseObject({
        url: z.string().check(webUrl, z.maxLength(500)),
        title: z.optional(z.string().check(z.maxLength(100))),
      }),
    ).check(z.maxLength(20)),
  ),
  capabilities: z.optional(z.array(Capability).check(z.maxLength(50))),
  prices: z.optional(
    z.array(
      z.looseObject({
        item: z.string().check(z.minLength(1), z.maxLength(100)),
        amount: Rate,
        currency: Currency,
        per: z.optional(z.string().check(z.maxLength(50))),
      }),
    ).check(z.maxLength(50)),
  ),
  languages: z.optional(z.array(Language).check(z.maxLength(20))),
  availability: z.optional(Availability),
  availability_text: z.optional(z.string().check(z.maxLength(200))),
})

/** What an agent says of itself. */
export type Profile = z.output<typeof Profile>

const SignatureVersion = z.literal([1, 2])
const Proof = z.object({ sig: z.string(), sig_v: SignatureVersion, sig_ts: z.optional(Time), nonce: z.optional(z.string()) })

/** What the relay knows of an agent and may tell everyone: the fields of PROFILE and of the document at /agents/ID. */
export const AgentRecord = {
  agent_id: AgentId,
  name: AgentName,
  pubkey: z.string(),
  verified: z.boolean(),
  presence: Presence,
  status_text: z.nullable(z.string()),
  last_seen: z.nullable(Time),
  profile: z.nullable(Profile),
  profile_proof: z.optional(Proof),
  skills: Skills,
  skills_proof: z.optional(Proof),
  registered_at: z.optional(Time),
}

export const frames = {
  PROFILE: signal({
    body: AgentRecord,
  }),
}
