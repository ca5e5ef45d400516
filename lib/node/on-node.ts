// What a client wants of Node: fast signatures, a WebSocket, and a file of the relays that are known.
import type { ClientOptions } from '../client/index.ts'
import { createVerify } from './crypto.ts'
import { KnownRelays } from './known-relays.ts'
import { wsTransport } from './transport.ts'

/**
 * Options for a client on Node; those named after it count before it.
 * @example new AgentChatClient({ ...onNode(), server: 'wss://chat.example', identity })
 */
export const onNode = (): Required<Pick<ClientOptions, 'transport' | 'verify' | 'knownRelays'>> => ({
  transport: wsTransport,
  verify: createVerify(),
  knownRelays: new KnownRelays(),
})
