// The courier: the relay's own worker for webhooks. It writes errands for those that have something to post, takes some under a lease,
// posts after the commit, and notes in a later turn what became of it. An event is done with before the next of its webhook is looked at.
import { bodyOf, type BodyOptions } from './body.ts'
import { headOf, nextOf, type Due, type Next, type SourceCtx } from './source.ts'
import type { Compiled, Conditions } from '../../../../lib/rules/index.ts'
import type { eventWords } from '../../../domain/event-words.ts'
import type { NamedAgents } from '../../../domain/named-agents.ts'
import { webhookTest } from '../../../domain/webhook-body.ts'
import {
  addErrand,
  beatErrands,
  beginAnew,
  bringForward,
  buryErrand,
  claimErrands,
  freeOthers,
  heldErrand,
  removeErrand,
  waitErrand,
  type ErrandLimits,
  type ErrandRow,
} from '../../../store/errands.ts'
import { pairStream } from '../../../store/log.ts'
import type { Tx } from '../../../store/store.ts'
import { endWaiting, findWebhook, noteDelivery, setWebhook, webhooksOn, type LedgerRow, type WebhookRow } from '../../../store/webhooks.ts'
import type { Append, Notify, Outcome, SweepCtx } from '../../../relay/feature.ts'

/** What became of a POST. later: it may be taken another time; never: it will not. */
export type Answer =
  | { readonly kind: 'done', readonly status: number }
  | { readonly kind: 'later', readonly status?: number, readonly problem: string, readonly retryAfterMs: number }
  | { readonly kind: 'never', readonly status?: number, readonly problem: string }

export interface Sender {
  /** Why nothing may be posted there; undefined: it may. */
  check(url: string): Promise<string | undefined>
  post(post: {
    readonly url: string
    readonly id: string
    readonly body: string
    readonly secrets: readonly string[]
    readonly at: number
  }): Promise<Answer>
}

export interface CourierOptions extends BodyOptions {
  readonly conditions: Conditions<typeof eventWords>
  readonly sender: Sender
  readonly allowlistStrict: boolean
  readonly admins: NamedAgents
  readonly errandLimits: ErrandLimits
  /** How often an agent may be woken yet in its hour; undefined: as often as it likes. */
  readonly wakes: (ctx: SweepCtx, agent: string) => Promise<
    { readonly left: number, readonly resetsAt: number, note(n: number): Promise<readonly Notify[]> } | undefined
  >
  /** Names this life of the log. */
  readonly epoch: string
  /** Names this process among workers. */
  readonly worker: string
  /** 0 ≤ random < 1 */
  readonly random: () => number
  readonly openWebhook: (sealed: string) => string
  /** Told of each POST once it is noted; off: the last one of a webhook that was switched off. */
  readonly onPosted: (event: { readonly webhook: string, readonly host: string, readonly outcome: 'done' | 'later' | 'off' }) => void
  readonly isStopping: () => boolean
}

/** The kind of its errands. A webhook has one for its events, which are so in order, and one for a test. */
export const webhookErrand = 'webhook'
export const testOf = (id: string): string => `test ${id}`

/** Posted at once: in all; and to one host, for one agent, and for those of one address, so that who answers late holds up no others. */
const atOnce = 20
const atOnceOf = { host: 4, agent: 2, address: 4 }
/** Errands that are put off in a turn because of that, beside those that are posted. */
const putOffAtOnce = 40
/** What is put off waits for one of those to end, but no longer than that; and so many of them are known to wait for it. */
const putOffMs = 5_000
const maxPutOff = 1_000
/** Longer than a POST takes; kept alive from its half on. */
const leaseMs = 20_000
/** How long after its last turn a process is taken to be posting yet. */
const ownMs = 30_000
/** Webhooks that are looked at in a turn for something new. */
const lookedAt = 50
/** Of conditions in a turn, in their own steps: about 5 ms for all webhooks together. What is left waits for the next turn. */
const turnSteps = 5_000_000
/** Conditions that are kept ready to run. */
const maxCompiled = 1_000
/** Of an agent whose budget is spent; it may be raised meanwhile. */
const spentMs = 60_000
/** From one try to the next: at 0, 5 s, 5 min, 30 min, and then over a day. */
const delaysMs = [5, 300, 1_500, 5_400, 10_800, 18_000, 14_400, 21_600, 14_400].map(seconds => seconds * 1_000)
const maxTries = delaysMs.length + 1
/** Of a delay; so that many that failed at once do not come back at once. */
const jitter = 0.1

/** A POST under way. */
interface Post {
  readonly errand: ErrandRow
  readonly webhook: WebhookRow
  readonly host: string
  /** undefined: a test. */
  readonly due: Due | undefined
}

/** Where something is posted, and for whom. */
type Way = Pick<Post, 'webhook' | 'host'>

/** Whether something more may be posted that way, beside what is under way. */
const fits = (underWay: readonly Way[], { webhook: { agent, address }, host }: Way): boolean => {
  const count = (isOf: (way: Way) => boolean) => underWay.filter(isOf).length
  return count(each => each.host === host) < atOnceOf.host
    && count(each => each.webhook.agent === agent) < atOnceOf.agent
    // Empty it is none: nobody knows any more which it was.
    && (address === '' || count(each => each.webhook.address === address) < atOnceOf.address)
}

interface Posted extends Post {
  readonly answer: Answer
}

/** What a turn adds to its outcome. */
interface Turn {
  readonly append: Append[]
  readonly notify: Notify[]
  readonly told: (() => void)[]
  /** Errands that were taken, or are not there any more; and those that were put off after that. */
  readonly taken: number[]
  readonly putOff: (readonly [errand: number, way: Way])[]
  /** Something is left that waits for nothing. */
  isMore: boolean
  /** Of conditions, that may yet be run. */
  steps: number
}

export class Courier {
  readonly #options: CourierOptions
  /** Errands that this process posts for, until what became of it is noted. */
  readonly #busy = new Map<number, Post>()
  #posted: Posted[] = []
  /** By the numbers of their errands. */
  readonly #putOff = new Map<number, Way>()
  #isFirst = true
  /** The webhook behind which the next look begins. */
  #lookedTo = ''
  #isAwaited = false
  readonly #compiled = new Map<string, Compiled<typeof eventWords>>()

  constructor(options: CourierOptions) {
    this.#options = options
  }

  async turn(ctx: SweepCtx): Promise<Outcome | undefined> {
    const { tx, now } = ctx
    // One that an answer asked for brings nothing new of the others.
    const isForAnswers = this.#isAwaited
    this.#isAwaited = false
    if (!await tx.own('webhooks', ownMs)) return undefined
    // It is this process's: whatever another one still holds was cut off.
    if (this.#isFirst) await freeOthers(tx, webhookErrand, this.#options.worker, now, 1_000)
    const turn: Turn = { append: [], notify: [], told: [], taken: [], putOff: [], isMore: false, steps: turnSteps }
    // Those that there are now: more may come before this is committed.
    const posted = [...this.#posted]
    for (const each of posted) await this.#note(tx, each, turn, now)
    const kept = await this.#keepAlive(tx, now)
    const lookedTo = isForAnswers ? this.#lookedTo : await this.#look(tx, now)
    const posts = await this.#take(ctx, posted.length, turn)
    return {
      append: turn.append,
      ...(turn.notify.length > 0 && { notify: turn.notify }),
      committed: () => {
        this.#isFirst = false
        this.#lookedTo = lookedTo
        this.#posted = this.#posted.filter(each => !posted.includes(each))
        for (const post of kept) this.#busy.set(post.errand.n, post)
        for (const { errand } of posted) this.#busy.delete(errand.n)
        for (const n of turn.taken) this.#putOff.delete(n)
        for (const [n, way] of turn.putOff) if (this.#putOff.size < maxPutOff) this.#putOff.set(n, way)
        for (const tell of turn.told) tell()
        for (const post of posts) void this.#post(post, ctx)
        if (turn.isMore) this.#again(ctx)
      },
    }
  }

  async #post(post: Post, { now, soon }: SweepCtx): Promise<void> {
    const { webhook, due, errand } = post
    const { serverId, epoch, sender, openWebhook, isStopping } = this.#options
    // Where the log has another life, its numbers are those of other events.
    const life = epoch.slice(0, 6)
    this.#busy.set(errand.n, post)
    let answer: Answer
    try {
      const [id, body] = due === undefined
        ? [`${webhook.id}_test_${errand.n}_${life}`, webhookTest({ relay: serverId, agent: webhook.agent, webhook: webhook.id }, now)]
        : [`${webhook.id}_${due.seq}_${life}`, await bodyOf(webhook, due, this.#options)]
      const old = webhook.old_secret !== null && webhook.old_until > now ? [webhook.old_secret] : []
      answer = await sender.post({ url: webhook.url, id, body, secrets: [webhook.secret, ...old].map(openWebhook), at: now })
    } catch {
      answer = { kind: 'later', problem: 'the relay could not make it', retryAfterMs: 0 }
    }
    // The end of this process is no fault of the receiver: the next one posts it again.
    if (isStopping()) return
    this.#posted.push({ ...post, answer })
    this.#again({ soon })
  }

  #again({ soon }: Pick<SweepCtx, 'soon'>): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    soon()
  }

  /** Writes what came of a POST, if its lease is not over. */
  async #note(tx: Tx, { errand, webhook: { id, cursor }, due, answer, host }: Posted, turn: Turn, now: number): Promise<void> {
    const held = await heldErrand(tx, errand, now)
    if (held === undefined) return
    const webhook = await findWebhook(tx, id)
    if (webhook === undefined) return removeErrand(tx, held)
    const status = answer.status ?? null
    const entry = { webhook: id, seq: due?.seq ?? 0, attempts: held.attempts, status, problem: null, at: now, next_at: null }
    const tell = (outcome: 'done' | 'later' | 'off') => turn.told.push(() => this.#options.onPosted({ webhook: id, host, outcome }))
    if (due === undefined) {
      tell(answer.kind === 'done' ? 'done' : 'later')
      await noteDelivery(tx, answer.kind === 'done'
        ? { ...entry, state: 'delivered' }
        : { ...entry, state: 'failed', problem: answer.problem })
      return removeErrand(tx, held)
    }
    // Somebody went back, or ahead, meanwhile: what was posted is not what is next.
    const isNext = webhook.cursor === cursor
    if (answer.kind === 'done') {
      tell('done')
      await noteDelivery(tx, { ...entry, state: 'delivered' })
      if (isNext) await setWebhook(tx, id, { cursor: due.seq })
      const isMore = !isNext || await headOf(tx, webhook) > due.seq
      return isMore ? waitErrand(tx, held, { due_at: now, attempts: 0, problem: null }) : removeErrand(tx, held)
    }
    const { problem } = answer
    if (!isNext) return waitErrand(tx, held, { due_at: now, attempts: 0, problem: null })
    if (answer.kind === 'never' || held.attempts >= maxTries) {
      tell('off')
      await noteDelivery(tx, { ...entry, state: 'failed', problem })
      return this.#switchOff(tx, webhook, held, problem, turn, now)
    }
    tell('later')
    const delayMs = delaysMs[held.attempts - 1]! * (1 - jitter + 2 * jitter * this.#options.random())
    const next_at = now + Math.round(Math.max(delayMs, answer.retryAfterMs))
    await noteDelivery(tx, { ...entry, state: 'waiting', problem, next_at })
    return waitErrand(tx, held, { due_at: next_at, problem })
  }

  /** Nothing is posted any more until its agent goes on, or the operator retries the errand. */
  async #switchOff(tx: Tx, webhook: WebhookRow, errand: ErrandRow, problem: string, turn: Turn | undefined, now: number): Promise<void> {
    const { id, agent, url, cursor } = webhook
    await setWebhook(tx, id, { off_at: now, problem })
    await buryErrand(tx, errand, problem, now)
    const content =
      `Your webhook ${id} to ${new URL(url).host} was switched off: ${problem}. Nothing behind event ${cursor} was delivered; `
      + `it goes on from there with WEBHOOK_REPLAY (agentchat webhook replay ${id}).`
    turn?.append.push({
      stream: pairStream('@server', agent),
      type: 'MSG',
      body: { from: '@server', from_name: 'Server', to: agent as `@${string}`, content, verified: true },
      agents: [agent],
      inbox: [agent],
    })
  }

  /** Leases that are half over go on; gives them as they are then. */
  async #keepAlive(tx: Tx, now: number): Promise<readonly Post[]> {
    const until = now + leaseMs
    const low = [...this.#busy.values()].filter(({ errand }) => errand.due_at - now < leaseMs / 2)
    await beatErrands(tx, low.map(({ errand }) => errand), until, now)
    return low.map(post => ({ ...post, errand: { ...post.errand, due_at: until } }))
  }

  /** Webhooks that have something to post get an errand. Gives where the next look begins. */
  async #look(tx: Tx, now: number): Promise<string> {
    const webhooks = await webhooksOn(tx, this.#lookedTo, lookedAt)
    for (const webhook of webhooks) {
      const head = await headOf(tx, webhook)
      // The log has another life, and less in it.
      if (head < webhook.cursor) await setWebhook(tx, webhook.id, { cursor: head })
      if (head <= webhook.cursor) continue
      await addErrand(tx, { kind: webhookErrand, owner: webhook.agent, ref: webhook.id, due_at: now }, now, this.#options.errandLimits)
    }
    return webhooks.length < lookedAt ? '' : webhooks.at(-1)!.id
  }

  /** The event that it posts next, by its condition. One that this version does not take any more ends it, rather than post what is not wanted. */
  async #next(ctx: SourceCtx, webhook: WebhookRow, turn: Turn): Promise<Next> {
    const { condition: source } = webhook
    if (source === null) return nextOf(ctx, webhook, undefined)
    const compiled = this.#compiled.get(source) ?? await this.#options.conditions.compile(source)
    if (this.#compiled.size >= maxCompiled) this.#compiled.clear()
    this.#compiled.set(source, compiled)
    return compiled.problem === undefined
      ? nextOf(ctx, webhook, { condition: compiled.condition, turn })
      : { kind: 'gone', problem: `its condition is not taken any more: ${compiled.problem}` }
  }

  /** What was tried before may be gone, or behind the cursor: its tries are not those of what is posted now. */
  async #tried(tx: Tx, errand: ErrandRow, { seq }: Due): Promise<ErrandRow> {
    if (errand.attempts === 1 || !await endWaiting(tx, errand.ref, seq, 'it is not there any more, or not the next one')) return errand
    await beginAnew(tx, errand)
    return { ...errand, attempts: 1 }
  }

  /** Errands whose turn it is; gives what is to be posted. `freed`: how many of those under way are done with. */
  async #take(ctx: SweepCtx, freed: number, turn: Turn): Promise<readonly Post[]> {
    const { tx, now } = ctx
    const limit = atOnce - this.#busy.size + freed
    const posts: Post[] = []
    const isOver = ({ errand }: Post) => this.#posted.some(each => each.errand.n === errand.n)
    const underWay = [...this.#busy.values()].filter(each => !isOver(each))
    await this.#bringForward(tx, underWay, limit, turn, now)
    // What is put off takes nobody's place.
    for (let left = limit; left > 0;) {
      const claimed = await claimErrands(tx, { kind: webhookErrand, worker: this.#options.worker, leaseMs, limit: left }, now)
      if (claimed.length === 0) break
      const before = turn.putOff.length
      for (const errand of claimed) {
        const post = await this.#takeOne(ctx, errand, [...underWay, ...posts], turn)
        if (post !== undefined) posts.push(post)
        turn.taken.push(errand.n)
      }
      left -= claimed.length - (turn.putOff.length - before)
      if (turn.putOff.length < putOffAtOnce) continue
      turn.isMore = true
      break
    }
    return posts
  }

  /** What was put off and has room now is to be taken. */
  async #bringForward(tx: Tx, underWay: readonly Way[], limit: number, turn: Turn, now: number): Promise<void> {
    const brought: Way[] = []
    for (const [n, way] of this.#putOff) {
      if (brought.length >= limit) return
      if (!fits([...underWay, ...brought], way)) continue
      if (await bringForward(tx, n, now)) brought.push(way)
      else turn.taken.push(n)
    }
  }

  /** Gives what is to be posted of it now, if anything is. */
  async #takeOne(ctx: SweepCtx, errand: ErrandRow, underWay: readonly Way[], turn: Turn): Promise<Post | undefined> {
    const { tx, now, roster } = ctx
    const { allowlistStrict, admins } = this.#options
    const isTest = errand.ref.startsWith(testOf(''))
    const webhook = await findWebhook(tx, isTest ? errand.ref.slice(testOf('').length) : errand.ref)
    if (webhook === undefined) {
      await removeErrand(tx, errand)
      return undefined
    }
    const host = new URL(webhook.url).hostname
    if (!fits(underWay, { webhook, host })) {
      turn.putOff.push([errand.n, { webhook, host }])
      await waitErrand(tx, errand, { due_at: now + putOffMs, attempts: errand.attempts - 1 })
      return undefined
    }
    if (isTest) return { errand, webhook, host, due: undefined }
    if (webhook.condition !== null && turn.steps <= 0) {
      turn.isMore = true
      await waitErrand(tx, errand, { due_at: now, attempts: errand.attempts - 1 })
      return undefined
    }
    const wakes = await this.#options.wakes(ctx, webhook.agent)
    if (wakes?.left === 0) {
      await waitErrand(tx, errand, { due_at: Math.min(wakes.resetsAt, now + spentMs), attempts: errand.attempts - 1 })
      return undefined
    }
    // Whoever retries the errand of one that is off wants it to go on.
    if (webhook.off_at !== null) await setWebhook(tx, webhook.id, { off_at: null, problem: null })
    const next = await this.#next({ tx, roster, now, allowlistStrict, admins }, webhook, turn)
    switch (next.kind) {
      case 'event':
        if (wakes !== undefined) turn.notify.push(...await wakes.note(1))
        return { errand: await this.#tried(tx, errand, next), webhook, host, due: next }
      case 'skipped':
        await setWebhook(tx, webhook.id, { cursor: next.seq })
        await noteDelivery(tx, skipped(webhook.id, next, now))
        turn.isMore = true
        await waitErrand(tx, errand, { due_at: now, attempts: 0 })
        break
      case 'passed':
        await setWebhook(tx, webhook.id, { cursor: next.seq })
        turn.isMore = true
        await waitErrand(tx, errand, { due_at: now, attempts: 0, problem: null })
        break
      case 'nothing':
        await setWebhook(tx, webhook.id, { cursor: next.cursor })
        await removeErrand(tx, errand)
        break
      case 'gone':
        await this.#switchOff(tx, webhook, errand, next.problem, next.isAgentGone === true ? undefined : turn, now)
        break
      default:
        next satisfies never
    }
    return undefined
  }
}

const skipped = (webhook: string, { seq, problem }: { readonly seq: number, readonly problem: string }, now: number): LedgerRow => ({
  webhook,
  seq,
  state: 'skipped',
  attempts: 0,
  status: null,
  problem,
  at: now,
  next_at: null,
})
