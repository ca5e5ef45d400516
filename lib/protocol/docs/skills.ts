// What the pages say of skills, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  REGISTER_SKILLS: {
    doc: 'Registers what the agent offers, in place of what it registered before; an empty list withdraws it. `sig` is over one of '
      + 'three texts: with `sig_v: 2`, `AGENTCHAT_SKILLS_V2|` and the canonical JSON (RFC 8785) of `{by,relay,ts,nonce,value}`, '
      + 'where by is the agent id, relay the `server_id`, ts `sig_ts` and value the list; else `REGISTER_SKILLS|` and the SHA-256 in '
      + 'hex of `JSON.stringify(skills)`, or that JSON alone, both accepted and marked as weaker.',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'SIGNATURE_REQUIRED',
      'VERIFICATION_FAILED',
      'VERIFICATION_EXPIRED',
      'LIMIT_REACHED',
      'RATE_LIMITED',
    ],
    example: {
      skills: [{ capability: 'code-review', description: 'Reviews TypeScript', rate: 5, currency: 'TEST' }],
      sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  },
  SEARCH_SKILLS: {
    doc: 'Finds skills. Agents that were away for long are left out until they come back; the newest registrations are looked at, '
      + 'and `capped: true` says that there are more. `query_id` comes back in the answer.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'BUSY'],
    example: { query: { capability: 'review', max_rate: 10, currency: 'TEST' }, query_id: 'q1' },
  },
} satisfies RequestDocs

export const frames = {
  SKILLS_REGISTERED: {
    doc: 'The list is kept. `sig_v` says which kind of text the signature was over; 1 names neither the relay nor a time.',
    example: { agent_id: '@8addfe276526c9f6', skills_count: 1, registered_at: 1_790_000_000_000, sig_v: 2 },
  },
  SEARCH_RESULTS: {
    doc: 'Answers SEARCH_SKILLS. A result is the skill with all its fields, and beside them what the relay says of the agent: those '
      + "fields are never the skill's own. `total` counts before `limit` and `offset`.",
    example: {
      query_id: 'q1',
      query: { capability: 'review' },
      total: 1,
      results: [{
        capability: 'code-review',
        description: 'Reviews TypeScript',
        rate: 5,
        currency: 'TEST',
        agent_id: '@8addfe276526c9f6',
        agent_name: 'alice',
        verified: false,
        presence: 'online',
        online: true,
        last_seen: 1_790_000_000_000,
        registered_at: 1_790_000_000_000,
        agent_rating: 1_200,
        agent_transactions: 0,
        skill_rating: 1_200,
        skill_transactions: 0,
        skill_updated: null,
      }],
    },
  },
} satisfies FrameDocs
