// A receiver of webhooks: keeps what it is posted, and answers as a test says.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: { readonly type: string, readonly timestamp: string, readonly data: Readonly<Record<string, unknown>> }
}

export type Answering = (response: ServerResponse, received: Received, request: IncomingMessage) => void

const waitMs = 10_000

export class Receiver {
  readonly received: Received[] = []
  answering: Answering = response => void response.writeHead(204).end()
  readonly #server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => text += part.toString())
    request.on('end', () => {
      const headers = request.headers as Record<string, string>
      const received = { id: headers['webhook-id']!, headers, text, body: JSON.parse(text) as Received['body'] }
      this.received.push(received)
      this.answering(response, received, request)
      for (const check of this.#waiting.splice(0)) check()
    })
  })
  #waiting: (() => void)[] = []

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/in`
  }

  /** The contents of the events that came, in their order. */
  get contents(): readonly unknown[] {
    return this.received.map(({ body }) => (body.data['event'] as { readonly content?: unknown } | undefined)?.content)
  }

  async listen(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  /** Resolves once so many were posted. */
  until(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.received.length} of ${count} came: ${this.contents.join()}`)), waitMs)
      const check = () => {
        if (this.received.length < count) return void this.#waiting.push(check)
        clearTimeout(timer)
        resolve()
      }
      check()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise(resolve => {
      this.#server.closeAllConnections()
      this.#server.close(() => resolve())
    })
  }
}

/** @example await using receiver = await newReceiver() */
export const newReceiver = (): Promise<Receiver> => new Receiver().listen()
