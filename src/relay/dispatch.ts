// From bytes to answers: decode, admit, route reads and writes, and deliver what the committer returns.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Counts, LabelledCounter } from '../base/metrics.ts'
import { IdentityError } from '../../lib/identity/index.ts'
import {
  decodeRequest,
  piecePrice,
  prices,
  requests,
  sizePrice,
  timerMs,
  type DecodedRequest,
  type ErrorCode,
  type RequestBody,
  type RequestType,
} from '../../lib/protocol/index.ts'
import { BusyError, StorageError, type Store } from '../store/store.ts'
import { Allowance, type Rate } from './bucket.ts'
import type { Audit } from './audit.ts'
import type { Bonds } from './bonds.ts'
import type { Committer, Result } from './committer.ts'
import type { Connection, Handed, Refused } from './connection.ts'
import type { Effects } from './effects.ts'
import { frameOfList, isRefusalMark, pongFrame, refusalMark } from './encode.ts'
import { Displaced, Fail, isForAll, type Handler, type Handlers, type ReadCtx, type Reply } from './feature.ts'
import { lineJob, ownJob, type Job } from './job.ts'
import { askRead, behindRefused, isForNow, isUnread, limit, readOf, refusedOf, release } from './refusals.ts'
import { displace } from './seats.ts'
import type { Gate, Passed } from './gate.ts'
import type { Hub } from './hub.ts'
import { Intake } from './intake.ts'
import { largeBytesOf, LargeFrames } from './large.ts'
import type { LookAgain } from './look-again.ts'
import type { Outbox } from './outbox.ts'
import { priceAfter, priceBefore, type MessagePrice } from './price.ts'
import { placeOf, publish } from './publish.ts'
import type { Quota } from './quota.ts'
import { Reads } from './reads.ts'
import type { Roster } from './roster.ts'
import type { Slices } from './slices.ts'
import type { NumberedBus } from './numbered-bus.ts'
import { isTold } from './told.ts'
import { messagesSpent, piecesOfAddress, piecesSpent } from './spent.ts'
import { storageRetryMs, WriteJob, type WriteHandler } from './write.ts'

export interface DispatchDeps {
  readonly handlers: Handlers
  readonly messagePrice?: MessagePrice | undefined
  readonly store: Store
  readonly reads: Reads
  readonly slices: Slices
  /** Resolves when there is room for another page; undefined when there is. */
  readonly room: (connection: Connection) => Promise<void> | undefined
  readonly roster: Roster
  readonly hub: Hub
  readonly outbox: Outbox
  readonly effects: Effects
  readonly bus: NumberedBus
  readonly gate: Gate
  readonly bonds: Pick<Bonds<Connection>, 'office' | 'hasOperator'>
  readonly audit: Audit
  readonly quota: Quota
  readonly lookAgain: LookAgain
  /** Messages: refused when there are none left. */
  readonly messages: Allowance
  /** Work, in frames: a debt is paid by being read later. */
  readonly work: Allowance
  readonly announceMaxMembers: number
  readonly clock: Clock
  readonly log: Logger
  readonly counts: Counts
  readonly errors: LabelledCounter
}

/** A shorter debt is not worth stopping a socket for. */
const minPauseMs = 5
const none: readonly never[] = []
/** No debt is longer, so that nobody waits longer for what others of its address did. */
export const maxDebtMs = 10_000
const piecesRate = (agents: number): Rate => ({ perSecond: agents * prices.piecesPerSecond, burst: agents * prices.piecesBurst })
/** A client for which more waits is not asked what it wants next. */
const maxUnreadBytes = 1024 * 1024
/** The commit was asked for and not answered. */
const doubtOf = (re: string | undefined): string =>
  `The relay cannot store now, and it is not certain whether this was stored; ${
    re === undefined ? 'look before you send it again' : 'send it again under the same id'
  }`

export class Dispatch {
  readonly #deps: DispatchDeps
  readonly #committer: Committer
  readonly #intake: Intake
  readonly #large = new LargeFrames<Connection>(connection => this.#intake.goOn(connection))
  /** One at a time: logins wait for the threads that check signatures, and the others wait for a login that is decided before them. */
  readonly #studies = new Reads({ isSerial: true })
  readonly #isTraced: boolean
  /** Pieces of growing messages: refused as messages are. */
  readonly pieces = new Allowance(piecesRate(1), piecesRate(piecesOfAddress))
  /** Those who were answered in this turn, once for each answer. */
  #served: Connection[] = []
  /** Nothing is begun any more. */
  isStopping = false

  constructor(deps: DispatchDeps, committer: Committer) {
    this.#deps = deps
    this.#isTraced = deps.log.isLevelEnabled('trace')
    this.#committer = committer
    this.#intake = new Intake({
      isFree: connection => this.#isFree(connection),
      mayBegin: (connection, bytes) => this.#large.mayBegin(connection, bytes),
      run: (connection, data) => this.#receive(connection, data),
      slices: deps.slices,
    })
  }

  /** What sockets brought and is not handled yet. */
  get intake(): Intake {
    return this.#intake
  }

  /** Allowances that are full again are forgotten. */
  sweep(now: number): void {
    for (const each of [this.#deps.messages, this.pieces, this.#deps.work, this.#deps.lookAgain]) each.sweep(now)
  }

  /** Work in several batches ends with the one that runs. */
  stop(): void {
    this.isStopping = true
  }

  /** One text message from a socket. */
  receive(connection: Connection, data: Buffer): void {
    this.#deps.counts.framesReceived++
    connection.heardAt = this.#deps.clock.now()
    this.#intake.take(connection, data)
  }

  /** Before a session one frame runs at a time; after a read the next one when its answer is taken. */
  #isFree(connection: Connection): boolean {
    return !connection.throttled && !connection.isReading && connection.bytesWaiting <= maxUnreadBytes
      && (connection.agent === undefined ? connection.pendingWrites === 0 : this.#committer.hasRoom(connection))
  }

  #receive(connection: Connection, data: Buffer): void {
    const { refused } = connection
    if (refused !== undefined && data === refused.read) return this.#release(connection, refused, data)
    const { clock, counts } = this.#deps
    const now = clock.now()
    const size = sizePrice(data.length)
    const handed = connection.handed?.get(data)
    if (handed !== undefined) connection.handed!.delete(data)
    const request = handed?.request ?? decodeRequest(data.toString())
    if (!request.ok) {
      counts.framesInvalid++
      this.#charge(connection, now, 1 + size)
      this.#fail(connection, 'INVALID_MSG', request.message, request.id)
      return
    }
    if (this.#isTraced) this.#deps.log.trace({ type: request.type, agent: connection.agent?.id, bytes: data.length }, 'a request')
    const { cost } = requests[request.type]
    const countsFor = this.#deps.messagePrice === undefined ? 1 : this.#priceOf(connection, request)
    const waitMs = cost.message === true
      ? refused?.limitedMs || this.#admit(connection, now, countsFor + size)
      : cost.piece === true
      ? this.pieces.take(connection, now, piecePrice(data.length))
      : 0
    if (waitMs > 0) {
      counts.rateLimited++
      this.#charge(connection, now, 1 + size)
      const told = cost.piece === true
        ? piecesSpent(this.pieces.whoLacks(connection, now, piecePrice(data.length)), waitMs)
        : refused !== undefined && refused.limitedMs > 0
        ? behindRefused
        : messagesSpent(this.#deps.messages.whoLacks(connection, now, countsFor + size), countsFor + size, waitMs)
      this.#fail(connection, 'RATE_LIMITED', told, request.body.id, waitMs)
      if (cost.message === true) limit(connection, waitMs, this.#deps.outbox)
      return
    }
    this.#charge(connection, now, priceBefore(cost, request.body, size, connection.agent, this.#deps))
    const elsewhere = this.#deps.gate.here(connection, request.type, request.body, this.#deps.roster)
    if (elsewhere !== undefined) return this.#refuse(connection, elsewhere, request.body.id)
    const handler = this.#deps.handlers[request.type] as Handler<RequestType>
    if ('write' in handler) this.#write(connection, handler, request, data.length, handed)
    else if ('study' in handler) void this.#study(connection, handler, request, data.length, handed)
    else this.#read(connection, handler, request)
  }

  /** How many messages a request counts for, where the operator has set it. */
  #priceOf({ agent }: Connection, { type, body }: DecodedRequest): number {
    if (agent === undefined || agent.admin || (type !== 'MSG' && type !== 'EDIT' && type !== 'FILE_CHUNK')) return 1
    return this.#deps.messagePrice!(agent, body as RequestBody<'MSG' | 'EDIT' | 'FILE_CHUNK'>)
  }

  /** What is replayed costs what an answer of that size costs. */
  sent(connection: Connection, bytes: number): void {
    this.#charge(connection, this.#deps.clock.now(), priceAfter({}, 0, bytes))
  }

  /** Results of a commit: events first, joined per channel; then notices, answers and effects, in order. */
  deliver(results: readonly Result[]): void {
    try {
      this.#deliver(results)
    } finally {
      const large = largeBytesOf(results)
      if (large > 0) this.#deps.outbox.whenWritten(() => this.#large.end(large))
    }
  }

  #deliver(results: readonly Result[]): void {
    const unpublished = this.#publish(results)
    for (const result of results) {
      try {
        if (unpublished !== undefined) throw unpublished
        this.#tell(result)
      } catch (error) {
        // It is stored, and a client that comes back and asks again learns so: better than an answer that may be wrong.
        this.#deps.log.error({ err: error }, 'telling of a stored write failed')
        if (result.job.connection !== undefined) this.#deps.effects.end(result.job.connection, 'RESTARTING', 'retry_after_ms=1000')
      }
      result.job.delivered?.()
    }
    // Behind all refusals of the batch, so that one answer is for all of them.
    for (const { job: { connection } } of results)
      if (connection !== undefined && isUnread(connection) && refusedOf(connection).asked === 0)
        askRead(connection, this.#deps.outbox)
    // Where the next batch of this turn waits for the storage, whoever is answered does not wait with it.
    if (this.#served.length === 0) setImmediate(() => this.endTurn())
    for (const { job: { connection } } of results) if (connection !== undefined) this.#served.push(connection)
  }

  /** Why it failed: then none of them is told of, and who asked comes back. */
  #publish(results: readonly Result[]): Error | undefined {
    try {
      publish(results, this.#deps)
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** A turn has delivered all it could: it is written, and those whom it answered go on. */
  endTurn(): void {
    this.#deps.outbox.flush()
    const served = this.#served
    this.#served = []
    for (const connection of served) this.#intake.goOn(connection)
  }

  #tell(result: Result): void {
    const { connection, re, type } = result.job
    if (result.kind === 'failed') {
      // Who asked is told; the relay itself asked for what has no type.
      if (connection !== undefined && result.error instanceof Displaced) {
        // Once; what it sent behind that has no session.
        if (connection.open) displace(connection, this.#deps.effects)
      } else if (connection !== undefined && type !== undefined) {
        this.#refuse(connection, result.error, re)
        if (isForNow(result.error)) refusedOf(connection).isHeld = true
        if (isUnread(connection)) refusedOf(connection).count++
      } else if (connection !== undefined || !(result.error instanceof StorageError)) {
        // What the storage refuses of the clock's is told by the committer, once.
        this.#deps.log.error({ err: result.error }, 'a write of the relay itself failed')
      }
    } else {
      const { outcome } = result
      const toldBefore = this.#deps.bus.awaitedUpTo
      const queuedBefore = connection?.out?.length ?? 0
      if (outcome.fail !== undefined && connection !== undefined) this.#refuse(connection, outcome.fail, re)
      const { hints = none, notify = none, effects = none } = outcome
      // As nearly always, there is nothing to tell behind the event.
      const behind = hints.length + notify.length === 0 ? undefined : placeOf(result)
      const isOrdered = isForAll(outcome.effects) && effects.some(isTold)
      for (const notice of notify) this.#deps.effects.notify(notice, connection, behind, isOrdered)
      for (const hint of hints) this.#deps.effects.hint(hint)
      if (outcome.reply !== undefined && connection !== undefined) {
        const stamp = result.event?.stamp ?? result.duplicate
        const answer = typeof outcome.reply === 'function'
          ? stamp && outcome.reply({ stamp, duplicate: result.duplicate !== undefined })
          : outcome.reply
        const isQuiet = re === undefined && type !== undefined && requests[type].quiet === answer?.type
        if (answer !== undefined && !isQuiet) this.#answer(connection, answer, re)
      }
      for (const effect of effects) this.#deps.effects.apply(effect, connection)
      for (const hint of hints) this.#deps.effects.tellHint(hint, behind, isOrdered)
      if (this.#deps.bus.awaitedUpTo !== toldBefore && connection?.open === true) this.#holdBack(connection, queuedBefore)
      outcome.committed?.()
      if (outcome.again !== undefined) this.#goOn(result.job, outcome.again)
    }
  }

  /** It is answered when the other processes know what it changed. */
  #holdBack(connection: Connection, from: number): void {
    const known = this.#deps.bus.known()
    if (known !== undefined) this.#deps.outbox.hold(connection, from, known)
  }

  /** Answered like a frame: it is counted, and costs one. */
  ping(connection: Connection, data: Buffer): void {
    this.#control(connection, data)
    if (connection.bytesWaiting <= maxUnreadBytes) this.#deps.outbox.add(connection, pongFrame(data))
  }

  pong(connection: Connection, data: Buffer): void {
    this.#control(connection, data)
    const { refused } = connection
    if (refused === undefined || refused.read !== undefined || refused.asked === 0 || !isRefusalMark(data)) return
    if (data.equals(refusalMark(refused.asked))) this.#intake.inLine(connection, refused.read = data)
  }

  #control(connection: Connection, data: Buffer): void {
    this.#intake.takeControl(connection, data)
    const now = this.#deps.clock.now()
    connection.heardAt = now
    this.#charge(connection, now, 1)
  }

  #release(connection: Connection, refused: Refused, mark: Buffer): void {
    readOf(refused, mark)
    this.#committer.push(lineJob({}, { connection, endsBatch: true, delivered: () => release(refused, mark) }))
  }

  /** A write that is worked out first. What it wrote before is not waited for: the write itself sees that. */
  async #study(
    connection: Connection,
    handler: Extract<Handler<RequestType>, { study: unknown }>,
    request: DecodedRequest,
    bytes: number,
    handed: Handed | undefined,
  ): Promise<void> {
    connection.isReading = true
    connection.owe(bytes)
    await this.#studies.turn(connection, async () => {
      try {
        const { ctx } = await this.#readCtx(connection, handler, request)
        const write = await handler.study(ctx, request.body as never)
        // Who was told to come back asks again.
        if (connection.open || !this.isStopping)
          this.#write(connection, { scope: handler.scope, write }, request, bytes, handed)
      } catch (error) {
        this.#refuse(connection, error, request.body.id)
      }
      return 0
    })
    connection.owe(-bytes)
    connection.isReading = false
    this.#intake.goOn(connection)
  }

  /** Long work is not begun anew while the relay stops: whoever asked is told to ask again. */
  #goOn(job: Job, decide: Job['decide']): void {
    const { connection, re, type, scope, credential } = job
    if (!this.isStopping) this.#committer.push({ connection, bytes: 0, re, type, scope, credential, decide })
    else if (connection !== undefined)
      this.#refuse(connection, new Fail('BUSY', 'The relay stops; it goes on with this when it is back'), re)
  }

  #write(connection: Connection, handler: WriteHandler, request: DecodedRequest, bytes: number, handed: Handed | undefined): void {
    this.#large.begin(bytes)
    this.#committer.push(new WriteJob(this.#deps, connection, handler, request, bytes, handed))
  }

  async #readCtx(
    connection: Connection,
    handler: Handler<RequestType>,
    { type, body }: DecodedRequest,
  ): Promise<Pick<Passed, 'account' | 'byRight'> & { readonly ctx: ReadCtx }> {
    const { gate, bonds, roster, store: { epoch, read: db, aside }, clock } = this.#deps
    const office = gate.asksOffice(connection, type, body) ? await bonds.office(connection.signIn!, db) : undefined
    const now = clock.now()
    const right = 'refusesAll' in handler ? 'relay.look' : requests[type].may
    const passed = gate.pass(right, connection, { type, body, now, office, isWrite: false }, roster)
    const { me, channel, isAdmin, account, byRight, passkeyAsked } = passed
    return { ctx: { now, asker: connection, roster, epoch, db, aside, me, channel, isAdmin, account, passkeyAsked }, account, byRight }
  }

  /** What a read comes to; an admin's is kept. */
  async #answerOf(
    connection: Connection,
    handler: Extract<Handler<RequestType>, { read: unknown }>,
    request: DecodedRequest,
  ): Promise<Reply> {
    const { audit } = this.#deps
    const { type, body } = request
    const { ctx, account, byRight } = await this.#readCtx(connection, handler, request)
    const answer: Reply = await handler.read(ctx, body as never)
    if (answer.byRight ?? byRight)
      this.#committer.push(
        ownJob(async (tx, at) => ({ committed: await audit.note(tx, { connection, account }, type, body, at) }), { connection }),
      )
    return answer
  }

  /** A read sees what the same connection wrote before it; otherwise it does not wait for anybody's writes. */
  #read(connection: Connection, handler: Extract<Handler<RequestType>, { read: unknown }>, request: DecodedRequest): void {
    // Nobody is there to hear it.
    if (!connection.open) return
    connection.isReading = true
    const run = () => void this.#runRead(connection, handler, request)
    if (connection.pendingWrites === 0) run()
    else this.#committer.push(lineJob({}, { connection, delivered: run }))
  }

  /** Once the client has taken the answer, and others had a turn, the connection is free for its next frame. */
  async #runRead(
    connection: Connection,
    handler: Extract<Handler<RequestType>, { read: unknown }>,
    request: DecodedRequest,
  ): Promise<void> {
    const { reads, room, lookAgain, clock } = this.#deps
    if (isPaged(request)) await room(connection)
    await reads.turn(connection, async () => {
      try {
        const ask = () => this.#answerOf(connection, handler, request)
        const refused = (error: unknown) => lookAgain.instead(error, connection, request.body, clock.now(), ask)
        const answer = await ask().catch(refused)
        return this.#answer(connection, answer, request.body.id)
      } catch (error) {
        this.#refuse(connection, error, request.body.id)
        return 0
      }
    })
    await new Promise(resolve => setImmediate(resolve))
    await connection.drained()
    connection.isReading = false
    this.#intake.goOn(connection)
  }

  /** A large answer costs its reader as much of its allowance as the many frames it could have been. Gives its bytes. */
  #answer(connection: Connection, { type, body, list }: Reply, re: string | undefined): number {
    const now = this.#deps.clock.now()
    let bytes: number
    if (list === undefined) {
      bytes = this.#deps.effects.send(connection, type, body, re)
    } else {
      const frame = frameOfList(type, { ts: now, ...body, ...(re !== undefined && { re }) }, list.key, list.items)
      this.#deps.outbox.add(connection, frame)
      bytes = frame.length
    }
    this.#charge(connection, now, priceAfter(body, list?.items.length ?? 0, bytes))
    return bytes
  }

  /** The one place where errors become frames. Only expected failures are told; anything else is a bug with an incident id. */
  #refuse(connection: Connection, error: unknown, re: string | undefined): void {
    if (error instanceof Fail) return this.#fail(connection, error.code, error.message, re, error.retryAfterMs)
    if (error instanceof BusyError) return this.#fail(connection, 'BUSY', error.message, re, storageRetryMs)
    if (error instanceof IdentityError) return this.#fail(connection, 'INVALID_MSG', error.message, re)
    if (error instanceof StorageError)
      return this.#fail(connection, 'STORAGE_UNAVAILABLE', error.inDoubt ? doubtOf(re) : 'The relay cannot store now; nothing was stored',
        re, storageRetryMs)
    const incident = randomBytes(6).toString('hex')
    this.#deps.log.error({ err: error, incident }, 'handler failed')
    this.#fail(connection, 'INTERNAL', `Internal error, incident ${incident}`, re)
  }

  #fail(connection: Connection, code: ErrorCode, message: string, re: string | undefined, retryAfterMs?: number): void {
    this.#deps.errors.inc({ code })
    this.#deps.effects.send(connection, 'ERROR', { code, message, ...(retryAfterMs !== undefined && { retry_after_ms: retryAfterMs }) }, re)
  }

  /** Before there is a session nothing is stored in anybody's name: 0, or the ms to wait. */
  #admit(connection: Connection, now: number, messages: number): number {
    return connection.agent === undefined ? 0 : this.#deps.messages.take(connection, now, messages)
  }

  /** Work costs reading speed, never an error: a connection in debt, of its own or its agent's or address's, is read again once it is paid. */
  #charge(connection: Connection, now: number, frames: number): void {
    if (frames === 0) return
    const own = connection.agent === undefined ? connection.frames.owe(now, frames, maxDebtMs) : 0
    const debtMs = Math.max(own, this.#deps.work.owe(connection, now, frames))
    if (debtMs < minPauseMs || connection.throttled) return
    connection.throttled = true
    connection.pause()
    setTimeout(() => {
      connection.throttled = false
      connection.resume()
      this.#intake.goOn(connection)
    }, timerMs(debtMs)).unref()
  }
}

/** What answers a page says how long it may be. */
const isPaged = ({ type }: DecodedRequest): boolean => 'limit' in requests[type].body.shape
