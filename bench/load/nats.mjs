// @ts-check
// The NATS text protocol as a client says it: lines, and payloads of an announced size.
import { idOffset, jsonOf } from './frames.mjs'

const [letterM, letterP, letterI, minus] = Buffer.from('MPI-')

/** @type {import('./client.mjs').Wire} */
export const nats = {
  name: 'nats',
  greeting: () => 'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\n',
  opened: head => head.indexOf('\r\n') + 1 && head.indexOf('\r\n') + 2,
  frame(message) {
    const json = jsonOf(message)
    const head = `PUB ${message.to} ${Buffer.byteLength(json)}\r\n`
    return { bytes: Buffer.from(`${head}${json}\r\n`), idAt: head.length + idOffset, mask: 0 }
  },
  take(client, bytes, at) {
    const end = bytes.indexOf('\r\n', at, 'latin1')
    if (end < 0) return 0
    const next = end + 2
    if (bytes[at] === letterM) {
      const size = Number(bytes.toString('latin1', bytes.lastIndexOf(' ', end, 'latin1') + 1, end))
      if (next + size + 2 > bytes.length) return 0
      client.onText(bytes, next, next + size, letterM)
      return next + size + 2
    }
    if (bytes[at] === letterP && bytes[at + 1] === letterI) client.send(Buffer.from('PONG\r\n'))
    else client.onText(bytes, at, end, bytes[at] === minus ? 69 : letterP)
    return next
  },
}
