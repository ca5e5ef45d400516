// A reader of an event stream, as a browser is one: what it hears, and where it is.

/** One that was heard. */
export interface Sent {
  readonly event: string
  readonly id: string
  readonly data: Record<string, unknown>
}

export class Source {
  readonly heard: Sent[] = []
  isOver = false
  readonly #stop = new AbortController()
  #wake: (() => void)[] = []

  /** @param url of the stream */
  async open(url: string, headers: Record<string, string>): Promise<Response> {
    const response = await fetch(url, { headers, signal: this.#stop.signal })
    if (response.ok) void this.#read(response).catch(() => undefined).finally(() => this.#tell(() => this.isOver = true))
    return response
  }

  close(): void {
    this.#stop.abort()
  }

  /** What is stored, and nothing that the stream says of itself. */
  get events(): readonly Sent[] {
    return this.heard.filter(({ event }) => event === 'message' || event === 'inbox')
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>(resolve => this.#wake.push(resolve))
  }

  async #read(response: Response): Promise<void> {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const part of response.body!) {
      const blocks = (rest + decoder.decode(part as Uint8Array, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
        const text = field('data')
        if (text === undefined) continue
        this.#tell(() =>
          this.heard.push({ event: field('event') ?? 'message', id: field('id') ?? '', data: JSON.parse(text) as Record<string, unknown> })
        )
      }
    }
  }

  #tell(change: () => unknown): void {
    change()
    for (const wake of this.#wake.splice(0)) wake()
  }
}
