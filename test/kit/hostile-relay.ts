// A relay that lies: it lets everybody in, and answers what a test makes up.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

export interface Asked {
  readonly type: string
  readonly id?: string
  readonly [field: string]: unknown
}

type Say = (frame: object) => void

export class HostileRelay {
  /** Everything that was asked, logins apart. */
  readonly asked: Asked[] = []
  /** Sockets that came. */
  readonly sockets: WebSocket[] = []
  readonly #server: WebSocketServer
  readonly #answer: (asked: Asked, say: Say) => object | undefined

  constructor(server: WebSocketServer, answer: (asked: Asked, say: Say) => object | undefined) {
    this.#server = server
    this.#answer = answer
    server.on('connection', socket => {
      this.sockets.push(socket)
      const say = (frame: object) => socket.send(JSON.stringify({ ts: Date.now(), ...frame }))
      socket.on('error', () => undefined)
      socket.on('message', data => this.#heard(JSON.parse(String(data)) as Asked, say))
    })
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How often a request was made. */
  count(type: string): number {
    return this.asked.filter(asked => asked.type === type).length
  }

  /** To everyone who is connected. */
  say(frame: object): void {
    for (const socket of this.sockets) socket.send(JSON.stringify({ ts: Date.now(), ...frame }))
  }

  #heard(asked: Asked, say: Say): void {
    if (asked.type === 'IDENTIFY') {
      const limits = {
        max_frame_bytes: 2_097_152,
        msg_rate: 0,
        msg_burst: 10,
        max_page: 200,
        max_pending_bytes: 8_388_608,
        ping_interval_ms: 25_000,
      }
      return say({
        type: 'WELCOME',
        agent_id: '@mallory1',
        name: 'mallory',
        server: 'hostile',
        protocol: 'agentchat/1',
        epoch: 'e1',
        limits,
      })
    }
    this.asked.push(asked)
    const answer = asked.type === 'PING' ? { type: 'PONG' } : this.#answer(asked, say)
    if (answer !== undefined) say({ ...answer, re: asked.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/**
 * @param answer the frame for a request; undefined: none
 * @example await using relay = await startHostileRelay(({ type }) => ({ type: 'ERROR', code: 'RATE_LIMITED', message: '', retry_after_ms: 1e12 }))
 */
export const startHostileRelay = async (answer: (asked: Asked, say: Say) => object | undefined): Promise<HostileRelay> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return new HostileRelay(server, answer)
}
