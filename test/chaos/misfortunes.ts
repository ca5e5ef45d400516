// What happens while messages are sent: every kind of fault in a loop of its own, with chances of its own, until the time is over; then all is
// well again.
import type { Fleet } from './fleet.ts'
import type { Fault, Ground } from './ground.ts'
import { Pauses } from './pauses.ts'
import type { TearingProxy } from './proxy.ts'
import { Random } from './random.ts'
import type { Attacked } from './victim.ts'

export interface Scene {
  readonly victim: Attacked
  readonly proxy: TearingProxy
  readonly fleet: Fleet
  readonly ground: Ground
  readonly counts: { freezes: number, clockJumps: number }
  /** The relay sees to its own end. */
  readonly endsItself: boolean
  /** What is broken shows by itself, once enough was done: nothing happens. */
  readonly spared: { isTried(): boolean } | undefined
  /** What happens between several processes. */
  readonly more: { readonly faults: Readonly<Record<string, Fault>>, isTried(): boolean } | undefined
}

export interface Course {
  readonly seed: number
  readonly durationMs: number
  /** So long nothing of a kind happens between two faults of it, on average, beside what is between them anyway. */
  readonly calmMs: number
  isSent(): boolean
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
}

const maxKillPauseMs = 5_000
/** So often a relay ends, however slow the machine: within so many times the run's time. */
const minOwnEnds = 4
const minKills = 2
const maxStretch = 6
/** So long is waited, on however slow a machine, for what shows by itself. */
const maxSparedMs = 120_000
/** The clock stays within what a login tolerates. */
const maxClockOffsetMs = 4 * 60_000

export const misfortunes = async (scene: Scene, { seed, durationMs, calmMs, isSent, signal, onProgress }: Course): Promise<void> => {
  const { victim, ground, more, endsItself, spared } = scene
  const pauses = new Pauses()
  const end = () => pauses.end()
  const startedAt = performance.now()
  const isTried = () =>
    spared?.isTried()
      ?? (endsItself ? victim.ownEnds >= minOwnEnds : victim.kills >= minKills && ground.isTried && more?.isTried() !== false)
  const maxMs = spared === undefined ? maxStretch * durationMs : maxSparedMs
  const timer = setInterval(() => {
    const ms = performance.now() - startedAt
    if (ms >= durationMs && isSent() && (isTried() || ms >= maxMs)) end()
  }, 20)
  signal.addEventListener('abort', end)
  const wait = (ms: number) => pauses.wait(ms)
  const again = async ([name, fault]: [string, Fault]): Promise<void> => {
    const random = new Random(seed, name)
    while (!pauses.isOver) {
      if (calmMs > 0) await wait(random.exponential(calmMs))
      if (!pauses.isOver) await fault(random, wait, () => pauses.isOver)
    }
  }
  const onKilled = () => {
    const { fleet, proxy } = scene
    const { settled, delivered } = fleet.progress
    for (const refusal of victim.refusals.splice(0)) onProgress(refusal)
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    onProgress(`${seconds} s: ${victim.kills} kills, ${proxy.cuts} cuts, ${settled} answered, ${delivered} delivered`)
  }
  const faults = spared !== undefined ? {} : {
    ...faultsOf(scene),
    ...(!endsItself && { kill: killing(scene, Math.min(maxKillPauseMs, durationMs / 4), onKilled) }),
    ...ground.faults(victim),
    ...more?.faults,
  }
  await Promise.all([wait(Infinity), ...Object.entries(faults).map(again)]).finally(() => {
    clearInterval(timer)
    signal.removeEventListener('abort', end)
    end()
  })
  signal.throwIfAborted()
}

/** Of the network, of clients, and of clocks. */
const faultsOf = ({ proxy, fleet, victim, counts }: Scene): Readonly<Record<string, Fault>> => ({
  stall: async (random, wait, isOver) => {
    await wait(random.between(200, 2_000))
    if (!isOver()) proxy.stallOne(random, random.exponential(1_500))
  },
  freeze: async (random, wait, isOver) => {
    await wait(random.between(1_000, 6_000))
    if (isOver()) return
    counts.freezes++
    const ms = random.between(200, 3_000)
    await fleet.freezeOne(random, () => wait(ms))
  },
  clock: async (random, wait, isOver) => {
    await wait(random.between(1_000, 6_000))
    if (isOver()) return
    counts.clockJumps++
    victim.setClock(random.between(-maxClockOffsetMs, maxClockOffsetMs))
  },
})

const killing = ({ victim, fleet, ground }: Scene, pauseMs: number, onKilled: () => void): Fault => async (random, wait, isOver) => {
  // Now and then it dies while everybody is still coming back.
  await wait(random.chance(0.2) ? random.between(50, 500) : random.between(pauseMs / 2, pauseMs))
  // It dies while something is being answered, if anything is: nothing can be lost between.
  const { settled: before } = fleet.progress
  for (let i = 0; i < 25 && fleet.progress.settled === before; i++) await wait(20)
  if (isOver()) return
  await victim.kill()
  if (random.chance(0.5)) ground.afterKill(victim, random)
  await victim.start()
  onKilled()
}
