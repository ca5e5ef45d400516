// A list as a table for eyes: a title above each column, columns as wide as what stands in them.
import type { Paint, Style, Table } from './output.ts'
import { visible } from './terminal.ts'

export interface Column<T> {
  readonly title: string
  /** What stands there; made visible here. */
  readonly text: (value: T) => string | number
  readonly style?: (value: T) => Style | undefined
  /** Numbers end in one line. */
  readonly isNumber?: true
}

/** Wider than this only its own line is moved. */
const maxWidth = 40

export const table = <T>(...columns: readonly Column<T>[]): Table<T> => ({
  lines(values, paint) {
    const cells = values.map(value => columns.map(({ text }) => visible(String(text(value)))))
    const widths = columns.map(({ title }, i) =>
      Math.min(maxWidth, cells.reduce((width, row) => Math.max(width, row[i]!.length), title.length))
    )
    const padded = (cell: string, i: number) =>
      columns[i]!.isNumber === true ? cell.padStart(widths[i]!) : i === columns.length - 1 ? cell : cell.padEnd(widths[i]!)
    const line = (row: readonly string[], painted: (cell: string, i: number) => string) =>
      row.map((cell, i) => cell === '' && i === columns.length - 1 ? '' : painted(padded(cell, i), i)).join('  ').trimEnd()
    return [
      paint('dim', line(columns.map(({ title }) => title), cell => cell)),
      ...cells.map((row, at) =>
        line(row, (cell, i) => {
          const style = columns[i]!.style?.(values[at]!)
          return style === undefined ? cell : paint(style, cell)
        })
      ),
    ]
  },
})

/** A table in which each row has more to say, in lines below it. They were made visible before. */
export const withLines = <T>(rows: Table<T>, below: (value: T, paint: Paint) => readonly string[]): Table<T> => ({
  lines(values, paint) {
    const [titles, ...lines] = rows.lines(values, paint)
    return [titles!, ...lines.flatMap((line, at) => [line, ...below(values[at]!, paint).map(more => `  ${more}`)])]
  },
})
