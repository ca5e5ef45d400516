// What became of a message after it was said.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { MsgId } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  EDITS: signal({
    body: { msg_id: MsgId, events: z.array(StoredEvent), more: z.boolean() },
  }),
}
