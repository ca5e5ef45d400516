// Stored events as tools show them: who, where, when, where it comes from, and its text between marks.
import { provenanceOf, provenanceText, word } from '../../../lib/identity/index.ts'
import { formatMinor, plainNumber } from '../../../lib/protocol/money.ts'
import { maxTextChars, type Part, type Quote } from './reply.ts'
import type { Kept, Seat } from './seat.ts'

/** `11-28T04:09`, in UTC */
export const timeText = (ts: unknown): string =>
  typeof ts === 'number' && Math.abs(ts) < 8.64e15 ? new Date(ts).toISOString().slice(5, 16) : '?'

const text = (value: unknown): string | undefined => typeof value === 'string' && value !== '' ? value : undefined

/** An amount in minor units, or in units, of a currency. */
export const priceOf = ({ amount_minor, amount, currency }: Readonly<Record<string, unknown>>): string =>
  typeof amount_minor === 'number' && typeof currency === 'string'
    ? formatMinor(amount_minor, currency).split(' ').map(word).join(' ')
    : typeof amount === 'number'
    ? `${plainNumber(amount)} ${word(currency)}`.trim()
    : ''

/** Without what is undefined. */
export const defined = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** A word that a peer chose, for programs; undefined where there is none. */
export const worded = (value: unknown): string | undefined => text(value) === undefined ? undefined : word(value)

export const numbered = (value: unknown): number | undefined => typeof value === 'number' ? value : undefined

/** What a peer wrote in a step of a deal or a case. */
const writtenFields = ['task', 'terms', 'text', 'proof', 'reason'] as const

/** Files that are shown of one message, and characters of a name. */
const maxShownFiles = 8
const maxNameChars = 80
/** What one takes at most, its hash, its size and what stands around them. */
const charsPerFile = 320

/** The files that a message names: a hash and a size of ours, and a name that is a peer's. */
const filesIn = (files: unknown) =>
  (Array.isArray(files) ? files as readonly Readonly<Record<string, unknown>>[] : []).slice(0, maxShownFiles).map(file => ({
    sha256: word(file['sha256']),
    bytes: numbered(file['bytes']) ?? 0,
    name: text(file['name']) ?? '',
  }))

const filesText = (files: ReturnType<typeof filesIn>, all: number): readonly Part[] => [
  ...files.flatMap(({ sha256, bytes, name }, i): readonly Part[] => [
    `\nfile ${i + 1}: ${bytes} bytes, sha256=${sha256} `,
    { text: name, limit: maxNameChars, as: `file_${i + 1}` },
  ]),
  ...(all > files.length ? [`\n${all - files.length} more files`] : []),
]

export interface Showing {
  /** Characters of its text; default: those of one beside others. */
  readonly limit?: number | undefined
  /** Where what was cut off can be read. */
  readonly more?: string | undefined
}

/** An event as an item of a reply. */
export const eventParts = async (seat: Seat, event: Kept, { limit, more }: Showing = {}): Promise<readonly Part[]> => {
  const at = timeText(event.ts)
  const quote = (said: string): Quote => ({ text: said, ...(limit !== undefined && { limit }), ...(more !== undefined && { more }) })
  const state = await seat.signatureOf(event)
  const provenance = provenanceOf(event, state, await seat.authors.of(event['by'] ?? event['from']))
  const { keyAgeMs, trust, hops } = provenance
  const whence = () => ({ signature: worded(state), key_age_ms: keyAgeMs ?? undefined, trust, hops })
  const id = text(event['msg_id'])
  const ending = ` ${provenanceText(provenance, state)}${text(event['via']) === undefined ? '' : ` via-${word(event['via'])}`}${
    id === undefined ? '' : ` id=${word(id)}`
  }`
  if (event.type === 'MSG') {
    const { from, from_name, to, content, in_reply_to, erased, files } = event as Readonly<Record<string, unknown>>
    const shown = filesIn(files)
    // What files take is not there for the text: with both, an item still has room in a reply.
    const room = Math.max(maxTextChars, (limit ?? maxTextChars) - shown.length * charsPerFile)
    const place = typeof to === 'string' && to.startsWith('#') ? ` in ${word(to)}` : from === seat.me ? ` to ${word(to)}` : ''
    const answers = text(in_reply_to) === undefined ? '' : ` re=${word(in_reply_to)}`
    const head = `${event.seq ?? '-'} ${word(from)}/${word(from_name)}${place} ${at}${ending}${answers}\n`
    const facts = () =>
      defined({
        type: 'MSG',
        seq: event.seq,
        msg_id: worded(id),
        from: word(from),
        from_name: worded(from_name),
        to: word(to),
        ts: numbered(event.ts),
        in_reply_to: worded(in_reply_to),
        ...whence(),
        via: worded(event['via']),
        erased: erased === true ? true : undefined,
        files: shown.length === 0 ? undefined : shown.map(({ sha256, bytes }) => ({ sha256, bytes })),
      })
    const said = erased === true ? '(erased)' : { ...quote(typeof content === 'string' ? content : ''), limit: room }
    return [{ facts }, head, said, ...filesText(shown, Array.isArray(files) ? files.length : 0)]
  }
  const { by, from, proposal_id, dispute_id, status } = event as Readonly<Record<string, unknown>>
  const price = priceOf(event)
  const about = [proposal_id ?? dispute_id, status, price].flatMap(part => part === undefined || part === '' ? [] : [part])
  const written = writtenFields.flatMap(field => {
    const said = text(event[field])
    return said === undefined ? [] : ['\n', `${field}: `, { ...quote(said), as: field }]
  })
  const { amount, amount_minor, currency } = event as Readonly<Record<string, unknown>>
  const facts = () =>
    defined({
      type: word(event.type),
      seq: event.seq,
      proposal_id: worded(proposal_id),
      dispute_id: worded(dispute_id),
      status: worded(status),
      by: word(by ?? from),
      ts: numbered(event.ts),
      amount: numbered(amount),
      amount_minor: numbered(amount_minor),
      currency: worded(currency),
      ...whence(),
      via: worded(event['via']),
    })
  return [
    { facts },
    `${event.seq ?? '-'} ${word(event.type)} ${about.map(part => part === price ? price : word(part)).join(' ')} by ${
      word(by ?? from)
    } ${at}${ending}`,
    ...written,
  ]
}
