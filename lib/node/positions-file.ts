// Positions that outlive the process, in a small private file: a program that was stopped goes on where it was.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Positions } from '../client/index.ts'
import { writePrivateFile } from './private-file.ts'

const Shape = z.object({ epoch: z.string(), positions: z.record(z.string(), z.number().int().min(0)) })

export interface PositionsFileOptions {
  /** Changes are written together, at most this often, in ms. */
  readonly saveEveryMs?: number
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
export class PositionsFile implements Positions {
  readonly #file: string
  readonly #saveEveryMs: number
  readonly #seqs = new Map<string, number>()
  #epoch: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(file: string, { saveEveryMs = 200 }: PositionsFileOptions = {}) {
    this.#file = file
    this.#saveEveryMs = saveEveryMs
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    const { epoch, positions } = Shape.parse(JSON.parse(text))
    this.#epoch = epoch
    for (const [stream, seq] of Object.entries(positions)) this.#seqs.set(stream, seq)
  }

  get epoch(): string | undefined {
    return this.#epoch
  }

  get(stream: string): number | undefined {
    return this.#seqs.get(stream)
  }

  set(stream: string, seq: number): void {
    this.#seqs.set(stream, seq)
    this.#changed()
  }

  reset(epoch: string): void {
    this.#epoch = epoch
    this.#seqs.clear()
    this.#changed()
  }

  /** Writes what has changed, now. */
  save(): void {
    if (this.#timer === undefined || this.#epoch === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    writePrivateFile(this.#file, `${JSON.stringify({ epoch: this.#epoch, positions: Object.fromEntries(this.#seqs) })}\n`, { overwrite: true })
  }

  /** Writes what has changed, and nothing that comes later: the program takes no more messages. */
  close(): void {
    this.save()
    this.#isClosed = true
  }

  #changed(): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.save(), this.#saveEveryMs)
  }
}
