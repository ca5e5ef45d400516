import { expect, test } from 'vitest'
import type { Clock } from '../base/clock.ts'
import { createLogger } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { openSqlite } from '../store/sqlite.ts'
import { StorageError, type Store } from '../store/store.ts'
import { Committer, ownJob, type CommitterOptions } from './committer.ts'

/** A committer on a store of its own, and the lines it logs. */
const setUp = (deliver: CommitterOptions['deliver'], clock: Clock = { now: Date.now }) => {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({
    level: 'info',
    format: 'json',
    destination: {
      write: line => {
        lines.push(JSON.parse(line) as Record<string, unknown>)
      },
    },
  })
  const store = openSqlite({ data: ':memory:', durability: 'normal', migrations: [], newEpoch: () => 'e' })
  const metrics = createMetrics()
  const hooks = { beforeWrite: () => {} }
  const slow: Store = {
    read: store.read,
    epoch: store.epoch,
    close: () => store.close(),
    write: fn =>
      store.write(tx => {
        hooks.beforeWrite()
        return fn(tx)
      }),
  }
  const committer = new Committer({ store: slow, log, clock, ...metrics }, { maxQueueFrames: 100, maxQueueBytes: 1e6, deliver })
  return {
    committer,
    lines,
    hooks,
    [Symbol.asyncDispose]: async () => {
      metrics.close()
      await store.close()
    },
  }
}

test('a fault in delivering one commit does not hold up the next', async () => {
  const delivered: number[] = []
  await using set = setUp(results => {
    delivered.push(results.length)
    if (delivered.length === 1) throw new Error('a bug')
  })
  for (let i = 0; i < 2; i++) {
    set.committer.push(ownJob(() => undefined))
    await set.committer.idle()
  }
  expect(delivered).toEqual([1, 1])
  expect(set.lines).toMatchObject([{ msg: 'a commit could not be delivered', err: { message: 'a bug' } }])
})

test('a disk that is full for long is logged twice: when it began, and when it was over', async () => {
  await using set = setUp(() => undefined)
  const write = async (decide: Parameters<typeof ownJob>[0]) => {
    set.committer.push(ownJob(decide))
    await set.committer.idle()
  }
  for (let i = 0; i < 50; i++)
    await write(() => {
      throw new StorageError('Storage failed: full', 'free some space')
    })
  expect(set.committer.storageProblem).toBe('Storage failed: full')
  await write(async tx => {
    await tx.log.forgetKeys(0)
    return undefined
  })
  expect(set.committer.storageProblem).toBeUndefined()
  expect(set.lines).toMatchObject([{ level: 50, msg: 'the storage refuses writes', hint: 'free some space' }, {
    level: 30,
    msg: 'the storage takes writes again',
    refused: 50,
  }])
})

test('a turn ends when its time is over, so that a long queue keeps nobody waiting', async () => {
  let now = 0
  const delivered: number[] = []
  await using set = setUp(results => {
    delivered.push(results.length)
  }, { now: () => now })
  for (let i = 0; i < 10; i++)
    set.committer.push(ownJob(() => {
      now += 4
      return undefined
    }))
  await set.committer.idle()
  expect(delivered).toEqual([3, 3, 3, 1])
})

test('a storage that is slow to begin makes batches larger, not smaller', async () => {
  let now = 0
  const delivered: number[] = []
  await using set = setUp(results => {
    delivered.push(results.length)
  }, { now: () => now })
  set.hooks.beforeWrite = () => {
    now += 150
  }
  for (let i = 0; i < 10; i++) set.committer.push(ownJob(() => undefined))
  await set.committer.idle()
  expect(delivered).toEqual([10])
})

test('a clock that jumps back does not make a turn endless, and one that jumps ahead ends it', async () => {
  let now = 1e6
  const delivered: number[] = []
  await using set = setUp(results => {
    delivered.push(results.length)
  }, { now: () => now })
  for (const jump of [0, -1e6, 0, 2e6, 0])
    set.committer.push(ownJob(() => {
      now += jump
      return undefined
    }))
  await set.committer.idle()
  expect(delivered).toEqual([4, 1])
})
