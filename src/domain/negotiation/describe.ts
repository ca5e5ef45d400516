// The state table and its deadlines as Markdown, for docs/NEGOTIATION.md.
import { deadlines, deadlineOf, states, stateNames, transitions } from '../../../lib/protocol/deal-table.ts'

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

export const statesMarkdown = (): string =>
  table(['State', 'Deadline', 'Meaning'], stateNames.map(name => [`\`${name}\``, deadlineOf(name) ?? 'final', states[name].doc]))

export const transitionsMarkdown = (): string =>
  table(['State', 'Action', 'By', 'If', 'Next state', 'Effects'], transitions.map((
    { from, action, by, when = [], to, effects = [] },
  ) => [`\`${from}\``, action, by.join(', '), when.join(', '), `\`${to}\``, effects.join(', ')]))

/** What LAPSE does to a state, in the words of the table. */
const lapseText = (deadline: string): string =>
  stateNames.filter(name => deadlineOf(name) === deadline)
    .flatMap(name => transitions.filter(({ from, action }) => from === name && action === 'LAPSE'))
    .map(({ when = [], to, effects = [] }) =>
      [
        when.filter(condition => condition !== 'due').map(condition => `${condition}: `).join(''),
        `\`${to}\``,
        effects.length === 0 ? '' : ` (${effects.join(', ')})`,
      ].join('')
    ).join('; ')

export const deadlinesMarkdown = (): string =>
  table(['Deadline', 'Set by', 'Default', 'What it brings'],
    Object.entries(deadlines).map(([name, { doc, defaultDays }]) => [name, doc, `${defaultDays} days`, lapseText(name)]))
