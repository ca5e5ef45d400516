// Public surface of the client.
export { type BackoffPolicy } from './backoff.ts'
export { AgentChatClient, type ClientEvents, type ClientOptions, type ClientStatus, type JoinOptions, type SendOptions } from './client.ts'
export { AgentChatError, ConnectionError, ProtocolError, RelayError, TimeoutError } from './errors.ts'
export { type Message, type SignatureState, type VerifySignature } from './inbound.ts'
export { MemoryPositions, type Positions } from './positions.ts'
export { type CallOptions } from './requests.ts'
export { type SessionState } from './session.ts'
export { webSocketTransport, type Socket, type SocketHandlers, type Transport } from './transport.ts'
