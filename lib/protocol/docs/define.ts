// What the pages say of one row of the table.
import type { ErrorCode } from '../errors.ts'
import type { FrameBody, FrameType, RequestInput, RequestType } from '../table.ts'

/** What is said of a request. */
export interface RequestDoc<T extends RequestType> {
  readonly doc: string
  /** What it can be answered with instead. */
  readonly errors: readonly ErrorCode[]
  readonly example: RequestInput<T>
}

/** What is said of a frame. */
export interface FrameDoc<T extends FrameType> {
  readonly doc: string
  /** Its fields; `ts` may be left out. */
  readonly example: Omit<FrameBody<T>, 'ts'> & { readonly ts?: number }
}

/** Those of one domain. */
export type RequestDocs = { readonly [T in RequestType]?: RequestDoc<T> }
export type FrameDocs = { readonly [T in FrameType]?: FrameDoc<T> }
