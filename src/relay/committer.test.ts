import { describe, expect, test, vi } from 'vitest'
import { openKeptLog } from '../../test/kit/kept-log.ts'
import type { Clock } from '../base/clock.ts'
import { createLogger } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import type { LogWriter } from '../store/log.ts'
import { HeldError, LateError, StorageError, UndoneError, type Lock, type Store, type Tx } from '../store/store.ts'
import { Committer, type CommitterOptions, type Result } from './committer.ts'
import { ownJob } from './job.ts'
import type { Connection } from './connection.ts'
import type { Append } from './feature.ts'

/** A committer on a store of its own, and the lines it logs. */
const setUp = (
  deliver: CommitterOptions['deliver'],
  clock: Clock = { now: Date.now },
  endTurn = () => {},
  store = openSqlite({ data: ':memory:', durability: 'normal', migrations: [], newEpoch: () => 'e' }),
) => {
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
  const metrics = createMetrics()
  const hooks: { beforeWrite: () => void, beforeFlush: () => void, txOf: (tx: Tx) => Tx } = {
    beforeWrite: () => {},
    beforeFlush: () => {},
    txOf: tx => tx,
  }
  const slow: Store = {
    read: store.read,
    aside: store.aside,
    epoch: store.epoch,
    space: () => store.space(),
    close: () => store.close(),
    write: fn =>
      store.write(tx => {
        hooks.beforeWrite()
        return fn(hooks.txOf(tx))
      }),
  }
  const committer = new Committer({ store: slow, log, clock, ...metrics }, {
    maxQueueFrames: 100,
    maxQueueBytes: 1e6,
    inboxWaitMs: 0,
    allowlistStrict: false,
    deliver,
    endTurn,
    reread: () => Promise.resolve(),
  })
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

/** As much of a connection as a queue sees. */
const connectionOf = (address: string, isStranger = false) => {
  const owed = { bytes: 0 }
  const connection = {
    address,
    agent: isStranger ? undefined : {},
    pendingWrites: 0,
    pendingBytes: 0,
    owe: (bytes: number) => {
      owed.bytes += bytes
    },
  } as unknown as Connection
  return { connection, owed }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('fair turns', () => {
  /** Decides what others queued first, and tells in which order. */
  const orderOf = async (fill: (push: (who: Connection | undefined, name: string, effects?: boolean) => void) => void) => {
    const order: string[] = []
    await using set = setUp(() => undefined)
    fill((connection, name, effects = false) => {
      const decide = () => {
        order.push(name)
        return effects ? { effects: [] } : undefined
      }
      set.committer.push({ ...ownJob(decide), connection })
    })
    await set.committer.idle()
    return order
  }

  test.each([false, true])('a write waits for one of each other address, not for thousands of theirs; batches of one: %s',
    async effects => {
      const order = await orderOf(push => {
        for (const i of upTo(250)) {
          const { connection } = connectionOf('attacker')
          for (const j of upTo(40)) push(connection, `${i}/${j}`, effects)
        }
        for (const name of ['b', 'c']) push(connectionOf(name).connection, name, effects)
      })
      expect(order).toHaveLength(10_002)
      expect(order.slice(0, 3)).toEqual(['0/0', 'b', 'c'])
      // Within a connection the order stays.
      expect(order.filter(name => name.startsWith('7/'))).toEqual(upTo(40).map(j => `7/${j}`))
    })

  test('what several batches of a turn deliver is written at its end, once: a login waits for no other one to be told to all', async () => {
    const seen: string[] = []
    await using set = setUp(() => seen.push('batch'), { now: () => 0 }, () => seen.push('end'))
    for (const i of upTo(20)) set.committer.push({ ...ownJob(() => ({ effects: [] })), connection: connectionOf(`a${i}`).connection })
    await set.committer.idle()
    expect(seen).toEqual([...upTo(20).map(() => 'batch'), 'end'])
  })

  test('a login waits for no crowd of messages, a message for none of logins, the relay itself for neither', async () => {
    const order = await orderOf(push => {
      for (const i of upTo(500)) push(connectionOf(`m${i}`).connection, 'message')
      for (const _ of upTo(250)) push(connectionOf('attacker', true).connection, 'stranger')
      push(connectionOf('new', true).connection, 'login')
      push(undefined, 'own')
    })
    expect(order.slice(0, 5)).toEqual(['stranger', 'message', 'own', 'login', 'message'])
    // While both have something to ask, every other turn is a message's.
    expect(order.slice(0, 500).filter(name => name === 'message').length).toBeGreaterThan(240)
  })

  test('there is room for an even share of the queue, for one of each connection always; what waits is owed until it is done', async () => {
    await using set = setUp(() => undefined)
    const { committer } = set
    const greedy = connectionOf('a')
    const large = connectionOf('b')
    const push = ({ connection }: typeof greedy, bytes = 0) => committer.push({ ...ownJob(() => undefined), bytes, connection })
    const fill = (who: typeof greedy) => {
      while (committer.hasRoom(who.connection)) push(who)
      return who.connection.pendingWrites
    }
    expect(fill(greedy)).toBe(100)
    push(large, 2e6)
    expect([committer.hasRoom(large.connection), large.owed.bytes > 2e6]).toEqual([false, true])
    expect(upTo(98).map(i => fill(connectionOf(`c${i}`))).slice(-3)).toEqual([2, 2, 1])
    await committer.idle()
    expect([committer.hasRoom(greedy.connection), greedy.owed.bytes, large.owed.bytes]).toEqual([true, 0, 0])
  })
})

test('a storage that does not begin refuses what waits, one after the other, and takes the rest when it can', async () => {
  const kinds: string[] = []
  await using set = setUp(results => {
    for (const { kind } of results) kinds.push(kind)
  })
  let failing = 3
  set.hooks.beforeWrite = () => {
    if (failing-- > 0) throw new StorageError('Storage failed: locked', 'wait')
  }
  for (const _ of upTo(5)) set.committer.push(ownJob(() => undefined))
  await set.committer.idle()
  expect(kinds).toEqual(['failed', 'failed', 'failed', 'done', 'done'])
})

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

describe('a log that numbers a batch at once', () => {
  const said = (stream: string, id: string): Append =>
    ({ type: 'MSG', stream, key: { agent: '@a', id }, body: { from: '@a', to: stream, content: id } }) as unknown as Append

  /** Keeps what is appended until it is flushed, as one does that asks a server. */
  const setUpDeferred = () => {
    const seen: Result[] = []
    const set = setUp(results => seen.push(...results), { now: () => 1_000 })
    const flushes: number[] = []
    set.hooks.txOf = tx => {
      let waiting: (() => void)[] = []
      const log = new Proxy(tx.log, {
        get: (target, method) => {
          if (method === 'append')
            return (...args: Parameters<LogWriter['append']>) => new Promise(resolve => waiting.push(() => resolve(target.append(...args))))
          if (method === 'together')
            return () => {
              const { append } = target.together()
              return {
                append: (...args: Parameters<LogWriter['append']>) => new Promise(resolve => waiting.push(() => resolve(append(...args)))),
              }
            }
          if (method === 'flush')
            return () => {
              if (waiting.length > 0) {
                flushes.push(waiting.length)
                set.hooks.beforeFlush()
              }
              for (const append of waiting.splice(0)) append()
            }
          return (target[method as keyof LogWriter] as (...args: unknown[]) => unknown).bind(target)
        },
      })
      return {
        ...tx,
        log,
        get writes() {
          return tx.writes + waiting.length
        },
      }
    }
    return { ...set, seen, flushes }
  }

  test('is flushed once for all of a batch, and results keep their places', async () => {
    await using set = setUpDeferred()
    for (const id of ['1', '2', '1', '3']) set.committer.push(ownJob(() => id === '2' ? undefined : { append: said('#c', id) }))
    set.committer.push(ownJob(() => {
      throw new Error('refused')
    }))
    set.committer.push(ownJob(() => ({ append: said('#d', '4') })))
    await set.committer.idle()
    expect(set.flushes).toEqual([4])
    expect(set.seen.map(result => result.kind === 'failed' ? 'failed' : result.event?.stamp.seq ?? result.duplicate)).toEqual([
      1,
      undefined,
      expect.objectContaining({ seq: 1 }),
      2,
      'failed',
      1,
    ])
  })

  test('is run again as a batch when it was undone, and refused when that goes on', async () => {
    await using set = setUpDeferred()
    let undone = 2
    set.hooks.beforeFlush = () => {
      if (undone-- > 0) throw new UndoneError('another transaction was first', 'The relay tries again by itself.')
    }
    const push = () => {
      for (const id of ['1', '2']) set.committer.push(ownJob(() => ({ append: said('#c', id) })))
    }
    push()
    await set.committer.idle()
    expect(set.flushes).toEqual([2, 2, 2])
    expect(set.seen.map(result => result.kind === 'done' && result.event?.stamp.seq)).toEqual([1, 2])
    undone = Infinity
    push()
    await set.committer.idle()
    // As a batch, and then each of them.
    expect(set.flushes.slice(3)).toEqual([2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1])
    expect(set.seen.slice(2).map(result => result.kind === 'failed' && result.error)).toEqual([
      expect.any(UndoneError),
      expect.any(UndoneError),
    ])
  })

  test('numbers several events of one job together, and tells all of them as a repeat', async () => {
    await using set = setUpDeferred()
    const both = { append: [said('#c', '1'), { ...said('#c', ''), key: undefined } as unknown as Append] }
    set.committer.push(ownJob(() => both))
    set.committer.push(ownJob(() => both))
    await set.committer.idle()
    expect(set.flushes).toEqual([4])
    expect(set.seen.map(result => result.kind === 'done' && [result.event?.stamp.seq, result.more?.[0]?.stamp.seq, result.duplicate?.seq]))
      .toEqual([[1, 2, undefined], [undefined, undefined, 1]])
  })
})

test('what is decided under a scope waits until nobody else decides about it, and what comes behind it waits with it', async () => {
  const seen: string[] = []
  await using set = setUp(() => {}, { now: () => 1_000 })
  let free = (): void => {}
  set.hooks.txOf = tx => ({
    ...tx,
    lock: scope => {
      seen.push(`lock ${scope}`)
      return new Promise(resolve => {
        free = resolve
      })
    },
  })
  const decided = (name: string) => () => void seen.push(name)
  set.committer.push(ownJob(decided('talk')))
  set.committer.push(ownJob(decided('deal'), { scope: 'trade' }))
  set.committer.push(ownJob(decided('more talk')))
  await vi.waitFor(() => expect(seen).toEqual(['talk', 'lock trade']))
  free()
  await set.committer.idle()
  expect(seen).toEqual(['talk', 'lock trade', 'deal', 'more talk'])
})

test('what would wait for a scope while its batch holds something goes first in the next one, and nobody overtakes it', async () => {
  const seen: string[] = []
  await using set = setUp(() => {}, { now: () => 1_000 })
  let isHolding = false
  set.hooks.beforeWrite = () => {
    seen.push('begins')
    isHolding = false
  }
  set.hooks.txOf = tx => ({ ...tx, lock: () => void seen.push('locks'), mayLock: () => !isHolding })
  const decided = (name: string) => () => {
    isHolding = true
    seen.push(name)
    return undefined
  }
  set.committer.push(ownJob(decided('talk')))
  set.committer.push(ownJob(decided('deal'), { scope: 'trade' }))
  set.committer.push(ownJob(decided('more talk')))
  await set.committer.idle()
  expect(seen).toEqual(['begins', 'talk', 'begins', 'locks', 'deal', 'more talk'])
})

describe('what would wait for others, or be stored, while its batch holds something', () => {
  /** Each begins a transaction, and tells what was decided in it; one decides late where others did before it. */
  const decidedWith = async (writes: boolean) => {
    const seen: string[] = []
    await using set = setUp(() => {}, { now: () => 1_000 })
    let [isBehind, more] = [false, 0]
    set.hooks.beforeWrite = () => {
      seen.push('begins')
      more = 0
    }
    set.hooks.txOf = tx => ({
      ...tx,
      deciding: by => void (isBehind = by.isBehind),
      get writes() {
        return tx.writes + more
      },
    })
    const decided = (name: string) => () => void seen.push(name)
    set.committer.push(ownJob(decided('one')))
    set.committer.push(ownJob(decided('two')))
    set.committer.push(ownJob(() => {
      if (writes) more++
      if (isBehind) throw new LateError('what the batch says is asked for late')
      seen.push('late')
      return undefined
    }))
    set.committer.push(ownJob(decided('three')))
    await set.committer.idle()
    return seen
  }

  test('goes first in the next one', async () => {
    expect(await decidedWith(false)).toEqual(['begins', 'one', 'two', 'begins', 'late', 'three'])
  })

  test('and where it had written already, those before it are decided anew, together', async () => {
    expect(await decidedWith(true)).toEqual(['begins', 'one', 'two', 'begins', 'one', 'two', 'begins', 'late', 'begins', 'three'])
  })
})

test('a batch that had to wait for others in between is run again as a batch, and begins with what it waits for', async () => {
  const seen: unknown[] = []
  await using set = setUp(results => void seen.push(results.map(({ kind }) => kind)), { now: () => 1_000 })
  const lock: Lock = { kind: 'rows', name: '@a' }
  let isHeld = true
  set.hooks.txOf = tx => ({
    ...tx,
    take: locks => {
      seen.push(locks)
      isHeld = false
    },
  })
  for (const name of ['one', 'two'])
    set.committer.push(ownJob(() => {
      seen.push(name)
      if (name === 'two' && isHeld) throw new HeldError([lock])
      return undefined
    }))
  await set.committer.idle()
  expect(seen).toEqual(['one', 'two', [lock], 'one', 'two', ['done', 'done']])
})

test('of what a write had go and was undone with it nobody is told', async () => {
  const store = openKeptLog()
  await store.write(tx => {
    for (const seq of [1, 2]) void tx.log.append({ stream: '#c', author: '@a' }, 1, () => Buffer.from(`{"seq":${seq}}`))
  })
  const told: Result[] = []
  await using set = setUp(results => void told.push(...results), undefined, undefined, store)
  const go = async (tx: Tx) => void await tx.keep.deleteThrough('#c', 1, 2)
  set.committer.push(ownJob(async tx => {
    await go(tx)
    throw new Error('not this time')
  }))
  set.committer.push(ownJob(() => ({})))
  await set.committer.idle()
  expect(told.map(({ kind }) => kind).sort()).toEqual(['done', 'failed'])
  set.committer.push(ownJob(async tx => {
    await go(tx)
    return {}
  }))
  await set.committer.idle()
  const effects = told.map(result => result.kind === 'done' ? result.outcome.effects ?? [] : [])
  expect(effects).toEqual([[], [], [{ kind: 'gone', channel: '#c', upTo: 1, seqs: [] }]])
})
