// Channels that nobody uses go by themselves: empty, without a message for long, and not of the configuration.
import { noteUsed, postponeUnused, unusedChannels } from '../../../store/channels.ts'
import { endChannel } from '../../../store/endings.ts'
import { readMeta, writeMeta } from '../../../store/meta.ts'
import type { Tx } from '../../../store/store.ts'
import type { Channel, Effect, Outcome, SweepCtx } from '../../../relay/feature.ts'

export interface IdleOptions {
  /** 0: they stay. */
  readonly channelIdleMs: number
  readonly channels: readonly string[]
  readonly autoJoin: readonly string[]
}

/** Channels that one sweep looks at, and of those that are due. */
const lookedAtOnce = 50
const endedAtOnce = 20
/** That a channel is used is noted so often in the time after which it would go. */
const notesPerIdle = 30
/** Where the relay notes that it ran, and how often. */
const ranKey = 'channels_swept_at'
const ranEveryMs = 60_000

export class IdleChannels {
  readonly #options: IdleOptions
  /** Only a place in the round: a tick that is undone costs a channel one round. */
  #round: Iterator<Channel> | undefined

  constructor(options: IdleOptions) {
    this.#options = options
  }

  /** Notes which channels are in use, as far as this process knows. */
  async tick({ tx, roster, now }: SweepCtx): Promise<undefined> {
    const { channelIdleMs } = this.#options
    if (channelIdleMs === 0) return undefined
    const used = this.#next(roster.channels()).filter(({ agents }) => agents.size > 0).map(({ info }) => info.name)
    if (used.length > 0) await noteUsed(tx, used, now - channelIdleMs / notesPerIdle, now)
    return undefined
  }

  async sweep({ tx, roster, now }: SweepCtx): Promise<Outcome | undefined> {
    const { channelIdleMs, channels, autoJoin } = this.#options
    if (channelIdleMs === 0) return undefined
    await this.#passOver(tx, now)
    const before = now - channelIdleMs
    const effects: Effect[] = []
    for (const name of await unusedChannels(tx, before, endedAtOnce)) {
      // What is said there at another process is stored before it is looked at, or finds that there is no such channel.
      await tx.changing(name)
      const isUsed = channels.includes(name) || autoJoin.includes(name) || (roster.channel(name)?.agents.size ?? 0) > 0
      const saidAt = (await tx.log.head(name)).ts
      if (isUsed || saidAt >= before) await noteUsed(tx, [name], before, isUsed ? now : saidAt)
      else {
        const version = await endChannel(tx, name)
        if (version !== undefined) effects.push({ kind: 'channelEnds', channel: name, by: '@server', version })
      }
    }
    return effects.length > 0 ? { effects } : undefined
  }

  /** Time in which the relay did not run is no time in which a channel was not used. */
  async #passOver(tx: Tx, now: number): Promise<void> {
    const ranAt = await readMeta(tx, ranKey)
    const missedMs = now - Number(ranAt ?? 0)
    if (missedMs >= 0 && missedMs < ranEveryMs) return
    if (ranAt !== undefined && missedMs > 2 * ranEveryMs) await postponeUnused(tx, missedMs)
    await writeMeta(tx, ranKey, String(now))
  }

  #next(channels: Iterable<Channel>): readonly Channel[] {
    this.#round ??= channels[Symbol.iterator]()
    const looked: Channel[] = []
    while (looked.length < lookedAtOnce) {
      const { done, value } = this.#round.next()
      if (done === true) {
        this.#round = undefined
        break
      }
      looked.push(value)
    }
    return looked
  }
}
