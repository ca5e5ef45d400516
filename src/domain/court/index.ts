// Public surface of the rules of disputes.
export {
  decideCase,
  isLate,
  votesOf,
  type Case,
  type CourtActor,
  type CourtDecision,
  type CourtInput,
  type CourtRefusal,
  type CourtTerms,
  type Seat,
  type SeatState,
  type Side,
} from './decide.ts'
export { acts, changes, isOver, phaseNames, phases, type Act, type CourtRole, type Effect, type Phase, type PhaseChange } from './table.ts'
export { agreedOn, captureOf, partOf, verdictOf, type Verdict, type Vote } from './tally.ts'
