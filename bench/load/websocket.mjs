// @ts-check
// WebSocket as a client says it, by hand: one masked write per frame, headers read and payloads passed on unparsed.
import { idOffset, jsonOf, maskByte } from './frames.mjs'

const op = { text: 1, close: 8, ping: 9, pong: 10 }

/**
 * A client frame, masked.
 * @param {string | Buffer} payload
 */
export const maskedFrame = (payload, opcode = op.text) => {
  const data = Buffer.from(payload)
  const head = data.length < 126
    ? [0x80 | opcode, 0x80 | data.length]
    : [0x80 | opcode, 0x80 | 126, data.length >> 8, data.length & 255]
  for (let i = 0; i < data.length; i++) data[i] ^= maskByte
  return Buffer.concat([Buffer.from([...head, maskByte, maskByte, maskByte, maskByte]), data])
}

/** The tenth byte of `{"type":"M…` tells a message from everything else. */
const kindAt = 9

/** @type {import('./client.mjs').Wire} */
export const websocket = {
  name: 'websocket',
  greeting: ({ port, pathname }) => [
    `GET ${pathname} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket',
    'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: YmVuY2ggYmVuY2ggYmVuYw==', '', '',
  ].join('\r\n'),
  opened(head) {
    const end = head.indexOf('\r\n\r\n')
    if (end >= 0 && !head.startsWith('HTTP/1.1 101')) throw new Error(`not upgraded: ${head.slice(0, end)}`)
    return end < 0 ? 0 : end + 4
  },
  frame(message) {
    const json = jsonOf(message)
    const bytes = maskedFrame(json)
    return { bytes, idAt: bytes.length - Buffer.byteLength(json) + idOffset, mask: maskByte }
  },
  take(client, bytes, at) {
    if (bytes.length - at < 2) return 0
    const size = bytes[at + 1]
    const start = at + (size < 126 ? 2 : size === 126 ? 4 : 10)
    if (start > bytes.length) return 0
    const end = start + (size < 126 ? size : size === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2)))
    if (end > bytes.length) return 0
    const opcode = bytes[at] & 15
    if (opcode === op.text) client.onText(bytes, start, end, bytes[start + kindAt])
    if (opcode === op.ping) client.send(maskedFrame(bytes.subarray(start, end), op.pong))
    if (opcode === op.close) client.onClosed(end - start < 2 ? 1005 : bytes.readUInt16BE(start))
    return end
  },
}

/**
 * Sends a request and gives the first frame of type `reply`.
 * @param {import('./client.mjs').Client} client
 * @param {object} request
 * @param {string} reply
 * @returns {Promise<Record<string, any>>}
 */
export const ask = (client, request, reply) => client.exchange(maskedFrame(JSON.stringify(request)), text => {
  const frame = JSON.parse(text)
  if (frame.type === 'ERROR') throw new Error(`${JSON.stringify(request)} was answered with ${text}`)
  return frame.type === reply ? frame : undefined
})
