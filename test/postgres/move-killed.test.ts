// A move between the engines that is killed where it is not yet certain: at most one of the two sides starts, and the move can be finished.
import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { Cli } from '../kit/cli.ts'
import { newFolder } from '../kit/folder.ts'
import { newDatabase, urlOf } from '../kit/postgres.ts'
import { builtBin, Program } from '../kit/process.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay } from '../kit/relay.ts'
import { newKey } from '../kit/wire.ts'

const key = newKey()
const refused = expect.stringContaining('was being moved to') as string
const left = expect.stringContaining('was moved to') as string

/** A relay's directory with one message, an empty database, and a line to it on which `agentchat migrate` is killed. */
const ground = async () => {
  const folder = newFolder()
  const database = await newDatabase()
  const proxy = await newProxy(database.server.port)
  const data = folder.at('data')
  const url = new URL(urlOf(database.server, database.name, true))
  url.port = String(proxy.port)
  const env = { AGENTCHAT_STORE: url.href }
  /** A relay that has a message more afterwards; tells its number, or why it does not start. */
  const started = async (store?: string): Promise<number | string> => {
    try {
      await using relay = await startTestRelay({ data, store })
      await using alice = await relay.login('alice', { key })
      return (await alice.ask({ type: 'MSG', to: '#general', content: 'hello', id: randomUUID() }, 'ACK')).seq
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(await started()).toBe(1)
  return {
    /** What comes of starting a relay on either side. */
    sides: async () => [await started(), await started(database.url)],
    migrate: async (...args: readonly string[]) => {
      using cli = new Cli()
      return cli.run(['migrate', '--data', data, ...args, '-y'], { env })
    },
    /** It hears nothing any more once it has said this text for the so-manieth time; then it is killed. */
    killAt: async (text: string, time: number, passes: boolean, ...args: readonly string[]) => {
      proxy.holdAt(text, time, passes)
      await using program = new Program(process.execPath, [builtBin(), 'migrate', '--data', data, ...args, '-y'], { env })
      await vi.waitFor(() => {
        expect(proxy.isHeld, program.stderr).toBe(true)
      }, 20_000)
      // What was passed on is done.
      await vi.waitFor(async () => {
        const rows = await database.ask("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'")
        expect(rows).toHaveLength(1)
      }, 20_000)
      program.signal('SIGKILL')
      await program.ended
    },
    database,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** The second one is that of the move, the first that of the tables it looks after. */
const commit = ['COMMIT', 2] as const
/** The statement of a mark: the first says that it moves, the second that it has moved. */
const mark = (time: number) => ['WITH gone', time] as const

test('to a server, behind its COMMIT: the directory is refused, the database has everything, and the next run says so', async () => {
  await using it = await ground()
  await it.killAt(...commit, true, '--to', 'env')
  expect(await it.sides()).toEqual([refused, 2])
  expect(await it.migrate('--to', 'env')).toMatchObject({ code: 0 })
  expect(await it.sides()).toEqual([left, 3])
  expect(await it.migrate('--back')).toMatchObject({ code: 0 })
  expect(await it.sides()).toEqual([4, left])
}, 120_000)

test('to a server, behind its COMMIT, and taken back at once: what was said there comes too', async () => {
  await using it = await ground()
  await it.killAt(...commit, true, '--to', 'env')
  expect(await it.sides()).toEqual([refused, 2])
  expect(await it.migrate('--back')).toMatchObject({ code: 0 })
  expect(await it.sides()).toEqual([3, left])
}, 120_000)

test('to a server, before its COMMIT: nothing starts with what there is, until it is moved again or taken back', async () => {
  await using it = await ground()
  const nothing = () => it.database.ask('SELECT 1 FROM agents')
  await it.killAt(...commit, false, '--to', 'env')
  await using other = await newDatabase()
  expect((await it.migrate('--to', other.url)).stderr).toContain('was being moved to')
  expect((await it.migrate('--back', '--from', other.url)).stderr).toContain('was being moved to')
  expect(await nothing()).toEqual([])
  expect(await it.migrate('--back')).toMatchObject({ code: 0 })
  expect(await nothing()).toEqual([])
  await it.killAt(...commit, false, '--to', 'env')
  expect(await it.migrate('--to', 'env')).toMatchObject({ code: 0 })
  expect(await it.sides()).toEqual([left, 2])
}, 120_000)

test('back, before the directory has it, and when it has it: the database is refused, and the next run finishes it', async () => {
  await using it = await ground()
  expect(await it.migrate('--to', 'env')).toMatchObject({ code: 0 })
  await it.killAt(...mark(1), true, '--back')
  // It was marked, and not yet committed: nothing has happened.
  expect(await it.sides()).toEqual([left, 2])
  await it.killAt(...commit, true, '--back')
  expect(await it.sides()).toEqual([left, refused])
  await it.killAt(...mark(2), false, '--back')
  expect(await it.sides()).toEqual([3, refused])
  expect(await it.migrate('--back')).toMatchObject({ code: 0 })
  expect(await it.sides()).toEqual([4, left])
}, 120_000)
