// agentchat doctor: looks at everything that usually goes wrong, and says what to do about it.
import { command, type Call } from '../command.ts'
import { fail, failed, ok, warn, type Finding } from '../doctor/finding.ts'

type Finder = (call: DoctorCall) => Promise<readonly Finding[]>
type DoctorCall = Pick<Call, 'io' | 'options' | 'target' | 'connect'>

const minNode = [20, 19] as const

const node: Finder = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > minNode[0] || (major === minNode[0] && minor >= minNode[1])
  return [
    isEnough
      ? ok('node', `Node ${process.versions.node}`)
      : fail('node', `Node ${process.versions.node} is too old`, `Install Node ${minNode.join('.')} or newer.`),
  ]
}

const storage: Finder = async () => {
  try {
    const { openDatabase } = await import('../../store/sqlite/driver.ts')
    const db = openDatabase(':memory:')
    const version = db.prepare('select sqlite_version()').pluck().get()
    db.close()
    return [ok('sqlite', `SQLite ${version}`)]
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string }
    return [fail('sqlite', message, `Only a relay and its data need it. ${hint ?? 'Install agentchat again.'}`)]
  }
}

const configuration: Finder = async ({ io, target }) => {
  const [{ ConfigError, loadConfig }, fs, { dirname, resolve }] = await Promise.all([
    import('../../config/load.ts'),
    import('node:fs'),
    import('node:path'),
  ])
  const file = io.env['AGENTCHAT_CONFIG'] || undefined
  try {
    const config = await loadConfig({ env: io.env, ...(file !== undefined && { file }) })
    const { data, store, nats } = config
    const findings: Finding[] = [ok('config', file === undefined ? 'Environment and defaults' : file)]
    if (store !== undefined || nats !== undefined) {
      const [{ lookAtStore }, { lookAtProcesses }] = await Promise.all([import('../doctor/store.ts'), import('../doctor/processes.ts')])
      const stored = store === undefined ? [] : await lookAtStore(store, io.now)
      const isThere = store !== undefined && stored.every(({ status }) => status !== 'fail')
      const ca = await target().then(caOf).catch(() => undefined)
      findings.push(...stored, ...await lookAtProcesses(config, isThere, { ca, now: io.now }))
    }
    if (store !== undefined) return findings
    if (data === ':memory:')
      return [...findings, warn('data', 'Data is kept in memory only', 'Name a directory: --data DIR or AGENTCHAT_DATA.')]
    let place = resolve(data)
    while (!fs.existsSync(place)) place = dirname(place)
    try {
      fs.accessSync(place, fs.constants.W_OK)
      findings.push(ok('data', place === resolve(data) ? `${place} can be written` : `${resolve(data)} will be made`))
    } catch {
      findings.push(
        fail('data', `${place} cannot be written`, 'Only `serve` needs it. Name another directory: --data DIR or AGENTCHAT_DATA.'),
      )
    }
    return findings
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ where, message }) => fail('config', `${where}: ${message}`, 'docs/CONFIG.md lists the settings.'))
  }
}

/** What is trusted beside the public authorities. */
const caOf = async ({ ca }: { readonly ca?: string | undefined }): Promise<string | undefined> =>
  ca === undefined ? undefined : (await import('../certificates.ts')).readCertificates(ca)

const identity: Finder = async ({ io, options, target }) => {
  const [{ identityFileWarning, loadIdentityFile, rotationProblem }, { defaultIdentity }, { identityPath }, { existsSync }] = await Promise
    .all([
      import('../../../lib/node/identity-file.ts'),
      import('../home.ts'),
      import('../contexts.ts'),
      import('node:fs'),
    ])
  // A context may name the file; without a relay there is none to ask.
  const path = await target().then(({ identity }) => identity ?? defaultIdentity(io.env), () => identityPath(options.identity, io.env))
  if (!existsSync(path)) {
    return [warn('identity', `No identity file ${path}: every connection is another agent`, 'Make one: agentchat identity generate')]
  }
  try {
    const file = loadIdentityFile(path)
    const problem = identityFileWarning(path) ?? rotationProblem(file)
    return [
      problem === undefined
        ? ok('identity', `@${file.agentId} (${file.name}), ${path}`)
        : warn('identity', problem, 'agentchat identity verify looks closer.'),
    ]
  } catch (error) {
    return [
      fail('identity', (error as Error).message,
        'Name another with -i or AGENTCHAT_IDENTITY, restore it from a copy, or make another: agentchat identity generate --force'),
    ]
  }
}

const relay: Finder = async call => {
  const [{ failureOf }, { healthOf }, { pageOf }] = await Promise.all([
    import('../failure.ts'),
    import('../doctor/health.ts'),
    import('../../outbound/discovery.ts'),
  ])
  let url: string
  let ca: string | undefined
  try {
    const target = await call.target()
    url = target.url
    ca = await caOf(target)
  } catch (error) {
    return [{ ...failed('relay', failureOf(error)), status: 'warn' }]
  }
  const findings: Finding[] = []
  const health = pageOf(url, 'health')
  try {
    const { version, agents, skewMs, nodes } = await healthOf(health, { ca, now: call.io.now })
    const served = nodes === undefined ? '' : `, ${nodes.live} processes`
    findings.push(ok('health', `${health}: version ${version}, ${agents} agents connected${served}`))
    if (skewMs !== undefined) findings.push(...await clock(skewMs))
  } catch (error) {
    findings.push(
      fail('health', `${health}: ${(error as Error).message}`,
        'Is the relay running, and does nothing stand between? Start one: agentchat serve'),
    )
  }
  try {
    const client = await call.connect()
    const startedAt = performance.now()
    await client.request('PING', {})
    const { server, protocol, motd } = client.welcome!
    findings.push(
      ok('login', `${url}: ${client.agentId} at ${server}, ${protocol}, ${(performance.now() - startedAt).toFixed(1)} ms there and back`),
    )
    if (motd !== undefined && motd !== '') findings.push(ok('motd', motd))
  } catch (error) {
    findings.push(failed('login', failureOf(error)))
  }
  return findings
}

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] } as const

export const doctor = command({
  name: 'doctor',
  summary: 'Check this installation, your identity, and the way to a relay',
  relay: true,
  arguments: {},
  options: {},
  examples: [
    { command: 'agentchat doctor', doc: 'Exit code 0 when nothing failed' },
    { command: 'agentchat doctor wss://relay.example --json', doc: 'Another relay, as JSON' },
    {
      command: 'AGENTCHAT_CONFIG=/etc/agentchat.yaml agentchat doctor wss://relay.example',
      doc: 'With the settings of a relay, at its machine: its database, NATS and other processes too',
    },
  ],
  async run(call) {
    const { visible } = await import('../terminal.ts')
    const findings = (await Promise.all([node, storage, configuration, identity, relay].map(find => find(call)))).flat()
    call.out.list(findings, ({ check, status, message, next }, paint) => {
      const [colour, mark] = marks[status]
      return `${paint(colour, mark)} ${check.padEnd(9)} ${visible(message)}${
        next === undefined ? '' : `\n               → ${visible(next)}`
      }`
    })
    return findings.some(({ status }) => status === 'fail') ? 'error' : 'ok'
  },
})

/** Signatures say when they were made, and are refused where that is far off. */
const clock = async (skewMs: number): Promise<readonly Finding[]> => {
  const [{ limits }, { spanText }] = await Promise.all([import('../../../lib/protocol/limits.ts'), import('../discovery/found.ts')])
  const off = Math.abs(skewMs)
  if (off <= limits.maxClockSkewMs) return []
  return [
    fail('clock', `This machine's clock is ${spanText(off)} ${skewMs > 0 ? 'ahead of' : 'behind'} the relay's`,
      'Set it (timedatectl set-ntp true); if it is right, tell the operator of the relay. Until then nothing that is signed is taken.'),
  ]
}
