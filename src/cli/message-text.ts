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
  readonly seq?: number | undefined
  readonly msg_id?: string | undefined
  readonly replay?: boolean | undefined
  readonly erased?: boolean | undefined
  readonly edit?: { readonly of: string } | undefined
  readonly retract?: { readonly of: string } | undefined
  readonly files?: readonly { readonly name: string, readonly bytes: number }[] | undefined
  readonly signature?: string
}

const wrong = (why: string) => (paint: Paint) => paint('red', ` ✗ ${why}`)

const signatureMarks: Readonly<Record<string, (paint: Paint) => string>> = {
  valid: paint => paint('green', ' ✓'),
  weak: paint => paint('yellow', ' ~ signed in the older form, which can be said again elsewhere'),
  stale: wrong('signed at another time'),
  duplicated: wrong('signed once, and said before'),
  foreign: wrong('signed for another relay'),
  invalid: wrong("the signature is not this agent's"),
  'unknown-key': wrong('signed, by a key that the relay cannot show'),
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** The local date, as in 2026-11-28. */
const dayOf = (ts: number): string => {
  const date = new Date(ts)
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`
}

/** Messages one after the other, with the date above the first one of each day; today's need none. */
export const messagesText = (now: number): (message: ShownMessage, paint: Paint) => string => {
  let day = dayOf(now)
  return (message, paint) => {
    const before = day
    day = dayOf(message.ts)
    return `${day === before ? '' : `${paint('dim', `── ${day} ──`)}\n`}${messageText(message, paint)}`
  }
}

/** `12:03:11 #general 42 alice @k3x9q2ab ✓ 1-16-5b1f0c hi`; further lines of the content are indented. */
const messageText = (message: ShownMessage, paint: Paint): string => {
  const { ts, from, from_name, to, content, seq, msg_id, replay, erased, edit, retract, files = [], signature = 'none' } = message
  const time = new Date(ts).toLocaleTimeString('en-GB')
  const mark = Object.hasOwn(signatureMarks, signature) ? signatureMarks[signature]!(paint) : ''
  const place = `${paint('cyan', visible(to))}${seq === undefined ? '' : paint('dim', ` ${seq}`)}`
  const id = msg_id === undefined ? '' : paint('dim', ` ${visible(msg_id)}`)
  const head = `${paint('dim', `${time}${replay ? '·' : ' '}`)}${place} ${paint('bold', visible(from_name))} ${
    paint('dim', visible(from))
  }${mark}${id}`
  if (retract !== undefined) return `${head} ${paint('dim', `(took back ${visible(retract.of)})`)}`
  const changed = edit === undefined ? '' : paint('dim', `(edits ${visible(edit.of)}) `)
  const named = files.map(({ name, bytes }) => `\n         │ ${paint('dim', `file: ${visible(name)}, ${bytes} bytes`)}`).join('')
  return `${head} ${changed}${erased ? paint('dim', '(erased)') : visibleLines(content, '         │ ')}${named}`
}

/** Columns that a character takes, or less. */
const widthOf = (char: string): number => char.codePointAt(0)! >= 0x2e80 ? 2 : 1

/** A message that grows, in one line: as much of its end as there is room for. */
export const growthText = (piece: { readonly to: string, readonly fromName: string }, text: string, columns: number): string => {
  const head = visible(`${piece.to} ${piece.fromName} … `)
  // An escape is longer than what it stands for.
  const shown = [...visible(text.slice(-columns))]
  let room = columns - 1 - [...head].reduce((sum, char) => sum + widthOf(char), 0)
  let start = shown.length
  while (start > 0 && (room -= widthOf(shown[start - 1]!)) >= 0) start--
  return head + shown.slice(start).join('')
}
