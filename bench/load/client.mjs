// @ts-check
// One session of the load: a plain socket, one receive buffer for all of them, and a wire that says where frames begin and end.
import { connect as connectSocket } from 'node:net'

/** A read's bytes are used up before the next read, so that every socket can share them. */
const received = Buffer.allocUnsafe(256 * 1024)
const empty = Buffer.alloc(0)

/** @typedef {(bytes: Buffer, start: number, end: number, kind: number) => void} OnText one text in place; `kind` is M of a message, E of an error */

/**
 * A protocol, as much of it as the load needs.
 * @typedef {object} Wire
 * @property {'websocket' | 'nats'} name
 * @property {(url: URL) => string} greeting what a client says first
 * @property {(head: string) => number} opened how much of the server's first words is its greeting; 0: not all is there yet
 * @property {(message: import('./frames.mjs').Message) => import('./frames.mjs').Frame} frame
 * @property {(client: Client, bytes: Buffer, at: number) => number} take hands on the frame at `at` and gives where it ends; 0: not all is there yet
 */

export class Client {
  /** How others reach it. */
  address = ''
  /** What came of a frame that is not complete yet. */
  rest = empty
  /** @type {OnText} */
  onText = () => undefined
  /** @type {(code: number) => void} */
  onClosed = code => { throw new Error(`the server closed a connection: ${code}`) }

  /** @param {import('node:net').Socket} socket @param {Wire} wire */
  constructor(socket, wire) {
    this.socket = socket
    this.wire = wire
  }

  /** @param {Buffer} bytes */
  send(bytes) {
    this.socket.write(bytes)
  }

  /**
   * Sends something and gives what `match` makes of the first text it does not pass over.
   * @template T
   * @param {Buffer} bytes
   * @param {(text: string) => T | undefined} match
   * @returns {Promise<T>}
   */
  exchange(bytes, match) {
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('closed before an answer came'))
      this.socket.once('close', onClose)
      this.onText = (received, start, end) => {
        try {
          const found = match(received.toString('utf8', start, end))
          if (found === undefined) return
          this.socket.off('close', onClose)
          this.onText = () => undefined
          resolve(found)
        } catch (error) {
          reject(error)
        }
      }
      this.send(bytes)
    })
  }

  /** Leaves without a farewell, and without a port in TIME_WAIT. */
  destroy() {
    this.socket.resetAndDestroy()
  }

  /**
   * Bytes from the socket: every complete frame in them is handed on, the start of one more is kept.
   * @param {Buffer} chunk
   */
  take(chunk) {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    for (let next; at < bytes.length && (next = this.wire.take(this, bytes, at)) > 0;) at = next
    this.rest = at === bytes.length ? empty : Buffer.from(bytes.subarray(at))
  }
}

/**
 * Opens a connection.
 * @param {string} url @param {Wire} wire
 * @returns {Promise<Client>}
 */
export const connect = (url, wire) => new Promise((resolve, reject) => {
  const place = new URL(url)
  let head = ''
  /** @type {Client | undefined} */
  let client
  const socket = connectSocket({
    host: '127.0.0.1', port: Number(place.port), noDelay: true,
    onread: {
      buffer: received,
      callback: (size, bytes) => {
        const chunk = /** @type {Buffer} */ (bytes).subarray(0, size)
        if (client !== undefined) client.take(chunk)
        else {
          head += chunk.toString('latin1')
          try {
            const end = wire.opened(head)
            if (end === 0) return true
            client = new Client(socket, wire)
            resolve(client)
            client.take(Buffer.from(head.slice(end), 'latin1'))
          } catch (error) {
            reject(error)
          }
        }
        return true
      },
    },
  })
  socket.on('error', reject)
  socket.write(wire.greeting(place))
})
