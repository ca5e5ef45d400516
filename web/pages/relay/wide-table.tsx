// A table that is wider than a phone: it scrolls by itself, by keyboard too, and says what it is.
import type { ComponentChildren } from 'preact'

export interface WideTableProps {
  readonly label: string
  /** what stands over its columns */
  readonly heads: readonly string[]
  /** its rows */
  readonly children: ComponentChildren
}

export const WideTable = ({ label, heads, children }: WideTableProps) => (
  <div class='wide-table' tabIndex={0} role='region' aria-label={label}>
    <table>
      <thead>
        <tr>{heads.map(head => <th key={head} scope='col'>{head}</th>)}</tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
)
