// An archive, line by line: what every reader of one checks, whatever it does with the records.
import { createHash } from 'node:crypto'
import type * as z from 'zod'
import type { TranscriptRange, WitnessPolicy } from '../../lib/identity/transcripts/index.ts'
import { decodeFrame, type Frame } from '../../lib/protocol/index.ts'
import { pairStream } from '../store/log.ts'
import { archiveFormat, CosignedHead, End, Head, Header, kindNames, kinds, noCounts, sumOf, type KindName } from './archive.ts'
import { isArchiveOf } from './archive-signature.ts'
import { KeepingError } from './failure.ts'
import { ArchiveHeads, NotSigned } from './heads.ts'
import { linesOf } from './lines.ts'
import type { Watched } from './orders.ts'

/** More than the longest message takes, escaped twice. */
const maxLineBytes = 32 * 1024 * 1024
const linesPerTurn = 2_000

/** What is wrong with the line that is being read. */
export class Wrong extends Error {}

export interface StoredEvent {
  readonly stream: string
  readonly seq: number
  readonly text: string
  readonly frame: Frame<'MSG'>
}

export interface ArchiveVisitor {
  /** What stands in a record but its kind, checked; of events see `event`. */
  record?(kind: KindName, fields: Readonly<Record<string, unknown>>): void
  event?(event: StoredEvent): void
  /** The tree over what of a stream was gone before the events that came. */
  base?(stream: string, base: TranscriptRange): void
  /** So many lines were read. */
  turn?(): void
  /** A failure of its own, told of a line; undefined: it is none of its. */
  explain?(error: unknown, line: number): KeepingError | undefined
}

export interface ReadArchive {
  readonly header: z.output<typeof Header>
  readonly counts: Readonly<Record<KindName, number>>
  /** Whether the relay signed the whole file; archives of older versions are not. */
  readonly isSigned: boolean
  /** Heads that were compared with their events; undefined: the archive is older than those. */
  readonly heads: number | undefined
}

/** Reads all of it, and nothing but it: without a relay and without a network. @throws KeepingError refused, with the first line that is wrong */
export const readArchive = async (
  source: AsyncIterable<Uint8Array>,
  visitor: ArchiveVisitor,
  { onProgress, signal, witnesses }: Watched & { readonly witnesses?: WitnessPolicy | undefined } = {},
): Promise<ReadArchive> => {
  const reader = new Reader(visitor, witnesses)
  let line = 0
  for await (const bytes of linesOf(source, maxLineBytes)) {
    line++
    try {
      reader.line(bytes)
    } catch (error) {
      if (error instanceof Wrong || error instanceof NotSigned) throw new KeepingError('refused', error.message, { line })
      throw visitor.explain?.(error, line) ?? error
    }
    if (line % linesPerTurn > 0) continue
    signal?.throwIfAborted()
    visitor.turn?.()
    onProgress?.(line, reader.total)
  }
  return reader.end(line)
}

class Reader {
  readonly #visitor: ArchiveVisitor
  readonly #witnesses: WitnessPolicy | undefined
  readonly #hash = createHash('sha256')
  readonly #counts = noCounts()
  #header: z.output<typeof Header> | undefined
  #heads: ArchiveHeads | undefined
  #checked = 0
  #isEnded = false
  #isSigned = false
  /** The kind that came last, by its place in the table. */
  #kind = 0

  constructor(visitor: ArchiveVisitor, witnesses: WitnessPolicy | undefined) {
    this.#visitor = visitor
    this.#witnesses = witnesses
  }

  get total(): number {
    return this.#header === undefined ? 0 : sumOf(this.#header.counts)
  }

  line(bytes: Buffer): void {
    if (this.#isEnded) throw new Wrong('something follows the end of the archive')
    const record = parsed(bytes)
    if (this.#header === undefined) {
      this.#header = checked(Header, record)
      if (this.#header.format === archiveFormat) this.#heads = new ArchiveHeads(this.#header, this.#witnesses)
      else if (this.#witnesses !== undefined)
        throw new Wrong('format: archives of that form have no heads that witnesses could have cosigned')
    } else if (record['kind'] === 'end') this.#end(checked(End, record))
    else if (record['kind'] === 'head') this.#head(checked(Head, record))
    else if (record['kind'] === 'cosigned' && this.#heads !== undefined) this.#heads.cosigned(checked(CosignedHead, record))
    else this.#record(record)
    if (!this.#isEnded) this.#hash.update(bytes)
  }

  /** @throws KeepingError where the end is missing */
  end(line: number): ReadArchive {
    if (!this.#isEnded) throw new KeepingError('refused', 'the archive was cut: its end is missing', { line: line + 1 })
    return {
      header: this.#header!,
      counts: this.#counts,
      isSigned: this.#isSigned,
      heads: this.#heads === undefined ? undefined : this.#checked,
    }
  }

  #head(head: z.output<typeof Head>): void {
    if (this.#heads === undefined) throw new Wrong('kind: unknown ("head")')
    const { base } = this.#heads.check(head)
    this.#checked++
    this.#visitor.base?.(head.stream, base)
  }

  #record({ kind, ...fields }: Readonly<Record<string, unknown>>): void {
    const place = kindNames.indexOf(kind as KindName)
    if (place === -1) throw new Wrong(`kind: unknown (${JSON.stringify(kind)?.slice(0, 40) ?? 'missing'})`)
    if (place < this.#kind) throw new Wrong(`kind: ${kindNames[place]!} after ${kindNames[this.#kind]!}`)
    if (place !== this.#kind) this.#heads?.end()
    this.#kind = place
    const name = kindNames[place]!
    const record = checked(kinds[name].fields, fields)
    if (name === 'event') {
      const event = eventOf(record as z.output<typeof kinds.event.fields>)
      this.#heads?.add(event.stream, event.seq, event.text)
      this.#visitor.event?.(event)
    } else this.#visitor.record?.(name, record)
    this.#counts[name]++
  }

  /** Whether all is there, and nothing else. */
  #end({ counts, sha256, signature }: z.output<typeof End>): void {
    const header = this.#header!
    this.#heads?.end()
    const wrong = kindNames.find(kind => counts[kind] !== this.#counts[kind] || header.counts[kind] !== this.#counts[kind])
    if (wrong !== undefined) throw new Wrong(`${this.#counts[wrong]} records of kind ${wrong}, where ${header.counts[wrong]} were exported`)
    if (this.#hash.digest('hex') !== sha256) throw new Wrong('the archive was changed after it was made: its SHA-256 is another')
    if (signature !== undefined && !isArchiveOf(header.server_id, sha256, signature))
      throw new Wrong('signature: not that of the relay that the archive names')
    this.#isSigned = signature !== undefined
    this.#isEnded = true
  }
}

/** It is sent to clients as it is, so it has to be what a relay would have written. */
const eventOf = ({ stream, seq, text }: z.output<typeof kinds.event.fields>): StoredEvent => {
  const decoded = decodeFrame(text)
  if (!decoded.ok) throw new Wrong(`text: ${decoded.message}`)
  const { frame } = decoded
  if (frame.type !== 'MSG' || frame.replay !== undefined || JSON.stringify(JSON.parse(text)) !== text)
    throw new Wrong('text: not a stored message')
  if (frame.seq !== seq) throw new Wrong('text: of another seq')
  if ((stream.startsWith('#') ? frame.to : pairStream(frame.from, frame.to)) !== stream) throw new Wrong('text: of another stream')
  return { stream, seq, text, frame }
}

export const parsed = (bytes: Buffer): Readonly<Record<string, unknown>> => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Wrong('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Wrong('not a JSON object')
  return value as Record<string, unknown>
}

const checked = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new Wrong(`${issue.path.length === 0 ? '' : `${issue.path.join('.')}: `}${issue.message}`)
}
