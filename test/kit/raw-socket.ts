// A socket that has shaken hands as a WebSocket and may now write whatever it likes.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export const portOf = (url: string): number => Number(new URL(url).port)

/** What comes back is read and dropped. */
export const rawSocket = async (url: string): Promise<Socket> => {
  const socket = connect(portOf(url), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${
      Buffer.alloc(16).toString('base64')
    }\r\n\r\n`,
  )
  const [head] = await once(socket, 'data') as [Buffer]
  if (!head.toString().startsWith('HTTP/1.1 101 ')) throw new Error(`the relay did not upgrade: ${head.toString()}`)
  return socket.resume()
}
