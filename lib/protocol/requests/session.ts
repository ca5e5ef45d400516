// What is asked about session.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentName, Hex32, PublicKey, Signature } from '../fields.ts'
import { AdminKey, ClientTime, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'

/** Steps of a login, which a client takes by itself: nothing that anybody asks. */
export const loginSteps: ReadonlySet<string> = new Set(['IDENTIFY', 'VERIFY_IDENTITY', 'CAPTCHA_RESPONSE'])

export const requests = {
  IDENTIFY: request('session.open', {
    body: {
      name: AgentName,
      pubkey: optional(PublicKey),
      session: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.maxSessionChars))),
      inbox: z.optional(z.literal(['auto', 'manual', 'none'])),
      autojoin: z.optional(z.boolean()),
      resume: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
      nonce: z.optional(Hex32),
      origin: z.optional(z.string().check(z.minLength(1), z.maxLength(300))),
      admin: z.optional(z.literal(true)),
    },
    cost: { frames: 3 },
    reply: ['WELCOME', 'CHALLENGE', 'CAPTCHA_CHALLENGE'],
  }),
  VERIFY_IDENTITY: request('session.open', {
    body: {
      challenge_id: z.string().check(z.minLength(1), z.maxLength(64)),
      signature: Signature,
      timestamp: ClientTime,
      sig_v: z.optional(z.literal([2, 3])),
      admin_key: optional(AdminKey),
    },
    cost: { frames: 10 },
    reply: ['WELCOME', 'CAPTCHA_CHALLENGE'],
  }),
  CAPTCHA_RESPONSE: request('session.open', {
    body: { captcha_id: z.string().check(z.minLength(1), z.maxLength(64)), answer: z.string().check(z.minLength(1), z.maxLength(200)) },
    cost: { frames: 5 },
    reply: 'WELCOME',
  }),
  PING: request('relay.look', {
    body: {},
    cost: { frames: 1 },
    reply: 'PONG',
  }),
}
