// Whether a message was signed by who is said to have sent it: what its signature has to be over, found from the message as it came.
import { IdentityError } from './errors.ts'
import { messageText, messageTextV2 } from './texts.ts'

/** What a message holds of its signature, as a frame names it; a frame as it came has all the fields of later versions too. */
export interface SignedMessage {
  readonly from: string
  readonly to: string
  readonly content: string
  readonly sig?: string | undefined
  readonly sig_v?: number | undefined
  readonly sig_ts?: number | undefined
  readonly nonce?: string | undefined
  readonly relay?: string | undefined
  readonly pub_id?: string | undefined
  readonly in_reply_to?: string | undefined
}

/** Fields of later versions, which a signature of the second form covers under their own names. */
const laterFields = ['seen', 'sealed', 'files', 'mentions'] as const

/** Whether a message has a field that only later versions know, so that its whole text has to be read to check it. */
export const hasLaterFields = (message: object): boolean => laterFields.some(name => Object.hasOwn(message, name))

const later = (message: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(message).filter(([name]) => (laterFields as readonly string[]).includes(name)))

/** What a message's signature is over; undefined where the message does not hold all that it would have to cover. */
export const signedTextOf = (message: SignedMessage): string | undefined => {
  const { from, to, content, sig_v, sig_ts: ts, nonce, relay, pub_id: id, in_reply_to } = message
  if (ts === undefined) return undefined
  if (sig_v === undefined) return messageText({ to, content, ts })
  if (sig_v !== 2 || relay === undefined || nonce === undefined || !/^[0-9a-f]{32}$/.test(nonce)) return undefined
  const fields = { by: from, relay, to, content, id, ts, nonce, in_reply_to }
  try {
    return messageTextV2(hasLaterFields(message) ? { ...later(message), ...fields } : fields)
  } catch (error) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}
