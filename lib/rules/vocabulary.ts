// What a condition may name: words with their kinds, and the most that each may hold, by which the work of a condition is counted before it runs.

/** A word of a place where conditions stand. */
export type Word =
  | { readonly kind: 'text', readonly maxChars: number, readonly doc: string }
  | { readonly kind: 'texts', readonly maxItems: number, readonly maxChars: number, readonly doc: string }
  | { readonly kind: 'number', readonly doc: string }
  | { readonly kind: 'flag', readonly doc: string }

/** The words of one place, by name. */
export type Vocabulary = Readonly<Record<string, Word>>

interface Kinds {
  readonly text: string
  readonly texts: readonly string[]
  /** whole */
  readonly number: number
  readonly flag: boolean
}

/** What a place has to say of each of its words. Those that a condition does not name are not read. */
export type Values<V extends Vocabulary> = { readonly [N in keyof V]: Kinds[V[N]['kind']] }
