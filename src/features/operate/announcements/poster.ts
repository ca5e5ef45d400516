// Posts what waits for a place, one at a time and at the place's pace. Every step is written before it is taken, so that a
// crash never posts twice.
import { findPlace, movePost, openPosts, setPlace, type PostRow, type PostState } from './store.ts'
import type { Tx } from '../../../store/store.ts'
import type { Outcome } from '../../../relay/feature.ts'
import type { Answered, Place, Posted } from './place.ts'

type Key = Pick<PostRow, 'announcement' | 'place' | 'state'>
type Done =
  & { readonly key: Key & Partial<Pick<PostRow, 'answer' | 'answer_by'>> }
  & ({ readonly posted: Posted, readonly nextInMs: number } | { readonly answered: Answered })

export interface PosterOptions {
  readonly onPost: (
    event: {
      readonly place: string
      readonly announcement: string
      readonly state: PostState
      readonly problem?: string
      readonly answerBy?: number
    },
  ) => void
}

/** After so many challenges in a row that were not met the place is left alone for a day each time: ten of them cost the account. */
const cautiousAfter = 4
const pauseMs = 24 * 60 * 60_000
/** How long after its last turn a process is taken to be posting yet. */
const leaseMs = 30_000
/** How often an idle process looks for what another one was to post, and does not any more. */
const lookMs = 5_000
/** What is not done with. */
const openStates: readonly PostState[] = ['posting', 'answering', 'challenged', 'queued']

export class Poster {
  readonly #place: Place
  readonly #options: PosterOptions
  #done: Done | undefined
  /** What this process is doing; whatever else the tables say is under way was cut off, once the place is this process's. */
  #busy: string | undefined
  /** Whether the tables may hold something to do: an idle relay does not look every second. */
  #mayHaveWork = true
  #lookedAt = -Infinity

  constructor(place: Place, options: PosterOptions) {
    this.#place = place
    this.#options = options
  }

  /** Something was announced, or answered. */
  wake(): void {
    this.#mayHaveWork = true
  }

  async turn(tx: Tx, now: number): Promise<Outcome | undefined> {
    const done = this.#done
    if (done !== undefined) {
      const told = await this.#note(tx, done, now)
      return {
        committed: () => {
          this.#done = undefined
          this.#busy = undefined
          told()
        },
      }
    }
    if (this.#busy === undefined && !this.#mayHaveWork && !await this.#finds(tx, now)) return undefined
    const { name, account } = this.#place
    // What is under way stays ours, and what another does is not taken for cut off.
    if (!await tx.own(`poster of ${name}`, leaseMs) || this.#busy !== undefined) return undefined
    const open = await openPosts(tx, name, openStates, 100)
    this.#lookedAt = now
    this.#mayHaveWork = open.length > 0
    if (!this.#mayHaveWork) return undefined
    const state = await findPlace(tx, account)

    const cut = open.find(post => post.state === 'posting' || (post.state === 'answering' && post.answer === null))
    if (cut !== undefined) {
      const problem = cut.state === 'posting'
        ? 'the relay ended while it was posted: look there whether it was. It is not posted again'
        : 'the relay ended while it was answered: look there whether it was taken'
      if (cut.state === 'posting') await setPlace(tx, { ...state, not_before: Math.max(state.not_before, now + this.#place.paceMs) })
      await movePost(tx, cut, { state: 'unknown', problem })
      return this.#told(cut, 'unknown', problem)
    }
    const over = open.find(post => post.state === 'challenged' && (post.answer_by ?? 0) <= now)
    if (over !== undefined) {
      const problem = 'the question was not answered in time'
      await movePost(tx, over, { state: 'failed', problem })
      await this.#failed(tx, now)
      return this.#told(over, 'failed', problem)
    }
    const answering = open.find(post => post.state === 'answering' && (post.due_at ?? 0) <= now)
    if (answering !== undefined) {
      const { challenge, answer } = answering
      // Taken out before it is given: an answer is given once.
      await movePost(tx, answering, { answer: null })
      this.#busy = answering.announcement
      return {
        committed: () =>
          void this.#place.answer(challenge!, answer!).then(answered => {
            this.#done = { key: answering, answered }
          }),
      }
    }
    const queued = open.find(post => post.state === 'queued')
    // While a question is open nothing else is posted: it might be asked too.
    if (queued === undefined || now < state.not_before || open.some(post => post.state !== 'queued')) return undefined
    const key = { ...queued, state: 'posting' as const }
    await movePost(tx, queued, { state: 'posting', due_at: null })
    this.#busy = queued.announcement
    return {
      committed: () =>
        void this.#place.post({ title: queued.title, text: queued.text, url: queued.link }, now).then(result => {
          this.#done = { key, ...result }
        }),
    }
  }

  /** Whether something is left to do, where this process was not told of it. */
  async #finds(tx: Tx, now: number): Promise<boolean> {
    if (Math.abs(now - this.#lookedAt) < lookMs) return false
    this.#lookedAt = now
    return this.#mayHaveWork = (await openPosts(tx, this.#place.name, openStates, 1)).length > 0
  }

  /** Writes what came of it; gives what to tell once that is committed. */
  async #note(tx: Tx, done: Done, now: number): Promise<() => void> {
    const { key } = done
    const move = async (change: Partial<PostRow> & { readonly state: PostState }): Promise<() => void> => {
      await movePost(tx, key, change)
      return this.#told(key, change.state, change.problem ?? undefined, change.answer_by ?? undefined).committed
    }
    if ('answered' in done) {
      const { answered } = done
      switch (answered.kind) {
        case 'posted':
          await setPlace(tx, { ...await findPlace(tx, this.#place.account), failures: 0 })
          return move({
            state: 'posted',
            posted_at: now,
            ...(answered.url !== null && { url: answered.url }),
            problem: null,
            question: null,
            challenge: null,
          })
        case 'failed':
          await this.#failed(tx, now)
          return move({ state: 'failed', problem: answered.problem })
        case 'later': {
          // It was not looked at: it is given again, if there is time; what can never be taken goes back to whoever gave it.
          const again = now + answered.retryAfterMs
          const isInTime = answered.retryAfterMs > 0 && again < (key.answer_by ?? 0)
          return move(
            isInTime
              ? { state: 'answering', answer: key.answer ?? null, due_at: again, problem: answered.problem }
              : { state: 'challenged', problem: answered.problem },
          )
        }
        default:
          return answered satisfies never
      }
    }
    const { posted, nextInMs } = done
    const state = await findPlace(tx, this.#place.account)
    await setPlace(tx, {
      ...state,
      not_before: now + (posted.kind === 'later' ? posted.retryAfterMs : nextInMs),
      ...(posted.kind === 'posted' && { failures: 0 }),
    })
    switch (posted.kind) {
      case 'posted':
        return move({ state: 'posted', posted_at: now, url: posted.url, problem: null })
      case 'dry-run':
        return move({ state: 'dry-run' })
      case 'challenged':
        return move({ state: 'challenged', challenge: posted.challenge, question: posted.question, answer_by: posted.answerBy })
      case 'later':
        return move({ state: 'queued', due_at: now + posted.retryAfterMs, problem: posted.problem })
      case 'refused':
        return move({ state: 'refused', problem: posted.problem })
      case 'unknown':
        return move({ state: 'unknown', problem: posted.problem })
      default:
        return posted satisfies never
    }
  }

  async #failed(tx: Tx, now: number): Promise<void> {
    const { account } = this.#place
    const { not_before, failures } = await findPlace(tx, account)
    await setPlace(tx, {
      place: account,
      failures: failures + 1,
      not_before: failures + 1 >= cautiousAfter ? Math.max(not_before, now + pauseMs) : not_before,
    })
  }

  #told(
    { announcement, place }: Pick<PostRow, 'announcement' | 'place'>,
    state: PostState,
    problem?: string,
    answerBy?: number,
  ): { readonly committed: () => void } {
    return {
      committed: () =>
        this.#options.onPost({
          announcement,
          place,
          state,
          ...(problem !== undefined && { problem }),
          ...(answerBy !== undefined && { answerBy }),
        }),
    }
  }
}
