// The inbox of an agent without a key: the relay keeps none for it, so it is what was said to it while it was there, the newest of it.
import type { Frame, RequestType } from '../../../lib/protocol/index.ts'

const maxKept = 500
const maxKeptChars = 4 * 1024 * 1024

export class GuestInbox {
  #entries: { readonly seq: number, readonly event: Frame<'MSG'> }[] = []
  #chars = 0
  #seq = 0
  #cursor = 0

  add(event: Frame<'MSG'>): void {
    this.#entries.push({ seq: ++this.#seq, event })
    this.#chars += event.content.length
    while (this.#entries.length > maxKept || (this.#chars > maxKeptChars && this.#entries.length > 1)) this.#drop()
  }

  /** What the relay would answer about an inbox; undefined: it is asked for something else. */
  answer(type: RequestType, body: unknown, ts: number): Frame<'INBOX'> | Frame<'OK'> | undefined {
    const { since = this.#cursor, limit = maxKept, seq } = body as {
      readonly since?: number
      readonly limit?: number
      readonly seq?: number
    }
    if (type === 'RECEIVED') {
      this.#cursor = seq ?? this.#cursor
      while (this.#entries.length > 0 && this.#entries[0]!.seq <= this.#cursor) this.#drop()
      return { type: 'OK', ts } as Frame<'OK'>
    }
    if (type !== 'INBOX') return undefined
    const after = this.#entries.filter(entry => entry.seq > since)
    return { type: 'INBOX', ts, items: after.slice(0, limit), more: after.length > limit, seq: this.#seq, cursor: this.#cursor } as Frame<
      'INBOX'
    >
  }

  #drop(): void {
    this.#chars -= this.#entries.shift()!.event.content.length
  }
}
