// Public surface of the negotiation rules.
export { decide, isDue, priceOf, type Actor, type Deal, type Decision, type Move, type Refusal, type Stakes, type Terms } from './decide.ts'
export {
  actions,
  deadlineOf,
  deadlines,
  isFinal,
  stateNames,
  states,
  transitions,
  type Action,
  type Deadline,
  type Role,
  type State,
  type Transition,
} from '../../../lib/protocol/deal-table.ts'
