// How far the client has come. A message is seen when it is given to those who handle it, and handled when they are done with it and with
// everything before it in its stream. What is handled is kept as position, and told to the relay: of the inbox, in the inbox's order.
import type { RequestInput } from '../protocol/index.ts'
import type { Position, Positions } from './positions.ts'

/** A place in the inbox, as RECEIVED names it. */
export type Place = RequestInput<'RECEIVED'>

/** What becomes of a message that was seen. */
export interface Fate {
  handled(): void
  /** Nobody took it: it was not seen, and can come again. */
  letGo(): void
  /** Whether it still counts: not when it comes again anyway, or was left out. */
  isOpen(): boolean
}

interface Step {
  readonly seq: number
  state: 'open' | 'handled' | 'void'
}
interface Stream {
  seen: number | undefined
  /** Seen and not handled, or handled behind such a one; by seq. */
  steps: Step[]
}
/** One entry of the inbox, in the order in which the relay told of them. */
interface Entry {
  readonly place: Place
  /** of an entry that has no position in a stream of its own */
  readonly key?: string
  isHandled: () => boolean
}

/** Entries of the inbox behind one that is not handled: past it nothing counts as received until the relay offers them again. */
const maxEntries = 20_000

export interface ProgressOptions {
  readonly positions: Positions
  /** The inbox was received up to here. */
  readonly received: (place: Place) => void
  /** A stream was handled up to here. */
  readonly moved: (stream: string, seq: number) => void
}

export class Progress {
  readonly #positions: Positions
  readonly #received: ProgressOptions['received']
  readonly #moved: ProgressOptions['moved']
  readonly #streams = new Map<string, Stream>()
  #inbox: Entry[] = []
  /** Entries that the relay was told of on this connection, and has not said that it heard. */
  #told: Entry[] = []
  /** Entries that have no position, by key: of earlier connections, or behind what was passed over. Offered again, they do not come again. */
  #carried = new Map<string, Entry>()
  #isBlocked = false

  constructor({ positions, received, moved }: ProgressOptions) {
    this.#positions = positions
    this.#received = received
    this.#moved = moved
  }

  /** The life of the log that the positions belong to. */
  get epoch(): string | undefined {
    return this.#positions.epoch
  }

  /** The life that a stream's numbers are of. */
  lifeOf(stream: string): string | undefined {
    return this.#positions.lifeOf(stream)
  }

  /** Up to where a stream was handled, in whichever life of it. */
  former(stream: string): Position | undefined {
    return this.#positions.former(stream)
  }

  /** The newest message of a stream up to which everything was handled. */
  handled(stream: string): number | undefined {
    return this.#positions.get(stream)
  }

  /** The newest message of a stream that was seen, by this process or by the one before it. */
  seen(stream: string): number | undefined {
    return this.#streams.get(stream)?.seen ?? this.#positions.get(stream)
  }

  /** A message comes to those who handle it. */
  see(name: string, seq: number): Fate {
    const stream = this.#stream(name)
    const step: Step = { seq, state: 'open' }
    stream.seen = seq
    stream.steps.push(step)
    return {
      handled: () => {
        if (step.state === 'open') step.state = 'handled'
        if (stream.steps[0] === step) this.#advance(name, stream)
      },
      letGo: () => this.#forget(name, stream, step),
      isOpen: () => step.state === 'open',
    }
  }

  /** Where a stream begins of which nothing is known yet. */
  begin(name: string, seq: number): void {
    if (this.seen(name) === undefined) this.skip(name, seq)
  }

  /** Everything up to `seq` is left out on purpose. */
  skip(name: string, seq: number): void {
    const stream = this.#stream(name)
    this.#void(stream)
    stream.seen = seq
    this.#move(name, seq)
  }

  /** What came after `seq` is wanted once more. */
  rewind(name: string, seq: number): void {
    const stream = this.#stream(name)
    if (stream.seen === undefined || stream.seen <= seq) return
    this.#void(stream)
    stream.seen = seq
  }

  /** An entry of the inbox whose message has a position: handled when its stream is. */
  offer(place: Place, stream: string, seq: number): void {
    this.#enter({ place, isHandled: () => (this.#positions.get(stream) ?? 0) >= seq })
  }

  /** An entry that has no position. undefined: it came on an earlier connection, and is being handled or was. */
  offerOnce(place: Place, key: string): Fate | undefined {
    const carried = this.#carried.get(key)
    if (carried !== undefined) {
      this.#carried.delete(key)
      this.#enter(carried)
      return undefined
    }
    let state: Step['state'] = 'open'
    const entry: Entry = { place, key, isHandled: () => state === 'handled' }
    this.#enter(entry)
    return {
      isOpen: () => state === 'open',
      handled: () => {
        if (state === 'open') state = 'handled'
        this.#tell()
      },
      letGo: () => {
        state = 'void'
        // It stays where it is, so that nothing behind it counts as received, and comes again when it is offered again.
        this.#carried.delete(key)
        this.#inbox = this.#inbox.map(other => other === entry ? { place, isHandled: () => false } : other)
      },
    }
  }

  /** Something of the inbox was passed over: nothing behind it counts as received before it is offered again. */
  block(): void {
    this.#isBlocked = true
  }

  /** The relay has heard that the inbox was received up to here. */
  heard(place: Place): void {
    this.#told.splice(0, this.#told.findIndex(entry => entry.place === place) + 1)
  }

  /** Another connection: the relay offers again what was not received. */
  reconnected(): void {
    for (const entry of [...this.#told, ...this.#inbox]) this.#carry(entry)
    this.#told = []
    this.#inbox = []
    this.#isBlocked = false
  }

  /** A stream turns out to be in this life: what is under way of another one has no place in it. */
  enter(name: string, epoch: string): void {
    const stream = this.#streams.get(name)
    if (stream !== undefined && epoch !== this.lifeOf(name)) {
      this.#void(stream)
      this.#streams.delete(name)
    }
    this.#positions.enter(name, epoch)
  }

  /** Another life of the log: what is under way has no place in it. */
  reset(epoch: string): void {
    for (const stream of this.#streams.values()) this.#void(stream)
    this.#streams.clear()
    this.#told = []
    this.#inbox = []
    this.#carried.clear()
    this.#positions.reset(epoch)
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name)
    if (stream === undefined) this.#streams.set(name, stream = { seen: this.#positions.get(name), steps: [] })
    return stream
  }

  #advance(name: string, stream: Stream): void {
    const next = stream.steps.findIndex(({ state }) => state !== 'handled')
    const done = stream.steps.splice(0, next === -1 ? stream.steps.length : next)
    const { seq } = done.at(-1)!
    if (seq > (this.#positions.get(name) ?? -1)) this.#move(name, seq)
  }

  #move(name: string, seq: number): void {
    this.#positions.set(name, seq)
    this.#moved(name, seq)
    this.#tell()
  }

  /** From a step on everything comes again: it has to come in its order. */
  #forget(name: string, stream: Stream, step: Step): void {
    const at = stream.steps.indexOf(step)
    if (at === -1) return
    for (const later of stream.steps.splice(at)) later.state = 'void'
    stream.seen = stream.steps.at(-1)?.seq ?? this.#positions.get(name)
  }

  #void(stream: Stream): void {
    for (const step of stream.steps) step.state = 'void'
    stream.steps = []
  }

  #enter(entry: Entry): void {
    if (this.#isBlocked) return this.#carry(entry)
    this.#inbox.push(entry)
    if (this.#inbox.length >= maxEntries) this.block()
    if (this.#inbox.length === 1) this.#tell()
  }

  #carry(entry: Entry): void {
    if (entry.key === undefined) return
    this.#carried.set(entry.key, entry)
    if (this.#carried.size > maxEntries) this.#carried.delete(this.#carried.keys().next().value!)
  }

  /** Tells the relay how far the inbox was received. */
  #tell(): void {
    let done = 0
    while (this.#inbox[done]?.isHandled() === true) done++
    if (done === 0) return
    this.#told.push(...this.#inbox.splice(0, done))
    const { place } = this.#told.at(-1)!
    this.#told.splice(0, this.#told.length - maxEntries)
    this.#received(place)
  }
}
