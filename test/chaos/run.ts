// One run: a relay, its clients, what is done to them, and the reckoning.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toldProblems } from '../kit/kept.ts'
import { audit, type Verdict } from './audit.ts'
import { endsItself, type Promised } from './broken-store.ts'
import { Dealers } from './dealers.ts'
import { channelOf, Fleet } from './fleet.ts'
import { between, Crowd } from './crowd.ts'
import { folderGround, type Fault, type Ground } from './ground.ts'
import { auditMoney, type MoneyVerdict } from './money-audit.ts'
import { postgresGround } from './postgres-ground.ts'
import { TearingProxy } from './proxy.ts'
import { Random } from './random.ts'
import { Victim, type Apart, type Attacked } from './victim.ts'

export const engines = ['sqlite', 'postgres'] as const
export type Engine = (typeof engines)[number]

export interface RunOptions {
  readonly messages: number
  readonly clients: number
  readonly seed: number
  /** How long messages are sent and faults happen. */
  readonly durationMs: number
  /** So long nothing of a kind happens between two faults of it, on average, beside what is between them anyway. */
  readonly calmMs: number
  /** Of so many rounds of messages one has edits, retractions, growing messages and files in it. */
  readonly deedsEvery: number
  /** Faults go on until all messages are sent, however long that takes. */
  readonly isAll: boolean
  /** Nothing happens to anybody: how fast it goes by itself. */
  readonly isPeaceful: boolean
  readonly broken: Promised | undefined
  /** Which engine keeps the relay's data. */
  readonly engine: Engine
  /** Processes that serve it. */
  readonly nodes: number
  readonly onProgress: (line: string) => void
  /** Ends the run early, and everything it started. */
  readonly signal: AbortSignal
}

export interface RunResult extends Verdict {
  readonly messages: number
  /** Answered in a second, of those that were sent until faults ended. */
  readonly perSecond: number
  readonly money: MoneyVerdict
  /** Why what the relay left could not be carried away and brought back; of a relay that breaks its promises nothing is asked. */
  readonly kept: readonly string[]
  readonly refused: number
  /** Clients that gave up: nothing that is done to them or to the relay is a reason for that. */
  readonly gaveUp: number
  readonly kills: number
  /** Processes that ended by themselves. */
  readonly fallen: number
  readonly cuts: number
  readonly stalls: number
  readonly freezes: number
  readonly clockJumps: number
  /** What happened to the database, and how often. */
  readonly ground: Readonly<Record<string, number>>
  readonly longestRecoveryMs: number
  /** Of several processes one was killed, while nothing else had been wrong: so long at most a client was without a session until then. */
  readonly afterKillMs: readonly number[]
  /** What clients were refused, and why some gave up. */
  readonly notes: readonly string[]
}

/** Messages are all sent when this share of the time is over, if the relay keeps up. */
const sendingShare = 0.85
/** How long nobody may be answered, while somebody waits, once nothing is broken any more: on a slow machine much is still to be done. */
const answerDeadlineMs = 30_000
const maxAnswersMs = 150_000
/** How long those who deal may take over what is under way. */
const dealersDeadlineMs = 60_000
/** One that breaks a promise is not waited for: what it loses is. */
const brokenDeadlineMs = 5_000
/** So long nothing may arrive before it is believed that nothing more will: in a long run longer than a request may take. */
const quietMsOf = (durationMs: number): number => Math.min(9_000, Math.max(1_500, durationMs / 10))
const maxQuietWaitMs = 120_000
const maxKillPauseMs = 5_000
/** So often a relay ends, however slow the machine: within so many times the run's time. */
const minOwnEnds = 4
const minKills = 2
const maxStretch = 6
/** Between two turns of one that deals; more where less happens. */
const maxDealPauseMs = 40
/** Agents that deal with each other beside those that talk. */
const dealerCount = 4
/** A process of several is killed alone once in so long, and each once at most. */
const loneKillEveryMs = 15_000
/** The clock stays within what a login tolerates. */
const maxClockOffsetMs = 4 * 60_000

export const run = async (
  { messages, clients, seed, durationMs, calmMs, deedsEvery, isAll, isPeaceful, broken, engine, nodes, onProgress, signal }: RunOptions,
): Promise<RunResult> => {
  const perSender = Math.ceil(messages / clients)
  const folder = mkdtempSync(join(tmpdir(), 'agentchat-chaos-'))
  const data = join(folder, 'data')
  const memberships = Array.from({ length: clients }, (_, index) => ({ index, channel: channelOf(index, clients) }))
  let url = ''
  await using ground = engine === 'postgres' ? await postgresGround(broken === 'doubt') : folderGround(data)
  await using nats = nodes > 1 ? await between() : undefined
  const channels = [...new Set(memberships.map(({ channel }) => channel))]
  const newVictim = (apart?: Apart) => new Victim(data, () => url, channels, broken, ground.store, apart)
  const crowd = nats
    && new Crowd(Array.from({ length: nodes }, (_, i) => newVictim(namesOf(i, nats.url, new Random(seed, `name ${i}`)))), seed)
  using victim: Attacked = crowd ?? newVictim()
  const proxy = new TearingProxy(new Random(seed, 'network'), () => victim.port)
  try {
    url = `ws://127.0.0.1:${await proxy.listen()}`
    await victim.start()
    const brought = join(folder, 'brought')
    mkdirSync(brought)
    using fleet = new Fleet(clients, { url, folder: brought, perSender, deedsEvery, takesFiles: nodes === 1 })
    using dealers = new Dealers(url, dealerCount, seed, maxDealPauseMs + calmMs / 20)
    await Promise.all([fleet.ready(), dealers.enter()])
    onProgress('everybody is here')

    fleet.tell({ kind: 'send', durationMs: durationMs * sendingShare })
    const sendingSince = performance.now()
    if (!isPeaceful) dealers.start()
    const loneKills = crowd === undefined || broken !== undefined || isPeaceful
      ? 0
      : Math.min(nodes, Math.max(1, Math.floor(durationMs / loneKillEveryMs)))
    // Nothing else has happened yet: whoever was without a session was at one that died.
    const afterKillMs = await crowd?.killAlone(loneKills, async () => (await fleet.answered()).longestGapMs) ?? []
    onProgress(`without a session after kills, at most: ${afterKillMs.join(', ')} ms`)
    proxy.tears = !isPeaceful
    const counts = { freezes: 0, clockJumps: 0 }
    const more = crowd === undefined ? undefined : { faults: nats!.faults(crowd), isTried: () => nats!.isTried }
    const misfortune = isPeaceful
      ? undefined
      : misfortunes({ victim, proxy, fleet, ground, counts, endsItself: endsItself(broken), more }, {
        seed,
        durationMs,
        calmMs,
        isSent: () => !isAll || fleet.progress.issued >= perSender * clients,
        signal,
        onProgress,
      })
    await (misfortune ?? sent(fleet, perSender * clients, signal))
    const perSecond = Math.round(fleet.progress.settled / (performance.now() - sendingSince) * 1_000)
    proxy.tears = false
    victim.calm()
    onProgress('nothing is broken any more')
    fleet.tell({ kind: 'stop' })
    const dealings = await dealers.stop(broken === undefined ? dealersDeadlineMs : brokenDeadlineMs)

    onProgress('the dealers are done')
    await answers(fleet, broken === undefined ? answerDeadlineMs : brokenDeadlineMs, signal)
    onProgress('everything is answered')
    // Once more everybody comes back and resumes; whatever is still missing then is lost.
    await quiet(fleet, durationMs, signal)
    proxy.cutAll()
    await quiet(fleet, durationMs, signal)

    onProgress('nothing more arrives')
    const accounts = await fleet.accounts()
    await victim.end()
    await using remains = await ground.remains()
    const refusals = new Map<string, number>()
    for (const [reason, count] of accounts.flatMap(({ refusals }) => [...refusals]))
      refusals.set(reason, (refusals.get(reason) ?? 0) + count)
    return {
      ...await audit(remains, data, perSender, deedsEvery, accounts, memberships),
      money: await auditMoney(remains, dealings),
      kept: broken === undefined && engine === 'sqlite' ? await toldProblems(data) : [],
      messages: accounts.reduce((sum, { issued }) => sum + issued, 0),
      perSecond,
      refused: [...refusals].reduce((sum, [reason, count]) => sum + (reason.startsWith('send ') ? count : 0), 0),
      gaveUp: accounts.filter(({ ended }) => ended !== undefined).length,
      kills: victim.kills,
      fallen: victim.fallen,
      ground: { ...ground.counts, ...nats?.counts },
      cuts: proxy.cuts,
      stalls: proxy.stalls,
      ...counts,
      longestRecoveryMs: Math.round(Math.max(...accounts.map(({ longestGapMs }) => longestGapMs))),
      afterKillMs,
      notes: [
        ...[...refusals].map(([reason, count]) => `${reason}: ${count}`),
        ...accounts.flatMap(({ index, ended }) => ended === undefined ? [] : [`client ${index} gave up: ${ended}`]),
      ],
    }
  } finally {
    proxy.close()
    await victim.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Scene {
  readonly victim: Attacked
  readonly proxy: TearingProxy
  readonly fleet: Fleet
  readonly ground: Ground
  readonly counts: { freezes: number, clockJumps: number }
  /** The relay sees to its own end. */
  readonly endsItself: boolean
  /** What happens between several processes. */
  readonly more: { readonly faults: Readonly<Record<string, Fault>>, isTried(): boolean } | undefined
}

/** As machines have them, or as pods do: another one each time. */
const namesOf = (i: number, nats: string, random: Random): Apart => {
  let starts = 0
  return { nats, name: () => random.chance(0.5) ? `node${i}` : `node${i}-${++starts}` }
}

/** Every kind of fault in a loop of its own, with chances of its own, until the time is over; then all is well again. */
const misfortunes = async (
  { victim, proxy, fleet, ground, counts, endsItself, more }: Scene,
  { seed, durationMs, calmMs, isSent, signal, onProgress }:
    & Pick<RunOptions, 'seed' | 'durationMs' | 'calmMs' | 'signal' | 'onProgress'>
    & { isSent(): boolean },
): Promise<void> => {
  const end = new AbortController()
  const over = end.signal
  const onAbort = () => end.abort()
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const ms = performance.now() - startedAt
    const isTried = endsItself ? victim.ownEnds >= minOwnEnds : victim.kills >= minKills && ground.isTried && more?.isTried() !== false
    if (ms >= durationMs && isSent() && (isTried || ms >= maxStretch * durationMs)) onAbort()
  }, 20)
  signal.addEventListener('abort', onAbort)
  const wait = (ms: number) => sleep(ms, undefined, { signal: over }).catch(() => undefined)
  const again = async (name: string, fault: (random: Random) => Promise<void>): Promise<void> => {
    const random = new Random(seed, name)
    while (!over.aborted) {
      if (calmMs > 0) await wait(random.exponential(calmMs))
      if (!over.aborted) await fault(random)
    }
  }
  const killPauseMs = Math.min(maxKillPauseMs, durationMs / 4)
  await Promise.all([
    !endsItself && again('kill', async random => {
      // Now and then it dies while everybody is still coming back.
      await wait(random.chance(0.2) ? random.between(50, 500) : random.between(killPauseMs / 2, killPauseMs))
      // It dies while something is being answered, if anything is: nothing can be lost between.
      const { settled: before } = fleet.progress
      for (let i = 0; i < 25 && fleet.progress.settled === before; i++) await wait(20)
      if (over.aborted) return
      await victim.kill()
      if (random.chance(0.5)) ground.afterKill(victim, random)
      await victim.start()
      for (const refusal of victim.refusals.splice(0)) onProgress(refusal)
      const { settled, delivered } = fleet.progress
      onProgress(
        `${
          Math.round((performance.now() - startedAt) / 1_000)
        } s: ${victim.kills} kills, ${proxy.cuts} cuts, ${settled} answered, ${delivered} delivered`,
      )
    }),
    again('stall', async random => {
      await wait(random.between(200, 2_000))
      if (!over.aborted) proxy.stallOne(random, random.exponential(1_500))
    }),
    again('freeze', async random => {
      await wait(random.between(1_000, 6_000))
      if (over.aborted) return
      counts.freezes++
      const ms = random.between(200, 3_000)
      await fleet.freezeOne(random, () => wait(ms))
    }),
    again('clock', async random => {
      await wait(random.between(1_000, 6_000))
      if (over.aborted) return
      counts.clockJumps++
      victim.setClock(random.between(-maxClockOffsetMs, maxClockOffsetMs))
    }),
    ...Object.entries({ ...ground.faults(victim), ...more?.faults }).map(([name, fault]) =>
      again(name, random => fault(random, wait, () => over.aborted))
    ),
  ]).finally(() => {
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    end.abort()
  })
  signal.throwIfAborted()
}

/** Waits until all is sent and answered. */
const sent = async (fleet: Fleet, all: number, signal: AbortSignal): Promise<void> => {
  while (fleet.progress.settled < all) await sleep(100, undefined, { signal })
}

/** Waits until everything is answered, as long as answers come. */
const answers = async (fleet: Fleet, patienceMs: number, signal: AbortSignal): Promise<void> => {
  const deadline = performance.now() + maxAnswersMs
  let seen = -1
  let changedAt = performance.now()
  for (;;) {
    const { isOpen, settled, issued } = fleet.progress
    if (isOpen && settled === issued) return
    const now = performance.now()
    if (settled !== seen) {
      seen = settled
      changedAt = now
    }
    if (now >= Math.min(deadline, changedAt + patienceMs)) return
    await sleep(200, undefined, { signal })
  }
}

/** Waits until nothing arrives between two questions that everybody was answered. */
const quiet = async (fleet: Fleet, durationMs: number, signal: AbortSignal): Promise<void> => {
  const deadline = performance.now() + maxQuietWaitMs
  let before = -1
  while (performance.now() < deadline) {
    const delivered = await Promise.race([
      fleet.answered().then(({ delivered }) => delivered),
      sleep(maxQuietWaitMs, -1, { signal, ref: false }),
    ])
    if (delivered === before) return
    before = delivered
    await sleep(quietMsOf(durationMs), undefined, { signal })
  }
}
