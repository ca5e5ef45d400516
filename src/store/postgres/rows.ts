// What a batch stores, as the columns that statements take.

/** What a statement takes as the columns of a table. */
export interface Rows {
  readonly events: { stream: number[], seq: number[], ts: number[], author: string[], at: number[], bytes: number[] }
  readonly keys: { agent: string[], id: string[], stream: number[], seq: number[], ts: number[] }
  readonly inbox: {
    agent: string[]
    seq: number[]
    stream: number[]
    event: number[]
    receipts: number[]
    expiresAt: (number | null)[]
    sender: string[]
    address: string[]
    units: number[]
    muted: number[]
  }
  readonly links: { stream: number[], kind: number[], target: number[], seq: number[] }
  readonly texts: Buffer[]
}

export const newRows = (): Rows => ({
  events: { stream: [], seq: [], ts: [], author: [], at: [], bytes: [] },
  keys: { agent: [], id: [], stream: [], seq: [], ts: [] },
  inbox: { agent: [], seq: [], stream: [], event: [], receipts: [], expiresAt: [], sender: [], address: [], units: [], muted: [] },
  links: { stream: [], kind: [], target: [], seq: [] },
  texts: [],
})

/** Another row of a table that is kept by columns. */
export const push = <T extends { readonly [column: string]: unknown[] }>(
  columns: T,
  row: { readonly [C in keyof T]: T[C][number] },
): void => {
  for (const column in columns) columns[column]!.push(row[column])
}
