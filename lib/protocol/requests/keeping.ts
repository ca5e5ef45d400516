// What is asked about keeping.
import { request } from '../define.ts'
import { AgentId, ChannelAddress } from '../fields.ts'
import { AdminKey, optional } from '../request-fields.ts'
import { Limit } from '../keeping.ts'

export const requests = {
  SET_RETENTION: request('relay.config', {
    body: {
      admin_key: optional(AdminKey),
      channel: ChannelAddress,
      age_ms: optional(Limit),
      count: optional(Limit),
      bytes: optional(Limit),
    },
    cost: { frames: 3 },
    reply: 'RETENTION',
  }),
  ERASE: request('data.erase', {
    body: { admin_key: optional(AdminKey), agent: optional(AgentId) },
    cost: { message: true, needsRoom: false, frames: 20 },
    reply: 'ERASED',
  }),
}
