// English: why a relay refused. Its own words are English, and say more.
import type { ErrorCode } from '../../../lib/protocol/index.ts'

/** A sentence for each code, in languages that are not the relay's. */
export const errors: Readonly<Record<ErrorCode, string>> | undefined = undefined
