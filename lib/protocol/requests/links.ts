// What is asked about links: other relays whose channels are mirrored here.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentName, ChannelName, Hex32, PublicKey, RequestId, ServerId, Signature, TargetAddress } from '../fields.ts'
import { Host, LinkTrust } from '../links.ts'
import { limits } from '../limits.ts'
import { AdminKey, ClientTime, Content, optional } from '../request-fields.ts'
import { RelayUrl } from '../server-document.ts'
import { Seen } from '../transcripts.ts'

const admin = <S extends z.core.$ZodLooseShape>(body: S) =>
  request('relay.link', {
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 10 },
    reply: 'LINKS',
  })

/** A MSG as its author signed it for the relay that it is handed to. */
const Relayed = z.object({
  to: TargetAddress,
  content: Content,
  id: RequestId,
  sig: Signature,
  ts: ClientTime,
  nonce: Hex32,
  in_reply_to: z.optional(z.string().check(z.maxLength(256))),
  seen: z.optional(Seen),
})

export const requests = {
  RELAYED: request('link.hand', {
    body: { pubkey: PublicKey, name: AgentName, message: Relayed },
    cost: { frames: 4 },
    reply: 'ACK',
  }),
  HOME: request('relay.look', {
    body: { host: Host },
    cost: { frames: 2 },
    reply: 'HOME',
  }),
  ADMIN_LINK: admin({
    host: Host,
    url: optional(RelayUrl),
    key: optional(ServerId),
    trust: optional(LinkTrust),
    channels: optional(z.array(ChannelName).check(z.maxLength(limits.maxMirrorsPerLink))),
  }),
  ADMIN_LINKS: admin({}),
  ADMIN_UNLINK: admin({ host: Host }),
}
