// A relay that is none: whoever visits it is logged in at another relay, as the visitor, by what the visitor signs here.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import WebSocket, { WebSocketServer } from 'ws'

type Frame = Record<string, unknown> & { readonly type: string }

export interface Trick {
  /** What it hands on of what the visitor says, before it is logged in there. */
  readonly toRelay?: (frame: Frame) => Frame
  /** What it hands on of what the relay says. */
  readonly toVisitor?: (frame: Frame) => Frame
}

export class GoBetween {
  /** What the relay has said to it. */
  readonly heard: Frame[] = []
  /** What the visitor has said to it. */
  readonly asked: Frame[] = []
  readonly #server: WebSocketServer
  #there: WebSocket | undefined

  constructor(server: WebSocketServer, relayUrl: string, { toRelay = frame => frame, toVisitor = frame => frame }: Trick) {
    this.#server = server
    server.on('connection', visitor => {
      const there = this.#there = new WebSocket(relayUrl)
      const waiting: string[] = []
      there.on('open', () => {
        for (const text of waiting.splice(0)) there.send(text)
      })
      visitor.on('message', data => {
        const frame = JSON.parse(String(data)) as Frame
        this.asked.push(frame)
        const text = JSON.stringify(toRelay(frame))
        if (there.readyState === WebSocket.OPEN) there.send(text)
        else waiting.push(text)
      })
      there.on('message', data => {
        const frame = JSON.parse(String(data)) as Frame
        this.heard.push(frame)
        visitor.send(JSON.stringify(toVisitor(frame)))
      })
      visitor.on('error', () => undefined).on('close', () => there.close())
      there.on('error', () => undefined).on('close', () => visitor.close())
    })
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Whether it is logged in as its visitor. */
  get isIn(): boolean {
    return this.heard.some(({ type }) => type === 'WELCOME')
  }

  /** Says something to the relay as its visitor. */
  say(frame: object): void {
    this.#there?.send(JSON.stringify(frame))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate()
    this.#there?.terminate()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** @example await using between = await startGoBetween(relay.url, { toRelay: ({ nonce, origin, ...rest }) => rest }) */
export const startGoBetween = async (relayUrl: string, trick: Trick = {}): Promise<GoBetween> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return new GoBetween(server, relayUrl, trick)
}
