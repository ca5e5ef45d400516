// A place where announcements are posted: the port that an adapter fills. The feed is one, Moltbook another.

export interface Announcement {
  readonly title: string
  readonly text: string
  readonly url: string | null
}

/** Certain answers, and one that is not: only `later` is ever tried again. */
export type Posted =
  | { readonly kind: 'posted', readonly url: string | null }
  /** It would have been posted. */
  | { readonly kind: 'dry-run' }
  /** The place asks a person first. */
  | { readonly kind: 'challenged', readonly challenge: string, readonly question: string, readonly answerBy: number }
  /** It was not taken, and may be later. */
  | { readonly kind: 'later', readonly retryAfterMs: number, readonly problem: string }
  /** It was not taken, and will not be. */
  | { readonly kind: 'refused', readonly problem: string }
  /** Nobody knows whether it was taken. */
  | { readonly kind: 'unknown', readonly problem: string }

export type Answered =
  | { readonly kind: 'posted', readonly url: string | null }
  | { readonly kind: 'failed', readonly problem: string }
  /** It was not looked at; the same answer may be given again. */
  | { readonly kind: 'later', readonly retryAfterMs: number, readonly problem: string }

export interface Place {
  readonly name: string
  /** Whose pace it is: another account has another. */
  readonly account: string
  /** The most that it may want from one post to the next, in ms: what is waited where nobody knows when the last one was. */
  readonly paceMs: number
  /** Never rejects. `nextInMs`: least time until the next post. */
  post(announcement: Announcement, now: number): Promise<{ readonly posted: Posted, readonly nextInMs: number }>
  /** Never rejects. */
  answer(challenge: string, answer: string): Promise<Answered>
}
