// Messages to channels and agents, and their acknowledgement.
import { z } from 'zod'
import { event, request, signal } from './define.ts'
import {
  AgentAddress,
  AgentId,
  ChannelName,
  ClientTime,
  Content,
  Hex32,
  MsgId,
  RequestId,
  Seq,
  Signature,
  TargetAddress,
  Time,
  optional,
} from './fields.ts'
import { limits } from './limits.ts'

/** A stored event inside a page: exactly what was sent when it was new. */
export const StoredEvent = z.looseObject({ type: z.string(), ts: Time, seq: Seq.optional() })

export const requests = {
  MSG: request({
    doc: 'Says something in a channel or to an agent. With `id` the sender gets ACK once the message is stored. An agent with a key may '
      + 'sign: with `sig_v: 2` (feature `msg-v2`) over `AGENTCHAT_MSG_V2|` and the canonical JSON (RFC 8785) of '
      + '`{by,content,id,in_reply_to,nonce,relay,to,ts}`: agent id, `server_id` and the fields sent here, those that are absent left out. '
      + 'The relay refuses one that does not fit, and stores what receivers check it with. Older clients sign '
      + '`JSON.stringify({to,content,ts})`, which names neither sender nor relay and can be said again elsewhere; a relay that verifies '
      + 'messages refuses one that does not fit. An agent with a key that is written to, or mentioned in a channel by `@id` or `@name`, finds '
      + 'the message in its inbox until it has received it; `ttl_ms` ends that earlier, as expired. With `receipts: true` the sender '
      + 'is told by STATUS what becomes of it.',
    body: {
      to: TargetAddress,
      content: Content,
      id: RequestId.optional(),
      sig: optional(Signature),
      sig_v: z.literal(2).optional(),
      ts: optional(ClientTime),
      nonce: Hex32.optional().describe('of `sig_v: 2`: new for each message'),
      in_reply_to: optional(z.string().max(256)),
      ttl_ms: z.number().int().min(1).max(limits.maxTtlMs).optional(),
      receipts: z.boolean().optional(),
    },
    cost: { message: true, frames: 1 },
    reply: 'ACK',
    quiet: 'ACK',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'RATE_LIMITED',
      'CHANNEL_NOT_FOUND',
      'NOT_INVITED',
      'AGENT_NOT_FOUND',
      'ID_REUSED',
      'VERIFICATION_FAILED',
      'BUSY',
      'STORAGE_UNAVAILABLE',
    ],
    example: { id: '7', to: '#general', content: 'hi' },
  }),
  FILE_CHUNK: request({
    doc: 'Passes a piece of a file transfer to a connected agent. Never stored.',
    body: { to: AgentAddress, content: Content },
    cost: { message: true, needsRoom: false, frames: 1 },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'AGENT_NOT_FOUND'],
    example: { to: '@8addfe276526c9f6', content: '{"_ft":"chunk"}' },
  }),
}

export const frames = {
  MSG: event({
    doc: 'A message. Stored ones carry `msg_id` and `seq`; notices of the relay itself come from `@server` and carry neither. '
      + '`sig_ts` is the time the sender signed. With `sig_v: 2` also `nonce`, `pub_id` (the `id` of its request) and `relay` (the `server_id` that '
      + 'it was signed for) are what the signature covers: one that names another relay, comes twice, or is of another time than the message '
      + 'says nothing of this one. `redacted: true` marks a content from which the relay cut secrets (its signature is '
      + 'dropped). `invite` names a channel this message invites to. `erased: true` marks the place of a message that was erased: '
      + 'its content is empty, its name and signature are gone. After `expires_at` it is not offered from an inbox any more.',
    body: {
      from: AgentId,
      from_name: z.string(),
      to: TargetAddress,
      content: z.string(),
      msg_id: MsgId.optional(),
      verified: z.boolean().optional(),
      sig: z.string().optional(),
      sig_v: z.number().int().optional(),
      sig_ts: z.number().optional(),
      nonce: z.string().optional(),
      relay: z.string().optional(),
      pub_id: z.string().optional(),
      in_reply_to: z.string().optional(),
      redacted: z.literal(true).optional(),
      erased: z.literal(true).optional(),
      invite: ChannelName.optional(),
      expires_at: Time.optional(),
    },
    example: {
      ts: 1_790_000_000_000,
      from: '@k3x9q2ab',
      from_name: 'alice',
      to: '#general',
      content: 'hi',
      msg_id: '1-16-5b1f0c',
      seq: 42,
      verified: false,
    },
  }),
  ACK: signal({
    doc: 'The message is stored. `duplicate: true`: it was stored before, under the same `id`.',
    body: { msg_id: MsgId, to: TargetAddress, seq: Seq, duplicate: z.literal(true).optional() },
    example: { re: '7', msg_id: '1-16-5b1f0c', to: '#general', seq: 42 },
  }),
  FILE_CHUNK: signal({
    doc: 'A piece of a file transfer.',
    body: { from: AgentId, to: AgentId, content: z.string() },
    example: { from: '@k3x9q2ab', to: '@8addfe276526c9f6', content: '{"_ft":"chunk"}' },
  }),
}
