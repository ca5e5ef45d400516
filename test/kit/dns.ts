// A DNS server for tests: names that are there, names that are not, and names that it never answers for.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** By name: the IPv4 address; null: no such name. Of any other name nothing is ever heard. */
export type Zone = Readonly<Record<string, string | null>>

/** Of a question: the name in it, and where it ends. */
const questionIn = (query: Buffer): { readonly name: string, readonly end: number } => {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 }
}

const typeA = 1
const nameError = 3

export const newDns = async (zone: Zone) => {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, end } = questionIn(query)
    const isA = query.readUInt16BE(end - 4) === typeA
    if (isA) asked.push(name)
    if (!Object.hasOwn(zone, name)) return
    const there = zone[name]!
    const head = Buffer.from(query.subarray(0, end))
    head.writeUInt16BE(0x8180 | (zone[name] === null ? nameError : 0), 2)
    const answers = zone[name] !== null && isA
      // A pointer to the name of the question, type A, class IN, a minute, four bytes.
      ? [Buffer.from([0xc0, 0x0c, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, ...there.split('.').map(Number)])]
      : []
    head.writeUInt16BE(answers.length, 6)
    head.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([head, ...answers]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    server: `127.0.0.1:${socket.address().port}`,
    /** Names whose IPv4 addresses were asked for. */
    asked,
    [Symbol.dispose]: () => socket.close(),
  }
}
