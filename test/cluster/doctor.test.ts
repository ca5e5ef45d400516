// What `agentchat doctor` tells whoever operates several processes: with the settings of one of them, before and while they run.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultConfig, type Config } from '../../src/app.ts'
import { Cli } from '../kit/cli.ts'
import { TestNats } from '../kit/nats.ts'
import { noNats } from '../kit/nats-run.ts'
import { startPooler } from '../kit/pooler.ts'
import { newDatabase, urlOf, type TestDatabase } from '../kit/postgres.ts'
import { newProxy, type Proxy } from '../kit/proxy.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
  readonly next?: string
}

const found = async (env: Readonly<Record<string, string>>, args: readonly string[] = [], aheadMs = 0) => {
  using cli = new Cli()
  const { json, code } = await cli.run(['doctor', ...args], { env, now: () => Date.now() + aheadMs })
  return { code, findings: json as unknown as readonly Finding[], of: (check: string) => json.filter(each => each['check'] === check) }
}

describe('the database', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await newDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())

  test.each([[false, 'A pooler lends connections'], [true, 'unsupported startup parameter']] as const)(
    'behind a pooler by the transaction is not taken (strict: %s)',
    async (isStrict, why) => {
      await using pooler = await startPooler(database.server, { database: database.name, isStrict })
      const { code, of } = await found({ AGENTCHAT_STORE: urlOf({ ...database.server, port: pooler.port }, database.name, true) })
      expect(code).not.toBe(0)
      expect(of('store')).toEqual([{
        check: 'store',
        status: 'fail',
        message: expect.stringContaining(why) as string,
        next: expect.stringContaining('not a pooler') as string,
      }])
    },
  )

  test('is taken by its own port, and nothing is said of processes where none runs', async () => {
    const { of } = await found({ AGENTCHAT_STORE: urlOf(database.server, database.name, true) })
    expect(of('store')).toMatchObject([{ status: 'ok', message: expect.stringMatching(/^PostgreSQL/) as string }])
    expect(of('nodes')).toEqual([])
    expect(of('clock')).toEqual([])
  })

  test.each([[90_000, 'ahead of'], [-90_000, 'behind']] as const)("whose clock is another than the machine's is told (%i ms)",
    async (ms, how) => {
      const { of } = await found({ AGENTCHAT_STORE: database.url }, [], ms)
      expect(of('clock')).toMatchObject([{ status: 'warn', message: expect.stringContaining(`${how} the database's`) as string }])
    })

  test('files want a bucket where there are several processes, and those want a database', async () => {
    const { of } = await found({ AGENTCHAT_NATS: 'nats://127.0.0.1:1' })
    expect(of('config').map(({ status, message }) => [status, message])).toEqual([
      ['ok', expect.anything()],
      ['fail', expect.stringContaining('--store')],
      ['fail', expect.stringContaining('filesBucket')],
    ])
  })
})

describe.skipIf(noNats !== undefined)('several processes', () => {
  let database: TestDatabase
  let nats: TestNats
  let balancer: Proxy
  let nodes: readonly TestRelay[]
  let env: Readonly<Record<string, string>>

  const { msgRate, pingTimeoutMs } = defaultConfig()
  beforeAll(async () => {
    database = await newDatabase()
    nats = await TestNats.start()
    balancer = await newProxy(0)
    const publicUrls = [`ws://127.0.0.1:${balancer.port}`]
    const shared: Partial<Config> = { store: database.url, nats: nats.url, maxFileBytes: 0, publicUrls, msgRate, pingTimeoutMs }
    nodes = [
      await startTestRelay({ ...shared, node: 'a' }, { pace: { isOwnTime: true } }),
      await startTestRelay({ ...shared, node: 'b' }, { pace: { isOwnTime: true } }),
    ]
    balancer.leadTo(Number(new URL(nodes[0]!.url).port))
    env = {
      AGENTCHAT_STORE: database.url,
      AGENTCHAT_NATS: nats.url,
      AGENTCHAT_MAX_FILE_BYTES: '0',
      AGENTCHAT_CONSOLE: 'no',
      AGENTCHAT_PUBLIC_URLS: publicUrls[0]!,
    }
  }, 60_000)
  afterAll(async () => {
    for (const node of nodes) await node.drain()
    await balancer[Symbol.asyncDispose]()
    await nats[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  /** A third one, by what it says of itself. */
  const beside = async (
    says: { readonly version?: string, readonly config?: string, readonly facts?: object },
    use: () => Promise<void>,
  ) => {
    await database.ask(`INSERT INTO nodes (name, incarnation, version, config, since, until, state, facts)
      SELECT 'c', 'other', '${says.version ?? ''}' || CASE WHEN '${says.version ?? ''}' = '' THEN version ELSE '' END,
        coalesce(nullif('${says.config ?? ''}', ''), config), since, until + 3600000, 'serving', '${JSON.stringify(says.facts ?? {})}'
      FROM nodes WHERE name = 'a'`)
    await use()
    await database.ask("DELETE FROM nodes WHERE name = 'c'")
  }

  test('that stand well are told so, with their way in', async () => {
    const { code, findings } = await found(env, [`ws://127.0.0.1:${balancer.port}`])
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ['node', 'ok'],
      ['sqlite', 'ok'],
      ['config', 'ok'],
      ['store', 'ok'],
      ['nats', 'ok'],
      ['nodes', 'ok'],
      ['versions', 'ok'],
      ['settings', 'ok'],
      ['urls', 'ok'],
      ['identity', 'warn'],
      ['health', 'ok'],
      ['login', 'ok'],
    ])
    expect(code).toBe(0)
    const told = findings.map(({ message }) => message).join('\n')
    expect(told).toMatch(/NATS \d+\.\d+.*takes messages of 4194304 bytes/)
    expect(told).toContain('a, b: each hears the others')
    expect(told).toContain('2 processes')
  })

  test('that differ are named', async () => {
    await beside({ version: '0.0.9', config: 'another', facts: { bus: 'down' } }, async () => {
      const { code, of } = await found(env)
      expect(code).not.toBe(0)
      expect(of('nodes')).toMatchObject([{ status: 'fail', message: 'NATS does not answer these: c' }])
      expect(of('versions')).toMatchObject([{ status: 'warn', message: expect.stringMatching(/\(a, b\); 0\.0\.9 \(c\)$/) as string }])
      expect(of('settings')).toMatchObject([{ status: 'warn', message: expect.stringMatching(/: a, b; c$/) as string }])
      expect(of('urls')).toMatchObject([{ status: 'warn', message: expect.stringContaining('one of 2 processes, and 3 run') as string }])
    })
    await beside({ facts: { bus: 'up', unheard: 1 } }, async () => {
      const { of } = await found(env)
      expect(of('nodes')).toMatchObject([{ status: 'warn', message: expect.stringMatching(/others that run: c$/) as string }])
      expect(of('settings')).toMatchObject([{ status: 'ok' }])
    })
    expect((await found({ ...env, AGENTCHAT_MSG_RATE: '3' })).of('settings')).toMatchObject([{ status: 'warn' }])
  })

  test('a balancer that is not set, leads elsewhere or is away, and whose word is not taken, is told', async () => {
    const { AGENTCHAT_PUBLIC_URLS: _, ...without } = env
    expect((await found(without)).of('urls')).toMatchObject([{
      status: 'warn',
      next: expect.stringContaining('AGENTCHAT_PUBLIC_URLS') as string,
    }])
    await using alone = await startTestRelay()
    balancer.leadTo(Number(new URL(alone.url).port))
    expect((await found(env)).of('urls')).toMatchObject([{
      status: 'fail',
      message: expect.stringContaining('no other processes') as string,
    }])
    balancer.leadTo(Number(new URL(nodes[1]!.url).port))
    const elsewhere = await found({ ...env, AGENTCHAT_PUBLIC_URLS: 'wss://relay.invalid' })
    expect(elsewhere.of('urls')).toMatchObject([{ status: 'fail' }])
    expect(elsewhere.of('proxies')).toMatchObject([{
      status: 'warn',
      next: expect.stringContaining('AGENTCHAT_TRUSTED_PROXIES') as string,
    }])
    const trusting = await found({ ...env, AGENTCHAT_PUBLIC_URLS: 'wss://relay.invalid', AGENTCHAT_TRUSTED_PROXIES: '10.0.0.0/8' })
    expect(trusting.of('proxies')).toEqual([])
  })

  test('a server of NATS that is away, takes too little, or lets nobody speak is told with what to do', async () => {
    const { AGENTCHAT_NATS: _, ...without } = env
    expect((await found(without)).of('nodes')).toMatchObject([{ status: 'fail', message: expect.stringMatching(/: a, b$/) as string }])
    expect((await found({ ...env, AGENTCHAT_NATS: 'nats://127.0.0.1:1' })).of('nats')).toMatchObject([{ status: 'fail' }])
    await using small = await TestNats.start(1024 * 1024)
    expect((await found({ ...env, AGENTCHAT_NATS: small.url })).of('nats')).toMatchObject([{
      status: 'fail',
      next: expect.stringContaining('max_payload: ') as string,
    }])
    await using mute = await TestNats.start(undefined,
      'authorization { users: [{ user: u, password: p, permissions: { publish: "other.>", subscribe: ">" } }] }')
    expect((await found({ ...env, AGENTCHAT_NATS: mute.url.replace('//', '//u:p@') })).of('nats')).toMatchObject([{
      status: 'fail',
      next: 'Let its user publish and subscribe to agentchat.agentchat.>',
    }])
  })
})
