// What is asked about profiles.
import * as z from 'zod/mini'
import { isBounded } from '../bounded.ts'
import { request } from '../define.ts'
import { AgentId, Signature } from '../fields.ts'
import { Nonce } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { Profile } from '../profiles.ts'

export const requests = {
  SET_PROFILE: request('profile.write', {
    body: {
      profile: Profile.check(
        z.refine(profile => isBounded(profile, limits.maxProfileChars),
          `at most ${limits.maxProfileChars} characters of JSON, not nested deeper than a few levels`),
      ),
      sig: Signature,
      sig_v: z.literal(2),
      sig_ts: z.int(),
      nonce: Nonce,
    },
    cost: { message: true, frames: 50 },
    reply: 'PROFILE',
  }),
  PROFILE: request('people.read', {
    body: { agent: AgentId },
    cost: { frames: 3 },
    reply: 'PROFILE',
  }),
}
