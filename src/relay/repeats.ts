// A request id that was used before: whether it is the same request that comes again.
import type { Append } from './feature.ts'

const isSameList = (one: unknown, other: unknown): boolean => one === other || JSON.stringify(one) === JSON.stringify(other)

/** Whether a repeated key repeats what it was first used for. Of an erased message nobody knows any more. */
export const isRepeat = (text: Buffer, { type, body }: Append): boolean => {
  const first = JSON.parse(text.toString()) as Record<string, unknown>
  const again: Record<string, unknown> = body
  if (first['type'] !== type) return false
  if (type !== 'MSG') return first['sig'] === again['sig']
  return first['to'] === again['to']
    && (first['erased'] === true || (first['content'] === again['content'] && isSameList(filesOf(first), filesOf(again))))
    && changedBy(first) === changedBy(again)
}

/** The files that a message names itself; an edit may have those of before. */
const filesOf = ({ files, edit }: { readonly files?: unknown, readonly edit?: unknown }): unknown =>
  (edit as { readonly kept?: true } | undefined)?.kept === true ? undefined : files

/** Which message a message changes. */
const changedBy = ({ edit, retract }: { readonly edit?: unknown, readonly retract?: unknown }): string | undefined =>
  ((edit ?? retract) as { readonly of: string } | undefined)?.of
