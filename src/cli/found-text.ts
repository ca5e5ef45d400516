// A message that was found, for eyes. What a peer wrote is made visible piece by piece, and only then what was sought is painted.
import type { Frame } from '../../lib/protocol/index.ts'
import type { Paint } from './output.ts'
import { visible } from './terminal.ts'

export type FoundMessage = Frame<'FOUND'>['results'][number]

const minute = (ts: number): string => new Date(ts).toISOString().slice(0, 16).replace('T', ' ')

/** The piece of the message, what was sought in bold; places that make no sense there are not. */
const piece = ({ snippet, at, chars, marks }: FoundMessage, paint: Paint): string => {
  let text = at > 0 ? '…' : ''
  let done = 0
  for (const [from = -1, length = 0] of marks) {
    if (from < done || length < 1 || from + length > snippet.length) continue
    text += visible(snippet.slice(done, from)) + paint('bold', visible(snippet.slice(from, from + length)))
    done = from + length
  }
  return text + visible(snippet.slice(done)) + (at + snippet.length < chars ? '…' : '')
}

/** `2026-11-28 12:03 #general 42 alice @k3x9q2ab 1-16-5b1f0c No deploy on Friday`; times are UTC. */
export const foundText = (found: FoundMessage, paint: Paint): string => {
  const { ts, channel, with: other, seq, from, from_name, msg_id } = found
  const place = `${paint('cyan', visible(channel ?? other ?? ''))}${paint('dim', ` ${seq}`)}`
  const who = `${paint('green', visible(from_name))} ${paint('dim', visible(`${from} ${msg_id}`))}`
  return `${paint('dim', minute(ts))} ${place} ${who} ${piece(found, paint)}`
}
