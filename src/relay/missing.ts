// The refusal of a request about a message that is not there, or not for the asker: one for both.
import { Fail } from './fail.ts'

/** What is mirrored here has the id that it has at its home, which names nothing here: whoever asks by it has to know where it does. */
export const noMessage = (msgId: string): Fail =>
  new Fail(
    'MESSAGE_NOT_FOUND',
    `There is no such message, or you may not read it: ${msgId}. One of a mirrored channel is asked about at its own relay.`,
  )
