// One run of three relays that mirror each other and hand on to each other, three agents at each: what happens to them and to the ways between
// them, and the reckoning.
import { mkdtempSync, rmSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCheckpoint, readCheckpoint } from '../../lib/identity/index.ts'
import { createVerify, nodeIdentity } from '../../lib/node/index.ts'
import { reckon, type LinksVerdict, type Told } from './links-audit.ts'
import { eventsOf, LinkedRelay } from './linked-relay.ts'
import { Random } from './random.ts'
import { Speaker } from './speaker.ts'

export interface LinksRunOptions {
  readonly seed: number
  readonly durationMs: number
  readonly messages: number
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal
}

export interface LinksResult extends LinksVerdict {
  readonly messages: number
  /** How many of them were handed on from one relay to another. */
  readonly handedOn: number
  /** Relays that ended by themselves. */
  readonly fallen: number
  /** What happened, and how often. */
  readonly blows: Readonly<Record<'kills' | 'freezes' | 'cuts' | 'answersCut' | 'holds' | 'silences' | 'partitions', number>>
}

const hosts = ['a.example', 'b.example', 'c.example'] as const
const agentsOfEach = 3
const channel = '#general'
/** Messages are all said when this share of the time is over, if the relays keep up. */
const sayingShare = 0.85
const tickMs = 20
const minOfEach = 2
const maxStretch = 4
/** Nothing new may come for so long before what is missing is taken for lost. A way is tried again after half a minute at most. */
const patienceMs = 60_000
/** A bridge gives up a way on which it hears nothing for so long, by itself. */
const longSilenceMs = 50_000

interface Scene {
  readonly relays: readonly LinkedRelay[]
  readonly blows: { -readonly [K in keyof LinksResult['blows']]: number }
}

export const linksRun = async ({ seed, durationMs, messages, onProgress, signal }: LinksRunOptions): Promise<LinksResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'agentchat-links-'))
  const relays = hosts.map(host => new LinkedRelay(host, folder))
  const speakers = new Map<LinkedRelay, readonly Speaker[]>()
  const everybody = () => [...speakers.values()].flat()
  const sum = (of: (speaker: Speaker) => number) => everybody().reduce((total, speaker) => total + of(speaker), 0)
  const perChannel = Math.ceil(messages / (hosts.length * agentsOfEach * hosts.length))
  try {
    for (const relay of relays) await relay.prepare(relays.filter(other => other !== relay))
    await Promise.all(relays.map(relay => relay.start()))
    for (const [r, relay] of relays.entries()) {
      const channels = relays.map(({ host, serverId }) => ({ channel: host === relay.host ? channel : `${channel}@${host}`, serverId }))
      speakers.set(relay, Array.from({ length: agentsOfEach }, (_, i) =>
        new Speaker({
          ...{ url: relay.url, name: `agent-${r}-${i}`, identity: nodeIdentity(newKey()), channels, perChannel },
          first: (r * agentsOfEach + i) * hosts.length * perChannel,
        })))
    }
    await Promise.all(everybody().map(speaker => speaker.connect()))
    for (const relay of relays) await linkAll(relay, relays, speakers.get(relay)![0]!)
    onProgress('all are linked')

    const blows = { kills: 0, freezes: 0, cuts: 0, answersCut: 0, holds: 0, silences: 0, partitions: 0 }
    const startedAt = performance.now()
    const saying = setInterval(() => {
      const due = Math.ceil(perChannel * (performance.now() - startedAt) / (durationMs * sayingShare))
      for (const speaker of everybody()) speaker.sayUpTo(due)
    }, tickMs)
    await misfortunes({ relays, blows }, { seed, durationMs, signal, onProgress }, () => `${sum(({ settled }) => settled)} settled`)
    onProgress('nothing is broken any more')
    const issued = hosts.length * perChannel * everybody().length
    await progress(() => [sum(({ issued }) => issued), sum(({ settled }) => settled)], () => sum(({ settled }) => settled) >= issued,
      signal, () => {
      for (const speaker of everybody()) void speaker.askAgain()
    })
    clearInterval(saying)
    onProgress(`${sum(({ settled }) => settled)} of ${issued} are settled`)
    await progress(() => [sum(({ heard }) => heard)], () => sum(({ heard }) => heard) >= issued * everybody().length / hosts.length, signal)
    onProgress('nothing more arrives')
    const heads = new Map<string, string>()
    for (const relay of relays) {
      for (const { host } of relays) {
        const name = host === relay.host ? channel : `${channel}@${host}`
        heads.set(`${host} at ${relay.host}`, (await speakers.get(relay)![0]!.ask('HEAD', { channel: name as `#${string}` })).checkpoint)
      }
    }
    const sizes = new Map(relays.map(({ host }) => [host, readCheckpoint(heads.get(`${host} at ${host}`)!).size]))
    const odd = (await Promise.all(relays.map(relay => oddMirrors(relay, speakers.get(relay)![0]!, sizes)))).flat()
    const gaveUp = everybody().flatMap(({ ended }) => ended === undefined ? [] : [`an agent gave up: ${String(ended)}`])
    await Promise.all(everybody().map(speaker => speaker.close()))
    await Promise.all(relays.map(relay => relay.end()))
    const verify = createVerify()
    const verdict = reckon(await told(relays, speakers, heads), (checkpoint, host) =>
      openCheckpoint(checkpoint, speakers.get(relays.find(relay => relay.host === host)!)![0]!.relayKey, verify))
    return {
      ...verdict,
      notes: [...gaveUp, ...odd, ...verdict.notes],
      messages: sum(({ issued }) => issued),
      handedOn: everybody().flatMap(({ spoken }) => spoken).reduce((total, { issued, isAway }) => total + (isAway ? issued : 0), 0),
      fallen: relays.reduce((total, { fallen }) => total + fallen, 0),
      blows,
    }
  } finally {
    for (const speaker of everybody()) await speaker.close().catch(() => undefined)
    for (const relay of relays) relay[Symbol.dispose]()
    await Promise.all(relays.map(relay => relay.end()))
    rmSync(folder, { recursive: true, force: true })
  }
}

const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Mirrors the channels of all others, and hands on to them. */
const linkAll = async (relay: LinkedRelay, relays: readonly LinkedRelay[], operator: Speaker): Promise<void> => {
  const others = relays.filter(other => other !== relay)
  for (const other of others) {
    await operator.operate('ADMIN_LINK', {
      ...{ host: other.host, url: other.urlFor(relay), key: other.serverId },
      ...{ trust: 'both', channels: [channel] },
    })
  }
  for (;;) {
    const { links } = await operator.operate('ADMIN_LINKS', {})
    const mirrors = links.flatMap(({ mirrors }) => mirrors)
    if (mirrors.length === others.length && mirrors.every(({ state }) => state === 'following')) return
    await sleep(tickMs)
  }
}

/** Mirrors that do not go on or are behind, and why. @param sizes how many events each home has */
const oddMirrors = async (relay: LinkedRelay, operator: Speaker, sizes: ReadonlyMap<string, number>): Promise<readonly string[]> => {
  const { links } = await operator.operate('ADMIN_LINKS', {})
  return links.flatMap(({ host, state, problem, mirrors }) =>
    mirrors.filter(each => each.state !== 'following' || each.problem !== undefined || each.seq < sizes.get(host)!).map(each =>
      `at ${relay.host}, ${host} is ${state} (${problem ?? 'no problem'}): ${each.channel} is ${each.state} at ${each.seq}, ${
        each.problem ?? 'no problem'
      }`
    )
  )
}

const told = (
  relays: readonly LinkedRelay[],
  speakers: ReadonlyMap<LinkedRelay, readonly Speaker[]>,
  heads: ReadonlyMap<string, string>,
): Promise<readonly Told[]> =>
  Promise.all(relays.map(async (home, i) => {
    await using remains = home.remains()
    const mirrors = relays.filter(relay => relay !== home).map(async relay => {
      await using mirror = relay.remains()
      return {
        at: relay.host,
        events: await eventsOf(mirror, `${channel}@${home.host}`),
        checkpoint: heads.get(`${home.host} at ${relay.host}`),
      }
    })
    return {
      host: home.host,
      home: await eventsOf(remains, channel),
      mirrors: await Promise.all(mirrors),
      spoken: [...speakers.values()].flat().map(({ spoken }) => spoken[i]!),
    }
  }))

/** Until it is done, or nothing changes for long. */
const progress = async (
  look: () => readonly number[],
  isDone: () => boolean,
  signal: AbortSignal,
  urge: () => void = () => undefined,
): Promise<void> => {
  let [seen, changedAt] = ['', performance.now()]
  while (!isDone() && performance.now() < changedAt + patienceMs) {
    const now = look().join(' ')
    if (now !== seen) [seen, changedAt] = [now, performance.now()]
    urge()
    await sleep(500, undefined, { signal })
  }
}

/** Every kind of blow in a loop of its own, with chances of its own, until the time is over; then all is well again. */
const misfortunes = async (
  { relays, blows }: Scene,
  { seed, durationMs, signal, onProgress }: Omit<LinksRunOptions, 'messages'>,
  shown: () => string,
): Promise<void> => {
  const end = new AbortController()
  const onAbort = () => end.abort()
  signal.addEventListener('abort', onAbort)
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const ms = performance.now() - startedAt
    if (ms >= durationMs && (Math.min(...Object.values(blows)) >= minOfEach || ms >= maxStretch * durationMs)) end.abort()
  }, tickMs)
  const wait = (ms: number) => sleep(ms, undefined, { signal: end.signal }).catch(() => undefined)
  const oneOf = <T>(random: Random, all: readonly T[]) => all[random.between(0, all.length)]!
  const ways = relays.flatMap(relay => [...relay.ways.values()])
  /** Of so long a time, after a pause. */
  const again = async (what: keyof typeof blows, pauseMs: number, strike: (random: Random) => Promise<unknown>): Promise<void> => {
    const random = new Random(seed, what)
    for (;;) {
      await wait(random.between(pauseMs / 2, pauseMs * 1.5))
      if (end.signal.aborted) return
      await strike(random)
      blows[what]++
    }
  }
  const pace = (ms: number) => Math.min(ms, durationMs / 6)
  await Promise.all([
    again('cuts', pace(1_500), random => Promise.resolve(oneOf(random, ways).cut())),
    again('answersCut', pace(1_500), random => oneOf(random, ways).cutAnswers(() => wait(random.between(20, 300)))),
    again('holds', pace(4_000), random => oneOf(random, ways).hold(() => wait(random.exponential(1_000)))),
    again('silences', pace(8_000), random => {
      const ms = durationMs > 4 * longSilenceMs && random.chance(0.3) ? longSilenceMs : random.exponential(1_500)
      return oneOf(random, ways).silence(() => wait(ms))
    }),
    again('partitions', pace(15_000), async random => {
      const relay = oneOf(random, relays)
      const around = [...relay.ways.values(), ...relays.flatMap(other => other.ways.get(relay) ?? [])]
      for (const way of around) {
        way.isDown = true
        way.cut()
      }
      await wait(random.exponential(Math.min(20_000, durationMs / 12)))
      for (const way of around) way.isDown = false
    }),
    again('freezes', pace(5_000), random => oneOf(random, relays).freeze(() => wait(random.between(200, 3_000)))),
    again('kills', pace(5_000), async random => {
      const relay = oneOf(random, relays)
      await relay.end()
      await wait(random.exponential(300))
      await relay.start()
      onProgress(`${Math.round((performance.now() - startedAt) / 1_000)} s: ${blows.kills + 1} kills, ${shown()}`)
    }),
  ]).finally(() => {
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    end.abort()
  })
  signal.throwIfAborted()
}
