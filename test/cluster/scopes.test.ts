// Two processes wait for each other in one order: whoever waits for something holds nothing that the other one waits for.
import { expect, test } from 'vitest'
import { createLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { Committer, type Result } from '../../src/relay/committer.ts'
import { ownJob, type Job } from '../../src/relay/job.ts'
import type { Append } from '../../src/relay/feature.ts'
import { migrations } from '../../src/app.ts'
import { rememberAgent } from '../../src/store/agents.ts'
import { addChannel } from '../../src/store/channels.ts'
import { writeMeta } from '../../src/store/meta.ts'
import { openStore } from '../../src/store/open.ts'
import { HeldError, LateError, type Lock, type Migration, type Tx } from '../../src/store/store.ts'
import { newDatabase } from '../kit/postgres.ts'

const storeOn = async (url: string, steps: readonly Migration[] = []) =>
  await openStore({ store: url, isShared: true, data: '', durability: 'full', migrations: steps, newEpoch: () => 'e'.repeat(16) })

const committerOn = async (url: string, steps?: readonly Migration[]) => {
  const store = await storeOn(url, steps)
  const metrics = createMetrics()
  const results: Result[] = []
  const committer = new Committer({
    store,
    clock: { now: Date.now },
    log: createLogger({ level: 'silent', format: 'json', destination: { write: () => undefined } }),
    ...metrics,
  }, {
    ...{ maxQueueFrames: 100, maxQueueBytes: 1e6, inboxWaitMs: 0, allowlistStrict: false },
    deliver: more => results.push(...more),
    endTurn: () => undefined,
    reread: () => Promise.resolve(),
  })
  return {
    store,
    committer,
    results,
    [Symbol.asyncDispose]: async () => {
      metrics.close()
      await store.close()
    },
  }
}

test('a write that has a row, and one of a scope behind it, do not wait for somebody who has the scope and wants the row', async () => {
  await using database = await newDatabase()
  await using one = await committerOn(database.url)
  await using two = await committerOn(database.url)
  const decided: string[] = []
  const row = (name: string) => async (tx: Tx) => {
    decided.push(name)
    await writeMeta(tx, 'row', name)
    return undefined
  }
  let locked = (): void => {}
  const hasScope = new Promise<void>(resolve => {
    locked = resolve
  })
  let written = (): void => {}
  const hasRow = new Promise<void>(resolve => {
    written = resolve
  })
  // The second has the scope, and wants the row once the first has it.
  two.committer.push(ownJob(async tx => {
    locked()
    await hasRow
    return row('two')(tx)
  }, { scope: 'trade' }))
  await hasScope
  one.committer.push(ownJob(async tx => {
    await row('one')(tx)
    written()
    return undefined
  }))
  one.committer.push(ownJob(row('one, of the scope'), { scope: 'trade' }))
  await one.committer.idle()
  await two.committer.idle()
  expect([...one.results, ...two.results].map(({ kind }) => kind)).toEqual(['done', 'done', 'done'])
  // Each was decided once: the database had nobody to turn back.
  expect(decided.sort()).toEqual(['one', 'one, of the scope', 'two'])
})

test('what comes behind all that a transaction has is waited for; what would have come before it is not, while somebody has it', async () => {
  await using database = await newDatabase()
  const [one, two] = [await storeOn(database.url), await storeOn(database.url)]
  const rows = (name: string): Lock => ({ kind: 'rows', name })
  let held = (): void => {}
  const isHeld = new Promise<void>(resolve => {
    held = resolve
  })
  let free = (): void => {}
  const isFree = new Promise<void>(resolve => {
    free = resolve
  })
  try {
    const other = two.write(async tx => {
      await tx.lock('trade')
      await tx.take!([rows('@b'), { kind: 'channel', name: '#b' }])
      await tx.claim('sent before this')
      held()
      await isFree
    })
    await isHeld
    // Nobody has @a: it is taken, though it comes before what is there.
    const both = [rows('@c'), rows('@a')]
    await expect(one.write(async tx => {
      for (const lock of both) await tx.take!([lock])
      await tx.take!([rows('@b')])
    })).rejects.toMatchObject({ locks: [{ ...rows(''), isShared: true }, ...both, rows('@b')] })
    await expect(one.write(async tx => {
      await tx.take!([{ kind: 'channel', name: '#c' }])
      await tx.changing('#b')
    })).rejects.toThrow(HeldError)
    await expect(one.write(async tx => {
      await tx.lockOut('@x')
      await tx.lock('trade')
    })).rejects.toThrow(HeldError)
    const inOrder = one.write(async tx => {
      await tx.take!([rows('@a')])
      await tx.take!([rows('@b')])
      return writeMeta(tx, 'row', 'one')
    })
    free()
    await Promise.all([other, inOrder])
  } finally {
    await Promise.all([one.close(), two.close()])
  }
})

test('numbers are given last: what others of a transaction said is read behind it', async () => {
  await using database = await newDatabase()
  const store = await storeOn(database.url)
  const append = (tx: Tx) =>
    void tx.log.append({ stream: '#c', author: '@a', inbox: ['@b'] }, 1, ({ seq }) => Buffer.from(`{"seq":${seq}}`))
  const decider = { agent: '@a', isRelay: false, scope: undefined }
  try {
    await expect(store.write(async tx => {
      tx.deciding!({ ...decider, isBehind: false })
      append(tx)
      tx.deciding!({ ...decider, isBehind: true })
      expect((await tx.log.head('#d')).seq).toBe(0)
      await tx.log.head('#c')
    })).rejects.toThrow(LateError)
    await expect(store.write(async tx => {
      append(tx)
      tx.deciding!({ ...decider, isBehind: true })
      await tx.log.inbox('@b', { after: 0, limit: 1, maxBytes: 100, now: 1 })
    })).rejects.toThrow(LateError)
    expect((await store.read.log.head('#c')).seq).toBe(0)
  } finally {
    await store.close()
  }
})

type Decide = Job['decide']

const writes = (agent: string): Decide => async tx => {
  await rememberAgent(tx, { id: agent, pubkey: '', name: agent }, 1)
  return undefined
}
const says = (stream: string): Decide => tx => {
  tx.goBy!(stream, 0)
  return { append: { type: 'MSG', stream, body: { from: '@a', to: stream, content: '' } } as unknown as Append }
}
const changes = (channel: string): Decide => async tx => {
  await tx.changing(channel)
  return undefined
}
const reads = (stream: string): Decide => async tx => {
  await tx.log.head(stream)
  return undefined
}

/** One job: a step behind the other, until it says something. */
type Steps = readonly (Decide | 'meet')[]

/** What each of two processes decides in a batch, job by job, and where they wait for each other before they go on. */
const scenes: readonly (readonly [name: string, one: readonly Steps[], two: readonly Steps[]])[] = [
  ['rows of agents', [[writes('@ann'), 'meet'], [writes('@bob')]], [[writes('@bob'), 'meet'], [writes('@ann')]]],
  ['channels that are changed and gone by', [[says('#a')], [changes('#b'), 'meet']], [[says('#b')], [changes('#a'), 'meet']]],
  ['numbers and rows', [[says('#a')], [reads('#a'), 'meet', writes('@ann')]], [[writes('@ann'), 'meet'], [says('#a')]]],
]

test.each(scenes)('nobody waits for whoever waits for it: %s', async (_name, ...asked) => {
  await using database = await newDatabase()
  {
    await using one = await committerOn(database.url, migrations)
    await using two = await committerOn(database.url, migrations)
    await one.store.write(async tx => {
      for (const name of ['#a', '#b'])
        await addChannel(tx, {
          ...{ name, private: false, verifiedOnly: false, topic: '', description: '', owner: null, topicBy: 'members' },
          ...{ editWindowMs: null, settings: null, groups: null, version: 0 },
        }, null, 1)
    })
    let [here, all] = [0, (): void => {}]
    const met = new Promise<void>(resolve => {
      all = resolve
    })
    const meet: Decide = async () => {
      if (++here === 2) all()
      await met
      return undefined
    }
    for (const [at, committer] of [one.committer, two.committer].entries())
      for (const steps of asked[at]!)
        committer.push(ownJob(async (tx, now) => {
          for (const step of steps) {
            const outcome = await (step === 'meet' ? meet : step)(tx, now)
            if (outcome !== undefined) return outcome
          }
          return undefined
        }))
    await one.committer.idle()
    await two.committer.idle()
    expect([one, two].map(({ results }) => results.map(({ kind }) => kind))).toEqual(asked.map(jobs => jobs.map(() => 'done')))
  }
  expect(await database.ask('SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()')).toEqual([{ deadlocks: 0 }])
})
