// THE PHASE TABLE of a dispute before a panel: phase × act × role → phase and effects. Code, documentation and tests read this one.

interface PhaseRow {
  readonly final?: true
  readonly doc: string
}

export const phases = {
  filed: { doc: 'A party has committed to a nonce; the deal is frozen.' },
  seating: { doc: 'Arbiters were drawn and are asked. Who declines or stays silent is replaced by the next of the draw.' },
  evidence: { doc: 'The panel sits; the parties say what they have to say.' },
  voting: { doc: 'The evidence is closed and before the arbiters. Who does not vote is replaced, unless two agree already.' },
  appealed: { doc: 'No panel can be formed: an admin of the relay rules, within the deadline of the deal itself.' },
  ruled: { final: true, doc: 'Decided by the panel or by an admin, or the time for a ruling passed; the money has moved.' },
  settled: { final: true, doc: 'The deal ended another way: one party gave in.' },
  abandoned: { final: true, doc: 'The nonce was not revealed. The deal stays disputed; the other party may file.' },
} as const satisfies Record<string, PhaseRow>

export type Phase = keyof typeof phases
export const phaseNames = Object.keys(phases) as readonly Phase[]
export const isOver = (phase: Phase): boolean => 'final' in phases[phase]

/** LAPSE is what time does. RULED and SETTLED: the deal has ended elsewhere, by a ruling that is not the panel's, or another way. */
export type Act = 'REVEAL' | 'ACCEPT' | 'DECLINE' | 'EVIDENCE' | 'VOTE' | 'LAPSE' | 'RULED' | 'SETTLED'
export const acts: readonly Act[] = ['REVEAL', 'ACCEPT', 'DECLINE', 'EVIDENCE', 'VOTE', 'LAPSE', 'RULED', 'SETTLED']

/** asked, sitting: an arbiter who was asked, or has accepted. court: the relay itself. */
export type CourtRole = 'disputant' | 'party' | 'asked' | 'sitting' | 'court'

/**
 * Of the case as the act leaves it. full: every seat is taken. drawable: there is somebody left for each empty seat. heard: the
 * evidence is closed.
 * decided: every seat has voted. agreed: as many agree as decide.
 */
export type Condition = 'full' | 'vacant' | 'drawable' | 'short' | 'heard' | 'unheard' | 'decided' | 'undecided' | 'agreed'

/**
 * draw: the empty seats are filled from the draw. hear: the time for evidence begins. ready: arbiters get the case. verdict:
 * the deal is ruled. fallback: an admin is asked for.
 */
export type Effect = 'draw' | 'hear' | 'ready' | 'verdict' | 'fallback' | 'abandon'

export interface PhaseChange {
  readonly from: Phase
  readonly act: Act
  readonly by: CourtRole
  readonly when?: readonly Condition[]
  readonly to: Phase
  readonly effects?: readonly Effect[]
}

const open: readonly Phase[] = ['filed', 'seating', 'evidence', 'voting', 'appealed']

export const changes: readonly PhaseChange[] = [
  { from: 'filed', act: 'REVEAL', by: 'disputant', when: ['drawable'], to: 'seating', effects: ['draw'] },
  { from: 'filed', act: 'REVEAL', by: 'disputant', when: ['short'], to: 'appealed', effects: ['fallback'] },
  { from: 'filed', act: 'LAPSE', by: 'court', to: 'abandoned', effects: ['abandon'] },

  { from: 'seating', act: 'ACCEPT', by: 'asked', when: ['vacant'], to: 'seating' },
  { from: 'seating', act: 'ACCEPT', by: 'asked', when: ['full', 'unheard'], to: 'evidence', effects: ['hear'] },
  { from: 'seating', act: 'ACCEPT', by: 'asked', when: ['full', 'heard'], to: 'voting', effects: ['ready'] },
  { from: 'seating', act: 'DECLINE', by: 'asked', when: ['drawable'], to: 'seating', effects: ['draw'] },
  { from: 'seating', act: 'DECLINE', by: 'asked', when: ['short'], to: 'appealed', effects: ['fallback'] },
  { from: 'seating', act: 'LAPSE', by: 'court', when: ['drawable'], to: 'seating', effects: ['draw'] },
  { from: 'seating', act: 'LAPSE', by: 'court', when: ['short'], to: 'appealed', effects: ['fallback'] },
  { from: 'seating', act: 'EVIDENCE', by: 'party', to: 'seating' },

  { from: 'evidence', act: 'EVIDENCE', by: 'party', when: ['unheard'], to: 'evidence' },
  { from: 'evidence', act: 'EVIDENCE', by: 'party', when: ['heard'], to: 'voting', effects: ['ready'] },
  { from: 'evidence', act: 'LAPSE', by: 'court', to: 'voting', effects: ['ready'] },

  { from: 'voting', act: 'VOTE', by: 'sitting', when: ['undecided'], to: 'voting' },
  { from: 'voting', act: 'VOTE', by: 'sitting', when: ['decided'], to: 'ruled', effects: ['verdict'] },
  { from: 'voting', act: 'LAPSE', by: 'court', when: ['agreed'], to: 'ruled', effects: ['verdict'] },
  { from: 'voting', act: 'LAPSE', by: 'court', when: ['drawable'], to: 'seating', effects: ['draw'] },
  { from: 'voting', act: 'LAPSE', by: 'court', when: ['short'], to: 'appealed', effects: ['fallback'] },

  { from: 'appealed', act: 'EVIDENCE', by: 'party', to: 'appealed' },

  ...open.flatMap(from =>
    [
      { from, act: 'RULED', by: 'court', to: 'ruled' },
      { from, act: 'SETTLED', by: 'court', to: 'settled' },
    ] as const
  ),
]
