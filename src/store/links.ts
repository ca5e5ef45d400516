// Events that name an earlier one of their stream: answers to a message, and what was made of it later. Only such have a row.
import type { Awaitable, NewEvent, PageQuery, Row } from './log.ts'

/** Why an event names another: it answers it, or says anew, or takes back, what that one says. */
export type LinkKind = NonNullable<NewEvent['link']>['kind']

/** How a kind is kept. */
export const linkKinds: Readonly<Record<LinkKind, number>> = { reply: 0, change: 1 }

/** A stored event, found by its id. */
export interface Found extends Row {
  readonly stream: string
  /** ms */
  readonly ts: number
  readonly author: string
}

/** The message that a thread begins with. */
export interface Root {
  readonly seq: number
  readonly msgId: string
}

/** The newest of the events that name one. */
export interface Link {
  /** the number of the one that is named */
  readonly target: number
  readonly seq: number
  /** how many name it, up to this one */
  readonly count: number
  /** ms */
  readonly ts: number
}

export interface LinkReader {
  /** The event of an id that was given here; undefined when there is none, or none any more. What is mirrored has an id of its home. */
  find(msgId: string): Awaitable<Found | undefined>
  /**
   * Where the thread begins that a message of a stream is in: the message itself, unless it answers another one. Of what changes a
   * message, the thread of that message. undefined: there is no such message in this stream.
   */
  rootOf(stream: string, msgId: string): Awaitable<Root | undefined>
  /** Of each event between two numbers (both included) that others name: the newest of those, in the order of what is named. */
  newest(stream: string, kind: LinkKind, between: { readonly from: number, readonly to: number }): Awaitable<readonly Link[]>
  /** The same of some events, in their order. */
  newestOf(stream: string, kind: LinkKind, targets: readonly number[]): Awaitable<readonly Link[]>
  /** The events that name one, oldest first. */
  page(stream: string, kind: LinkKind, target: number, query: Required<Omit<PageQuery, 'before'>>): Awaitable<readonly Row[]>
  /** Bytes of the texts of the events that name one, so many of them at most. */
  size(stream: string, kind: LinkKind, target: number, most: number): Awaitable<number>
  /** Some events of a stream, oldest first: as many as there is room for, and one at least. */
  texts(stream: string, seqs: readonly number[], maxBytes: number): Awaitable<readonly Row[]>
}

/** Whether ids of a stream's events are of another relay: what one of this relay's says is chance there. */
export const isMirror = (stream: string): boolean => stream.startsWith('#') && stream.includes('@')

const msgIdKey = Buffer.from('"msg_id":"')

/** The id that a stored event says it has; its end is enough. A quote inside of a string is written otherwise, so the key is found by its bytes. */
export const storedMsgId = (text: Buffer): string | undefined => {
  const at = text.lastIndexOf(msgIdKey)
  const end = at === -1 ? -1 : text.indexOf('"', at + msgIdKey.length)
  return end === -1 ? undefined : text.toString('latin1', at + msgIdKey.length, end)
}

const editKey = Buffer.from('"edit":{"of":"')

/** The message that a stored event says anew; undefined: it is no edit. Found by its bytes, too. */
export const editedMsgId = (text: Buffer): string | undefined => {
  const at = text.indexOf(editKey)
  const end = at === -1 ? -1 : text.indexOf('"', at + editKey.length)
  return end === -1 ? undefined : text.toString('latin1', at + editKey.length, end)
}

/** Bytes at the end of a stored event in which its id stands: behind it there is its number, and when it expires. */
export const endBytes = 200

/**
 * What a page lacks of what its events say now: the texts of their newest changes, but for those that are in it themselves, as far as
 * there is room beside it. Nothing where there is none.
 */
export const changesOf = async (
  links: LinkReader,
  stream: string,
  newest: readonly Link[],
  { rows, maxBytes }: { readonly rows: readonly Row[], readonly maxBytes: number },
): Promise<{ readonly changes?: { readonly type: string, readonly ts: number }[] }> => {
  const inPage = new Set(rows.map(({ seq }) => seq))
  const wanted = newest.map(({ seq }) => seq).filter(seq => !inPage.has(seq))
  if (wanted.length === 0) return {}
  const left = maxBytes - rows.reduce((sum, { text }) => sum + text.length, 0)
  const texts = await links.texts(stream, wanted, Math.max(1, left))
  return { changes: texts.map(({ text }) => JSON.parse(text.toString()) as { readonly type: string, readonly ts: number }) }
}
