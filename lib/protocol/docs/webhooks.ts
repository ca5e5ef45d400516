// What the pages say of webhooks out, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const
const ofOne = [...errors, 'MESSAGE_NOT_FOUND'] as const
const id = { webhook_id: 'wh_kX3f90aBq1' } as const
const webhook = {
  ...id,
  url: 'https://ci.example/agentchat',
  channel: '#builds',
  name: 'ci',
  when: 'content.contains("failed")',
  state: 'on',
  seq: 41,
  created_at: 1_790_000_000_000,
} as const
const secret = `whsec_${'x'.repeat(43)}=`

export const requests = {
  WEBHOOK_ADD: {
    doc: 'Makes a webhook: what comes into your inbox, or with `channel` what is said in a channel that you own, is posted to the address, '
      + 'in order and at least once, signed as Standard Webhooks says (docs/WEBHOOKS.md). With `when` only what that condition is true of (docs/CONDITIONS.md). From now on; WEBHOOK_REPLAY goes back. Keyed agents '
      + 'only; a relay takes them where its operator set `webhooks`. It ends with your key, with WEBHOOK_REMOVE, and '
      + 'where a token made it, with TOKEN_REVOKE of that token.',
    errors: [...errors, 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED'],
    example: { url: webhook.url, channel: webhook.channel, name: webhook.name, when: webhook.when },
  },
  WEBHOOKS: {
    doc: 'Your webhooks, the oldest first; not their secrets.',
    errors,
    example: {},
  },
  WEBHOOK_TEST: {
    doc: 'Posts one event of type `webhook.test`, once. How it went is what WEBHOOK_LOG has under `seq` 0.',
    errors: [...ofOne, 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: id,
  },
  WEBHOOK_LOG: {
    doc: 'What became of the events of a webhook, the newest first, and of the last test. `before` (the `seq` of the last one) pages on.',
    errors: ofOne,
    example: { ...id, limit: 20 },
  },
  WEBHOOK_REPLAY: {
    doc:
      'Delivers again, under the same ids and in order: from an event on, or from the first that was not delivered. It switches a webhook '
      + 'on that was switched off. A number ahead of it leaves out what is before it.',
    errors: [...ofOne, 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { ...id, from_seq: 38 },
  },
  WEBHOOK_ROTATE: {
    doc: 'Makes another secret. For a day both sign, so that a receiver may know either.',
    errors: ofOne,
    example: id,
  },
  WEBHOOK_REMOVE: {
    doc: 'Ends a webhook now, and forgets what became of its events. One that is not there is ended too.',
    errors,
    example: id,
  },
} satisfies RequestDocs

export const frames = {
  WEBHOOK_ADDED: {
    doc: 'Answers WEBHOOK_ADD. `secret` is not told again.',
    example: { ...webhook, secret },
  },
  WEBHOOKS: {
    doc: 'Answers WEBHOOKS.',
    example: { list: [{ ...webhook, token_id: 'aB3f90kXq1' }] },
  },
  WEBHOOK_LOG: {
    doc: 'Answers WEBHOOK_LOG.',
    example: {
      ...id,
      items: [
        {
          seq: 42,
          state: 'waiting',
          attempts: 2,
          at: 1_790_000_005_000,
          status: 503,
          problem: 'it answers 503',
          next_at: 1_790_000_305_000,
        },
        { seq: 41, state: 'delivered', attempts: 1, at: 1_790_000_000_000, status: 204 },
      ],
      more: true,
    },
  },
  WEBHOOK_ROTATED: {
    doc: 'Answers WEBHOOK_ROTATE.',
    example: { ...id, secret, until: 1_790_086_400_000 },
  },
} satisfies FrameDocs
