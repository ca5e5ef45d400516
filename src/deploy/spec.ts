// deploy.yaml: the one description of a deployment, whatever it is deployed on. The schema, and reading it with errors that name the line.
import { isIP } from 'node:net'
import { LineCounter, isMap, isNode, isScalar, parseDocument, type Document } from 'yaml'
import * as z from 'zod'
import { ConfigError, loadConfig, nearest } from '../config/load.ts'
import { envName, settingKeys, settings, type SettingKey } from '../config/schema.ts'
import { isNatsSecret, natsUrl, replicasProblem, storeProblem, storeUrl } from './store.ts'

export const targets = ['docker', 'systemd', 'kubernetes', 'akash'] as const
export type TargetName = (typeof targets)[number]

const text = (pattern: RegExp, what: string) => z.string().regex(pattern, what)
/** Filled in where a block is left out. */
const block = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape).prefault({} as never)

const unitBytes: Readonly<Record<string, number>> = { Mi: 1_024 ** 2, Gi: 1_024 ** 3, Ti: 1_024 ** 4 }
/** `512Mi` → bytes */
const size = (minMiB: number, maxMiB: number) =>
  z.string().regex(/^[1-9]\d{0,5}(Mi|Gi|Ti)$/, 'a size like 512Mi or 2Gi')
    .transform(value => Number(value.slice(0, -2)) * unitBytes[value.slice(-2)]!)
    .refine(bytes => bytes >= minMiB * unitBytes['Mi']! && bytes <= maxMiB * unitBytes['Mi']!,
      `between ${minMiB}Mi and ${maxMiB / 1_024}Gi`)

/** An amount of money: a decimal that stays text, since it is compared in whole micro-units and never as a float. */
const amount = (decimals: number, what: string) =>
  z.union([z.number(), z.string()]).transform(String)
    .pipe(text(new RegExp(`^\\d{1,9}(\\.\\d{1,${decimals}})?$`), `an amount in ${what} like 2.5`))

const hostname = z.string().max(253).regex(/^(?=.*\.)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/, 'a host '
  + 'name like chat.example.org, without scheme or port')
const address = z.string().refine(value => isIP(value) !== 0, 'an IP address like 127.0.0.1 or 0.0.0.0')
const label = (max: number) =>
  text(new RegExp(`^(?=.{1,${max}}$)[a-z]([-a-z0-9]*[a-z0-9])?$`), `small letters, digits and -, up to ${max}, like agentchat`)
const path = text(/^(\/[A-Za-z0-9._-]+)+$/, 'an absolute path like /data')
const url = z.url({ protocol: /^https$/, error: 'an https:// URL' })

/** What manifests, units and shells carry unchanged: no line breaks or other control characters. */
const plain = z.string().max(4_096).regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, 'text without line breaks and control characters')
const environment = z.record(text(/^[A-Z_][A-Z0-9_]{0,127}$/, 'a variable is named with A-Z 0-9 _'),
  z.union([plain, z.number(), z.boolean()]).transform(String))
  .refine(value => Object.keys(value).length <= 100, 'at most 100 variables')

export const deploySchema = z.strictObject({
  name: label(40).default('agentchat').describe('Names everything that is made: container, unit, StatefulSet, lease.'),
  image: text(/^(?=.{1,255}$)[a-z0-9][a-z0-9._/:-]*[a-z0-9](:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
    'an image like ghcr.io/owner/agentchat:0.1.0').default('agentchat:latest')
    .describe('Container image; systemd does not need one. Name a version, not :latest, outside your own machine.'),
  size: block({
    cpu: z.number().min(0.1).max(64).default(1).describe('Cores.'),
    memory: size(128, 262_144).prefault('512Mi'),
    storage: size(64, 16_777_216).prefault('1Gi').describe('Of the volume that holds the database.'),
  }),
  port: z.number().int().min(1_024, 'a port from 1024 on: the relay does not run as root').max(65_535).default(6_667).describe(
    "The relay's plain port: WebSocket and HTTP.",
  ),
  domain: hostname.optional().describe('Public host name; TLS is set up for it where the target can.'),
  volume: block({
    name: label(40).refine(name => !['tmp', 'caddy'].includes(name), 'another name: tmp and caddy are taken').default('data'),
    class: text(/^[a-z0-9]([-a-z0-9.]{0,62})$/, 'a storage class').optional().describe(
      'Storage class: of Kubernetes, or beta1, beta2, beta3 of Akash.',
    ),
  }),
  store: storeUrl.optional().describe('PostgreSQL in the place of the volume: postgres://USER@HOST:PORT/DATABASE, without a password.'),
  nats: natsUrl.optional().describe('Where several relays on the database hear each other: nats://HOST:PORT, without a password.'),
  replicas: z.number().int().min(1).max(100).default(1).describe('Relays; more than one only with store and nats.'),
  durability: settings.durability.type.describe(settings.durability.doc),
  adminAgents: settings.adminAgents.type.describe('Agents that may send ADMIN_ requests, proved by their key: no secret is deployed.'),
  environment: environment.prefault({}).describe('Any other setting, by its variable (docs/CONFIG.md). No secrets.'),
  target: z.enum(targets).default('docker').describe('Where it goes; --target overrides it.'),

  docker: block({
    bind: address.default('127.0.0.1').describe('Address the plain port is published on.'),
    build: z.string().min(1).max(255).regex(/^[^\s'"$]+$/, 'a path').optional().describe(
      'Directory of the Dockerfile, to build the image instead of pulling it.',
    ),
  }),
  systemd: block({
    bind: address.default('127.0.0.1').describe('Address the relay listens on; a proxy in front does TLS.'),
    program: path.default('/usr/local/bin/agentchat').describe('The installed command.'),
    directory: path.default('/etc/systemd/system').describe('Where the unit is written.'),
  }),
  kubernetes: block({
    namespace: label(63).default('agentchat'),
    ingressClass: label(63).optional().describe('With domain: an Ingress of this class.'),
    clusterIssuer: label(63).optional().describe('With domain: the cert-manager issuer of its certificate.'),
    egress: z.boolean().default(false).describe('Whether the relay may open connections of its own.'),
    serviceMonitor: z.boolean().default(false).describe('For the Prometheus operator; its types must be installed.'),
  }),
  akash: block({
    network: z.enum(['sandbox', 'mainnet']).default('sandbox').describe('mainnet costs real money.'),
    rpc: url.optional().describe('Another RPC node of the network.'),
    rest: url.optional().describe('Another REST node of the network.'),
    region: label(63).optional().describe('Placement attribute location-region, like us-west.'),
    attributes: z.record(text(/^[a-z][a-z0-9./_-]{0,127}$/, 'an attribute like host'), plain).default({}).describe(
      'More placement attributes that a provider must have.',
    ),
    auditors: z.array(text(/^akash1[02-9ac-hj-np-z]{38}$/, 'an address like akash1…')).max(20).default([]).describe(
      'A provider must be signed by one of them.',
    ),
    depositAct: amount(6, 'ACT').prefault('0.5').describe('First deposit; what is not used comes back.'),
    maxPriceUact: amount(18, 'uact per block').prefault('20').describe('A bid above it is never taken.'),
    maxMonthlyAct: amount(6, 'ACT').prefault('10').describe('Nor one that costs more per month.'),
    maxDepositAct: amount(6, 'ACT').prefault('5').describe('Most that is put in at once.'),
    maxFeeAkt: amount(6, 'AKT').prefault('0.1').describe('Most that one transaction may cost.'),
  }),
}).refine(
  ({ kubernetes, domain }) => domain !== undefined || (kubernetes.ingressClass === undefined && kubernetes.clusterIssuer === undefined),
  { path: ['kubernetes'], message: 'ingressClass and clusterIssuer need a domain' },
)

/** For editors, and for programs that write deploy.yaml. */
export const deployJsonSchema = (): object => z.toJSONSchema(deploySchema, { io: 'input' })

/** A deployment, with every default filled in; sizes in bytes, amounts as decimal text. */
export type DeploySpec = z.output<typeof deploySchema>

export interface SpecProblem {
  readonly line: number
  /** `size.memory: a size like 512Mi` */
  readonly message: string
}

/** deploy.yaml cannot be used; `problems` names every fault and its line. */
export class SpecError extends Error {
  override readonly name = 'SpecError'
  readonly problems: readonly SpecProblem[]

  constructor(file: string, problems: readonly SpecProblem[]) {
    const inOrder = problems.toSorted((a, b) => a.line - b.line)
    super(inOrder.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'))
    this.problems = inOrder
  }
}

/** Where the image keeps its data: it is made for the user the relay runs as. */
export const dataPath = '/data'

/**
 * From asking the relay to stop to killing it, where that can be said (a provider on Akash gives 30); it needs a little of that
 * beside its drain.
 */
export const graceSeconds = 15
const maxDrainMs = 10_000
const maxPingMs = 45_000

type Path = readonly PropertyKey[]

const maxFileBytes = 64 * 1_024

/** Reads the text of a deploy.yaml; `file` names it in errors, `target` is taken in place of its own. @throws SpecError */
export const parseSpec = async (source: string, file = 'deploy.yaml', target?: TargetName): Promise<DeploySpec> => {
  if (Buffer.byteLength(source) > maxFileBytes)
    throw new SpecError(file, [{ line: 1, message: `is larger than ${maxFileBytes / 1_024} KiB` }])
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const lineOf = (offset: number | undefined) => lines.linePos(offset ?? 0).line || 1
  if (document.errors.length > 0) throw new SpecError(file, document.errors.map(({ pos, message }) => ({ line: lineOf(pos[0]), message })))
  if (document.contents !== null && !isMap(document.contents))
    throw new SpecError(file, [{
      line: 1,
      message: 'must hold a '
        + 'deployment, like `name: agentchat`',
    }])

  const problemAt = (path: Path, message: string): SpecProblem => ({
    line: lineOf(offsetOf(document, path)),
    message: path.length === 0 ? message : `${path.join('.')}: ${message}`,
  })
  let value: unknown
  try {
    value = document.toJS() ?? {}
  } catch (error) {
    throw new SpecError(file, [{ line: 1, message: (error as Error).message }])
  }
  const result = deploySchema.safeParse(value)
  if (!result.success) throw new SpecError(file, result.error.issues.flatMap(issue => problemsOf(issue, problemAt)))
  const spec = { ...result.data, target: target ?? result.data.target }
  const problems = await environmentProblems(spec, problemAt)
  if (problems.length > 0) throw new SpecError(file, problems)
  return spec
}

const problemsOf = (issue: z.core.$ZodIssue, problemAt: (path: Path, message: string) => SpecProblem): readonly SpecProblem[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => problemAt([...issue.path, key], `there is no such key${suggestion(issue.path, key)}`))
  if (issue.code === 'invalid_key') return [problemAt(issue.path, issue.issues[0]!.message)]
  if (issue.code === 'invalid_union')
    return [problemAt(issue.path, issue.errors.flat().find(({ code }) => code !== 'invalid_type')?.message ?? 'text or a number')]
  return [problemAt(issue.path, issue.message)]
}

/** The key that was probably meant, of the block that `path` leads to. */
const suggestion = (path: Path, key: string): string => {
  const parent = path.reduce<z.ZodType | undefined>((type, step) => shapeOf(type)?.[String(step)], deploySchema)
  const known = Object.keys(shapeOf(parent) ?? {})
  const near = nearest(key, known)
  return near === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${near}?`
}

const shapeOf = (type: z.ZodType | undefined): Readonly<Record<string, z.ZodType>> | undefined => {
  const inner = type instanceof z.ZodPrefault ? type.unwrap() : type
  return inner instanceof z.ZodObject ? inner.shape as Readonly<Record<string, z.ZodType>> : undefined
}

/** Where the innermost part of a path stands that is there: at its key. */
const offsetOf = (document: Document, path: Path): number | undefined => {
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true)
    const step = path[depth - 1]
    const key: unknown = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))?.key
      : document.getIn(path.slice(0, depth), true)
    if (isNode(key) && key.range) return key.range[0]
  }
  return undefined
}

/** Settings that deploy.yaml says in a key of its own, or that follow from one. */
const ownKeys: { readonly [K in SettingKey]?: string } = {
  port: 'port',
  host: 'docker.bind or systemd.bind',
  data: 'volume',
  store: 'store',
  nats: 'nats',
  durability: 'durability',
  adminAgents: 'adminAgents',
}

/** The relay would refuse a wrong setting at its start; here it is told before anything is deployed. */
const environmentProblems = async (
  { environment, target, store, nats, replicas }: DeploySpec,
  problemAt: (path: Path, message: string) => SpecProblem,
): Promise<readonly SpecProblem[]> => {
  const settingOf = new Map(settingKeys.flatMap(key => [envName(key), ...settings[key].env ?? []].map(name => [name, key] as const)))
  const problems: SpecProblem[] = []
  const wrongStore = store === undefined ? undefined : storeProblem(store, target)
  if (wrongStore !== undefined) problems.push(problemAt(['store'], wrongStore))
  const wrongCount = replicasProblem({ replicas, store, nats, target })
  if (wrongCount !== undefined) problems.push(problemAt([wrongCount[0]], wrongCount[1]))
  const nameOf = (key: SettingKey) => Object.keys(environment).find(name => settingOf.get(name) === key) ?? envName(key)
  for (const name of Object.keys(environment)) {
    const key = settingOf.get(name)
    const own = key && ownKeys[key]
    const say = (message: string) => problems.push(problemAt(['environment', name], message))
    if (own !== undefined) say(`is said with ${own}`)
    else if (key === 'node' && replicas > 1)
      say('each of several relays has a name of its own: leave it out, and it is called as its container')
    else if (name === 'PGPASSWORD' || (key !== undefined && settings[key].secret))
      say('is a secret and does not belong here: name your own agent in '
        + 'adminAgents, or see "Secrets" in docs/DEPLOY.md')
    else if (key === undefined && name.startsWith('AGENTCHAT_')) {
      const near = nearest(name, [...settingOf.keys()])
      say(`there is no such setting${near === undefined ? '; see docs/CONFIG.md' : `; did you mean ${near}?`}`)
    }
  }
  try {
    const { drainMs, pingIntervalMs, cert } = await loadConfig({ env: environment })
    if (drainMs > maxDrainMs)
      problems.push(
        problemAt(['environment', nameOf('drainMs')],
          `at most ${maxDrainMs / 1_000}s: the relay is killed ${graceSeconds} seconds after it was asked to stop`),
      )
    if (pingIntervalMs > maxPingMs && target === 'akash')
      problems.push(
        problemAt(['environment', nameOf('pingIntervalMs')],
          `at most ${maxPingMs / 1_000}s: the providers' ingress cuts a connection that is silent for 60`),
      )
    if (cert !== undefined && target !== 'systemd')
      problems.push(problemAt(['environment', nameOf('cert')], `${target} does not mount its files: set domain, and TLS is a proxy's`))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const { where, message } of error.problems) problems.push(problemAt(['environment', where], message))
  }
  return problems
}

/** Of the volume, for data: the rest is for what is written while room is made. */
const shareOfStorage = 4 / 5

/**
 * The variables the relay gets: those of the file, and those that its other keys say. `urls`: where it will be dialled, as far as
 * the target knows; agents with a key log in there alone.
 */
export const environmentOf = (
  { name, port, store, nats, durability, adminAgents, size, environment }: DeploySpec,
  urls: readonly string[] = [],
): Readonly<Record<string, string>> => ({
  [envName('name')]: name,
  [envName('port')]: String(port),
  ...(store === undefined
    ? {
      [envName('durability')]: durability,
      // The volume may be larger than was asked for, or have no limit of its own.
      [envName('maxDataBytes')]: String(Math.floor(size.storage * shareOfStorage)),
    }
    : { [envName('store')]: store }),
  ...(nats !== undefined && {
    ...(!isNatsSecret(nats) && { [envName('nats')]: nats }),
    // Others may use the same server of NATS.
    [envName('cluster')]: name,
    // Bytes that every relay has to reach are in a bucket, whose key is a secret: whoever has one says so.
    [envName('maxFileBytes')]: '0',
  }),
  ...(adminAgents.length > 0 && { [envName('adminAgents')]: adminAgents.join(',') }),
  ...(urls.length > 0 && { [envName('publicUrls')]: urls.join(',') }),
  ...environment,
})
