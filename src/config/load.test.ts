import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError, loadConfig, strayVariables } from './load.ts'
import { defaultConfig, envName, flagName, settingKeys } from './schema.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentchat-config-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const yaml = (text: string): string => {
  const file = join(dir, 'agentchat.yaml')
  writeFileSync(file, text)
  return file
}

const problemsOf = async (sources: Parameters<typeof loadConfig>[0]) => {
  const error: unknown = await loadConfig(sources).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConfigError)
  return (error as ConfigError).problems
}

/** Problems come in the order of the table. */
const order = (message: string): number => settingKeys.findIndex(key => message.startsWith(`${key} `))

test('nothing set gives the defaults', async () => {
  expect(await loadConfig({})).toEqual(defaultConfig())
})

test('flags win over environment, environment over file, file over default', async () => {
  const file = yaml('port: 1\nname: file\nmsgBurst: 3\n')
  const config = await loadConfig({ flags: { port: '3' }, env: { AGENTCHAT_PORT: '2', AGENTCHAT_NAME: 'env' }, file })
  expect([config.port, config.name, config.msgBurst, config.joinReplay]).toEqual([3, 'env', 3, 20])
})

test('the names of existing deployments work, the new ones win; what any program may have set is not taken', async () => {
  expect(await loadConfig({ env: { SERVER_NAME: 'theirs', ALLOWLIST_ADMIN_KEY: 'long enough for one' } })).toMatchObject({
    name: 'theirs',
    adminKey: 'long enough for one',
  })
  expect((await loadConfig({ env: { SERVER_NAME: 'theirs', AGENTCHAT_NAME: 'ours' } })).name).toBe('ours')
  expect(await loadConfig({ env: { PORT: '7000', HOST: '0.0.0.0' } })).toMatchObject({ port: 6_667, host: '127.0.0.1' })
})

test('a setting takes units of its own kind only', async () => {
  expect(
    await loadConfig({
      flags: { retentionBytes: '2M', maxFrameBytes: '4mib', retentionAgeMs: '2m', publishWindowMs: '1.5h', maxMemory: '1GiB' },
    }),
  )
    .toMatchObject({
      maxMemory: 1_024 ** 3,
      retentionBytes: 2_000_000,
      maxFrameBytes: 4 * 1_024 ** 2,
      retentionAgeMs: 120_000,
      publishWindowMs: 5_400_000,
    })
  const size = 'must be a size in bytes, or with one of k, M, G, KiB, MiB, GiB'
  const time = 'must be a time in ms, or with one of ms, s, m, h, d'
  for (
    const [flags, message] of [
      [{ retentionBytes: '2m' }, `retentionBytes ${size}, not "2m"`],
      [{ retentionBytes: '2s' }, `retentionBytes ${size}, not "2s"`],
      [{ retentionAgeMs: '2M' }, `retentionAgeMs ${time}, not "2M"`],
      [{ retentionAgeMs: '2MiB' }, `retentionAgeMs ${time}, not "2MiB"`],
      [{ port: '17s' }, 'port must be a number without a unit, not "17s"'],
      [{ port: '0x1A' }, 'port must be a number without a unit, not "0x1A"'],
      [{ port: '1e3' }, 'port must be a number without a unit, not "1e3"'],
      [{ msgBurst: '' }, 'msgBurst must be a number without a unit, not ""'],
      [{ msgBurst: '1..5' }, 'msgBurst must be a number without a unit, not "1..5"'],
    ] as const
  ) {
    expect(await problemsOf({ flags })).toMatchObject([{ message }])
  }
})

test('what is wrong is said with the name of the setting, in words', async () => {
  const messages = (await problemsOf({
    flags: { port: '70000', msgBurst: '0', joinReplay: '1.5', durability: 'most', redact: 'perhaps', channels: '#ok,nope', name: '' },
    file: yaml('msgRate: fast\nmaxServers: true\nautoJoin: 7\n'),
  })).map(({ message }) => message)
  expect(messages).toEqual([
    'port must be at most 65535, not "70000"',
    'name must not be empty, not ""',
    'durability must be one of normal, full, not "most"',
    'redact must be yes or no, not "perhaps"',
    'channels item 2 must be a channel like #general, not "#ok,nope"',
    'maxServers must be a number, not true',
    'autoJoin must be a list, not 7',
    'joinReplay must be a whole number, not "1.5"',
    'msgRate must be a number without a unit, not "fast"',
    'msgBurst must be at least 1, not "0"',
  ].sort((a, b) => order(a) - order(b)))
})

test('a variable that looks like a setting and is none is told', () => {
  expect(strayVariables({ AGENTCHAT_RETENTION_BYTE: '1', AGENTCHAT_NAME: 'x', AGENTCHAT_URL: 'ws://a', OTHER: '', AGENTCHAT_X: '1' }))
    .toEqual([
      'AGENTCHAT_RETENTION_BYTE is no setting; did you mean AGENTCHAT_RETENTION_BYTES?',
      'AGENTCHAT_X is no setting; see docs/CONFIG.md',
    ])
})

test('text becomes what the setting is', async () => {
  const config = await loadConfig({
    env: {
      AGENTCHAT_MAX_FRAME_BYTES: '1MiB',
      AGENTCHAT_DRAIN_MS: '30s',
      AGENTCHAT_REDACT: 'no',
      AGENTCHAT_CHANNELS: '#a, #b',
      AGENTCHAT_MSG_RATE: '0.5',
    },
  })
  expect(config).toMatchObject({ maxFrameBytes: 1_048_576, drainMs: 30_000, redact: false, channels: ['#a', '#b'], msgRate: 0.5 })
})

test('unlimited messages lift the other rates, unless they are set', async () => {
  expect(await loadConfig({ flags: { msgRate: '0' } })).toMatchObject({ msgRate: 0, addressRate: 0, frameRate: 0 })
  expect(await loadConfig({ flags: { msgRate: '0', frameRate: '7' } })).toMatchObject({ addressRate: 0, frameRate: 7 })
  expect(defaultConfig({ msgRate: 0 })).toMatchObject({ addressRate: 0, frameRate: 0 })
})

test('every problem is told at once, with its place', async () => {
  const file = yaml('port: 70000\nmaxChanels: 5\ncreateChannels: nobody\n')
  const problems = await problemsOf({ flags: { msgRate: 'fast' }, env: { AGENTCHAT_REDACT: 'maybe' }, file })
  expect(problems.map(problem => problem.where)).toEqual([`${file}:2`, `${file}:1`, 'AGENTCHAT_REDACT', `${file}:3`, '--msg-rate'])
  expect(problems[0]!.message).toContain('did you mean maxChannels?')
})

test('a secret is never shown', async () => {
  const [problem] = await problemsOf({ env: { AGENTCHAT_ADMIN_KEY: 's3cret' } })
  expect(problem!.message).not.toContain('s3cret')
  expect(problem!.message).toContain('at least 16 characters')
})

test('a certificate without its key, a missing file and broken YAML are told', async () => {
  expect((await problemsOf({ flags: { cert: 'x.pem' } }))[0]!.message).toBe('give both or neither')
  expect((await problemsOf({ file: join(dir, 'none.yaml') }))[0]!.message).toContain('cannot be read')
  expect((await problemsOf({ file: yaml('port: 1\nport: 2\n') }))[0]!.where).toMatch(/:2$/)
  expect((await problemsOf({ file: yaml('- a') }))[0]!.message).toContain('must hold settings')
  expect((await loadConfig({ file: yaml('') })).port).toBe(6_667)
})

test('a relay that announces itself says where it is', async () => {
  const announce = 'https://directory.example'
  expect((await problemsOf({ flags: { announce } }))[0]!.message).toContain('give --public-urls too')
  expect((await loadConfig({ flags: { announce, publicUrls: 'wss://relay.example' } })).announce).toEqual([announce])
  expect((await loadConfig({ flags: { announce, host: '127.0.0.1' } })).publicUrls).toEqual([])
  const wrong = {
    announce: 'directory.example',
    publicUrls: 'https://relay.example',
    name: 'red \u001b[31m',
    region: 'a b',
    maxServers: '0',
  }
  expect((await problemsOf({ flags: wrong })).map(({ where }) => where).sort()).toEqual([
    '--announce',
    '--max-servers',
    '--name',
    '--public-urls',
    '--region',
  ])
})

test('flags and variables are named after the key, each its own', () => {
  expect([flagName('maxConnectionsPerIp'), envName('maxConnectionsPerIp')]).toEqual([
    '--max-connections-per-ip',
    'AGENTCHAT_MAX_CONNECTIONS_PER_IP',
  ])
  expect(new Set(settingKeys.map(flagName)).size).toBe(settingKeys.length)
})
