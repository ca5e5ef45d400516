// What a relay promises, and by which name a variant breaks it: the run has to notice each.
import type { BusTrouble } from './shaken-bus.ts'

interface Broken {
  /** What the variant does. */
  readonly what: string
  /** It is one of several processes; so they hear each other meanwhile, and nothing else happens to them. */
  readonly hearing?: BusTrouble
}

export const promises = {
  commit: { what: 'it is told to be stored before it is' },
  key: { what: 'what is sent again is not recognised' },
  resume: { what: 'catching up leaves messages out' },
  change: { what: 'edits are stored without their text, and what is taken back stays' },
  doubt: { what: 'a commit that the database undid is told as done' },
  repair: {
    what: 'what a process missed on the bus it finds no more in the log',
    hearing: { lost: 0.3, twice: 0.1, lateMs: 40 },
  },
  known: {
    what: 'it is answered before the other processes know what it changed',
    hearing: { lost: 0, twice: 0, lateMs: 150 },
  },
  lockout: {
    what: 'who is locked out is not asked by the transaction that stores',
    hearing: { lost: 1, twice: 0, lateMs: 0 },
  },
  numbering: {
    what: 'the numbers of a channel are given without the lock of its row',
    hearing: { lost: 0, twice: 0, lateMs: 0 },
  },
} as const satisfies Readonly<Record<string, Broken>>

export type Promised = keyof typeof promises

/** Those that are found by what the relay does not outlive, which it sees to itself. */
export const endsItself = (broken: Promised | undefined): boolean => broken === 'commit' || broken === 'key'

/** Of a promise of several processes: how they hear each other in its run. */
export const hearingOf = (broken: Promised | undefined): BusTrouble | undefined =>
  broken === undefined ? undefined : (promises[broken] as Broken).hearing
