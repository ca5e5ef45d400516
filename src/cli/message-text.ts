// A message for eyes. Everything a peer chose is made visible before it is painted.
import type { Paint } from './output.ts'
import { visible, visibleLines } from './terminal.ts'

/** What a MSG frame holds, and what its receiver found out about its signature. */
export interface ShownMessage {
  readonly ts: number
  readonly from: string
  readonly from_name: string
  readonly to: string
  readonly content: string
  readonly replay?: boolean | undefined
  readonly erased?: boolean | undefined
  readonly signature?: string
}

const signatureMarks: Readonly<Record<string, (paint: Paint) => string>> = {
  valid: paint => paint('green', ' ✓'),
  invalid: paint => paint('red', " ✗ the signature is not this agent's"),
}

/** `12:03:11 #general alice @k3x9q2ab ✓ hi`; further lines of the content are indented. */
export const messageText = (message: ShownMessage, paint: Paint): string => {
  const { ts, from, from_name, to, content, replay, erased, signature = 'none' } = message
  const time = new Date(ts).toLocaleTimeString('en-GB')
  const mark = Object.hasOwn(signatureMarks, signature) ? signatureMarks[signature]!(paint) : ''
  const head = `${paint('dim', `${time}${replay ? '·' : ' '}`)}${paint('cyan', visible(to))} ${paint('bold', visible(from_name))} ${
    paint('dim', visible(from))
  }${mark}`
  return `${head} ${erased ? paint('dim', '(erased)') : visibleLines(content, '         │ ')}`
}
