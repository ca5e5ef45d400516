// The port to a WebSocket, so that the client runs where there is one of its own and where there is none.

/** A connection that is open or opening. */
export interface Socket {
  send(text: string): void
  close(code?: number, reason?: string): void
  /** Stops reading; where the platform cannot, both are missing. */
  pause?(): void
  resume?(): void
}

/**
 * Why no connection could be opened, where the platform tells.
 * - `certificate`: the relay's certificate is not trusted
 * - `not-tls`: a wss:// url leads to something that does not speak TLS
 * - `hung-up`: something ended the connection at once, as what speaks TLS does at a ws:// url, and what does not at a wss:// url
 * - `not-a-relay`: something else than a relay answered
 */
export type TransportProblem = 'certificate' | 'not-tls' | 'hung-up' | 'not-a-relay'

/** What a connection tells the client. */
export interface SocketHandlers {
  open(): void
  message(text: string): void
  /** Called once, also when the connection could not be opened. */
  close(code: number, reason: string, problem?: TransportProblem): void
}

/** Opens a connection to a ws:// or wss:// url. Never throws: a failure is a close. */
export type Transport = (url: string, handlers: SocketHandlers) => Socket

/** What this uses of the WebSocket that browsers and recent runtimes have. */
interface WebSocketLike {
  onopen: (() => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly code: number, readonly reason: string }) => void) | null
  onerror: (() => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

/** WebSocket of the platform; Node 20 has none: use `wsTransport` of agentchat/node there. */
export const webSocketTransport: Transport = (url, handlers) => {
  const Constructor = (globalThis as { WebSocket?: new(url: string) => WebSocketLike }).WebSocket
  if (Constructor === undefined) {
    queueMicrotask(() => handlers.close(1006, 'No WebSocket here; on Node 20 pass `transport: wsTransport` from agentchat/node'))
    return { send: () => undefined, close: () => undefined }
  }
  let socket: WebSocketLike
  let isClosed = false
  const close = (code: number, reason: string) => {
    if (isClosed) return
    isClosed = true
    handlers.close(code, reason)
  }
  try {
    socket = new Constructor(url)
  } catch (error) {
    queueMicrotask(() => close(1006, (error as Error).message))
    return { send: () => undefined, close: () => undefined }
  }
  // A platform may refuse a connection (browsers keep away from some ports, 6667 among them) and tell of it by this event alone.
  socket.onerror = () => close(1006, `The platform cannot or will not connect to ${url}`)
  socket.onopen = () => handlers.open()
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') handlers.message(data)
  }
  socket.onclose = ({ code, reason }) => close(code, reason)
  return { send: text => socket.send(text), close: (code, reason) => socket.close(code, reason) }
}
