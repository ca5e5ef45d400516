// What is asked about files.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { Fingerprint, MsgId } from '../fields.ts'
import { limits } from '../limits.ts'

/** A file as its sender names it: no path, and nothing that a terminal or a file system would obey. */
export const FileRef = z.object({
  sha256: Fingerprint,
  bytes: z.int().check(z.gte(1), z.lte(Number.MAX_SAFE_INTEGER)),
  name: z.string().check(
    z.minLength(1),
    z.maxLength(limits.maxFileNameChars),
    z.refine(name => !/[\p{Cc}\p{Cf}\p{Surrogate}\u2028\u2029/\\]/u.test(name) && name !== '.' && name !== '..',
      'a name without /, \\, control or formatting characters'),
  ),
  mime: z.optional(z.string().check(z.maxLength(100), z.regex(/^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+$/, 'a type like text/plain'))),
})

export const requests = {
  PUT_FILE: request('talk.write', {
    body: { sha256: Fingerprint, bytes: z.int().check(z.gte(1), z.lte(Number.MAX_SAFE_INTEGER)) },
    cost: { message: true, frames: 3 },
    reply: 'FILE_TICKET',
  }),
  GET_FILE: request('talk.read', {
    body: { msg_id: z.optional(MsgId), sha256: z.optional(Fingerprint) },
    cost: { frames: 3 },
    reply: 'FILE_TICKET',
  }),
}
