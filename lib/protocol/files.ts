// Files: what messages name, and tickets for fetching and bringing them over HTTP.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Time } from './fields.ts'

/** A file as a message names it. */
export const FileFacts = z.object({ sha256: z.string(), bytes: z.int(), name: z.string(), mime: z.optional(z.string()) })

export const frames = {
  FILE_TICKET: signal({
    body: {
      url: z.optional(z.string()),
      ticket: z.optional(z.string()),
      expires_at: z.optional(Time),
      have: z.optional(z.literal(true)),
      files: z.optional(z.array(FileFacts)),
    },
  }),
}
