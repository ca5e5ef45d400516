// The state table as Markdown, for docs/NEGOTIATION.md.
import { states, stateNames, transitions, deadlineOf } from './table.ts'

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

export const statesMarkdown = (): string => table(['State', 'Deadline', 'Meaning'],
  stateNames.map(name => [`\`${name}\``, deadlineOf(name) ?? 'final', states[name].doc]))

export const transitionsMarkdown = (): string => table(['State', 'Action', 'By', 'If', 'Next state', 'Effects'],
  transitions.map(({ from, action, by, when = [], to, effects = [] }) => [`\`${from}\``, action, by.join(', '), when.join(', '), `\`${to}\``, effects.join(', ')]))
