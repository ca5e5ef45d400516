// One run: a relay, its clients, what is done to them, and the reckoning.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { toldProblems } from '../kit/kept.ts'
import { audit, type Verdict } from './audit.ts'
import { Dealers } from './dealers.ts'
import { channelOf, Fleet } from './fleet.ts'
import { between, Crowd } from './crowd.ts'
import { folderGround } from './ground.ts'
import { auditLockouts, lockoutChannel, Lockouts, type LockoutVerdict } from './lockouts.ts'
import { misfortunes } from './misfortunes.ts'
import { auditMoney, type MoneyVerdict } from './money-audit.ts'
import { look, onlookerChannel, type Sights } from './onlookers.ts'
import { postgresGround } from './postgres-ground.ts'
import { endsItself, hearingOf, type Promised } from './promises.ts'
import { TearingProxy } from './proxy.ts'
import { Random } from './random.ts'
import { noTrouble } from './shaken-bus.ts'
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

export interface RunResult extends Verdict, LockoutVerdict, Sights {
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
/** Between two turns of one that deals; more where less happens. */
const maxDealPauseMs = 40
/** Agents that deal with each other beside those that talk. */
const dealerCount = 4
/** So many speak at a time until they are banned, where that is what is broken; one otherwise. And between two of them: */
const lockoutLanes = 3
const maxLockoutPauseMs = 300
/** So many have to be banned then. */
const minBans = 12
/** How processes hear each other while it is looked whether what one answered is known at another; each does something so often. */
const slowHearing = { lost: 0, twice: 0.2, lateMs: 40 }
const lookRounds = 4
/** A process of several is killed alone once in so long, and each once at most. */
const loneKillEveryMs = 15_000

export const run = async (
  { messages, clients, seed, durationMs, calmMs, deedsEvery, isAll, isPeaceful, broken, engine, nodes, onProgress, signal }: RunOptions,
): Promise<RunResult> => {
  const perSender = Math.ceil(messages / clients)
  const folder = mkdtempSync(join(tmpdir(), 'agentchat-chaos-'))
  const data = join(folder, 'data')
  const memberships = Array.from({ length: clients }, (_, index) => ({ index, channel: channelOf(index, clients) }))
  let url = ''
  await using ground = engine === 'postgres' ? await postgresGround(nodes, broken === 'doubt') : folderGround(data)
  await using nats = nodes > 1 ? await between(nodes) : undefined
  const channels = [...new Set(memberships.map(({ channel }) => channel)), lockoutChannel, ...(nodes > 1 ? [onlookerChannel] : [])]
  const newVictim = (n: number, apart?: Apart) => new Victim(data, () => url, channels, broken, ground.storeOf(n), apart)
  const crowd = nats
    && new Crowd(Array.from({ length: nodes }, (_, i) => newVictim(i, namesOf(i, nats.urlOf(i), seed))), seed)
  using victim: Attacked = crowd ?? newVictim(0)
  const proxy = new TearingProxy(new Random(seed, 'network'), () => victim.port)
  try {
    url = `ws://127.0.0.1:${await proxy.listen()}`
    await victim.start()
    const brought = join(folder, 'brought')
    mkdirSync(brought)
    using fleet = new Fleet(clients, { url, folder: brought, perSender, deedsEvery, takesFiles: nodes === 1 })
    using lockouts = new Lockouts(url, { lanes: broken === undefined ? 1 : lockoutLanes, seed, maxPauseMs: maxLockoutPauseMs + calmMs / 2 })
    using dealers = new Dealers(url, dealerCount, seed, maxDealPauseMs + calmMs / 20)
    await Promise.all([fleet.ready(), dealers.enter()])
    onProgress('everybody is here')

    const hearing = hearingOf(broken)
    if (hearing !== undefined) crowd?.setHearing(hearing)
    fleet.tell({ kind: 'send', durationMs: durationMs * sendingShare })
    const sendingSince = performance.now()
    if (!isPeaceful && hearing === undefined) dealers.start()
    if (!isPeaceful && (broken === undefined || broken === 'lockout')) lockouts.start()
    const loneKills = crowd === undefined || broken !== undefined || isPeaceful
      ? 0
      : Math.min(nodes, Math.max(1, Math.floor(durationMs / loneKillEveryMs)))
    // Nothing else has happened yet: whoever was without a session was at one that died.
    const afterKillMs = await crowd?.killAlone(loneKills, async () => (await fleet.answered()).longestGapMs) ?? []
    onProgress(`without a session after kills, at most: ${afterKillMs.join(', ')} ms`)
    let sights: Sights = { looks: 0, stale: 0 }
    if (crowd !== undefined && !isPeaceful && (broken === undefined || broken === 'known')) {
      if (broken === undefined) crowd.setHearing(slowHearing)
      sights = await look(crowd.ports, lookRounds)
      if (broken === undefined) crowd.setHearing(noTrouble)
      onProgress(`${sights.looks} looks at what others were answered, ${sights.stale} of them in vain`)
    }
    proxy.tears = !isPeaceful && hearing === undefined
    const counts = { freezes: 0, clockJumps: 0 }
    const more = crowd === undefined ? undefined : { faults: nats!.faults(crowd), isTried: () => nats!.isTried }
    const spared = hearing && {
      isTried: () => broken === 'lockout' ? lockouts.count >= minBans : fleet.progress.settled >= perSender * clients,
    }
    const misfortune = isPeaceful
      ? undefined
      : misfortunes({ victim, proxy, fleet, ground, counts, endsItself: endsItself(broken), spared, more }, {
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
    const banned = await lockouts.stop()
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
      ...await auditLockouts(remains, banned),
      ...sights,
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

/** As machines have them, or as pods do: another one each time. */
const namesOf = (i: number, nats: string, seed: number): Apart => {
  const random = new Random(seed, `name ${i}`)
  let starts = 0
  return { nats, seed, name: () => random.chance(0.5) ? `node${i}` : `node${i}-${++starts}` }
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
  const done = new AbortController()
  const tooLate = sleep(maxQuietWaitMs, undefined, { signal: AbortSignal.any([signal, done.signal]), ref: false })
  tooLate.catch(() => undefined)
  try {
    for (let before: number | undefined;;) {
      const delivered = await Promise.race([fleet.answered().then(({ delivered }) => delivered), tooLate])
      if (delivered === undefined || delivered === before) return
      before = delivered
      await sleep(quietMsOf(durationMs), undefined, { signal })
    }
  } finally {
    done.abort()
  }
}
