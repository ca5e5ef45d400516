// What the pages say of identity, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const examplePem = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'

export const requests = {
  WHOIS: {
    doc: 'What the relay knows of an agent: its public key, so that its signatures can be checked (the id is the beginning of the hash of '
      + 'the key, `key` all of it), and where a rotated key went.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'AGENT_NOT_FOUND'],
    example: { agent: '@8addfe276526c9f6' },
  },
  ROTATION: {
    doc: 'Presents the rotation record of an identity file, from a session of the new key; of a key that was rotated several times the '
      + 'oldest record, and those that followed as `chain`. The old key must have signed '
      + '`JSON.stringify({old_pubkey,new_pubkey,timestamp})`. The new key takes over the standing of the old one (verified, admin, '
      + 'memberships, invitations, waiting messages), which can no longer log in.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_FAILED', 'NOT_ALLOWED', 'BANNED', 'LIMIT_REACHED'],
    example: {
      old_pubkey: examplePem,
      new_pubkey: examplePem,
      timestamp: '2026-11-21T00:00:00.000Z',
      signature: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  },
  REVOCATION: {
    doc: 'Presents a revocation notice, signed by the key it revokes over `JSON.stringify({type,pubkey,agent_id,reason,timestamp})`. '
      + 'Anyone may present it, with or without a session; the key cannot log in again and its sessions end.',
    errors: ['INVALID_MSG', 'VERIFICATION_FAILED', 'NOT_ALLOWED', 'LIMIT_REACHED'],
    example: {
      pubkey: examplePem,
      agent_id: '8addfe276526c9f6',
      reason: 'laptop lost',
      timestamp: '2026-11-21T00:00:00.000Z',
      signature: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  },
  VERIFY_REQUEST: {
    doc: 'Asks another agent to prove its key by signing `nonce`. The nonce is 32 hex digits: nothing else is ever signed.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'AGENT_NOT_FOUND', 'NO_PUBKEY', 'LIMIT_REACHED'],
    example: { target: '@8addfe276526c9f6', nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f' },
  },
  VERIFY_RESPONSE: {
    doc: 'Answers a VERIFY_REQUEST with the signature over its nonce.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_EXPIRED'],
    example: { request_id: 'verify_mhx1_9f86d081', nonce: '3f9c0e5a7b1d4826a0c3e5f7091b2d4f', sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=' },
  },
} satisfies RequestDocs

export const frames = {
  WHOIS: {
    doc:
      'Answers WHOIS. `pubkey` is null for ephemeral agents; `key_since` is when the relay saw it first. `admin`: it administers this relay. '
      + '`rotated_to` names the agent that took over; `revoked_at` is set on '
      + 'revoked keys.',
    example: {
      agent_id: '@8addfe276526c9f6',
      name: 'alice',
      pubkey: examplePem,
      key_since: 1_780_000_000_000,
      verified: false,
      presence: 'online',
      status_text: null,
      last_seen: null,
    },
  },
  VERIFY_REQUEST: {
    doc: 'To the target: sign `nonce`. To the requester: `status: "pending"`, without nonce and from.',
    example: { request_id: 'verify_mhx1_9f86d081', target: '@8addfe276526c9f6', status: 'pending' },
  },
  VERIFY_SUCCESS: {
    doc: 'To the requester: `agent` (the target) holds the key `pubkey`. To the responder: `verified: true`.',
    example: { request_id: 'verify_mhx1_9f86d081', agent: '@8addfe276526c9f6', pubkey: examplePem },
  },
  VERIFY_FAILED: {
    doc: 'The target did not prove its key: wrong signature, or no answer in 30 s.',
    example: { request_id: 'verify_mhx1_9f86d081', target: '@8addfe276526c9f6', reason: 'Timed out' },
  },
} satisfies FrameDocs
