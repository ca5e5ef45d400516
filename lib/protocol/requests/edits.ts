// What is asked to change a message, and about what became of one.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { Hex32, MsgId, Seq, Signature } from '../fields.ts'
import { limits } from '../limits.ts'
import { AdminKey, ClientTime, Content, optional } from '../request-fields.ts'
import { FileRef } from './files.ts'

const signedChange = {
  sig: z.optional(Signature),
  ts: z.optional(ClientTime),
  nonce: z.optional(Hex32),
}

export const requests = {
  EDIT: request('talk.write', {
    body: {
      msg_id: MsgId,
      content: Content,
      prev: z.optional(z.string().check(z.regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits'))),
      files: z.optional(z.array(FileRef).check(z.maxLength(limits.maxFiles))),
      ...signedChange,
    },
    cost: { message: true, frames: 2 },
    reply: 'ACK',
  }),
  RETRACT: request('talk.write', {
    body: { msg_id: MsgId, admin_key: optional(AdminKey), ...signedChange },
    cost: { message: true, needsRoom: false, frames: 5 },
    reply: 'ACK',
  }),
  EDITS: request('talk.read', {
    body: {
      msg_id: MsgId,
      after: z.optional(Seq),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 2 },
    reply: 'EDITS',
  }),
}
