// @ts-check
// A WebSocket client that costs little: plain sockets, one receive buffer for all of them, headers read and payloads passed on unparsed.
import { connect as connectSocket } from 'node:net'

const opText = 1
const opClose = 8
const opPing = 9
/** Any key that is not zero: servers skip unmasking for a zero key. */
const maskKey = Buffer.from([0x5a, 0xc3, 0x17, 0x9e])
/** A read's bytes are used up before the next read, so that every socket can share them. */
const received = Buffer.allocUnsafe(256 * 1024)

/** @typedef {(bytes: Buffer, start: number, end: number) => void} OnText one text payload, in place */

/**
 * A client frame, masked.
 * @param {string | Buffer} payload
 */
export const maskedFrame = (payload, opcode = opText) => {
  const data = Buffer.from(payload)
  const head = data.length < 126
    ? [0x80 | opcode, 0x80 | data.length]
    : [0x80 | opcode, 0x80 | 126, data.length >> 8, data.length & 255]
  for (let i = 0; i < data.length; i++) data[i] ^= maskKey[i & 3]
  return Buffer.concat([Buffer.from(head), maskKey, data])
}

const idDigits = 9

/**
 * A message of exactly `size` bytes of JSON, framed once. Each call gives a copy with the next id.
 * @param {string} to
 * @param {string} text what the content begins with
 */
export const messageMaker = (to, text, size = 300) => {
  const json = (/** @type {string} */ content) => JSON.stringify({ type: 'MSG', id: '0'.repeat(idDigits), to, content })
  const padding = size - json(text).length
  if (padding < 0) throw new Error(`a message to ${to} does not fit into ${size} bytes`)
  const template = maskedFrame(json(text + '.'.repeat(padding)))
  const payloadAt = template.length - size
  const idAt = json('').indexOf('"id":"') + 6
  let next = 0
  return () => {
    const frame = Buffer.from(template)
    for (let n = next++, i = idAt + idDigits - 1; n > 0; n = Math.floor(n / 10), i--) {
      frame[payloadAt + i] = (48 + n % 10) ^ maskKey[i & 3]
    }
    return frame
  }
}

export class Client {
  /** How others reach it. */
  address = ''
  /** @type {OnText} */
  onText = () => undefined
  #socket
  #rest = Buffer.alloc(0)

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket
  }

  /** @param {Buffer} frame */
  send(frame) {
    this.#socket.write(frame)
  }

  /**
   * Sends a request and gives the first frame of type `reply`.
   * @param {string} text
   * @param {string} reply
   * @returns {Promise<Record<string, any>>}
   */
  ask(text, reply) {
    return new Promise((resolve, reject) => {
      this.onText = (bytes, start, end) => {
        const frame = JSON.parse(bytes.toString('utf8', start, end))
        if (frame.type === reply) resolve(frame)
        else if (frame.type === 'ERROR') reject(new Error(`${text} was answered with ${frame.code}: ${frame.message}`))
      }
      this.#socket.once('close', () => reject(new Error(`closed before ${reply}`)))
      this.send(maskedFrame(text))
    })
  }

  /** Leaves without a farewell, and without a port in TIME_WAIT. */
  destroy() {
    this.#socket.resetAndDestroy()
  }

  /**
   * Bytes from the socket: every complete frame in them is handed on, the start of one more is kept.
   * @param {Buffer} chunk
   */
  take(chunk) {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const length = bytes.length
    let at = 0
    while (length - at >= 2) {
      const size = bytes[at + 1]
      const start = at + (size < 126 ? 2 : size === 126 ? 4 : 10)
      if (start > length) break
      const end = start + (size < 126 ? size : size === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2)))
      if (end > length) break
      const opcode = bytes[at] & 15
      if (opcode === opText) this.onText(bytes, start, end)
      else this.#control(opcode, bytes.subarray(start, end))
      at = end
    }
    this.#rest = at === length ? empty : Buffer.from(bytes.subarray(at))
  }

  /**
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #control(opcode, payload) {
    if (opcode === opPing) this.send(maskedFrame(payload, 10))
    if (opcode === opClose) throw new Error(`the server closed a connection: ${payload.readUInt16BE(0)} ${payload.toString('utf8', 2)}`)
  }
}

const empty = Buffer.alloc(0)

/**
 * Opens a WebSocket.
 * @param {string} url
 * @returns {Promise<Client>}
 */
export const connect = url => new Promise((resolve, reject) => {
  const { port, pathname } = new URL(url)
  let head = ''
  /** @type {Client | undefined} */
  let client
  const socket = connectSocket({
    host: '127.0.0.1', port: Number(port), noDelay: true,
    onread: {
      buffer: received,
      callback: (size, bytes) => {
        const chunk = /** @type {Buffer} */ (bytes).subarray(0, size)
        if (client !== undefined) client.take(chunk)
        else {
          head += chunk.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return true
          if (!head.startsWith('HTTP/1.1 101')) reject(new Error(`not upgraded: ${head.slice(0, end)}`))
          client = new Client(socket)
          resolve(client)
          client.take(Buffer.from(head.slice(end + 4), 'latin1'))
        }
        return true
      },
    },
  })
  socket.on('error', reject)
  socket.write([
    `GET ${pathname} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket',
    'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: YmVuY2ggYmVuY2ggYmVuYw==', '', '',
  ].join('\r\n'))
})
