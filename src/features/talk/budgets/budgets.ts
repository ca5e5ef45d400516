// Budgets as they are held: who has one is known in memory, what is left of it is asked of its row. A relay on which nobody has one asks once.
import { addToHour, budgetsOf, hoursOf, isAnyBudget, type HourRow } from '../../../store/budgets.ts'
import type { Awaitable } from '../../../store/log.ts'
import type { Db, Tx } from '../../../store/store.ts'
import { Fail, notify, type Notify, type WriteCtx } from '../../../relay/feature.ts'

/** For each agent, where an admin set no other for it; 0: none. */
export interface BudgetOptions {
  readonly budgetMessages: number
  readonly budgetBytes: number
  readonly budgetTokens: number
  readonly budgetWakes: number
  /** Several processes run on the store. */
  readonly isShared: boolean
}

export const countedKinds = ['messages', 'bytes', 'tokens', 'wakes'] as const
export type CountedKind = (typeof countedKinds)[number]
export type Limits = Readonly<Partial<Record<CountedKind, number>>>

/** What is taken at once. Tokens are made of bytes. */
export type Use = Pick<HourRow, 'messages' | 'bytes' | 'wakes'>

/** What an agent, or a channel, may take in its hour, and what it has taken of the one that runs. */
export interface Budget {
  readonly subject: string
  readonly limits: Limits
  /** Without one that runs it begins with what is taken next. */
  readonly hour: HourRow | undefined
}

/** How an agent's budget of wakes stands. */
export interface Wakes {
  readonly left: number
  /** ms: when it begins anew */
  readonly resetsAt: number
  /** So many were taken: who is to be warned. */
  note(n: number): Promise<readonly Notify[]>
}

type Ctx = Pick<WriteCtx, 'tx' | 'now' | 'roster'>

export const hourMs = 3_600_000
/** A token is about so many bytes of text. */
const bytesPerToken = 4
/** Agents and channels of which it is remembered whether they have one. */
const maxKnown = 10_000
const none: readonly string[] = []

export class Budgets {
  readonly #defaults: Limits
  readonly #hasDefaults: boolean
  /** Whether anybody has one; undefined: nobody asked yet. */
  #isAny: boolean | undefined
  readonly #known = new Map<string, boolean>()

  /** Other processes set budgets too. */
  readonly isShared: boolean

  constructor({ budgetMessages, budgetBytes, budgetTokens, budgetWakes, isShared }: BudgetOptions) {
    this.isShared = isShared
    this.#defaults = set({ messages: budgetMessages, bytes: budgetBytes, tokens: budgetTokens, wakes: budgetWakes })
    this.#hasDefaults = Object.keys(this.#defaults).length > 0
  }

  /** false: nobody has one. */
  get isUsed(): boolean {
    return this.#isAny !== false || this.#hasDefaults
  }

  async isAny(db: Db): Promise<boolean> {
    this.#isAny ??= await isAnyBudget(db)
    return this.isUsed
  }

  /** Something was set or moved: it is asked anew. Called when that is committed. */
  changed(subject: string): void {
    this.#isAny = true
    this.#known.delete(subject)
  }

  /** Others may have set some meanwhile: all is asked anew. */
  forget(): void {
    this.#isAny = undefined
    this.#known.clear()
  }

  /** Of an agent and the channel that it speaks in, those that have one. */
  subjects(tx: Tx, agent: string, channel?: string): Awaitable<readonly string[]> {
    if (this.#isAny === false) return this.#hasDefaults ? [agent] : none
    const isOfAgent = this.#hasDefaults || this.#known.get(agent)
    const isOfChannel = channel !== undefined && this.#known.get(channel)
    if (this.#isAny === undefined || isOfAgent === undefined || isOfChannel === undefined) return this.#look(tx, agent, channel)
    if (!isOfAgent && !isOfChannel) return none
    return [...(isOfAgent ? [agent] : []), ...(isOfChannel ? [channel!] : [])]
  }

  async #look(tx: Tx, agent: string, channel?: string): Promise<readonly string[]> {
    this.#isAny ??= await isAnyBudget(tx)
    if (this.#known.size > maxKnown) this.#known.clear()
    const asked = channel === undefined ? [agent] : [agent, channel]
    const found = new Set((await budgetsOf(tx, asked)).map(({ subject }) => subject))
    for (const each of asked) this.#known.set(each, found.has(each))
    return this.subjects(tx, agent, channel)
  }

  /** The budgets of these, as they stand. */
  async of(db: Db, subjects: readonly string[], now: number): Promise<readonly Budget[]> {
    const [rows, hours] = [await budgetsOf(db, subjects), await hoursOf(db, subjects)]
    return subjects.map(subject => {
      const own = rows.find(row => row.subject === subject && row.kind === 'own')
      const relay = rows.find(row => row.subject === subject && row.kind === 'relay')
      const defaults = subject.startsWith('@') ? this.#defaults : {}
      const limits: Partial<Record<CountedKind, number>> = {}
      for (const kind of countedKinds) {
        const limit = Math.min(own?.[kind] ?? Infinity, relay?.[kind] ?? defaults[kind] ?? Infinity)
        if (limit !== Infinity) limits[kind] = limit
      }
      const hour = hours.find(each => each.subject === subject)
      // A clock that went back would hold an hour for long.
      const isRunning = hour !== undefined && hour.since <= now && now < hour.since + hourMs
      return { subject, limits, hour: isRunning ? hour : undefined }
    })
  }

  /** What an agent may be woken yet; undefined: as often as it likes. */
  async wakes(ctx: Ctx, agent: string): Promise<Wakes | undefined> {
    const { tx, now } = ctx
    const subjects = await this.subjects(tx, agent)
    if (subjects.length === 0) return undefined
    const budgets = await this.of(tx, subjects, now)
    const [{ limits, hour }] = budgets as readonly [Budget]
    return {
      left: Math.max(0, (limits.wakes ?? Infinity) - (hour?.wakes ?? 0)),
      resetsAt: (hour?.since ?? now) + hourMs,
      note: n => this.count(ctx, budgets, { messages: 0, bytes: 0, wakes: n }),
    }
  }

  /**
   * Writes that something was taken; gives whom to warn: once, when most of it is gone. @throws Fail BUDGET_SPENT where others took the rest
   * since the budgets were looked up
   */
  async count({ tx, now, roster }: Ctx, budgets: readonly Budget[], use: Use): Promise<readonly Notify[]> {
    const notices: Notify[] = []
    for (const budget of budgets) {
      const { subject, limits } = budget
      const next = await addToHour(tx, { subject, since: now, ...use }, now - hourMs)
      const before = { messages: next.messages - use.messages, bytes: next.bytes - use.bytes, wakes: next.wakes - use.wakes }
      // Another process counts for the same, and was first.
      if (use.bytes + use.messages > 0 && (before.messages > (budget.hour?.messages ?? 0) || before.bytes > (budget.hour?.bytes ?? 0)))
        checkBudgets([{ ...budget, hour: { ...next, ...before } }], use, now)
      const isChannel = subject.startsWith('#')
      const to = isChannel ? roster.channel(subject)?.info.owner : subject
      if (to == null) continue
      for (const kind of countedKinds) {
        const limit = limits[kind]
        if (limit === undefined || isMost(used(before, kind), limit) || !isMost(used(next, kind), limit)) continue
        notices.push(notify({ kind: 'agents', agents: [to] }, 'BUDGET_WARNING', {
          ...(isChannel ? { channel: subject as `#${string}` } : { agent: subject as `@${string}` }),
          kind,
          used: used(next, kind),
          limit,
          resets_at: next.since + hourMs,
        }))
      }
    }
    return notices
  }
}

/** Those that are limits. */
export const set = (limits: Readonly<Record<CountedKind, number | null | undefined>>): Limits =>
  Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit != null && limit > 0)) as Limits

const isMost = (used: number, limit: number): boolean => used * 5 >= limit * 4

/** What was taken of an hour. */
export const used = (hour: Use | undefined, kind: CountedKind): number => {
  if (hour === undefined) return 0
  return kind === 'tokens' ? Math.ceil(hour.bytes / bytesPerToken) : hour[kind]
}

/** @throws Fail BUDGET_SPENT where one of them has not so much left */
export const checkBudgets = (budgets: readonly Budget[], use: Use, now: number): void => {
  for (const { subject, limits, hour } of budgets) {
    const after = { messages: (hour?.messages ?? 0) + use.messages, bytes: (hour?.bytes ?? 0) + use.bytes, wakes: 0 }
    for (const kind of countedKinds) {
      const limit = limits[kind]
      if (limit === undefined || used(after, kind) <= limit) continue
      const ends = hour === undefined ? '' : `, for ${Math.ceil((hour.since + hourMs - now) / 1_000)} s yet`
      // Without a time to wait: clients would hold all else of theirs back for it.
      throw new Fail('BUDGET_SPENT', `The budget of ${subject} is ${limit} ${kind} an hour: ${used(hour, kind)} are taken${ends}, `
        + `and this is ${used(use, kind)} more; nothing was stored`)
    }
  }
}
