// Versions of one relay beside each other: a newer one with tables that it changed starts beside an older one, which goes on, and starts again; a
// change that the older one breaks by waits until none of it runs. The newer version is this one with steps that are not there yet.
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import type { Migration, OpenStore, Step } from '../../src/store/store.ts'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase } from '../kit/postgres.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'
import { login, newKey, type Wire } from '../kit/wire.ts'

const feature = 'channels'
const withSteps = (...steps: readonly Step[]): OpenStore => options =>
  openStore({
    ...options,
    migrations: options.migrations.map((each): Migration =>
      each.feature === feature ? { ...each, postgres: [...each.postgres, ...steps] } : each
    ),
  })

/** Every table gets a column that the older version does not know. */
const wider: Step = {
  expand: `DO $$ DECLARE each regclass; BEGIN
    FOR each IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations' LOOP
      EXECUTE format('ALTER TABLE %s ADD COLUMN later BIGINT NOT NULL DEFAULT 7', each);
    END LOOP;
  END $$`,
}
const breaking: Step = 'ALTER TABLE channels DROP COLUMN later'

describe.skipIf(noNats !== undefined)('two versions on one database', () => {
  test('an older one goes on beside what a newer one adds, and is started again; what breaks it waits until none of it runs', async () => {
    await using database = await newDatabase()
    await using nats = await TestNats.start()
    const start = (node: string, ...steps: readonly Step[]): Promise<TestRelay> =>
      startTestRelay({ store: database.url, nats: nats.url, node, maxFileBytes: 0, autoJoin: [] }, { openStore: withSteps(...steps) })
    const stepsDone = async () =>
      (await database.ask<{ step: number, expand: boolean }>(
        `SELECT step::int, expand FROM migrations WHERE feature = '${feature}' ORDER BY step DESC`,
      ))[0]!
    /** What reads and writes most tables; what is prepared by it is run again after they were changed. */
    const live = async (wire: Wire, n: number) => {
      const ask = async (type: string, fields: object, answer: Parameters<Wire['ask']>[1]) => await wire.ask({ type, ...fields }, answer)
      const room = `#room${n}`
      await ask('CREATE_CHANNEL', { channel: room }, 'JOINED')
      await ask('MSG', { to: room, content: `said ${n}`, id: `m${n}` }, 'ACK')
      await ask('MSG', { to: room, content: `said ${n}`, id: `m${n}` }, 'ACK')
      await ask('SET_CHANNEL', { channel: room, slow_mode_ms: 0 }, 'CHANNEL_CHANGED')
      await ask('HISTORY', { channel: room }, 'HISTORY')
      await ask('LIST_CHANNELS', {}, 'CHANNELS')
      await ask('WHOIS', { agent: key.id }, 'WHOIS')
      await ask('INBOX', {}, 'INBOX')
    }
    const key = newKey()
    const before = await stepsDone()
    const old = await start('old')
    const ada = await login(old.url, 'ada', { key })
    await live(ada, 1)
    await live(ada, 2)

    const fresh = await start('fresh', wider)
    expect(await stepsDone()).toEqual({ step: before.step + 1, expand: true })
    await using bob = await login(fresh.url, 'bob', { key: newKey() })
    // Each statement that the older one has prepared on what was changed is made anew, and nothing is refused.
    await live(ada, 3)
    await live(ada, 4)
    await bob.ask({ type: 'JOIN', channel: '#room3', since: 0 }, 'JOINED')
    expect(await bob.next('MSG')).toMatchObject({ content: 'said 3' })
    await ada.ask({ type: 'MSG', to: '#room3', content: 'from the older one', id: 'x' }, 'ACK')
    expect(await bob.next('MSG')).toMatchObject({ content: 'from the older one', seq: 2 })
    await bob.ask({ type: 'MSG', to: key.id, content: 'from the newer one', id: 'y' }, 'ACK')
    // Her own come to her, too.
    const heard = await ada.take('MSG', 6)
    expect(heard.at(-1)).toMatchObject({ content: 'from the newer one', from: bob.id })
    await ada[Symbol.asyncDispose]()

    // It is started again, or one more of it, while the others get the new version.
    await old.drain()
    const again = await start('old')
    await using adaAgain = await login(again.url, 'ada', { key, inbox: 'none' })
    await live(adaAgain, 5)

    // The next version drops what these use.
    await expect(start('next', wider, breaking)).rejects.toMatchObject({
      message: expect.stringMatching(/older processes cannot go on beside, and some run: fresh \(.+\), old \(.+\)/),
      hint: expect.stringContaining('Stop them all'),
    })
    expect(await stepsDone()).toEqual({ step: before.step + 1, expand: true })
    await live(adaAgain, 6)

    await adaAgain[Symbol.asyncDispose]()
    await again.drain()
    await bob[Symbol.asyncDispose]()
    await fresh.drain()
    await using next = await start('next', wider, breaking)
    expect(await stepsDone()).toEqual({ step: before.step + 2, expand: false })
    await using adaAtNext = await login(next.url, 'ada', { key, inbox: 'none' })
    await live(adaAtNext, 7)
    await expect(start('old')).rejects.toMatchObject({ message: expect.stringContaining('written by a newer AgentChat') })
  }, 60_000)

  test('a relay that is alone on its database refuses a newer one, whatever changed', async () => {
    await using database = await newDatabase()
    const open = (...steps: readonly Step[]) => startTestRelay({ store: database.url }, { openStore: withSteps(...steps) })
    await (await open(wider)).drain()
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('written by a newer AgentChat') })
  })
})
