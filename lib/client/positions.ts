// How far the client has come in each stream: a channel ("#general"), or the direct messages with an agent ("@…"). A number means
// something in one life of its stream alone: a relay that was restored counts on from where the copy was made.

export interface Position {
  readonly seq: number
  /** The life of the stream that it was counted in. */
  readonly epoch: string
}

/** How far a client has come in each stream; what it is asked to go on from after a restart. */
export interface Positions {
  /** The life of the relay's log, and of every stream of which nothing else is known; undefined when none is known. */
  readonly epoch: string | undefined
  /** The position in the present life of a stream. */
  get(stream: string): number | undefined
  set(stream: string, seq: number): void
  /** A new life of the relay's log begins. Where each channel stood before stays known as `former` until it is entered. */
  reset(epoch: string): void
  /** The present life of a stream. */
  lifeOf(stream: string): string | undefined
  /** Where a stream stood, in whichever life. */
  former(stream: string): Position | undefined
  /** A stream is in this life: a position of another one is forgotten. */
  enter(stream: string, epoch: string): void
  /** The newest head that the relay signed of a channel, as `keepHead` was given it. */
  head?(stream: string): string | undefined
  /** Keeps it, in the place of the one before. */
  keepHead?(stream: string, head: string): void
}

/** Positions that last as long as the process. */
export class MemoryPositions implements Positions {
  #epoch: string | undefined
  readonly #positions = new Map<string, Position>()
  /** The lives of streams that are not in that of the relay's log. */
  readonly #lives = new Map<string, string>()

  readonly #heads = new Map<string, string>()

  get epoch(): string | undefined {
    return this.#epoch
  }

  get(stream: string): number | undefined {
    const position = this.#positions.get(stream)
    return position?.epoch === (this.lifeOf(stream) ?? '') ? position?.seq : undefined
  }

  set(stream: string, seq: number): void {
    this.#positions.set(stream, { seq, epoch: this.lifeOf(stream) ?? '' })
  }

  reset(epoch: string): void {
    this.#epoch = epoch
    this.#lives.clear()
    // Of direct messages the inbox knows what was not received.
    for (const stream of this.#positions.keys()) if (stream.startsWith('@')) this.#positions.delete(stream)
  }

  lifeOf(stream: string): string | undefined {
    return this.#lives.get(stream) ?? this.#epoch
  }

  former(stream: string): Position | undefined {
    return this.#positions.get(stream)
  }

  enter(stream: string, epoch: string): void {
    if (epoch === this.#epoch) this.#lives.delete(stream)
    else this.#lives.set(stream, epoch)
    if (this.#positions.get(stream)?.epoch !== epoch) this.#positions.delete(stream)
  }

  head(stream: string): string | undefined {
    return this.#heads.get(stream)
  }

  keepHead(stream: string, head: string): void {
    this.#heads.set(stream, head)
  }

  /** Every head that is kept. */
  protected heads(): Iterable<[stream: string, head: string]> {
    return this.#heads
  }

  /** Every stream and its position in its present life. */
  *entries(): Iterable<[stream: string, seq: number]> {
    for (const [stream, { seq, epoch }] of this.#positions) if (epoch === this.lifeOf(stream)) yield [stream, seq]
  }

  /** Every position, of former lives too. */
  protected all(): Iterable<[stream: string, position: Position]> {
    return this.#positions
  }

  /** Takes a position as it was kept. */
  protected keep(stream: string, position: Position): void {
    this.#positions.set(stream, position)
  }
}
