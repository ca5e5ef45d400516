// Whether the relay keeps to one history. Of each channel that is joined the tree is made from the events as they come, and compared with what
// the relay signs and with what others say that they have seen. One small machine for each channel:
//
// | state    | an event comes                        | a head comes                         | it cannot be had       |
// |----------|---------------------------------------|--------------------------------------|------------------------|
// | nothing  | its leaf is kept; begins: beginning   | compared with the one that is kept   | as before              |
// | beginning| its leaf is kept                      | from there on, with the leaves: going| nothing                |
// | going    | the next one: added; a gap: nothing   | compared with what was added         | as before              |
// | told     | –                                     | –                                    | –                      |
import { entryOf, isConsistent, openCheckpoint, readCheckpoint, TranscriptRange, type Checkpoint, type Verify } from '../identity/index.ts'
import { fromBase64, toBase64 } from '../identity/pem.ts'
import { comparedHeads, isSameHash, maxWitnesses, witnessedBy, type Witnessed } from '../identity/transcripts/index.ts'
import { addressOf, hasHost, type Frame } from '../protocol/index.ts'
import type { Body } from './port.ts'
import { RelayError } from './errors.ts'
import type { Homes } from './homes.ts'
import type { Place } from './login.ts'
import type { Positions } from './positions.ts'
import type { TranscriptEvidence, TranscriptMode, TranscriptProblem } from './transcript-evidence.ts'
import { WitnessChecks, type WitnessOptions } from './witness-checks.ts'

export interface TranscriptChecksOptions {
  readonly mode: TranscriptMode
  readonly witnesses: WitnessOptions | undefined
  readonly verify: Verify
  readonly positions: Positions
  /** Relays whose channels are mirrored at this one. */
  readonly homes: Pick<Homes, 'of' | 'known'>
  /** The relay as it has proved to be; undefined: it keeps no transcripts. */
  readonly place: () => Pick<Place, 'relay' | 'key'> | undefined
  readonly lifeOf: (stream: string) => string | undefined
  readonly head: (body: Body<'HEAD'>) => Promise<Frame<'HEAD'>>
  readonly keyOf: (agent: string) => string | undefined
  readonly tell: (problem: TranscriptProblem, evidence: TranscriptEvidence) => void
  /** ms since 1970 */
  readonly now: () => number
}

/** A head is asked for behind so many events, or so long after the last one. */
const eventsPerHead = 256
const headEveryMs = 600_000
/** What others have seen is compared with as many sizes. */
const remembered = 256
/** `seen` is said again behind so many new events, or so much later. */
const eventsPerSeen = 16
const seenEveryMs = 60_000
/** Leaves that wait until it is known where they are. */
const maxWaiting = 5_000
const maxToldOf = 1_000

interface Asked {
  readonly from?: number
  readonly peaks?: true
}
type Shown = Pick<TranscriptEvidence, 'heads' | 'texts' | 'author_pubkey' | 'own' | 'proof'>

interface Stream {
  state: 'nothing' | 'beginning' | 'going' | 'told'
  /** As far as the events came in order. */
  range: TranscriptRange
  /** As it was up to `remembered` events ago, and the leaves since then. */
  base: TranscriptRange
  recent: Uint8Array[]
  /** Leaves of events behind what is known, by their numbers. */
  waiting: Map<number, Uint8Array>
  /** A head beyond what came. */
  due: { readonly checkpoint: Checkpoint, readonly text: string } | undefined
  isAsking: boolean
  /** It is being asked whose it is. */
  isMeeting: boolean
  /** Events and time since a head was asked for. */
  since: number
  askedAt: number
  /** The same since it began anew. */
  begun: number
  begunAt: number
  saidSize: number
  saidAt: number
  /** Heads that the relay showed last, for who asks why. */
  shown: readonly string[]
}

const storedEnd = /,"(?:replay":true|prev_seq":[0-9]{1,16})\}$/
/** A stored text, without what was added when it was sent. */
export const storedTextOf = (text: string): string => {
  const end = text.slice(-40)
  const added = storedEnd.exec(end)
  return added === null ? text : `${text.slice(0, text.length - end.length + added.index)}}`
}

/** The same of a channel that is mirrored: as its home stored it. */
const textAtHome = (stream: string, text: string): string => {
  const stored = storedTextOf(text)
  return hasHost(stream) ? JSON.stringify({ ...JSON.parse(stored) as object, to: addressOf(stream).name }) : stored
}

export class TranscriptChecks {
  readonly #options: TranscriptChecksOptions
  readonly #streams = new Map<string, Stream>()
  /** Of whom what was told. */
  readonly #toldOf = new Set<string>()
  readonly #witnesses: WitnessChecks | undefined

  /** @throws IdentityError on witnesses that can never be enough */
  constructor(options: TranscriptChecksOptions) {
    this.#options = options
    const { witnesses, mode, now } = options
    this.#witnesses = witnesses === undefined || mode === 'off' ? undefined : new WitnessChecks({
      ...witnesses,
      ask: name => {
        const stream = this.#streams.get(name)
        if (stream?.isAsking === false && stream.state !== 'told')
          void this.#ask(name, stream, { from: this.#kept(name)?.checkpoint.size ?? 0 })
      },
      tell: name => options.tell('unwitnessed', this.#evidence('unwitnessed', name, { heads: this.#streams.get(name)?.shown ?? [] })),
      now,
    })
  }

  /** Whose a channel is, and signs it. undefined: it has not proved its key, is not known yet, or keeps no transcripts. */
  #relayOf(stream: string): { readonly id: string, readonly key: string } | undefined {
    const { relay: id, key } = this.#options.place() ?? {}
    if (id === undefined || key === undefined) return undefined
    if (!hasHost(stream)) return { id, key }
    const home = this.#options.homes.known(addressOf(stream).host!)
    return home && { id: home.serverId, key: home.key }
  }

  /** Whether a head is of a channel, in the life that it has: of a mirrored one its home knows that alone. */
  #isOf(stream: string, { relay, epoch, stream: name }: Checkpoint): boolean {
    return relay === this.#relayOf(stream)?.id && name === addressOf(stream).name
      && (hasHost(stream) || epoch === this.#options.lifeOf(stream))
  }

  /** Another life of the log, or another relay. */
  reset(): void {
    this.#witnesses?.reset()
    this.#streams.clear()
  }

  /** A channel is entered: what the relay signs now is compared with what it signed before. */
  joined(stream: string): void {
    const { mode } = this.#options
    if (mode === 'off') return
    if (hasHost(stream)) return void this.#meet(stream)
    if (this.#relayOf(stream) === undefined) {
      if (mode === 'strict') this.#tell(stream, 'unsigned', { heads: [] })
      else if (this.#witnesses !== undefined) this.#tell(stream, 'unwitnessed', { heads: [] })
      return
    }
    const kept = this.#kept(stream)
    if (kept !== undefined) void this.#ask(stream, this.#stream(stream), { from: kept.checkpoint.size })
  }

  /** Whose a mirrored channel is, is asked: what comes meanwhile waits. */
  async #meet(stream: string): Promise<void> {
    if (this.#options.place() === undefined) return
    const state = this.#stream(stream)
    state.isMeeting = true
    await this.#options.homes.of(addressOf(stream).host!).catch(() => undefined)
    state.isMeeting = false
    if (this.#relayOf(stream) === undefined) state.waiting.clear()
    else if (state.state === 'nothing' && !state.isAsking && state.waiting.size > 0 && this.#streams.get(stream) === state)
      this.#begin(stream, state)
  }

  /** An event of a channel, in its order. @param text as it came */
  heard(stream: string, seq: number, text: string | undefined): void {
    const { mode, now } = this.#options
    if (mode === 'off' || text === undefined) return
    if (this.#relayOf(stream) === undefined && this.#streams.get(stream)?.isMeeting !== true) return
    const state = this.#stream(stream)
    if (state.state === 'told') return
    const stored = textAtHome(stream, text)
    let leaf: Uint8Array
    try {
      const entry = entryOf(stored)
      if (entry.seq !== seq) throw new RangeError()
      leaf = entry.leaf
    } catch {
      return this.#tell(stream, 'rewritten', { heads: this.#keptTexts(stream), texts: [stored] })
    }
    if (!hasHost(stream)) this.#witnesses?.heard(stream, seq)
    state.since++
    state.begun++
    if (state.state === 'going' && seq > state.range.size + 1) this.#lose(state)
    if (state.state === 'going') {
      if (seq === state.range.size + 1) this.#add(stream, state, leaf)
    } else if (state.waiting.size < maxWaiting) {
      state.waiting.set(seq, leaf)
      if (state.state === 'nothing' && !state.isAsking && !state.isMeeting) this.#begin(stream, state)
    }
    if (state.state === 'going' && !state.isAsking && (state.since >= eventsPerHead || now() - state.askedAt >= headEveryMs))
      void this.#ask(stream, state, { from: this.#kept(stream)?.checkpoint.size ?? 0 })
  }

  /** What the author of a message says to have seen, where the message is signed; and one that was there before. */
  said(stream: string, frame: Frame<'MSG'>, signature: string, text: string | undefined): void {
    const { mode, keyOf } = this.#options
    if (mode === 'off' || text === undefined || this.#relayOf(stream) === undefined) return
    const texts = [textAtHome(stream, text)]
    const author = { texts, author_pubkey: keyOf(frame.from) }
    if (signature === 'duplicated') return this.#tellOf(frame.from, stream, 'duplicated', { heads: [], ...author })
    const { seen } = frame
    const state = this.#streams.get(stream)
    if (seen === undefined || signature !== 'valid' || state?.state !== 'going') return
    const root = this.#rootAt(state, seen.seq)
    if (root !== undefined && root !== seen.root)
      this.#tellOf(frame.from, stream, 'crossed', { heads: this.#keptTexts(stream), ...author, own: { size: seen.seq, root } })
  }

  /** What a message of ours says that we have seen; undefined: it was said lately. */
  seen(stream: string): { readonly seq: number, readonly root: string } | undefined {
    const state = this.#streams.get(stream)
    if (state?.state !== 'going' || state.range.size === 0) return undefined
    const { size } = state.range
    const now = this.#options.now()
    if (size - state.saidSize < eventsPerSeen && (size === state.saidSize || now - state.saidAt < seenEveryMs)) return undefined
    state.saidSize = size
    state.saidAt = now
    return { seq: size, root: toBase64(state.range.root) }
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name)
    if (stream === undefined) {
      this.#streams.set(name, stream = {
        state: 'nothing',
        range: new TranscriptRange(),
        base: new TranscriptRange(),
        recent: [],
        waiting: new Map(),
        due: undefined,
        isAsking: false,
        isMeeting: false,
        since: 0,
        askedAt: -Infinity,
        begun: 0,
        begunAt: -Infinity,
        saidSize: -eventsPerSeen,
        saidAt: 0,
        shown: [],
      })
    }
    return stream
  }

  /** Something was left out: it begins anew, when a head would be asked for anyway. */
  #lose(state: Stream): void {
    state.state = 'nothing'
    state.due = undefined
    state.waiting.clear()
  }

  /** From the first event on that waits: what is before it is asked for. */
  #begin(stream: string, state: Stream): void {
    const now = this.#options.now()
    // Where much is left out, not behind every piece of it.
    if (state.begun < eventsPerHead && now - state.begunAt < headEveryMs) return state.waiting.clear()
    state.state = 'beginning'
    state.begun = 0
    state.begunAt = now
    void this.#ask(stream, state, { from: state.waiting.keys().next().value! - 1, peaks: true })
  }

  #add(stream: string, state: Stream, leaf: Uint8Array): void {
    state.range.add(leaf)
    state.recent.push(leaf)
    if (state.recent.length >= 2 * remembered) { for (const each of state.recent.splice(0, remembered)) state.base.add(each) }
    if (state.due !== undefined && state.range.size >= state.due.checkpoint.size) this.#compare(stream, state, state.due)
  }

  /** base64; undefined: it was not seen, or too long ago. */
  #rootAt(state: Stream, size: number): string | undefined {
    if (size < state.base.size || size > state.range.size) return undefined
    if (size === state.range.size) return toBase64(state.range.root)
    const range = state.base.copy()
    for (const leaf of state.recent.slice(0, size - state.base.size)) range.add(leaf)
    return toBase64(range.root)
  }

  async #ask(stream: string, state: Stream, asked: Asked): Promise<void> {
    state.isAsking = true
    state.since = 0
    state.askedAt = this.#options.now()
    const life = this.#options.lifeOf(stream)
    try {
      const [answered, answer] = await this.#head(stream, asked)
      if (this.#streams.get(stream) === state && this.#options.lifeOf(stream) === life) {
        this.#heard(stream, state, answered, answer)
        await this.#witnessed(stream, state, answer)
      }
    } catch (error) {
      // It is asked again by and by.
      if (state.state === 'beginning') this.#lose(state)
      if (error instanceof RelayError) this.#witnesses?.refused(stream)
      // A mirror says where it is once it has all that its home signed.
      if (error instanceof RelayError && error.code === 'BUSY') state.begunAt = -Infinity
    } finally {
      state.isAsking = false
    }
    if (state.state === 'nothing' && state.waiting.size > 0 && this.#streams.get(stream) === state) this.#begin(stream, state)
  }

  /** What was asked in the end, and the answer to that. */
  async #head(stream: string, asked: Asked): Promise<readonly [Asked, Frame<'HEAD'>]> {
    const { head } = this.#options
    const channel = stream as `#${string}`
    const witnessed = this.#witnesses === undefined || hasHost(stream) ? {} : { witnessed: true as const }
    try {
      return [asked, await head({ channel, ...asked, ...witnessed })]
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'MESSAGE_NOT_FOUND' || asked.from === undefined) throw error
      // What went before is not there any more: from now on, then. From the oldest that is there a home can prove everything: who does not is
      // told. A mirror holds the heads that it was shown, and proves from those alone.
      const { from, ...now } = asked
      const answer = await head({ channel, ...now, ...witnessed })
      return [asked.peaks !== true && !hasHost(stream) && from >= answer.oldest - 1 ? asked : now, answer]
    }
  }

  /** A head: signed, of this channel, and with the former one at its beginning. */
  #heard(stream: string, state: Stream, asked: Asked, answer: Frame<'HEAD'>): void {
    const { verify } = this.#options
    const relay = this.#relayOf(stream)
    if (relay === undefined || state.state === 'told') return
    const text = answer.checkpoint
    let checkpoint: Checkpoint
    try {
      checkpoint = openCheckpoint(text, relay.key, verify)
    } catch {
      return this.#tell(stream, 'unsigned', { heads: [text] })
    }
    if (!this.#isOf(stream, checkpoint)) return this.#tell(stream, 'unsigned', { heads: [text] })
    const known = this.#kept(stream)
    const kept = known?.checkpoint.epoch === checkpoint.epoch ? known : undefined
    if (kept !== undefined) {
      const heads = [kept.text, text]
      const former = kept.checkpoint
      // A mirror may have been put back; its home has not gone back by that.
      if (checkpoint.size < former.size && hasHost(stream)) return
      if (checkpoint.size < former.size) return this.#tell(stream, 'rolled-back', { heads })
      if (checkpoint.size === former.size && !isSameHash(checkpoint.root, former.root)) return this.#tell(stream, 'fork', { heads })
      if (asked.from === former.size && !isConsistent(former, checkpoint, hashesIn(answer.consistency)))
        return this.#tell(stream, 'rewritten', { heads })
    }
    const problem = asked.peaks === true ? this.#start(state, asked.from, answer, checkpoint) : undefined
    if (problem !== undefined) return this.#tell(stream, problem, { heads: [text] })
    if (kept === undefined || asked.from === undefined || asked.from === kept.checkpoint.size || checkpoint.size === kept.checkpoint.size)
      this.#options.positions.keepHead?.(stream, text)
    if (state.state !== 'going') return
    if (checkpoint.size <= state.range.size) this.#compare(stream, state, { checkpoint, text })
    else state.due = { checkpoint, text }
  }

  /** Heads that witnesses cosigned: of one history with what came here, and how far there are enough of them. */
  async #witnessed(stream: string, state: Stream, { checkpoint, witnessed = [] }: Frame<'HEAD'>): Promise<void> {
    const { verify } = this.#options
    const [relay, checks] = [this.#relayOf(stream), this.#witnesses]
    if (checks === undefined || hasHost(stream) || relay === undefined || state.state === 'told') return
    state.shown = [checkpoint, ...witnessed.slice(0, maxWitnesses)]
    const newest = readCheckpoint(checkpoint)
    let vouched: Witnessed
    try {
      vouched = witnessedBy(witnessed, checks.policy, relay.key, verify)
    } catch {
      return this.#tell(stream, 'unsigned', { heads: state.shown })
    }
    for (const { checkpoint: head, text } of vouched.heads) {
      if (head.stream !== stream || head.epoch !== newest.epoch) return this.#tell(stream, 'unsigned', { heads: [text] })
      if (head.size > newest.size) return this.#tell(stream, 'rolled-back', { heads: [text, checkpoint] })
      const own = head.size === newest.size ? toBase64(newest.root) : this.#rootAt(state, head.size)
      if (own !== toBase64(head.root) && !await this.#isBeginning(stream, state, head, text)) return
    }
    checks.answered(stream, vouched.size)
  }

  /** Whether a head is the beginning of what the relay signs now; where it is not, that is told. */
  async #isBeginning(stream: string, state: Stream, head: Checkpoint, text: string): Promise<boolean> {
    const channel = stream as `#${string}`
    const answer = await this.#options.head({ channel, from: head.size, peaks: true })
    if (this.#streams.get(stream) !== state) return false
    this.#heard(stream, state, { from: head.size }, answer)
    const relay = this.#relayOf(stream)
    if (relay === undefined || state.state as Stream['state'] === 'told') return false
    const { isBeginning, proof } = comparedHeads(head, answer, relay.key, this.#options.verify)
    const later = readCheckpoint(answer.checkpoint)
    if (isBeginning) return true
    const isFork = proof !== undefined || later.size === head.size
    this.#tell(stream, isFork ? 'fork' : 'rewritten', { heads: [text, answer.checkpoint], proof })
    return false
  }

  /** Goes on from what the head consists of, where it is that. */
  #start(state: Stream, from: number | undefined, { peaks, consistency }: Frame<'HEAD'>, head: Checkpoint): TranscriptProblem | undefined {
    const size = from ?? head.size
    // An event came that stands behind it.
    if (size > head.size) return 'rolled-back'
    let range: TranscriptRange
    try {
      range = TranscriptRange.of(size, hashesIn(peaks))
    } catch {
      return 'unsigned'
    }
    const own = { size, root: range.root }
    if (!isConsistent(own, head, size === head.size ? [] : hashesIn(consistency))) return 'unsigned'
    state.state = 'going'
    state.range = range
    state.base = range.copy()
    state.recent = []
    const { waiting } = state
    state.waiting = new Map()
    for (let seq = size + 1;; seq++) {
      const leaf = waiting.get(seq)
      if (leaf === undefined) break
      state.range.add(leaf)
      state.recent.push(leaf)
    }
    return undefined
  }

  /** What the relay signed against what it sent. */
  #compare(stream: string, state: Stream, { checkpoint, text }: { readonly checkpoint: Checkpoint, readonly text: string }): void {
    state.due = undefined
    const root = this.#rootAt(state, checkpoint.size)
    if (root === undefined || root === toBase64(checkpoint.root)) return
    this.#tell(stream, 'rewritten', { heads: [text], own: { size: checkpoint.size, root } })
  }

  #kept(stream: string): { readonly checkpoint: Checkpoint, readonly text: string } | undefined {
    const text = this.#options.positions.head?.(stream)
    if (text === undefined) return undefined
    try {
      const checkpoint = readCheckpoint(text)
      return this.#isOf(stream, checkpoint) ? { checkpoint, text } : undefined
    } catch {
      return undefined
    }
  }

  #keptTexts(stream: string): readonly string[] {
    const kept = this.#kept(stream)
    return kept === undefined ? [] : [kept.text]
  }

  #evidence(problem: TranscriptProblem, stream: string, shown: Shown) {
    const { name } = addressOf(stream)
    return {
      ...{ format: 'agentchat-evidence/1' as const, problem, stream: name, relay_pubkey: this.#relayOf(stream)?.key },
      ...(name !== stream && { mirror: stream }),
      ...shown,
    }
  }

  /** Of what an author says, once for each: that is no reason to check nothing more. */
  #tellOf(author: string, stream: string, problem: TranscriptProblem, shown: Shown): void {
    const name = `${problem} ${stream} ${author}`
    if (this.#toldOf.has(name) || this.#toldOf.size >= maxToldOf) return
    this.#toldOf.add(name)
    this.#options.tell(problem, this.#evidence(problem, stream, shown))
  }

  /** Once for each channel: what comes after a broken promise proves nothing. */
  #tell(stream: string, problem: TranscriptProblem, shown: Shown): void {
    const state = this.#stream(stream)
    if (state.state === 'told') return
    state.state = 'told'
    state.waiting.clear()
    this.#options.tell(problem, this.#evidence(problem, stream, shown))
  }
}

/** Nodes of a proof; one that is none makes it fail. */
const hashesIn = (nodes: readonly string[] = []): readonly Uint8Array[] => nodes.map(node => fromBase64(node) ?? new Uint8Array(0))
