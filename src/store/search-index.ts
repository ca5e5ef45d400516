// Searching what was said: the port of the index of words that each engine keeps.
// The index is made of the log and can be made again. It is kept in parts, each of so many events that one statement may look at a whole one.
// Whatever it finds is only a guess: who asks reads the texts themselves.

/** Events in a part of the index, by their rows. */
export const partEvents = 2 ** 20
export const partOf = (event: number): number => Math.floor(event / partEvents)

/** Characters of a message that it is found by. */
export const maxSearchedChars = 16 * 1024

/** A word, or several that follow each other. */
export interface SoughtWords {
  /** as they were written, letters and digits alone; and as they are compared */
  readonly words: readonly { readonly raw: string, readonly word: string }[]
  /** The last of them may go on. */
  readonly isPrefix: boolean
}

/** Whether the n-th of the words is the one that may go on. */
export const isBeginning = ({ words, isPrefix }: SoughtWords, n: number): boolean => isPrefix && n === words.length - 1

/** What a message is looked for by: all of these words, and of each list of marks one. */
export interface Sought {
  readonly words: readonly SoughtWords[]
  readonly marks: readonly (readonly string[])[]
}

const hex = (text: string): string => Buffer.from(text).toString('hex')

/** What is noted of a message beside its words. Hex, so that no index changes a letter of it. */
export const marks = {
  /** said in a channel, whichever */
  channels: 'c',
  channel: (name: string): string => `s${hex(name)}`,
  /** said between this agent and another */
  direct: (agent: string): string => `d${hex(agent)}`,
  author: (agent: string): string => `a${hex(agent)}`,
  /** holds an address of the web; answers another message; names files */
  has: { link: 'hlink', reply: 'hreply', file: 'hfile' },
} as const

/** A message that may be the one. */
export interface FoundMessage {
  /** its row: newer ones have larger ones */
  readonly id: number
  readonly stream: string
  readonly seq: number
  readonly ts: number
  readonly author: string
  /** as it was sent; undefined: it is gone, or there was no room for it on the page, which goes on with it */
  readonly text: string | undefined
  readonly isGone: boolean
}

/** A part of the index: the times, in ms, between which its messages were said. */
export interface IndexPart {
  readonly n: number
  readonly since: number
  readonly until: number
}

export interface IndexStanding {
  /** The event up to which all are in the index. */
  readonly upto: number
  /** The newest event there is. */
  readonly newest: number
  /** The newest first. */
  readonly parts: readonly IndexPart[]
  /** In what share of the messages of a part a term stands, of those that were asked about: in less than `rareShare` where it is not told. undefined: nobody knows. */
  readonly shares: ReadonlyMap<string, number> | undefined
}

/** What is rarer is not counted. */
export const rareShare = 0.002

/** How words, beginnings and marks are called where their shares are asked for. */
export const termOf = {
  word: (word: string): string => word,
  /** all counted words that begin so, together */
  beginning: (word: string): string => `${word}*`,
  mark: (mark: string): string => `=${mark}`,
} as const

export interface PageOfFound {
  /** Only events before this row, the newest first. */
  readonly before: number
  readonly limit: number
  /** No more text than this; one message is always given. */
  readonly maxBytes: number
}

/** Reads beside the event loop. */
export interface SearchReader {
  /** `terms`: whose shares are asked for. */
  standing(terms?: readonly string[]): Promise<IndexStanding>
  /** What one part has. Fewer than `limit`: there is no more in it. */
  within(part: number, sought: Sought, page: PageOfFound): Promise<readonly FoundMessage[]>
  /** Events behind one, which the index does not have yet. Fewer than `limit`: there are no more. */
  unindexed(after: number, page: PageOfFound): Promise<readonly FoundMessage[]>
}

export interface SearchWriter extends SearchReader {
  /** Brings the index a piece forward, here or in a thread; gives whether there is more to do here. */
  advance(): Promise<boolean>
}
