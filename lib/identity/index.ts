// Public surface of agentchat/identity.
export { agentIdOf } from './agent-id.ts'
export { generateKeyPair, identityFrom, verify, type Identity, type KeyPair } from './keys.ts'
export { IdentityError, canonicalPem } from './pem.ts'
export { chainProblem, makeRevocation, makeRotation, verifyRevocation, verifyRotation, type Revocation, type Rotation } from './records.ts'
export {
  isSafeNonce, loginText, loginTextV2, messageText, revocationText, rotationText,
  type LoginText, type RevocationText, type RotationText,
} from './texts.ts'
export { canonicalJson, oldTradeTexts, tradeText, type OldProposal, type TradeStamp } from './trade-texts.ts'
export { checkTradeEvent, isTradeAction, oldTradeTextOf, signTrade, signedFields, tradeTextOf, type SignedFields, type TradeAction, type TradeSignature } from './trade-signatures.ts'
