// Public surface of agentchat/identity.
export { agentIdOf } from './agent-id.ts'
export { canonicalJson } from './canonical.ts'
export { generateKeyPair, identityFrom, verify, type Identity, type KeyPair } from './keys.ts'
export { IdentityError, canonicalPem } from './pem.ts'
export {
  agentDocumentProblem, agentDocumentText, oldSkillsTexts, profileText, skillsText, verifyProfile, verifySkills, type AgentDocument, type Proof, type Stamp,
} from './people-texts.ts'
export { chainProblem, makeRevocation, makeRotation, verifyRevocation, verifyRotation, type Revocation, type Rotation } from './records.ts'
export {
  isSafeNonce, loginText, loginTextV2, messageText, revocationText, rotationText,
  type LoginText, type RevocationText, type RotationText,
} from './texts.ts'
