// @ts-check
// A WebSocket client made of a plain socket: frames are bytes that are ready before, and what comes back is counted, or never read.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** @typedef {{ readonly port: number, readonly from: string, readonly isTls?: boolean }} Way to the relay, and the address to come from */
/** @typedef {{ readonly pem: string, readonly id: string, readonly privateKey: import('node:crypto').KeyObject }} Key */

/** A client's frame. The mask is zero: it may be, and then masking costs nothing. @param {string | Buffer | object} content @param {{ opcode?: number, fin?: boolean, claim?: number }} [options] `claim` is a length that is said instead of the true one */
export const frame = (content, { opcode = 1, fin = true, claim } = {}) => {
  const payload = Buffer.isBuffer(content) ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  const length = claim ?? payload.length
  const first = (fin ? 0x80 : 0) | opcode
  const head = length < 126 ? Buffer.from([first, 0x80 | length]) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  if (length >= 126) {
    head[0] = first
    head[1] = 0x80 | (length < 65_536 ? 126 : 127)
    if (length < 65_536) head.writeUInt16BE(length, 2)
    else head.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

/** @returns {Key} */
export const newKey = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return { pem, privateKey, id: `@${createHash('sha256').update(pem).digest('hex').slice(0, 16)}` }
}

/** @param {Key} key @param {string} text */
export const signed = ({ privateKey }, text) => sign(null, Buffer.from(text), privateKey).toString('base64')

export class Client {
  closed = false
  /** The code of a close frame that came; 0 before. */
  closeCode = 0
  bytes = 0
  id = ''
  /** @type {((text: string) => void) | undefined} */
  onText
  /** @type {() => void} */
  onClose = () => undefined
  /** Longer texts are not put together: who listens for short ones should not need time for those. */
  maxTextBytes = Infinity
  #rest = Buffer.alloc(0)
  /** Bytes of one that is too long, and still come. */
  #left = 0

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
      this.onClose()
    })
  }

  /** @param {Buffer} chunk */
  take(chunk) {
    this.bytes += chunk.length
    if (this.#left > 0) {
      const skipped = Math.min(this.#left, chunk.length)
      this.#left -= skipped
      chunk = chunk.subarray(skipped)
    }
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 2) {
      const size = bytes[1] & 127
      const start = size < 126 ? 2 : size === 126 ? 4 : 10
      if (bytes.length < start) break
      const end = start + (size < 126 ? size : size === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)))
      const opcode = bytes[0] & 15
      if (bytes.length < end && end - start > this.maxTextBytes && opcode === 1) {
        this.#left = end - bytes.length
        bytes = bytes.subarray(bytes.length)
      }
      if (bytes.length < end) break
      if (opcode === 8) this.closeCode = end - start < 2 ? 1005 : bytes.readUInt16BE(start)
      if (opcode === 9) this.send(frame(Buffer.from(bytes.subarray(start, end)), { opcode: 10 }))
      if (opcode === 1 && end - start <= this.maxTextBytes) this.onText?.(bytes.toString('utf8', start, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = Buffer.from(bytes)
  }

  /** Reads nothing more: what comes waits at the relay. */
  stopReading() {
    this.socket.pause()
  }

  /** Reads and forgets: cheaper than looking at it. */
  skipAll() {
    this.take = chunk => { this.bytes += chunk.length }
  }

  /** @param {...Buffer} frames in one write */
  send(...frames) {
    if (!this.closed) this.socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames))
  }

  /** The first text that `match` makes something of. @template T @param {Buffer | undefined} bytes @param {(frame: any) => T | undefined} match @param {number} [timeoutMs] @returns {Promise<T>} */
  exchange(bytes, match, timeoutMs = 10_000) {
    return new Promise((resolve, reject) => {
      const before = this.onText
      const over = (/** @type {() => void} */ then) => {
        clearTimeout(timer)
        this.onText = before
        this.onClose = () => undefined
        then()
      }
      const timer = setTimeout(() => over(() => reject(new Error('no answer'))), timeoutMs)
      this.onClose = () => over(() => reject(new Error(`closed with ${this.closeCode}`)))
      if (this.closed) return this.onClose()
      this.onText = text => {
        let found
        try {
          found = match(JSON.parse(text))
        } catch (error) {
          return over(() => reject(error))
        }
        if (found !== undefined) over(() => resolve(found))
      }
      if (bytes !== undefined) this.send(bytes)
    })
  }

  destroy() {
    this.socket.destroy()
  }
}

/** A TCP connection; undefined when the relay does not take it in time. @param {Way} way @param {number} [timeoutMs] @returns {Promise<import('node:net').Socket | undefined>} */
export const dial = ({ port, from, isTls = false }, timeoutMs = 10_000) => new Promise(resolve => {
  const options = { host: '127.0.0.1', port, localAddress: from, noDelay: true }
  const socket = isTls ? connectTls({ ...options, rejectUnauthorized: false }) : connectSocket(options)
  const timer = setTimeout(() => { socket.destroy(); resolve(undefined) }, timeoutMs)
  socket.once(isTls ? 'secureConnect' : 'connect', () => { clearTimeout(timer); resolve(socket) })
  socket.once('error', () => { clearTimeout(timer); resolve(undefined) })
})

const greeting = (/** @type {number} */ port, /** @type {string} */ more = '') =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${more}\r\n`

/** A WebSocket; undefined when the relay refuses it. @param {Way} way @param {number} [timeoutMs] @returns {Promise<Client | undefined>} */
export const open = async (way, timeoutMs = 10_000) => {
  const socket = await dial(way, timeoutMs)
  if (socket === undefined) return undefined
  const client = new Client(socket)
  return await new Promise(resolve => {
    let head = ''
    let isOpen = false
    const give = (/** @type {Client | undefined} */ found) => {
      clearTimeout(timer)
      if (found === undefined) socket.destroy()
      resolve(found)
    }
    const timer = setTimeout(() => give(undefined), timeoutMs)
    socket.once('close', () => give(undefined))
    socket.on('data', chunk => {
      if (isOpen) return client.take(chunk)
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!head.startsWith('HTTP/1.1 101')) return give(undefined)
      isOpen = true
      give(client)
      if (head.length > end + 4) client.take(Buffer.from(head.slice(end + 4), 'latin1'))
    })
    socket.write(greeting(way.port))
  })
}

/** A session, with a key if one is given; undefined when the relay refuses it. @param {Way} way @param {string} name @param {Key} [key] @param {number} [timeoutMs] @returns {Promise<Client | undefined>} */
export const login = async (way, name, key, timeoutMs = 10_000) => {
  const client = await open(way, timeoutMs)
  if (client === undefined) return undefined
  try {
    const hello = frame({ type: 'IDENTIFY', name, ...(key !== undefined && { pubkey: key.pem }) })
    let welcome
    if (key === undefined) welcome = await client.exchange(hello, answerOf('WELCOME'), timeoutMs)
    else {
      const { challenge_id, nonce } = await client.exchange(hello, answerOf('CHALLENGE'), timeoutMs)
      const timestamp = Date.now()
      const signature = signed(key, `AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`)
      welcome = await client.exchange(frame({ type: 'VERIFY_IDENTITY', challenge_id, timestamp, signature }), answerOf('WELCOME'), timeoutMs)
    }
    client.id = welcome.agent_id
    return client
  } catch {
    client.destroy()
    return undefined
  }
}

/** Matches a frame of one type; a refusal rejects. @param {string} type @returns {(frame: any) => any} */
export const answerOf = type => answer => {
  if (answer.type === 'ERROR') throw new Error(answer.code)
  return answer.type === type ? answer : undefined
}
