// Files of the court's commands: items of evidence, and a case as `court show --json` prints it.
import * as z from 'zod'

export const Items = z.array(z.looseObject({ kind: z.string(), label: z.string(), value: z.string() }))

/** Of a case, what its draw is computed from. */
export const DrawnCase = z.looseObject({
  dispute: z.looseObject({
    dispute_id: z.string(),
    proposal_id: z.string(),
    disputant: z.string(),
    respondent: z.string(),
    commitment: z.string(),
    server_nonce: z.string(),
    nonce: z.string().nullable(),
    seed: z.string().nullable(),
    pool_hash: z.string(),
    pool: z.array(z.string()).nullable(),
    seats: z.array(z.looseObject({ arbiter: z.string() })),
  }),
})
