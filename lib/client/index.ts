// Public surface of the client.
export { type BackoffPolicy } from './backoff.ts'
export { type Channels, type OwnerOptions } from './channels.ts'
export { AgentChatClient } from './client.ts'
export { type Connectivity } from './connectivity.ts'
export { conversation, isInThread, type Changed, type Conversation, type ConversationOptions, type EditOptions } from './conversation.ts'
export { hostOf, isSameHost } from './hosts.ts'
export { type StandardSchema } from './json.ts'
export { type AskOptions, type Content, type ReplyOptions, type SendOptions, type Sent } from './sending.ts'
export {
  drawOf,
  type Court,
  type Dispute,
  type DisputeQuery,
  type EvidenceItem,
  type EvidenceProof,
  type ShownDispute,
  type Verdict,
} from './court.ts'
export { caseEvents, dealEvents } from './deal-events.ts'
export {
  AddressError,
  AgentChatError,
  ConnectionError,
  ContentError,
  ProtocolError,
  RelayDoubtError,
  RelayError,
  TimeoutError,
  type AddressErrorCode,
  type AgentChatErrorCode,
  type ConnectionErrorCode,
  type ContentErrorCode,
  type ProtocolErrorCode,
  type RelayDoubt,
  type SchemaIssue,
} from './errors.ts'
export { type GrowingMessage } from './growing.ts'
export { work, type Job, type JobEnd, type WorkOptions } from './work.ts'
export { takeFloor, type Floor, type FloorOptions } from './floor.ts'
export { groupsOf, setGroup } from './groups.ts'
export { Grown } from './grown.ts'
export { MemoryKnownRelays, type KnownRelays } from './known-relays.ts'
export { type AckMode, type Message, type MessageFacts } from './message.ts'
export { Network, type Located, type NetworkMessage, type NetworkOptions } from './network.ts'
export {
  type ClientEvents,
  type ClientOptions,
  type ClientStatus,
  type JoinOptions,
  type ListenOptions,
  type MessagesOptions,
} from './options.ts'
export { firstOf, pagesOf, type PagedList } from './pages.ts'
export { type AgentProfile, type People, type ProofState } from './people.ts'
export { MemoryPositions, type Positions } from './positions.ts'
export { rawTextOf } from './raw-text.ts'
export { Authors, renderDigest, renderer, type Renderable, type Renderer } from './rendering.ts'
export { fetchDocument, resolveHost, type ReadDocument, type ResolvedRelay, type ResolveOptions } from './resolving.ts'
export { type Reputation } from './reputation.ts'
export { type CallOptions } from './pending.ts'
export { Said, type SaidMessage } from './said.ts'
export { type ConnectOptions, type SessionState } from './session.ts'
export { type VerifySignature } from './signature-check.ts'
export { type TranscriptEvidence, type TranscriptMode, type TranscriptProblem } from './transcript-evidence.ts'
export { type WitnessOptions } from './witness-checks.ts'
export {
  type Balance,
  type Deliverable,
  type Offer,
  type Proposal,
  type ProposalEvent,
  type ProposalQuery,
  type StatementEntry,
  type Trade,
} from './trade.ts'
export { markRead, react, ReactionsTo, unreact, unreadIn, type ReactedMessage } from './unread.ts'
export { agentId, channelName, isAgent, isChannel, isTarget } from './targets.ts'
export { webSocketTransport, type Socket, type SocketHandlers, type Transport, type TransportProblem } from './transport.ts'
/** What a signature is worth, and where a text comes from. */
export { type Provenance, type RenderOptions, type SignatureState, type Trust } from '../identity/index.ts'
/** The words of the protocol that the client's types use. */
export {
  type AgentId,
  type Asked,
  type ChannelName,
  type ErrorCode,
  type EventType,
  type Frame,
  type FrameType,
  type ReplyType,
  type RequestInput,
  type RequestType,
  type Target,
  type Spelled,
  type Told,
} from '../protocol/index.ts'
