// Public surface of agentchat/protocol.
export {
  domains,
  frames,
  requests,
  type EventType,
  type Frame,
  type FrameBody,
  type FrameType,
  type ReplyType,
  type Request,
  type RequestBody,
  type RequestInput,
  type RequestType,
} from './table.ts'
export { closeCodes, mayReconnect, type CloseName } from './close.ts'
export { decodeFrame, decodeRequest, encode, type DecodeFailure, type DecodedFrame, type DecodedRequest } from './codec.ts'
export { errors, isErrorCode, type ErrorCode } from './errors.ts'
export { maxTimerMs, timerMs } from './timer.ts'
export { wireFeatures, type WireFeature } from './features.ts'
export { DEFAULT_PORT, PROTOCOL, limits } from './limits.ts'
export { prices, sizePrice, type Cost } from './price.ts'
export { rawField, rawItems } from './raw.ts'
export { reservedNames, type AgentId, type ChannelName, type Target } from './fields.ts'
export { addressOf, hasHost, type Address } from './address.ts'
export { originOf } from './origin.ts'
export { Receipt, ReceiptDocument } from './receipts.ts'
export { currencyCode, digitsOf, formatMinor, maxMinor, minorOf, plainNumber } from './money.ts'
export { ServerDocument } from './servers.ts'
export { type Profile } from './profiles.ts'
export { type Skill, type SkillQuery } from './skills.ts'
