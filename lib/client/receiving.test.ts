// Messages, listeners, acknowledgements, reconnects and ends in random order, against the simplest model: a position never passes a message
// that nobody handled, nothing is given twice to one who did not give it back, and in the end everything was handled, in its order.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame } from '../protocol/index.ts'
import { Deliveries } from './deliveries.ts'
import type { Message, MessageFacts } from './message.ts'
import { MemoryPositions } from './positions.ts'
import { Progress } from './progress.ts'
import { messageStream } from './stream.ts'

const streams = ['#a', '#b', '@c', '@d'] as const
type Direct = '@c' | '@d'
type Stream = (typeof streams)[number]

const isDirect = (stream: Stream): stream is Direct => stream.startsWith('@')

const factsOf = (stream: Stream, seq: number): MessageFacts => ({
  from: isDirect(stream) ? stream : '@e',
  fromName: 'x',
  to: isDirect(stream) ? '@me' : stream,
  content: `${stream} ${seq}`,
  ts: seq,
  seq,
  replay: false,
  verified: false,
  mine: false,
  signature: 'none',
  frame: { type: 'MSG' } as Frame<'MSG'>,
})

/** One who listens by a loop, acknowledging as it likes. */
class Reader {
  readonly messages: AsyncIterableIterator<Message>
  readonly target: Stream | undefined
  readonly given: Message[] = []
  isOver = false

  constructor(deliveries: Deliveries, target: Stream | undefined) {
    this.target = target
    this.messages = messageStream(deliveries, {
      ack: 'manual',
      reply: () => Promise.reject(new Error('nobody to send it to')),
      streams: target === undefined ? 'all' : [target],
      wants: (_, stream) => target === undefined || target === stream,
    })
  }

  /** Takes what is there, without waiting for more. */
  async take(): Promise<void> {
    let isPending = true
    void this.messages.next().then(({ value, done }) => {
      isPending = false
      if (done) this.isOver = true
      else this.given.push(value as Message)
    })
    for (let i = 0; i < 4 && isPending; i++) await Promise.resolve()
  }
}

/** The relay, the client's receiving part, and a book of what was handled. */
class World {
  readonly log = new Map<Stream, number>(streams.map(stream => [stream, 0]))
  readonly positions = new MemoryPositions()
  readonly deliveries: Deliveries
  readonly progress: Progress
  readonly handled = new Map<Stream, Set<number>>(streams.map(stream => [stream, new Set()]))
  readonly readers: Reader[] = []
  /** The inbox: which direct messages its numbers 1, 2, 3 … stand for, and how far the relay was told. */
  readonly inbox: (readonly [Direct, number])[] = []
  received = 0
  #order = 0

  constructor() {
    this.positions.reset('e')
    this.progress = new Progress({
      positions: this.positions,
      received: place => {
        expect(place.seq!).toBeGreaterThan(this.received)
        this.received = place.seq!
      },
      moved: () => undefined,
    })
    this.deliveries = new Deliveries({
      maxWaiting: 5,
      maxWaitingChars: 1_000,
      changed: () => undefined,
      missed: behind => {
        this.deliveries.caughtUp(behind)
        if ((behind as readonly Stream[]).some(isDirect)) this.reconnect()
        else for (const stream of behind) this.#replay(stream as Stream)
      },
    })
  }

  say(stream: Stream): void {
    const seq = this.log.get(stream)! + 1
    this.log.set(stream, seq)
    if (isDirect(stream)) this.#come(stream, seq, this.inbox.push([stream, seq]))
    else this.#come(stream, seq)
  }

  /** Everything that was not seen comes again, of the inbox what was not received. */
  reconnect(): void {
    this.progress.reconnected()
    for (const stream of streams) if (!isDirect(stream) && !this.deliveries.isBehind(stream)) this.#replay(stream)
    const from = this.received
    this.inbox.slice(from).forEach(([stream, seq], i) => this.#come(stream, seq, from + i + 1))
  }

  #replay(stream: Stream): void {
    for (let seq = (this.progress.seen(stream) ?? 0) + 1; seq <= this.log.get(stream)!; seq++) this.#come(stream, seq)
  }

  #come(stream: Stream, seq: number, place?: number): void {
    if (this.deliveries.isBehind(stream)) {
      if (place !== undefined) this.progress.block()
      return
    }
    if (place !== undefined) this.progress.offer({ seq: place }, stream, seq)
    const seen = this.progress.seen(stream) ?? 0
    // A gap is read from the log.
    for (let missing = seen + 1; missing <= seq && !this.deliveries.isBehind(stream); missing++) this.#deliver(stream, missing)
  }

  #deliver(stream: Stream, seq: number): void {
    const fate = this.progress.see(stream, seq)
    this.deliveries.dispatch({ facts: factsOf(stream, seq), stream, chars: 10, order: this.#order++, ...fate })
  }

  ack(message: Message): void {
    this.handled.get(streamOf(message))!.add(message.seq!)
    message.ack()
  }

  check(): void {
    for (const stream of streams) {
      const handled = this.handled.get(stream)!
      const position = this.positions.get(stream) ?? 0
      for (let seq = 1; seq <= position; seq++) expect(handled.has(seq), `${stream} ${seq} of ${position}`).toBe(true)
    }
    for (const [stream, seq] of this.inbox.slice(0, this.received)) expect(this.handled.get(stream)!.has(seq)).toBe(true)
    for (const reader of this.readers) {
      // What one was given it has in its order, each once, unless it was let go of in between.
      for (const stream of streams) {
        const seqs = reader.given.filter(message => streamOf(message) === stream).map(({ seq }) => seq!)
        expect(new Set(seqs).size).toBe(seqs.length)
      }
    }
  }
}

const streamOf = ({ from, to }: Message): Stream => to === '@me' ? from as Stream : to as Stream

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('say' as const), stream: fc.constantFrom(...streams) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('listen' as const), target: fc.option(fc.constantFrom(...streams), { nil: undefined }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('take' as const), who: fc.nat(3) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('ack' as const), who: fc.nat(3), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
)

test('positions follow what was handled, whatever happens in which order', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }), async steps => {
    const world = new World()
    const open: { reader: Reader, waiting: Message[] }[] = []
    for (const each of steps) {
      if (each.do === 'say') world.say(each.stream)
      else if (each.do === 'reconnect') world.reconnect()
      else if (each.do === 'listen') {
        if (open.length < 4) {
          const reader = new Reader(world.deliveries, each.target)
          world.readers.push(reader)
          open.push({ reader, waiting: [] })
        }
      } else {
        const one = open[each.who % Math.max(1, open.length)]
        if (one === undefined) continue
        if (each.do === 'take') {
          const before = one.reader.given.length
          await one.reader.take()
          one.waiting.push(...one.reader.given.slice(before))
        } else if (each.do === 'ack') {
          const [message] = one.waiting.splice(each.which % Math.max(1, one.waiting.length), 1)
          if (message !== undefined) world.ack(message)
        } else {
          await one.reader.messages.return!()
          open.splice(open.indexOf(one), 1)
        }
      }
      world.check()
    }
    // In the end somebody handles everything that nobody has.
    for (const { reader } of open) await reader.messages.return!()
    world.reconnect()
    const last = new Reader(world.deliveries, undefined)
    for (let i = 0; i < 200; i++) {
      const before = last.given.length
      await last.take()
      for (const message of last.given.slice(before)) world.ack(message)
    }
    for (const stream of streams) {
      const count = world.log.get(stream)!
      expect(world.positions.get(stream) ?? 0).toBe(count)
      expect(world.handled.get(stream)!.size).toBe(count)
    }
    expect(world.received).toBe(world.inbox.length)
  }), { numRuns: 40, endOnFailure: true })
})
