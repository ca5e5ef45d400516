// Public surface of agentchat/protocol.
export { frames } from './frames.ts'
export {
  domains,
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
export { asked, told, type Asked, type AskedPart, type Spelled, type Told } from './spelling.ts'
export { closeCodes, mayReconnect, type CloseName } from './close.ts'
export { decodeFrame, encode, type DecodeFailure, type DecodedFrame } from './codec.ts'
export { decodeRequest, type DecodedRequest } from './decode-request.ts'
export { closeDocs, errorDocs, frameDocs, requestDocs, type FrameDoc, type RequestDoc } from './docs/index.ts'
export { errors, isErrorCode, type ErrorCode } from './errors.ts'
export { maxTimerMs, timerMs } from './timer.ts'
export { wireFeatures, type WireFeature } from './features.ts'
export { DEFAULT_PORT, DEFAULT_WEB_PORT, PROTOCOL, limits } from './limits.ts'
export { piecePrice, prices, sizePrice, type Cost } from './price.ts'
export { rawField, rawItems } from './raw.ts'
export { reservedNames, type AgentId, type ChannelName, type Target } from './fields.ts'
export { addressOf, hasHost, hostOfVia, type Address } from './address.ts'
export { originOf } from './origin.ts'
export { Receipt, ReceiptDocument } from './receipts.ts'
export { currencyCode, digitsOf, formatMinor, maxMinor, minorOf, plainNumber } from './money.ts'
export { ServerDocument } from './server-document.ts'
export { type Profile } from './profiles.ts'
export { hookKinds, type HookKind } from './hooks.ts'
export { tokenScopes, type TokenScope } from './tokens.ts'
export { type SkillQuery } from './skill-query.ts'
export { type Skill } from './skills.ts'
