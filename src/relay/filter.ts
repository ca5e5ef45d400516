// What one session hears of one channel: which events come at once, and what is told of the others. Whatever it leaves out, the next event
// that comes says behind which one it comes, so that nobody looks for what is between.
import type { Frame } from '../../lib/protocol/index.ts'
import { Digest } from './digest.ts'
import { frameBehind, replayFrame } from './encode.ts'
import { changedBy, heard, saidBy, type Heard, type Test } from './heard.ts'
import type { Gone } from '../store/log.ts'
import type { Agent } from './view.ts'

/** What comes at once: what the condition is true of, or nothing but what is for the agent; and how long the rest waits to be told of. */
export interface Wanted {
  readonly when: Test | undefined
  readonly digestMs: number | undefined
  readonly known?: Known
}

/** What the log knows of the agent in the channel: else answers to what it said before would not be for it, nor old mentions. */
export interface Known {
  /** Ids of its former keys. */
  readonly former: readonly string[]
  /** Messages that it said, the newest last. */
  readonly own: readonly string[]
  /** Messages of the channel that wait in its inbox. */
  readonly waiting: readonly string[]
}

export interface FilterDeps {
  /** Whose session it is. */
  readonly agent: () => Agent | undefined
  readonly groups: () => readonly { readonly name: string }[] | undefined
  readonly digestFrame: (digest: Digest) => Buffer
  readonly later: (then: () => void, ms: number) => NodeJS.Timeout
  readonly send: (frame: Buffer) => void
}

/** Ids that are remembered of each: of own messages, to know their answers; of those sent, to know their changes; of those in the inbox. */
const maxIds = 200

const remember = (ids: Set<string>, id: string | undefined): void => {
  if (id === undefined) return
  ids.add(id)
  if (ids.size > maxIds) ids.delete(ids.values().next().value!)
}

export class Filter {
  readonly #deps: FilterDeps
  /** undefined: everything comes again, and the first that does says behind which. */
  #wanted: Wanted | undefined
  /** The event that was sent last; undefined: it follows from the next one. */
  #prev: number | undefined
  #digest: Digest | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #own = new Set<string>()
  readonly #sent = new Set<string>()
  #former: readonly string[] = []
  #waiting: ReadonlySet<string> = new Set()

  constructor(deps: FilterDeps, wanted: Wanted) {
    this.#deps = deps
    this.change(wanted)
  }

  get test(): Test | undefined {
    return this.#wanted?.when
  }

  /** Something is left out; else the next event ends it, by saying behind which it comes. */
  get isWanted(): boolean {
    return this.#wanted !== undefined
  }

  /** Nothing is left out any more, nor was since the last event that was sent. */
  get isOver(): boolean {
    return this.#wanted === undefined && this.#prev === undefined
  }

  /** From here on something else holds. What was left out until now is told of. */
  change(wanted: Wanted | undefined): void {
    this.#tell()
    this.#wanted = wanted
    const known = wanted?.known
    if (known === undefined) return
    this.#former = known.former
    this.#waiting = new Set(known.waiting.slice(0, maxIds))
    for (const id of known.own) remember(this.#own, id)
  }

  /** Events of before a replay: those of the agent may be answered in it. */
  recall(rows: readonly { readonly text: Buffer }[]): void {
    const me = this.#deps.agent()
    if (me === undefined) return
    for (const id of saidBy(rows, [me.id, ...this.#former])) remember(this.#own, id)
  }

  /** The channel begins anew for this session, at another place: what was left out behind that comes once more. */
  begin(): void {
    this.end()
    this.#prev = undefined
  }

  /** Nothing more is told. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#digest = undefined
  }

  forget(gone: Gone): void {
    this.#digest?.forgetGone(gone)
  }

  /** What is sent of live events, in order; `frame`: of one that follows the last. */
  passed(event: Heard, frame: Buffer): readonly Buffer[] {
    return this.#pass(event, prev => prev + 1 === event.seq ? frame : frameBehind(event.text, prev))
  }

  /** What is sent of events that are read after a position. */
  replayed(after: number, rows: readonly { readonly text: Buffer }[]): readonly Buffer[] {
    this.#prev ??= after
    const tests = this.test === undefined ? [] : [this.test]
    return rows.flatMap(({ text }) => this.#pass(heard(text, tests, this.#deps.groups()), () => replayFrame(text)))
  }

  #pass(event: Heard, frameAfter: (prev: number) => Buffer): readonly Buffer[] {
    const { seq, said } = event
    const prev = this.#prev ??= seq - 1
    if (!this.#wants(event)) {
      this.#leaveOut(event)
      return []
    }
    this.#digest?.forget(said)
    remember(this.#sent, said.msg_id)
    this.#prev = this.#wanted === undefined ? undefined : seq
    const frame = frameAfter(prev)
    const digest = this.#taken()
    return digest === undefined ? [frame] : [digest, frame]
  }

  #wants({ said, words, callsMany, verdicts }: Heard): boolean {
    const me = this.#deps.agent()
    if (this.#wanted === undefined || me === undefined || said.type !== 'MSG' || said.erased === true) return true
    if (this.#isMe(said.from)) {
      remember(this.#own, said.msg_id)
      return true
    }
    if (said.msg_id !== undefined && this.#waiting.has(said.msg_id)) return true
    const { when } = this.#wanted
    if (when !== undefined && verdicts.get(when) !== false) return true
    return callsMany || this.#concerns(said)
      || words.length > 0 && [me.name, me.loginName].some(name => words.includes(name)) || words.some(word => this.#isMe(`@${word}`))
  }

  #isMe(id: string): boolean {
    return id === this.#deps.agent()?.id || this.#former.includes(id)
  }

  /** It answers what the agent said, or changes what it was sent. */
  #concerns(said: Frame<'MSG'>): boolean {
    const { in_reply_to: answered, thread } = said
    if (answered !== undefined && this.#own.has(answered) || thread !== undefined && this.#own.has(thread)) return true
    const changed = changedBy(said)
    return changed !== undefined && this.#sent.has(changed)
  }

  #leaveOut(event: Heard): void {
    const digestMs = this.#wanted?.digestMs
    if (digestMs === undefined) return
    this.#digest ??= new Digest(event.seq)
    this.#digest.add(event)
    this.#timer ??= this.#deps.later(() => this.#tell(), digestMs)
  }

  /** The digest of what was left out until now. */
  #taken(): Buffer | undefined {
    const digest = this.#digest
    this.end()
    return digest && this.#deps.digestFrame(digest)
  }

  #tell(): void {
    const frame = this.#taken()
    if (frame !== undefined) this.#deps.send(frame)
  }
}
