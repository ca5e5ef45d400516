// What is asked about identity.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, PublicKey, Signature } from '../fields.ts'
import { Nonce } from '../request-fields.ts'
import { limits } from '../limits.ts'

const IsoTime = z.string().check(z.minLength(1), z.maxLength(40))

const BareId = z.string().check(z.regex(/^@?[0-9a-f]{16}$/, '16 hex digits'))

export const requests = {
  WHOIS: request('people.read', {
    body: { agent: AgentId },
    cost: { frames: 2 },
    reply: 'WHOIS',
  }),
  ROTATION: request('key.write', {
    body: {
      old_pubkey: PublicKey,
      new_pubkey: PublicKey,
      timestamp: IsoTime,
      signature: Signature,
      old_agent_id: z.optional(BareId),
      new_agent_id: z.optional(BareId),
      chain: z.optional(
        z.array(z.object({ old_pubkey: PublicKey, new_pubkey: PublicKey, timestamp: IsoTime, signature: Signature })).check(
          z.maxLength(limits.maxRotations),
        ),
      ),
    },
    cost: { frames: 60, each: 'chain' },
    reply: 'OK',
  }),
  REVOCATION: request('key.end', {
    body: {
      pubkey: PublicKey,
      agent_id: BareId,
      reason: z.string().check(z.maxLength(500)),
      timestamp: IsoTime,
      signature: Signature,
      fingerprint: z.optional(z.string().check(z.maxLength(200))),
      original_agent_id: z.optional(BareId),
      rotations: z.optional(z.array(z.unknown()).check(z.maxLength(100))),
    },
    cost: { frames: 20 },
    reply: 'OK',
  }),
  VERIFY_REQUEST: request('key.write', {
    body: { target: AgentId, nonce: Nonce },
    cost: { frames: 5 },
    reply: 'VERIFY_REQUEST',
  }),
  VERIFY_RESPONSE: request('key.write', {
    body: { request_id: z.string().check(z.minLength(1), z.maxLength(64)), nonce: Nonce, sig: Signature },
    cost: { frames: 5 },
    reply: ['VERIFY_SUCCESS', 'VERIFY_FAILED'],
  }),
}
