// Disputes for eyes: a line, a timeline, and the words of parties and arbiters.
import type { EvidenceProof, ShownDispute } from '../../lib/client/index.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { visible, visibleLines } from './terminal.ts'
import { checkedFrame, type ProposalEvent } from './trade.ts'

/** A case as the protocol tells it: in these words it is printed. */
export type Dispute = Frame<'DISPUTE_STATE'>['dispute']

/** All of it. */
export const plainCase = ({ dispute, events, evidence: { disputant, respondent }, votes, draw }: ShownDispute) => ({
  dispute: dispute.frame,
  events: events.map(checkedFrame),
  evidence: {
    disputant: disputant && { ...checkedFrame(disputant), proofs: disputant.proofs },
    respondent: respondent && { ...checkedFrame(respondent), proofs: respondent.proofs },
  },
  votes: votes.map(checkedFrame),
  draw,
})

type PlainCase = ReturnType<typeof plainCase>

const until = (due: number | null): string => due === null ? '' : new Date(due).toISOString()
const phaseOf = ({ phase, verdict }: Dispute): string => `${phase}${verdict === null ? '' : ` for ${verdict}`}`

export const caseTable = table<Dispute>(
  { title: 'CASE', text: ({ dispute_id }) => dispute_id, style: () => 'bold' },
  { title: 'PHASE', text: phaseOf, style: () => 'cyan' },
  { title: 'DEAL', text: ({ proposal_id }) => proposal_id },
  { title: 'DISPUTANT', text: ({ disputant }) => disputant },
  { title: 'RESPONDENT', text: ({ respondent }) => respondent },
  { title: 'UNTIL', text: ({ due }) => until(due) },
  { title: 'REASON', text: ({ reason }) => reason },
)

/** One line. */
const disputeText = (dispute: Dispute, paint: Paint): string =>
  `${paint('bold', visible(dispute.dispute_id))} ${paint('cyan', phaseOf(dispute))} ${visible(dispute.proposal_id)} ${
    paint('dim', `${visible(dispute.disputant)} ⚡ ${visible(dispute.respondent)}`)
  }${dispute.due === null ? '' : ` until ${until(dispute.due)}`} ${visible(dispute.reason.slice(0, 80))}`

/** Talk about a step that was taken. */
export const caseText = ({ dispute_id, phase, due, verdict }: Dispute): string =>
  `${dispute_id} is ${phase}${verdict === null ? '' : `: ${verdict}`}${due === null ? '' : `, until ${new Date(due).toISOString()}`}`

const marks: Readonly<Record<string, (paint: Paint) => string>> = {
  valid: paint => paint('green', '✓'),
  weak: paint => paint('yellow', '✓ (older form)'),
  invalid: paint => paint('red', '✗ NOT SIGNED BY WHO IS NAMED'),
  none: () => '',
}

const markOf = (signature: string, paint: Paint): string => marks[signature]?.(paint) ?? ''

/** What an event says beside its kind. */
const remark = (event: ProposalEvent): string =>
  [['answer', 'outcome', 'verdict'], ['reason']].map(fields =>
    fields.map(field => event[field]).find(value => typeof value === 'string') ?? ''
  ).join(' ').trim()

export const courtEventText = (event: ProposalEvent & { readonly signature: string }, paint: Paint): string => {
  const said = remark(event)
  return `${paint('dim', new Date(event.ts).toISOString())} ${paint('bold', event.type.padEnd(19))} ${
    visible(String(event['arbiter'] ?? event['from']))
  } ${markOf(event.signature, paint)}${said === '' ? '' : ` ${visibleLines(said, '  │ ')}`}`
}

const seatMarks: Readonly<Record<Dispute['seats'][number]['state'], string>> = {
  asked: 'asked',
  sitting: 'sits',
  voted: 'voted',
  declined: 'declined',
  silent: 'did not answer',
  absent: 'did not vote',
}

const evidenceText = (side: 'disputant' | 'respondent', { evidence }: PlainCase, paint: Paint): readonly string[] => {
  const said = evidence[side]
  if (said === null) return []
  return [
    `${paint('bold', `Evidence of the ${side}`)} ${markOf(said.signature, paint)}`,
    `  │ ${visibleLines(said.statement, '  │ ')}`,
    ...said.items.map(({ kind, label, value, url }, item) => {
      const proof = said.proofs.find(each => each.item === item)
      const shown = proof === undefined ? visibleLines(value, '    ') : proofText(proof, paint)
      return `  ${visible(kind)}: ${visible(label)}  ${shown}${typeof url === 'string' ? `  ${visible(url)}` : ''}`
    }),
  ]
}

/** The message that is proved, in the place of its proof. */
const proofText = ({ holds, problem = '', message }: EvidenceProof, paint: Paint): string => {
  if (!holds || message === undefined) return `${paint('red', '✗')} ${visible(problem)}`
  const { from, content } = JSON.parse(message.text) as { readonly from?: unknown, readonly content?: unknown }
  return `${paint('green', '✓')} ${visible(message.stream)} ${message.seq}, ${visible(String(from))}: ${
    visibleLines(String(content), '    ')
  }`
}

export const drawText = (problems: readonly string[] | null, paint: Paint): string =>
  problems === null
    ? 'No panel was drawn'
    : problems.length === 0
    ? `${paint('green', '✓')} The panel is the one that the nonces and the pool give`
    : problems.map(problem => `${paint('red', '✗')} ${problem}`).join('\n')

export const shownText = (shown: PlainCase, paint: Paint): string =>
  [
    disputeText(shown.dispute, paint),
    ...shown.dispute.seats.map(({ arbiter, state }) => `  ${visible(arbiter)} ${seatMarks[state]}`),
    drawText(shown.draw, paint),
    ...evidenceText('disputant', shown, paint),
    ...evidenceText('respondent', shown, paint),
    ...shown.votes.map(({ arbiter, verdict, reasoning, signature }) =>
      `${paint('bold', verdict)} ${visible(arbiter)} ${markOf(signature, paint)} ${visibleLines(reasoning, '  │ ')}`
    ),
  ].join('\n')
