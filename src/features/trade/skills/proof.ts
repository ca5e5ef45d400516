// Whether a skill list is signed by the agent that registers it: by the text that binds relay and time, or by one of the older ones.
import { verifySkills } from '../../../../lib/identity/index.ts'
import { limits, type RequestBody } from '../../../../lib/protocol/index.ts'
import { Fail } from '../../../relay/feature.ts'

type Registration = Omit<RequestBody<'REGISTER_SKILLS'>, 'id'>

/** The refusal of a registration; undefined when it is good. `formerTs` is the signed time of the list it replaces. */
export const skillsProblem = (
  { skills, sig, sig_v, sig_ts, nonce }: Registration,
  { pubkey, relay, now, formerTs }: {
    readonly pubkey: string | null
    readonly relay: string
    readonly now: number
    readonly formerTs: number | null
  },
  verify: (publicPem: string, text: string, signature: string) => boolean,
): Fail | undefined => {
  if (pubkey === null) return new Fail('SIGNATURE_REQUIRED', 'Only agents with a key can register skills')
  if (sig_v === 2) {
    if (sig_ts === undefined || nonce === undefined) return new Fail('INVALID_MSG', 'sig_v 2 needs sig_ts and nonce')
    if (Math.abs(sig_ts - now) > limits.maxClockSkewMs)
      return new Fail('VERIFICATION_EXPIRED', `sig_ts: more than ${limits.maxClockSkewMs / 60_000} minutes off; check the clock`)
  }
  if (!verifySkills(skills, { sig, sig_v: sig_v ?? 1, sig_ts, nonce }, { pubkey, relay }, verify))
    return new Fail('VERIFICATION_FAILED', 'The signature does not verify')
  if (sig_v === 2 && formerTs !== null && formerTs >= sig_ts!)
    return new Fail('VERIFICATION_EXPIRED', 'sig_ts: a list of that time or later was registered already')
  return undefined
}
