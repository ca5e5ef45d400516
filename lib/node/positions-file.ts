// Positions that outlive the process, in a small private file: a program that was stopped goes on where it was.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { timerMs } from '../protocol/timer.ts'
import { MemoryPositions } from '../client/index.ts'
import { checkPrivateFile, writePrivateFile } from './private-file.ts'

const Seq = z.number().int().min(0)
/** A number is of the life that the file names. */
const Shape = z.object({
  epoch: z.string(),
  positions: z.record(z.string(), z.union([Seq, z.object({ seq: Seq, epoch: z.string() })])),
})

export interface PositionsFileOptions {
  /** Changes are written together, at most this often, in ms. */
  readonly saveEveryMs?: number
  /** Told when the file cannot be written; without it such an error is thrown where nobody catches it, and ends the program. */
  readonly onError?: (error: Error) => void
}

/**
 * Reads and writes one file. A process that is killed may see the messages of the last moment again, never miss one.
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

  constructor(file: string, { saveEveryMs = 200, onError }: PositionsFileOptions = {}) {
    super()
    this.#file = file
    this.#onError = onError
    this.#saveEveryMs = saveEveryMs
    let text: string
    try {
      // Editors of one system put a mark in front.
      text = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    const { epoch, positions } = Shape.parse(JSON.parse(text))
    super.reset(epoch)
    for (const [stream, position] of Object.entries(positions))
      this.keep(stream, typeof position === 'number' ? { seq: position, epoch } : position)
  }

  override set(stream: string, seq: number): void {
    super.set(stream, seq)
    this.#changed()
  }

  override reset(epoch: string): void {
    super.reset(epoch)
    this.#changed()
  }

  override enter(stream: string, epoch: string): void {
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
    writePrivateFile(this.#file, `${JSON.stringify({ epoch: this.epoch, positions })}\n`, { overwrite: true })
  }

  /** Writes what has changed, and nothing that comes later: the program takes no more messages. */
  close(): void {
    this.save()
    this.#isClosed = true
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
