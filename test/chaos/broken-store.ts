// Stores that break one promise each, to prove that the harness notices; and a disk that can be filled.
import { setTimeout as sleep } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import type { LogReader, LogWriter } from '../../src/store/log.ts'
import { UndoneError, type Awaitable, type Store, type Tx } from '../../src/store/store.ts'
import type { Promised } from './promises.ts'
import type { Missed } from './shaken-bus.ts'

const lateMs = 40
/** Of writes every so many is one in whose worst moment the relay ends: chance alone finds that moment seldom on a busy machine. */
const killEvery = 50
const maxPages = 4_294_967_294

interface Moments {
  /** What the relay does to start is left alone. */
  readonly isUp: () => boolean
  /** What was broken is reckoned: it does not end any more. */
  readonly isCalm: () => boolean
}

/** `missed`: what others told of and this process did not hear. */
export const brokenStore = (store: Store, broken: Promised, { isUp, isCalm }: Moments, missed: Missed): Store => {
  const isLast = aimed(isCalm)
  const write: Store['write'] = broken === 'commit'
    ? fn => isUp() ? earlyWrite(store, fn, isLast) : store.write(fn)
    : broken === 'doubt'
    ? fn => isUp() ? believingWrite(store, fn) : store.write(fn)
    : broken === 'key'
    ? fn => isUp() ? forgetfulWrite(store, fn, isLast) : store.write(fn)
    : broken === 'change'
    ? fn => store.write(tx => fn(withoutChanges(tx)))
    : broken === 'lockout'
    ? fn => store.write(tx => fn(withoutLockouts(tx)))
    : fn => store.write(fn)
  const log = broken === 'resume'
    ? without(store.read.log, (_, seq) => seq % 7 === 0)
    : broken === 'repair'
    ? without(store.read.log, (stream, seq) => missed.has(stream, seq))
    : store.read.log
  return {
    epoch: store.epoch,
    read: { ...store.read, log },
    aside: broken === 'repair' ? { ...store.aside, log } : store.aside,
    write,
    space: () => store.space(),
    close: () => store.close(),
  }
}

/** Whether this is the write that the relay does not outlive. */
const aimed = (isCalm: () => boolean): () => boolean => {
  let writes = 0
  return () => ++writes % killEvery === 0 && !isCalm()
}

/** Resolves when the statements have run; the commit comes later, or never. */
const earlyWrite = <T>(store: Store, fn: (tx: Tx) => Awaitable<T>, isLast: () => boolean): Promise<T> =>
  new Promise((resolve, reject) => {
    store.write(async tx => {
      resolve(await fn(tx))
      if (tx.writes === 0) return
      await sleep(lateMs)
      if (isLast()) process.kill(process.pid, 'SIGKILL')
    }).catch(reject)
  })

/** What was undone once all statements had run is a commit whose fate was asked: the answer is not listened to. */
const believingWrite = async <T>(store: Store, fn: (tx: Tx) => Awaitable<T>): Promise<T> => {
  let done: { readonly result: T } | undefined
  try {
    return await store.write(async tx => {
      done = { result: await fn(tx) }
      return done.result
    })
  } catch (error) {
    if (error instanceof UndoneError && done !== undefined) return done.result
    throw error
  }
}

/** What was committed and never answered is said again. */
const forgetfulWrite = async <T>(store: Store, fn: (tx: Tx) => Awaitable<T>, isLast: () => boolean): Promise<T> => {
  let writes = 0
  const result = await store.write(async tx => {
    const done = await fn(withoutKeys(tx))
    writes = tx.writes
    return done
  })
  if (writes > 0 && isLast()) process.kill(process.pid, 'SIGKILL')
  return result
}

const withoutKeys = (tx: Tx): Tx => {
  const append: LogWriter['append'] = ({ stream, author, inbox }, now, encode) =>
    tx.log.append({ stream, author, ...(inbox && { inbox }) }, now, encode)
  return {
    ...tx,
    log: override(tx.log, { append }),
    get writes() {
      return tx.writes
    },
  }
}

/** An edit is stored without what it says, and what is taken back stays where it is. */
const withoutChanges = (tx: Tx): Tx => {
  const append: LogWriter['append'] = (entry, now, encode) => tx.log.append(entry, now, stamp => withoutEdit(encode(stamp)))
  return {
    ...tx,
    log: override(tx.log, { append }),
    keep: override(tx.keep, { blank: () => Promise.resolve([]) }),
    get writes() {
      return tx.writes
    },
  }
}

/** Nobody is asked for whom another process locked out meanwhile. */
const withoutLockouts = (tx: Tx): Tx => override(tx, { lockedOut: () => [], overtaken: () => tx.overtaken([]) })

const withoutEdit = (text: Buffer): Buffer =>
  text.includes('"edit":{') ? Buffer.from(JSON.stringify({ ...JSON.parse(text.toString()) as object, content: '' })) : text

/** Some are left out; never the last of a page, so that reading goes on. */
const without = (log: LogReader, isLeftOut: (stream: string, seq: number) => boolean): LogReader =>
  override(log, {
    page: async (stream, query) =>
      (await log.page(stream, query)).filter(({ seq }, i, rows) => !isLeftOut(stream, seq) || i === rows.length - 1),
  })

const override = <T extends object>(target: T, methods: Partial<T>): T =>
  new Proxy(target, {
    get: (_, name) => {
      const own = methods[name as keyof T]
      if (own !== undefined) return own
      const value = target[name as keyof T]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/** Nothing more fits into the database than is there, until it is healed. */
export const setDiskFull = (store: Store, isFull: boolean): Promise<unknown> =>
  store.write(tx => sql.raw(`PRAGMA max_page_count = ${isFull ? 1 : maxPages}`).execute(tx.tables() as Kysely<unknown>))
