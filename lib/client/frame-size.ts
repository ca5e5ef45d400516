// What the relay would not take: it closes the connection over a frame that is too large, as often as it is sent.
import { RelayError } from './errors.ts'

/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const maxBytesPerUnit = 3

/** undefined where the frame fits. */
export const frameProblem = (text: string, maxBytes: number): RelayError | undefined =>
  text.length * maxBytesPerUnit > maxBytes && new TextEncoder().encode(text).length > maxBytes
    ? new RelayError('INVALID_MSG', `Too long: as a frame it takes more than the ${maxBytes} bytes that this relay takes`)
    : undefined
