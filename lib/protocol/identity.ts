// Keys after login: who is who, rotation, revocation, and proof between agents.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { limits } from './limits.ts'
import { AgentId, AgentName, Fingerprint, Nonce, Presence, PublicKey, Signature, Time } from './fields.ts'

const examplePem = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'
const IsoTime = z.string().min(1).max(40)
const BareId = z.string().regex(/^@?[0-9a-f]{16}$/, '16 hex digits')

export const requests = {
  WHOIS: request({
    doc: 'What the relay knows of an agent: its public key, so that its signatures can be checked (the id is the beginning of the hash of '
      + 'the key, `key` all of it), and where a rotated key went.',
    body: { agent: AgentId },
    cost: { frames: 2 },
    reply: 'WHOIS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'AGENT_NOT_FOUND'],
    example: { agent: '@8addfe276526c9f6' },
  }),
  ROTATION: request({
    doc: 'Presents the rotation record of an identity file, from a session of the new key; of a key that was rotated several times the '
      + 'oldest record, and those that followed as `chain`. The old key must have signed '
      + '`JSON.stringify({old_pubkey,new_pubkey,timestamp})`. The new key takes over the standing of the old one (verified, admin, '
      + 'memberships, invitations, waiting messages), which can no longer log in.',
    body: {
      old_pubkey: PublicKey,
      new_pubkey: PublicKey,
      timestamp: IsoTime,
      signature: Signature,
      old_agent_id: BareId.optional(),
      new_agent_id: BareId.optional(),
      chain: z.array(z.object({ old_pubkey: PublicKey, new_pubkey: PublicKey, timestamp: IsoTime, signature: Signature })).max(
        limits.maxRotations,
      ).optional().describe('the rotations that followed, oldest first; the last one hands over to the key of this session'),
    },
    cost: { frames: 60, each: 'chain' },
    reply: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_FAILED', 'NOT_ALLOWED', 'BANNED', 'LIMIT_REACHED'],
    example: {
      old_pubkey: examplePem,
      new_pubkey: examplePem,
      timestamp: '2026-11-21T00:00:00.000Z',
      signature: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  }),
  REVOCATION: request({
    doc: 'Presents a revocation notice, signed by the key it revokes over `JSON.stringify({type,pubkey,agent_id,reason,timestamp})`. '
      + 'Anyone may present it, with or without a session; the key cannot log in again and its sessions end.',
    body: {
      pubkey: PublicKey,
      agent_id: BareId,
      reason: z.string().max(500),
      timestamp: IsoTime,
      signature: Signature,
      fingerprint: z.string().max(200).optional(),
      original_agent_id: BareId.optional(),
      rotations: z.array(z.unknown()).max(100).optional(),
    },
    cost: { frames: 20 },
    reply: 'OK',
    errors: ['INVALID_MSG', 'VERIFICATION_FAILED', 'NOT_ALLOWED', 'LIMIT_REACHED'],
    example: {
      pubkey: examplePem,
      agent_id: '8addfe276526c9f6',
      reason: 'laptop lost',
      timestamp: '2026-11-21T00:00:00.000Z',
      signature: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  }),
  VERIFY_REQUEST: request({
    doc: 'Asks another agent to prove its key by signing `nonce`. The nonce is 32 hex digits: nothing else is ever signed.',
    body: { target: AgentId, nonce: Nonce },
    cost: { frames: 5 },
    reply: 'VERIFY_REQUEST',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'AGENT_NOT_FOUND', 'NO_PUBKEY', 'LIMIT_REACHED'],
    example: { target: '@8addfe276526c9f6', nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f' },
  }),
  VERIFY_RESPONSE: request({
    doc: 'Answers a VERIFY_REQUEST with the signature over its nonce.',
    body: { request_id: z.string().min(1).max(64), nonce: Nonce, sig: Signature },
    cost: { frames: 5 },
    reply: ['VERIFY_SUCCESS', 'VERIFY_FAILED'],
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_EXPIRED'],
    example: { request_id: 'verify_mhx1_9f86d081', nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f', sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=' },
  }),
}

export const frames = {
  WHOIS: signal({
    doc: 'Answers WHOIS. `pubkey` is null for ephemeral agents. `rotated_to` names the agent that took over; `revoked_at` is set on '
      + 'revoked keys.',
    body: {
      agent_id: AgentId,
      name: AgentName,
      pubkey: z.string().nullable(),
      key: Fingerprint.optional().describe('SHA-256 of the canonical PEM in hex: who compares keys compares this, not the short id'),
      verified: z.boolean(),
      presence: Presence,
      status_text: z.string().nullable(),
      last_seen: Time.nullable(),
      rotated_to: AgentId.optional(),
      revoked_at: Time.optional(),
      sessions: z.number().int().optional().describe('of '
        + 'the asker itself: its open sessions'),
    },
    example: {
      agent_id: '@8addfe276526c9f6',
      name: 'alice',
      pubkey: examplePem,
      verified: false,
      presence: 'online',
      status_text: null,
      last_seen: null,
    },
  }),
  VERIFY_REQUEST: signal({
    doc: 'To the target: sign `nonce`. To the requester: `status: "pending"`, without nonce and from.',
    body: {
      request_id: z.string(),
      from: AgentId.optional(),
      nonce: z.string().optional(),
      target: AgentId.optional(),
      status: z.literal('pending').optional(),
    },
    example: { request_id: 'verify_mhx1_9f86d081', target: '@8addfe276526c9f6', status: 'pending' },
  }),
  VERIFY_SUCCESS: signal({
    doc: 'To the requester: `agent` (the target) holds the key `pubkey`. To the responder: `verified: true`.',
    body: { request_id: z.string(), agent: AgentId.optional(), pubkey: z.string().optional(), verified: z.boolean().optional() },
    example: { request_id: 'verify_mhx1_9f86d081', agent: '@8addfe276526c9f6', pubkey: examplePem },
  }),
  VERIFY_FAILED: signal({
    doc: 'The target did not prove its key: wrong signature, or no answer in 30 s.',
    body: { request_id: z.string(), target: AgentId.optional(), reason: z.string().optional(), verified: z.boolean().optional() },
    example: { request_id: 'verify_mhx1_9f86d081', target: '@8addfe276526c9f6', reason: 'Timed out' },
  }),
}
