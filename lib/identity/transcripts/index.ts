// Transcripts that prove themselves: what is hashed of an event, the tree above, the signed head, and proofs.
export { blankText, entryOf, textHashOf, type Entry, type Stub } from './entry.ts'
export {
  consistencySpans,
  emptyRoot,
  hashBytes,
  inclusionSpans,
  isConsistent,
  isIncluded,
  isSameHash,
  leafOf,
  nodeOf,
  peakSpans,
  TranscriptRange,
  voidOf,
  wholesOf,
  type Hash,
  type Span,
  type TreeHead,
} from './tree.ts'
export { Stretch } from './stretch.ts'
export {
  keyNameOf,
  noteOf,
  openCheckpoint,
  readCheckpoint,
  readLogHead,
  signatureBy,
  signCheckpoint,
  type Checkpoint,
  type LogHead,
  type Note,
  type TranscriptName,
} from './checkpoint.ts'
export { readSubmission, writeSubmission, type Submission } from './submission.ts'
export { checkProof, readProof, writeProof, type SingleProof } from './single.ts'
export {
  cosign,
  cosignedAt,
  cosignersOf,
  isWitnessKey,
  logKeyText,
  maxWitnesses,
  readLogKey,
  readWitnessKey,
  relayWitness,
  witnessedBy,
  witnessKeyText,
  witnessPolicy,
  type LogKey,
  type Witnessed,
  type WitnessKey,
  type WitnessPolicy,
} from './witness.ts'
export { comparedHeads, findingOf, type Evidence, type Finding, type HeadAnswer } from './evidence.ts'
