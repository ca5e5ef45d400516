// Positions that outlive the process, in a small private file: a program that was stopped goes on where it was.
import * as z from 'zod'
import { timerMs } from '../protocol/timer.ts'
import { MemoryPositions, type Position } from '../client/positions.ts'
import { checkPrivateFile, writePrivateFile } from './private-file.ts'
import { readTextFile } from './text-file.ts'

const Seq = z.number().int().min(0)
/** A number is of the life that the file names. */
const Shape = z.object({
  epoch: z.string(),
  positions: z.record(z.string(), z.union([Seq, z.object({ seq: Seq, epoch: z.string() })])),
  others: z.record(z.string(), z.record(z.string(), Seq)).optional(),
  /** signed heads of transcripts */
  heads: z.record(z.string(), z.string()).optional(),
})

/** Logs beside the present one that are kept in mind: those of other relays at which the file was used. */
const maxOthers = 8

/** When positions are written, and what is told when that fails. */
export interface PositionsFileOptions {
  /** Changes are written together, at most this often, in ms. */
  readonly saveEveryMs?: number
  /** Told when the file cannot be written; without it such an error is thrown where nobody catches it, and ends the program. */
  readonly onError?: (error: Error) => void
}

/**
 * Reads and writes one file. Used at another relay, it keeps in mind where it was at the former one. A process that is killed may see the messages of the last moment again, never miss one.
 * @throws SyntaxError or ZodError when the file is there and is not one of positions
 * @example
 * const positions = new PositionsFile('cursor.json')
 * const client = new AgentChatClient({ server, positions })
 * …
 * positions.close()
 */
export class PositionsFile extends MemoryPositions {
  readonly #file: string
  readonly #saveEveryMs: number
  readonly #onError: ((error: Error) => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /** Where streams stood in logs that others have taken the place of: by log, the last one last. */
  readonly #others = new Map<string, Map<string, Position['seq']>>()

  constructor(file: string, { saveEveryMs = 200, onError }: PositionsFileOptions = {}) {
    super()
    this.#file = file
    this.#onError = onError
    this.#saveEveryMs = saveEveryMs
    let text: string
    try {
      text = readTextFile(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    const { epoch, positions, others = {}, heads = {} } = Shape.parse(JSON.parse(text))
    for (const [log, seqs] of Object.entries(others)) this.#others.set(log, new Map(Object.entries(seqs)))
    super.reset(epoch)
    for (const [stream, head] of Object.entries(heads)) super.keepHead(stream, head)
    for (const [stream, position] of Object.entries(positions))
      this.keep(stream, typeof position === 'number' ? { seq: position, epoch } : position)
  }

  override set(stream: string, seq: number): void {
    super.set(stream, seq)
    this.#changed()
  }

  override reset(epoch: string): void {
    super.reset(epoch)
    const here = this.#others.get(epoch)
    this.#others.delete(epoch)
    for (const [stream, seq] of here ?? []) {
      this.#putAside(stream, epoch)
      this.keep(stream, { seq, epoch })
    }
    this.#changed()
  }

  override keepHead(stream: string, head: string): void {
    super.keepHead(stream, head)
    this.#changed()
  }

  override enter(stream: string, epoch: string): void {
    this.#putAside(stream, epoch)
    super.enter(stream, epoch)
    this.#changed()
  }

  /** Finds out now whether the file can be written, not with the first message. @throws when it cannot */
  checkWritable(): void {
    checkPrivateFile(this.#file)
  }

  /** Writes what has changed, now. @throws when the file cannot be written; what is known stays known */
  save(): void {
    if (this.#timer === undefined || this.epoch === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const positions = Object.fromEntries(
      Array.from(this.all(), ([stream, position]) => [stream, position.epoch === this.epoch ? position.seq : position]),
    )
    const others = Object.fromEntries(Array.from(this.#others, ([log, seqs]) => [log, Object.fromEntries(seqs)]))
    const heads = Object.fromEntries(this.heads())
    const text = JSON.stringify({
      epoch: this.epoch,
      positions,
      ...(this.#others.size > 0 && { others }),
      ...(Object.keys(heads).length > 0 && { heads }),
    })
    writePrivateFile(this.#file, `${text}\n`, { overwrite: true })
  }

  /** Writes what has changed, and nothing that comes later: the program takes no more messages. */
  close(): void {
    this.save()
    this.#isClosed = true
  }

  /** A position of another log than the one that a stream is in now. */
  #putAside(stream: string, epoch: string): void {
    const before = this.former(stream)
    if (before === undefined || before.epoch === epoch) return
    const seqs = this.#others.get(before.epoch) ?? new Map<string, number>()
    this.#others.delete(before.epoch)
    this.#others.set(before.epoch, seqs.set(stream, before.seq))
    for (const log of [...this.#others.keys()].slice(0, -maxOthers)) this.#others.delete(log)
  }

  #changed(): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#saveLater(), timerMs(this.#saveEveryMs))
  }

  #saveLater(): void {
    try {
      this.save()
    } catch (error) {
      if (this.#onError === undefined) throw error
      this.#onError(error as Error)
    }
  }
}
