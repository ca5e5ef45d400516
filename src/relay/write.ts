// A request that writes: what it needs is prepared as it comes, and it is decided when it is its turn, inside the transaction.
import { requests, type DecodedRequest, type ErrorCode, type RequestType } from '../../lib/protocol/index.ts'
import type { Credential } from '../store/credentials.ts'
import type { Awaitable, Scope, Store, Tx } from '../store/store.ts'
import type { Audit } from './audit.ts'
import type { Bonds, OfficeHolder } from './bonds.ts'
import type { Job } from './job.ts'
import type { Along, Connection, Handed } from './connection.ts'
import { Fail, type BelowOperator, type Handler, type Outcome, type Prepared, type WriteCtx } from './feature.ts'
import type { Gate } from './gate.ts'
import type { Quota } from './quota.ts'
import { refusedOf } from './refusals.ts'
import type { LookAgain } from './look-again.ts'
import type { Roster } from './roster.ts'

export interface WriteDeps {
  readonly store: Store
  readonly roster: Roster
  readonly gate: Gate
  readonly bonds: Pick<Bonds<Connection>, 'office' | 'hasOperator'>
  readonly audit: Audit
  readonly quota: Quota
  readonly lookAgain: LookAgain
}

export type WriteHandler = Extract<Handler<RequestType>, { write: unknown }>

/** When a client should try again what the storage refused. */
export const storageRetryMs = 1_000

/** A place takes no message of this agent now, and may take the next one, whatever that says and though its sender did nothing meanwhile. */
const ofPlaces: ReadonlySet<ErrorCode> = new Set(['LIMIT_REACHED', 'BUDGET_SPENT', 'AGENT_NOT_FOUND', 'RATE_LIMITED'])
/** Of one connection, until it has read of them: who never says so keeps no more, and each is an error with its trace. */
const maxPlaces = 100

export class WriteJob implements Job {
  /** Of the writes of its connection, in the order in which they are decided. */
  readonly #n: number
  readonly #deps: WriteDeps
  readonly #handler: WriteHandler
  readonly #request: DecodedRequest
  readonly #agent: Connection['agent']
  readonly #challenge: Connection['challenge']
  readonly #prepared: Promise<unknown> | undefined
  readonly connection: Connection
  readonly bytes: number
  readonly credential: Credential | undefined
  /** What is stored with it, or neither is. */
  readonly #along: Along | undefined

  /** @param bytes of its frame @param handed what came with it, where a line inside the relay brought it */
  constructor(
    deps: WriteDeps,
    connection: Connection,
    handler: WriteHandler,
    request: DecodedRequest,
    bytes: number,
    handed: Handed | undefined,
  ) {
    this.#deps = deps
    this.#handler = handler
    this.#request = request
    this.#agent = connection.agent
    this.#challenge = connection.challenge
    this.connection = connection
    this.#n = ++connection.writesBegun
    this.bytes = bytes
    this.credential = handed?.credential
    this.#along = handed?.along
    this.#prepared = this.#prepare()
    // Whoever awaits it hears of it; if nobody does, the request was refused for another reason.
    this.#prepared?.catch(() => undefined)
  }

  get re(): string | undefined {
    return this.#request.body.id
  }

  get type(): RequestType {
    return this.#request.type
  }

  get scope(): Scope | undefined {
    return this.#handler.scope
  }

  decide(tx: Tx, now: number): Awaitable<Outcome> {
    // It is decided anew: what was undone refused nobody.
    const places = this.connection.refused?.at
    if (places?.get(this.#to ?? '')?.of === this.#n) places.delete(this.#to!)
    try {
      const decided = this.#decided(tx, now)
      const outcome = this.#along === undefined ? decided : this.#with(this.#along, decided, tx, now)
      return outcome instanceof Promise
        ? outcome.catch((error: unknown) => {
          throw this.#noted(error)
        })
        : outcome
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Where a message goes. */
  get #to(): string | undefined {
    return this.type === 'MSG' ? (this.#request.body as { readonly to?: string }).to : undefined
  }

  /** From here on, not from when it is told: what follows may be in this batch. */
  #noted(error: unknown): unknown {
    const to = this.#to
    if (to === undefined || !(error instanceof Fail) || !ofPlaces.has(error.code)) return error
    const places = refusedOf(this.connection).at ??= new Map()
    if (places.size < maxPlaces && !places.has(to)) places.set(to, { of: this.#n, refusal: error })
    return error
  }

  async #with(along: Along, decided: Awaitable<Outcome>, tx: Tx, now: number): Promise<Outcome> {
    const outcome = await decided
    await along(tx, now, outcome)
    return outcome
  }

  #decided(tx: Tx, now: number): Awaitable<Outcome> {
    const { writes } = tx
    const refused = (error: unknown) => {
      // What has begun is undone, and no more is tried in its transaction.
      if (tx.writes !== writes) throw error
      return this.#deps.lookAgain.instead(error, this.connection, this.#request.body, now, () => this.#decide(tx, now))
    }
    try {
      const decided = this.#decide(tx, now)
      return decided instanceof Promise ? decided.catch(refused) : decided
    } catch (error) {
      return refused(error)
    }
  }

  #decide(tx: Tx, now: number): Awaitable<Outcome> {
    const { gate, bonds } = this.#deps
    const { connection } = this
    const { type, body } = this.#request
    return gate.asksOffice(connection, type, body)
      ? bonds.office(connection.signIn!, tx).then(office => this.#decideAs(office, tx, now))
      : this.#decideAs(undefined, tx, now)
  }

  #decideAs(office: OfficeHolder | undefined, tx: Tx, now: number): Awaitable<Outcome> {
    const { gate, roster, store, quota } = this.#deps
    const { connection } = this
    const { type, body } = this.#request
    const { cost, may } = requests[type]
    if (connection.refused?.isHeld === true && cost.message === true)
      throw new Fail('STORAGE_UNAVAILABLE', 'The relay could not store what came before; nothing was stored', storageRetryMs)
    if (tx.goBy !== undefined) this.#goBy(tx.goBy)
    const asked = { type, body, now, office, isWrite: true }
    const { me, channel, isAdmin, account, byRight, passkeyAsked } = gate.pass(may, connection, asked, roster)
    const below = account === undefined || office?.office === 'operator' ? undefined : this.#below(tx)
    const ctx: WriteCtx = { now, asker: connection, roster, epoch: store.epoch, tx, me, channel, isAdmin, account, passkeyAsked, below }
    const isAsBefore = connection.agent === this.#agent && connection.challenge === this.#challenge
    const ready = isAsBefore ? this.#prepared : this.#prepare()
    const refusal = quota.refusal(cost, this.bytes) ?? this.#refusedBefore()
    // As nearly always.
    if (ready === undefined && refusal === undefined && !isAdmin) return this.#write(ctx)
    return refusal === undefined
      ? this.#proceed(ctx, ready, byRight, account)
      : this.#ifStored(ctx, refusal).then(() => this.#proceed(ctx, ready, byRight, account))
  }

  /** The channel that it names is decided about as it is known now. */
  #goBy(goBy: NonNullable<Tx['goBy']>): void {
    const { channel, to } = this.#request.body as { readonly channel?: unknown, readonly to?: unknown }
    const name = channel ?? to
    const info = typeof name === 'string' ? this.#deps.roster.channel(name)?.info : undefined
    if (info !== undefined) goBy(info.name, info.version)
  }

  #below(tx: Tx): BelowOperator {
    return {
      hasOperator: (agents, addresses) => {
        const isAmong = (id: string | undefined) => id !== undefined && agents.includes(id)
        const isMeant = ({ address, agent }: Connection) => addresses.includes(address) || isAmong(agent?.id)
        return this.#deps.bonds.hasOperator(agents, isMeant, tx)
      },
    }
  }

  #prepare(): Promise<unknown> | undefined {
    try {
      return this.#handler.prepare?.(this.connection, this.#request.body as never)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #write(ctx: WriteCtx): Awaitable<Outcome> {
    return this.#handler.write(ctx, this.#request.body as never) as Awaitable<Outcome>
  }

  async #proceed(
    ctx: WriteCtx,
    ready: Promise<unknown> | undefined,
    byRight: boolean,
    account: string | undefined,
  ): Promise<Outcome> {
    const settled = await (ready as Promise<Prepared<never>> | undefined)
    if (typeof settled === 'function') return settled(ctx)
    return settled ?? (ctx.isAdmin ? this.#audited(ctx, byRight, account) : this.#write(ctx))
  }

  /** What was sent there before and refused may be sent again, and must not be behind this then. */
  #refusedBefore(): Fail | undefined {
    const before = this.connection.refused?.at?.get(this.#to ?? '')
    return before !== undefined && before.of < this.#n ? before.refusal : undefined
  }

  /** Where there is no room, what is stored already is told all the same, so that its sender does not keep it. @throws refusal */
  async #ifStored({ tx }: WriteCtx, refusal: Fail): Promise<void> {
    const { agent } = this.connection
    const { id } = this.#request.body
    if (id !== undefined && agent !== undefined && await tx.log.isPublished({ agent: agent.id, id })) return
    // From here on, not from when it is told: what follows may be in this batch.
    if (!ofPlaces.has(refusal.code)) refusedOf(this.connection).isHeld = true
    throw refusal
  }

  /** What an admin's right was used for is kept where it takes effect, and with it. */
  async #audited(ctx: WriteCtx, byRight: boolean, account: string | undefined): Promise<Outcome> {
    const { type, body } = this.#request
    const outcome = await this.#write(ctx)
    if (outcome.fail !== undefined || (!byRight && outcome.byRight !== true)) return outcome
    const noted = await this.#deps.audit.note(ctx.tx, { connection: this.connection, account }, type, body, ctx.now)
    return {
      ...outcome,
      committed() {
        outcome.committed?.()
        noted()
      },
    }
  }
}
