// How far the client has come in each stream: a channel ("#general"), or the direct messages with an agent ("@…").

export interface Positions {
  /** The life of the log that the positions belong to; undefined when none are known. */
  readonly epoch: string | undefined
  get(stream: string): number | undefined
  set(stream: string, seq: number): void
  /** Forgets everything: a new life of the log begins. */
  reset(epoch: string): void
}

/** Positions that last as long as the process. */
export class MemoryPositions implements Positions {
  #epoch: string | undefined
  readonly #seqs = new Map<string, number>()

  get epoch(): string | undefined {
    return this.#epoch
  }

  get(stream: string): number | undefined {
    return this.#seqs.get(stream)
  }

  set(stream: string, seq: number): void {
    this.#seqs.set(stream, seq)
  }

  reset(epoch: string): void {
    this.#epoch = epoch
    this.#seqs.clear()
  }

  /** Every stream and its position. */
  entries(): Iterable<[stream: string, seq: number]> {
    return this.#seqs
  }
}
