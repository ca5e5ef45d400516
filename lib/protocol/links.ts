// Links: other relays whose channels are mirrored here, and how that stands.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { ChannelAddress, hostPattern, MsgId, RequestId, Seq, ServerId, TargetAddress, Time } from './fields.ts'

/** A relay, as it stands behind a name: "chat.example", "chat.example:8443". */
export const Host = z.string().check(z.maxLength(260), z.regex(new RegExp(`^${hostPattern}$`), 'a host like chat.example, in lower case'))
/** read: its channels are mirrored. both: and what agents say is handed on, there and here. off: nothing is asked of it. */
export const LinkTrust = z.literal(['read', 'both', 'off'])

/** waiting: it is not there yet. following: as far as the relay was heard. stopped: what came does not fit what the relay signed. */
export const MirrorState = z.literal(['waiting', 'following', 'stopped'])

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
