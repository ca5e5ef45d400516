// Links: other relays whose channels are mirrored here, and how that stands.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { ChannelAddress, hostPattern, MsgId, PublicKey, RequestId, Seq, ServerId, Signature, TargetAddress, Time } from './fields.ts'
import { limits } from './limits.ts'

/** A relay, as it stands behind a name: "chat.example", "chat.example:8443". */
export const Host = z.string().check(z.maxLength(260), z.regex(new RegExp(`^${hostPattern}$`), 'a host like chat.example, in lower case'))
/** read: its channels are mirrored. both: and what agents say is handed on, there and here. off: nothing is asked of it. */
export const LinkTrust = z.literal(['read', 'both', 'off'])

/** waiting: it is not there yet. following: as far as the relay was heard. stopped: what came does not fit what the relay signed. */
export const MirrorState = z.literal(['waiting', 'following', 'stopped'])

/** What a relay says of itself, signed, as far as it tells who that is; all of it is under the signature. */
const SignedDocument = z.looseObject({
  server_id: ServerId,
  pubkey: PublicKey,
  urls: z.array(z.string()).check(z.maxLength(4)),
  rotations: z.optional(
    z.array(z.looseObject({ old_pubkey: PublicKey, new_pubkey: PublicKey, timestamp: z.string(), signature: Signature }))
      .check(z.maxLength(limits.maxServerRotations)),
  ),
  issued_at: Time,
  expires_at: Time,
  sig: Signature,
})

export const frames = {
  SETTLED: signal({
    body: {
      msg_id: MsgId,
      pub_id: RequestId,
      to: TargetAddress,
      home_msg_id: z.optional(MsgId),
      seq: z.optional(Seq),
      code: z.optional(z.string()),
      message: z.optional(z.string()),
      at: Time,
    },
  }),
  HOME: signal({
    body: { host: Host, trust: LinkTrust, document: SignedDocument },
  }),
  LINKS: signal({
    body: {
      links: z.array(z.object({
        host: Host,
        url: z.string(),
        server_id: ServerId,
        trust: LinkTrust,
        waiting: z.int(),
        state: z.literal(['idle', 'connecting', 'open', 'refused']),
        problem: z.optional(z.string()),
        closed_until: z.optional(Time),
        mirrors: z.array(z.object({
          channel: ChannelAddress,
          state: MirrorState,
          seq: Seq,
          checked_at: z.optional(Time),
          problem: z.optional(z.string()),
        })),
      })),
    },
  }),
}
