// How long things are kept, and taking back what one said.
import type { Retention } from '../../../domain/retention.ts'
import { Fail, noChannel, reply, statusNotices, type Outcome, type QuotaView, type ScopedFeature } from '../../../relay/feature.ts'
import { SilentRound, eraseSome, setRetention } from '../../../store/keeping.ts'
import { predecessors } from '../../../store/agents.ts'
import { clearSome } from '../../../store/endings.ts'
import { forgetFiles } from '../../../store/files.ts'
import { forgetPerson } from '../../../store/people.ts'
import type { Tx } from '../../../store/store.ts'
import { RetentionSweep, effective } from './retention.ts'
import { TrimmingSweep } from './trimming.ts'

export interface KeepingOptions {
  readonly retentionAgeMs: number
  readonly retentionCount: number
  readonly retentionBytes: number
  /** Blanks a piece of what these agents said that waits for other relays, or went there; whether there was some. */
  readonly blankHanded: (tx: Tx, agents: readonly string[]) => Promise<boolean>
}

const turnsPerSweep = 20
/** A sweep does not last into the next one. */
const sweepMs = 500

export const keeping = (
  { retentionAgeMs, retentionCount, retentionBytes, blankHanded }: KeepingOptions,
): ScopedFeature<'SET_RETENTION' | 'ERASE'> => {
  const defaults: Retention = { ageMs: retentionAgeMs, count: retentionCount, bytes: retentionBytes }
  const retention = new RetentionSweep(defaults)
  const trimming = new TrimmingSweep()
  const silent = new SilentRound()

  /** One chunk, and the rest in later batches; the answer is given when there is no rest. */
  const erase = (agent: string, before = 0) => async (tx: Tx, now: number): Promise<Outcome<'ERASED'>> => {
    // Reactions and blanks are counted on from what is there.
    await tx.lock('talk')
    const { done, events, fates } = await eraseSome(tx, agent, now)
    // The sweep may have found the end first.
    const erased = Math.max(before, events)
    return done ? { reply: reply('ERASED', { agent, events: erased }) } : { again: erase(agent, erased), notify: statusNotices(fates) }
  }

  /** First what waits to go elsewhere. */
  const begin = (agent: string, names: readonly string[]) => async (tx: Tx, now: number): Promise<Outcome<'ERASED'>> =>
    await blankHanded(tx, names) ? { again: begin(agent, names) } : erase(agent)(tx, now)

  /**
   * A piece of what has to go, and the next one while this sweep has time: a backlog goes in many short batches, with those of
   * others between.
   */
  const turn = (quota: QuotaView, startedAt: number, left: number) => async (tx: Tx, now: number): Promise<Outcome> => {
    const agent = await tx.keep.erasureUnderWay()
    const erased = agent === undefined ? undefined : await eraseSome(tx, agent, now)
    const cleared = await clearSome(tx, now)
    const retained = await retention.run(tx, now)
    const trimmed = await trimming.run(tx, now, quota)
    if (cleared.worked || retained.worked || trimmed.worked) silent.went()
    const goesOn = (erased !== undefined || cleared.worked || retained.worked || trimmed.worked) && left > 1 && now - startedAt < sweepMs
    return {
      notify: statusNotices([...erased?.fates ?? [], ...cleared.fates, ...retained.fates, ...trimmed.fates]),
      ...(goesOn && { again: turn(quota, startedAt, left - 1) }),
    }
  }

  return {
    scope: 'talk',
    handlers: {
      SET_RETENTION: {
        async write({ tx, roster }, { channel, age_ms = null, count = null, bytes = null }) {
          if (roster.channel(channel) === undefined) throw noChannel(channel)
          await setRetention(tx, { channel, age_ms, count, bytes })
          const { ageMs, ...rest } = effective({ age_ms, count, bytes }, defaults)
          return { reply: reply('RETENTION', { channel, age_ms: ageMs, ...rest }) }
        },
      },
      ERASE: {
        scope: 'people',
        async write({ me, tx, now }, { agent }) {
          const id = agent ?? me.id
          if (me?.id === id && me.pubkey === null)
            throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key can prove that it was they who said it')
          // Before what is written: who waits for it holds nothing yet.
          await tx.lock('talk')
          const names = [id, ...await predecessors(tx, id)]
          for (const name of names) {
            await forgetPerson(tx, name)
            await forgetFiles(tx, name)
          }
          await tx.keep.beginErasure(id)
          return begin(id, names)(tx, now)
        },
      },
    },
    async sweep({ tx, now, quota }) {
      await silent.turn(tx)
      return turn(quota, now, turnsPerSweep)(tx, now)
    },
  }
}
