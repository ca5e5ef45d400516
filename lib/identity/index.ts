// Public surface of agentchat/identity.
export { agentIdOf, fingerprintOf, serverIdOf } from './agent-id.ts'
export { canonicalJson, signedText } from './canonical.ts'
export {
  contentDigestOf,
  httpSignatureText,
  maxHttpSignatureAgeS,
  readHttpSignature,
  signHttpRequest,
  type HttpSignature,
  type SignableRequest,
} from './http-signature.ts'
export { keyHeaderOf, readKeyHeader, type ShownKey } from './key-header.ts'
export { cut, fenced, fenceNote, markBeyond, visible, word } from './fence.ts'
export { type Awaitable } from './awaitable.ts'
export { browserKey, importBrowserKey, makeBrowserKey, type BrowserKey } from './browser-key.ts'
export { generateKeyPair, identityFrom, type Identity, type KeyPair, type LocalIdentity } from './keys.ts'
export { claimEndText, claimText, type ClaimText } from './claim-texts.ts'
export { changeTextOf, contentHashOf, editText, retractText, type ChangeText, type EditText } from './change-texts.ts'
export { commitmentOf, drawOrder, drawProblems, panelSize, poolHashOf, seedOf, type Draw } from './panel-draw.ts'
export { IdentityError, type IdentityErrorCode } from './errors.ts'
export { randomNonce } from './nonce.ts'
export { type SignatureState } from './signature-state.ts'
export { canonicalPem, publicKeyBytes } from './pem.ts'
export {
  authorOf,
  provenanceOf,
  provenanceText,
  renderEvent,
  type Author,
  type Provenance,
  type RenderOptions,
  type Trust,
} from './provenance.ts'
export {
  agentDocumentProblem,
  agentDocumentText,
  oldSkillsTexts,
  profileText,
  skillsText,
  verifyProfile,
  verifySkills,
  type AgentDocument,
  type Proof,
  type Stamp,
} from './people-texts.ts'
export { chainProblem, makeRevocation, makeRotation, verifyRevocation, verifyRotation, type Revocation, type Rotation } from './records.ts'
export {
  completionText,
  receiptIdOf,
  receiptText,
  roleIn,
  signReceipt,
  verifyCompletion,
  verifyReceipt,
  type CompletionCheck,
  type ReceiptCheck,
  type ReceiptRole,
  type ReceiptSignature,
} from './receipts.ts'
export {
  isSafeNonce,
  loginText,
  loginTextV2,
  loginTextV3,
  messageText,
  messageTextV2,
  relayProofText,
  revocationText,
  rotationText,
  type LoginText,
  type LoginTextV3,
  type MessageTextV2,
  type RelayProofText,
  type RevocationText,
  type RotationText,
  type SessionBinding,
} from './texts.ts'
export { hasLaterFields, signedTextOf, type SignedMessage } from './message-signatures.ts'
export { oldTradeTexts, tradeText, type OldProposal, type TradeSession, type TradeStamp } from './trade-texts.ts'
export {
  checkTradeEvent,
  isTradeAction,
  oldTradeTextOf,
  signTrade,
  signedFields,
  tradeTextOf,
  type SignedFields,
  type TradeCheck,
  type TradeAction,
  type TradeSignature,
} from './trade-signatures.ts'
export { formerIds, serverDocumentProblem, serverDocumentText, succeeds, type ServerDocumentProblem } from './server-documents.ts'
export {
  checkProof,
  comparedHeads,
  cosignedAt,
  cosignersOf,
  entryOf,
  findingOf,
  isConsistent,
  isIncluded,
  logKeyText,
  openCheckpoint,
  readCheckpoint,
  readProof,
  readSubmission,
  readWitnessKey,
  relayWitness,
  TranscriptRange,
  witnessedBy,
  witnessKeyText,
  witnessPolicy,
  writeProof,
  writeSubmission,
  type Checkpoint,
  type Entry,
  type Evidence,
  type Finding,
  type Hash,
  type SingleProof,
  type Submission,
  type Witnessed,
  type WitnessKey,
  type WitnessPolicy,
  type Stub,
  type TranscriptName,
  type TreeHead,
} from './transcripts/index.ts'
export { verify, type Verify } from './verify.ts'
export { newLinkGuest, newLinkHost, type LinkGuest, type LinkHost } from './browser-link.ts'
export { newRecoveryCode, readRecoveryCode, recoveryProof, recoverySecret } from './recovery-code.ts'
export { prfInput, unwrapKey, wrapKey, type WrapContext, type WrapKind } from './vault.ts'
