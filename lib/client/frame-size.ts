// What the relay would not take: it closes the connection over a frame that is too large, as often as it is sent.
import { RelayError } from './errors.ts'

/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const maxBytesPerUnit = 3

/** undefined where the frame fits, with as many bytes as come to it yet. */
export const frameProblem = (text: string, maxBytes: number, more = 0): RelayError | undefined =>
  text.length * maxBytesPerUnit + more > maxBytes && new TextEncoder().encode(text).length + more > maxBytes
    ? new RelayError('INVALID_MSG', `Too long: this relay takes frames of ${maxBytes} bytes at most`)
    : undefined
