// Event streams: stored events as they come, each with the place from which the next stream goes on.
import { randomBytes } from 'node:crypto'
import type { TokenScope } from '../../../lib/protocol/index.ts'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { Clock } from '../../base/clock.ts'
import type { Seal } from '../../base/seal.ts'
import { useNonce } from '../../store/nonces.ts'
import type { Store } from '../../store/store.ts'
import { requestsSpent, type DoorVisit, type Inside, type Opening, type Positions, type Sink } from '../../relay/inside.ts'
import type { Bearer, Bearers } from './bearer.ts'
import { placeOf, textOf, type Place } from './places.ts'
import { Problem } from './problem.ts'

export interface StreamOptions {
  readonly inside: () => Inside
  readonly clock: Clock
  readonly bearers: Bearers
  readonly store: Pick<Store, 'write'>
  /** Of tickets: the relay's own, whichever process of it is asked. */
  readonly seal: Seal
  /** Who asks, without a ticket. @throws Problem */
  readonly askerOf: (visit: DoorVisit) => Promise<Bearer>
  /** 0 ≤ random < 1: so that readers do not come back all at once. */
  readonly random: () => number
  readonly headers: Readonly<Record<string, string>>
}

/** What is followed: channels with their #, and the inbox. */
export interface Wanted {
  readonly channels: readonly string[]
  readonly inbox: boolean
}

/** A longer event is not copied for each that follows. */
const maxCopiedBytes = 1_024
/** A comment so often keeps those in between from ending it. */
const beatMs = 15_000
const retryMs = 1_000
const ticketMs = 60_000
const ticketChars = 2_000

export class Streams {
  readonly #options: StreamOptions

  constructor(options: StreamOptions) {
    this.#options = options
  }

  /**
   * For a browser, which sends no header with an event stream: good for one, and not for long. It says whose it is, sealed: any process of
   * the relay reads it, and none of them keeps anything.
   */
  ticketFor(bearer: Bearer): { readonly ticket: string, readonly expires_at: number } {
    const now = this.#options.clock.now()
    const ticket: Ticket = {
      id: randomBytes(12).toString('base64url'),
      ends: now + ticketMs,
      bearer: { ...bearer, scopes: [...bearer.scopes], until: Number.isFinite(bearer.until) ? bearer.until : null },
    }
    return { ticket: this.#options.seal.close(JSON.stringify(ticket)), expires_at: ticket.ends }
  }

  /** Who follows: by ticket, by token or by key. @throws Problem */
  async bearerOf(visit: DoorVisit): Promise<Bearer> {
    const ticket = visit.query.get('ticket')
    if (ticket === null) return this.#options.askerOf(visit)
    const bearer = await this.#taken(ticket)
    if (bearer === undefined) {
      const waitMs = visit.pace()
      if (waitMs > 0) throw new Problem('RATE_LIMITED', requestsSpent(waitMs), {}, waitMs)
      throw new Problem('TOKEN_INVALID', 'A ticket is good once, for a minute: POST /v1/events/tickets')
    }
    await this.#options.bearers.check(bearer)
    return { ...bearer, address: visit.address }
  }

  /** Whose ticket it is; undefined: none of this relay's, over, or taken before, at whichever process. */
  async #taken(text: string): Promise<Bearer | undefined> {
    const { clock, seal, store } = this.#options
    const ticket = readTicket(text, seal)
    if (ticket === undefined || ticket.ends <= clock.now()) return undefined
    const { id, bearer } = ticket
    const isFirst = await store.write(async tx => useNonce(tx, bearer.agent, `ticket ${id}`, clock.now()))
    return isFirst ? { ...bearer, scopes: new Set(bearer.scopes), until: bearer.until ?? Infinity } : undefined
  }

  /** Streams until the reader or the relay goes. @throws Problem, Fail before it has begun */
  async follow(visit: DoorVisit, bearer: Bearer, wanted: Wanted): Promise<void> {
    const { inside, bearers } = this.#options
    const { request, response } = visit
    const header = request.headers['last-event-id']
    const place = placeOf(Array.isArray(header) ? header[0] : header ?? visit.query.get('last_event_id') ?? undefined)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    if (response.destroyed) return
    const stream = new Stream(visit, this.#options)
    const beat = setInterval(() => stream.beat(), timerMs(beatMs)).unref()
    const free = bearers.watch(bearer, () => stream.bye({ reason: 'TOKEN_INVALID' }))
    try {
      await inside().follow(bearer, positionsOf(wanted, place), stream, gone.signal)
    } finally {
      clearInterval(beat)
      free()
      stream.end()
    }
  }
}

/** What a ticket says to whoever opens it. */
interface Ticket {
  readonly id: string
  /** ms since 1970 */
  readonly ends: number
  /** `until`: null where it does not end by itself, which JSON has no number for */
  readonly bearer: Omit<Bearer, 'scopes' | 'until'> & { readonly scopes: readonly TokenScope[], readonly until: number | null }
}

const readTicket = (text: string, seal: Seal): Ticket | undefined => {
  if (text.length > ticketChars) return undefined
  try {
    // Nobody but this relay has sealed it.
    return JSON.parse(seal.open(text)) as Ticket
  } catch {
    return undefined
  }
}

const positionsOf = ({ channels, inbox }: Wanted, place: Place | undefined): Positions => ({
  epoch: place?.epoch,
  channels: new Map(channels.map(name => [name, place?.channels.get(name)])),
  ...(inbox && { inbox: place?.inbox ?? 'waiting' }),
})

/** One answer that goes on. */
class Stream implements Sink {
  readonly #visit: DoorVisit
  readonly #options: Pick<StreamOptions, 'random' | 'headers'>
  readonly #channels = new Map<string, number>()
  #epoch = ''
  #inbox: number | undefined
  #owed = 0

  constructor(visit: DoorVisit, options: Pick<StreamOptions, 'random' | 'headers'>) {
    this.#visit = visit
    this.#options = options
  }

  open({ epoch, recovered, channels, inbox }: Opening): void {
    const { response, goesOn } = this.#visit
    if (response.destroyed) return
    goesOn()
    this.#epoch = epoch
    this.#inbox = inbox
    for (const [name, { after }] of Object.entries(channels)) this.#channels.set(name, after)
    response.writeHead(200, {
      ...this.#options.headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    const hello = { epoch, recovered, positions: channels, ...(inbox !== undefined && { inbox }) }
    this.#write(`retry: ${this.#retryMs()}\nevent: hello\nid: ${this.#place()}\ndata: ${JSON.stringify(hello)}\n\n`)
  }

  event(place: { readonly channel: string, readonly seq: number } | { readonly inbox: number }, text: Buffer): boolean {
    if ('inbox' in place) this.#inbox = place.inbox
    else this.#channels.set(place.channel, place.seq)
    const name = 'inbox' in place ? 'event: inbox\n' : ''
    const head = Buffer.from(`${name}id: ${this.#place()}\ndata: `)
    if (text.length <= maxCopiedBytes) return this.#write(Buffer.concat([head, text, twoLines]))
    this.#write(head)
    this.#write(text)
    return this.#write(twoLines)
  }

  /** Resolves when what was written has left, or nobody takes it any more. */
  drained(): Promise<void> {
    const { response, took } = this.#visit
    return new Promise(resolve => {
      const done = () => {
        response.off('drain', done).off('close', done)
        took(this.#owed)
        this.#owed = 0
        resolve()
      }
      if (response.destroyed || !response.writableNeedDrain) return done()
      response.on('drain', done).on('close', done)
    })
  }

  bye({ reason, retryAfterMs, channel }: Parameters<Sink['bye']>[0]): void {
    const { response } = this.#visit
    if (!response.headersSent || response.destroyed || response.writableEnded) return
    if (channel !== undefined) this.#channels.delete(channel)
    // Whoever did not read will not read this.
    if (reason === 'TOO_SLOW') {
      response.destroy()
      return
    }
    const told = {
      reason,
      ...(channel !== undefined && { channel }),
      ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }),
    }
    this.#write(`event: bye\ndata: ${JSON.stringify(told)}\n\n`)
    if (channel === undefined) response.end()
  }

  beat(): void {
    if (this.#visit.response.headersSent) this.#write(': \n\n')
  }

  end(): void {
    const { response } = this.#visit
    if (response.headersSent && !response.writableEnded) response.end()
  }

  #place(): string {
    return textOf({ epoch: this.#epoch, channels: this.#channels, inbox: this.#inbox })
  }

  #retryMs(): number {
    return Math.round(retryMs * (1 + this.#options.random()))
  }

  #write(text: string | Buffer): boolean {
    const { response, owe } = this.#visit
    if (response.destroyed || response.writableEnded) return true
    if (response.write(text)) return true
    const waits = response.writableLength
    const more = waits - this.#owed
    this.#owed = waits
    if (more > 0) owe(more)
    return false
  }
}

const twoLines = Buffer.from('\n\n')
