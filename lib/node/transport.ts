// The client's transport on the `ws` library, for Node versions without a WebSocket of their own.
import { WebSocket } from 'ws'
import { limits } from '../protocol/index.ts'
import type { Transport } from '../client/index.ts'

/** Replies and pages may be larger than a frame that a client may send. */
const maxPayload = limits.maxPageBytes + 2 * limits.maxFrameBytes * 6

/**
 * @example new AgentChatClient({ server: 'ws://localhost:6667', name: 'alice', transport: wsTransport })
 */
export const wsTransport: Transport = (url, handlers) => {
  let problem = ''
  let socket: WebSocket
  try {
    socket = new WebSocket(url, { perMessageDeflate: false, maxPayload, handshakeTimeout: 15_000 })
  } catch (error) {
    queueMicrotask(() => handlers.close(1006, (error as Error).message))
    return { send: () => undefined, close: () => undefined }
  }
  socket.on('open', () => handlers.open())
  socket.on('message', data => handlers.message(String(data)))
  socket.on('error', error => {
    problem = error.message
  })
  socket.on('close', (code, reason) => handlers.close(code, String(reason) || problem))
  return {
    send: text => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  }
}
