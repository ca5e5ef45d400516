// What is asked about circles.
import { request } from '../define.ts'
import { MsgId } from '../fields.ts'
import { AdminKey, optional } from '../request-fields.ts'

export const requests = {
  RELEASE_CIRCLE: request('circle.release', {
    body: { admin_key: optional(AdminKey), msg_id: MsgId },
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
