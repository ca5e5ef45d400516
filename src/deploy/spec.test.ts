// deploy.yaml: what is accepted, what each fault is called, and on which line it stands.
import { describe, expect, test } from 'vitest'
import { SpecError, deploySchema, environmentOf, parseSpec } from './spec.ts'

const problems = async (text: string): Promise<readonly string[]> => {
  const error = await parseSpec(text).then(() => undefined, (error: unknown) => error)
  expect(error).toBeInstanceOf(SpecError)
  return (error as SpecError).message.split('\n')
}

describe('deploy.yaml', () => {
  test('an empty file is a deployment with every default', async () => {
    const spec = await parseSpec('')
    expect(spec).toMatchObject({
      name: 'agentchat',
      port: 6_667,
      durability: 'normal',
      target: 'docker',
      adminAgents: [],
      environment: {},
      size: { cpu: 1, memory: 512 * 1_024 ** 2, storage: 1_024 ** 3 },
      docker: { bind: '127.0.0.1' },
      akash: { network: 'sandbox', maxMonthlyAct: '10' },
    })
    expect(spec).toEqual(deploySchema.parse({}))
  })

  test('everything can be said', async () => {
    const spec = await parseSpec(`
name: chat
image: ghcr.io/owner/agentchat:0.1.0@sha256:${'a'.repeat(64)}
size: { cpu: 0.5, memory: 256Mi, storage: 20Gi }
port: 7000
domain: chat.example.org
volume: { name: log, class: beta3 }
durability: full
adminAgents: ['@8addfe276526c9f6']
environment: { AGENTCHAT_MSG_RATE: 5, AGENTCHAT_CAPTCHA: true, MOTD: "Hello: world", OTHER: '' }
target: akash
kubernetes: { namespace: chat, ingressClass: nginx, clusterIssuer: letsencrypt, serviceMonitor: true }
akash: { network: mainnet, region: us-west, attributes: { host: akash }, auditors: [akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63], depositAct: 1.25, maxPriceUact: 12.000000000000000001 }
`)
    expect(spec.size).toEqual({ cpu: 0.5, memory: 256 * 1_024 ** 2, storage: 20 * 1_024 ** 3 })
    expect(spec.akash).toMatchObject({ depositAct: '1.25', region: 'us-west' })
    expect(environmentOf(spec)).toEqual({
      AGENTCHAT_NAME: 'chat',
      AGENTCHAT_PORT: '7000',
      AGENTCHAT_DURABILITY: 'full',
      AGENTCHAT_MAX_DATA_BYTES: String(16 * 1_024 ** 3),
      AGENTCHAT_ADMIN_AGENTS: '@8addfe276526c9f6',
      AGENTCHAT_MSG_RATE: '5',
      AGENTCHAT_CAPTCHA: 'true',
      MOTD: 'Hello: world',
      OTHER: '',
    })
  })

  test('every fault is told, each with its line', async () => {
    expect(await problems(`name: Chat Room
prot: 6667
port: 80
size:
  memory: 512MB
  strorage: 1Gi
domain: https://chat.example.org
target: heroku
akash:
  maxFeeAkt: lots
  maxMonthlyAct: -1
`)).toEqual([
      expect.stringMatching(/^deploy\.yaml:1: name: small letters/),
      'deploy.yaml:2: prot: there is no such key; did you mean port?',
      'deploy.yaml:3: port: a port from 1024 on: the relay does not run as root',
      expect.stringMatching(/^deploy\.yaml:5: size\.memory: a size like 512Mi/),
      'deploy.yaml:6: size.strorage: there is no such key; did you mean storage?',
      expect.stringMatching(/^deploy\.yaml:7: domain: a host name like/),
      expect.stringMatching(/^deploy\.yaml:8: target: .*"docker"/),
      expect.stringMatching(/^deploy\.yaml:10: akash\.maxFeeAkt: an amount in AKT/),
      expect.stringMatching(/^deploy\.yaml:11: akash\.maxMonthlyAct: an amount in ACT/),
    ])
  })

  test('settings of the relay are checked as the relay would, and have one place', async () => {
    expect(await problems(`environment:
  AGENTCHAT_MSG_RATE: fast
  AGENTCHAT_MGS_BURST: 5
  AGENTCHAT_ADMIN_KEY: hunter2hunter2hunter2
  AGENTCHAT_PORT: 80
  DATA_DIR: /elsewhere
`)).toEqual([
      expect.stringMatching(/^deploy\.yaml:2: environment\.AGENTCHAT_MSG_RATE: .*"fast"/),
      expect.stringMatching(/^deploy\.yaml:3: .*did you mean AGENTCHAT_MSG_BURST\?/),
      expect.stringMatching(/^deploy\.yaml:4: .*is a secret/),
      'deploy.yaml:5: environment.AGENTCHAT_PORT: is said with port',
      'deploy.yaml:6: environment.DATA_DIR: is said with volume',
    ])
  })

  test('a database is named without its password, which is repeated nowhere', async () => {
    const store = 'postgres://agentchat@db.example:5432/agentchat?sslmode=verify-full'
    const spec = await parseSpec(`store: ${store}\ndurability: full`)
    expect(environmentOf(spec)).toEqual({ AGENTCHAT_NAME: 'agentchat', AGENTCHAT_PORT: '6667', AGENTCHAT_STORE: store })
    for (const wrong of ['postgres://agentchat:hunter2@db.example/agentchat', 'postgres://db.example/agentchat?user=a&password=hunter2']) {
      const told = (await problems(`name: chat\nstore: ${wrong}`)).join()
      expect(told).toMatch(/^deploy\.yaml:2: store: holds a password.*PGPASSWORD/)
      expect(told).not.toContain('hunter2')
    }
    expect(await problems(`environment:\n  AGENTCHAT_STORE: ${store}\n  PGPASSWORD: hunter2`)).toEqual([
      'deploy.yaml:2: environment.AGENTCHAT_STORE: is said with store',
      expect.stringMatching(/^deploy\.yaml:3: environment\.PGPASSWORD: is a secret/),
    ])
  })

  test('what is wrong depends on the target that is taken, not on the one that is written', async () => {
    const text = 'environment: { AGENTCHAT_CERT: /etc/tls/a.pem, AGENTCHAT_KEY: /etc/tls/a.key }'
    await expect(parseSpec(text)).rejects.toThrow('docker does not mount its files')
    expect(await parseSpec(text, 'deploy.yaml', 'systemd')).toMatchObject({ target: 'systemd' })
    await expect(parseSpec(`target: systemd\n${text}`, 'deploy.yaml', 'akash')).rejects.toThrow('akash does not mount its files')
  })

  test('a secret is not repeated in its error', async () => {
    expect((await problems('environment: { AGENTCHAT_ADMIN_KEY: "short" }')).join()).not.toContain('short')
  })

  test.each([
    ['not YAML', 'name: [', /^deploy\.yaml:1/],
    ['a list', '- name: a', /^deploy\.yaml:1: must hold a deployment/],
    ['a key twice', 'name: a\nname: b', /^deploy\.yaml:2: .*unique/],
    ['null', 'name:', /^deploy\.yaml:1: name/],
    ['a line break that would forge a line of a unit', 'environment: { MOTD: "a\\nExecStart=/bin/sh" }', /line breaks/],
    ['a separator that providers read differently', 'environment: { MOTD: "a\\u2028b" }', /line breaks/],
    ['a wrong name of a variable', 'environment: { "A=B": c }', /variable is named/],
    ['an expansion of a shell', 'docker: { build: "$(reboot)" }', /a path/],
    ['an unknown reference', 'name: *other', /^deploy\.yaml/],
    [
      'a bomb of references',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nname: [${'*c,'.repeat(9)}*c]`,
      /^deploy\.yaml/,
    ],
    ['a prototype', '__proto__: { name: x }', /^deploy\.yaml/],
    ['too much', `#${'x'.repeat(70_000)}`, /64 KiB/],
    [
      'pings too seldom for an ingress',
      'target: akash\nenvironment: { AGENTCHAT_PING_INTERVAL_MS: 60s }',
      /^deploy\.yaml:2: environment\.AGENTCHAT_PING_INTERVAL_MS: at most 45s/,
    ],
    [
      'more time to drain than targets give',
      'environment: { AGENTCHAT_DRAIN_MS: 60s }',
      /^deploy\.yaml:1: environment\.AGENTCHAT_DRAIN_MS: at most 10s/,
    ],
    ['a certificate whose files are not there', 'environment: { TLS_CERT: a, TLS_KEY: b }', /environment\.TLS_CERT: docker does not mount/],
    ['an ingress without a name', 'kubernetes: { ingressClass: nginx }', /^deploy\.yaml:1: kubernetes: .*need a domain/],
    ['another kind of store', 'store: mysql://db.example/agentchat', /^deploy\.yaml:1: store: a url like postgres/],
    ['a store that is no url', 'store: "postgres://[::/agentchat"', /^deploy\.yaml:1: store: a url like postgres/],
    ['a line break in a store', 'store: "postgres://db.example/a\\nUser=root"', /^deploy\.yaml:1: store: a url like postgres/],
    ['a second relay on a volume', 'replicas: 2', /^deploy\.yaml:1: replicas: .* one relay's, .* store: postgres:\/\/.* nats: nats:\/\//],
    ['relays that do not hear each other', 'store: postgres://a@db.example/a\nreplicas: 3', /^deploy\.yaml:2: replicas: .* set nats/],
    ['NATS without a database', 'nats: nats://nats.example', /^deploy\.yaml:1: nats: .* set store/],
    [
      'a password of NATS',
      'store: postgres://a@db.example/a\nnats: nats://a:b@nats.example',
      /^deploy\.yaml:2: nats: holds a password.*AGENTCHAT_NATS/,
    ],
    [
      'several relays in one unit',
      'target: systemd\nstore: postgres://a@db.example/a\nnats: nats://n\nreplicas: 2',
      /^deploy\.yaml:4: replicas: a unit is one process/,
    ],
    [
      'one name for several',
      'store: postgres://a@db.example/a\nnats: nats://n\nreplicas: 2\nenvironment: { AGENTCHAT_NODE: a }',
      /^deploy\.yaml:4: environment\.AGENTCHAT_NODE: .* a name of its own/,
    ],
    ['a database inside the container', 'store: postgres://a@localhost/a', /^deploy\.yaml:1: store: localhost is inside the relay's own/],
    [
      'a socket inside the pod',
      'target: kubernetes\nstore: postgres:///a?host=/run/postgresql',
      /^deploy\.yaml:2: store: a socket is inside/,
    ],
    [
      'a database for a lease',
      'target: akash\nstore: postgres://a@db.example/a',
      /^deploy\.yaml:2: store: akash has no place for its password/,
    ],
    ['a plain http node', 'akash: { rpc: "http://node" }', /https/],
  ])('%s is refused', async (_name, text, expected) => {
    expect((await problems(text)).join('\n')).toMatch(expected)
  })
})
