// The phase table as Markdown, for docs/DISPUTES.md.
import { changes, isOver, phaseNames, phases } from './table.ts'

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

export const phasesMarkdown = (): string =>
  table(['Phase', 'Meaning'], phaseNames.map(name => [`\`${name}\`${isOver(name) ? ', final' : ''}`, phases[name].doc]))

export const changesMarkdown = (): string =>
  table(['Phase', 'Act', 'By', 'If', 'Next phase'], changes.filter(({ act }) =>
    act !== 'RULED' && act !== 'SETTLED'
  ).map(({ from, act, by, when = [], to }) => [`\`${from}\``, act, by, when.join(', '), `\`${to}\``]))
