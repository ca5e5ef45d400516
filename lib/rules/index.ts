// Conditions in CEL: checked when they are saved, bounded when they run.
export { Conditions, maxConditionChars, type Compiled, type Condition, type Says } from './condition.ts'
export type { Values, Vocabulary, Word } from './vocabulary.ts'
