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
export { cosignedAt, openCheckpoint, readCheckpoint, signCheckpoint, type Checkpoint, type TranscriptName } from './checkpoint.ts'
export { checkProof, readProof, writeProof, type SingleProof } from './single.ts'
export { findingOf, type Evidence, type Finding } from './evidence.ts'
