// agentchat doctor: looks at everything that usually goes wrong, and says what to do about it.
import { command, type Call } from '../command.ts'

interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly message: string
  /** What to do next. */
  readonly next?: string
}

type Finder = (call: DoctorCall) => Promise<readonly Finding[]>
type DoctorCall = Pick<Call, 'io' | 'options' | 'target' | 'connect'>

const minNode = [20, 19] as const

const node: Finder = async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isEnough = major > minNode[0] || (major === minNode[0] && minor >= minNode[1])
  return [
    isEnough
      ? { check: 'node', status: 'ok', message: `Node ${process.versions.node}` }
      : {
        check: 'node',
        status: 'fail',
        message: `Node ${process.versions.node} is too old`,
        next: `Install Node ${minNode.join('.')} or newer.`,
      },
  ]
}

const storage: Finder = async () => {
  try {
    const { openDatabase } = await import('../../store/sqlite/driver.ts')
    const db = openDatabase(':memory:')
    const version = db.prepare('select sqlite_version()').pluck().get()
    db.close()
    return [{ check: 'sqlite', status: 'ok', message: `SQLite ${version}` }]
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string }
    return [{ check: 'sqlite', status: 'fail', message, next: `Only a relay and its data need it. ${hint ?? 'Install agentchat again.'}` }]
  }
}

const database = async (url: string): Promise<Finding> => {
  const { lookAtPostgres } = await import('../../store/postgres/look.ts')
  try {
    return { check: 'store', status: 'ok', message: await lookAtPostgres(url) }
  } catch (error) {
    const { message, hint } = error as Error & { readonly hint?: string }
    return { check: 'store', status: 'fail', message, ...(hint !== undefined && { next: hint }) }
  }
}

const configuration: Finder = async ({ io }) => {
  const [{ ConfigError, loadConfig }, fs, { dirname, resolve }] = await Promise.all([
    import('../../config/load.ts'),
    import('node:fs'),
    import('node:path'),
  ])
  const file = io.env['AGENTCHAT_CONFIG'] || undefined
  try {
    const { data, store } = await loadConfig({ env: io.env, ...(file !== undefined && { file }) })
    const findings: Finding[] = [{ check: 'config', status: 'ok', message: file === undefined ? 'Environment and defaults' : file }]
    if (store !== undefined) return [...findings, await database(store)]
    if (data === ':memory:')
      return [...findings, {
        check: 'data',
        status: 'warn',
        message: 'Data is kept in memory only',
        next: 'Name a directory: --data DIR or AGENTCHAT_DATA.',
      }]
    let place = resolve(data)
    while (!fs.existsSync(place)) place = dirname(place)
    try {
      fs.accessSync(place, fs.constants.W_OK)
      findings.push({
        check: 'data',
        status: 'ok',
        message: place === resolve(data) ? `${place} can be written` : `${resolve(data)} will be made`,
      })
    } catch {
      findings.push({
        check: 'data',
        status: 'fail',
        message: `${place} cannot be written`,
        next: 'Only `serve` needs it. Name another directory: --data DIR or AGENTCHAT_DATA.',
      })
    }
    return findings
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ where, message }): Finding => ({
      check: 'config',
      status: 'fail',
      message: `${where}: ${message}`,
      next: 'docs/CONFIG.md lists the settings.',
    }))
  }
}

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
    return [{
      check: 'identity',
      status: 'warn',
      message: `No identity file ${path}: every connection is another agent`,
      next: 'Make one: agentchat identity generate',
    }]
  }
  try {
    const file = loadIdentityFile(path)
    const problem = identityFileWarning(path) ?? rotationProblem(file)
    return [
      problem === undefined
        ? { check: 'identity', status: 'ok', message: `@${file.agentId} (${file.name}), ${path}` }
        : { check: 'identity', status: 'warn', message: problem, next: 'agentchat identity verify looks closer.' },
    ]
  } catch (error) {
    return [{
      check: 'identity',
      status: 'fail',
      message: (error as Error).message,
      next: 'Name another with -i or AGENTCHAT_IDENTITY, restore it from a copy, or make another: agentchat identity generate --force',
    }]
  }
}

const relay: Finder = async call => {
  const { failureOf } = await import('../failure.ts')
  const failed = (check: string, error: unknown): Finding => {
    const { message, hint } = failureOf(error)
    return { check, status: 'fail', message, ...(hint !== undefined && { next: hint }) }
  }
  let url: string
  let ca: string | undefined
  try {
    const target = await call.target()
    url = target.url
    if (target.ca !== undefined) ca = (await import('../certificates.ts')).readCertificates(target.ca)
  } catch (error) {
    return [{ ...failed('relay', error), status: 'warn' }]
  }
  const findings: Finding[] = []
  const { pageOf } = await import('../../outbound/discovery.ts')
  const health = pageOf(url, 'health')
  try {
    const { version, agents, skewMs } = await healthOf(health, { ca, now: call.io.now })
    findings.push({ check: 'health', status: 'ok', message: `${health}: version ${version}, ${agents} agents connected` })
    if (skewMs !== undefined) findings.push(...await clock(skewMs))
  } catch (error) {
    findings.push({
      check: 'health',
      status: 'fail',
      message: `${health}: ${(error as Error).message}`,
      next: 'Is the relay running, and does nothing stand between? Start one: agentchat serve',
    })
  }
  try {
    const client = await call.connect()
    const startedAt = performance.now()
    await client.request('PING', {})
    findings.push({
      check: 'login',
      status: 'ok',
      message: `${url}: ${client.agentId} at ${client.welcome!.server}, ${client.welcome!.protocol}, ${
        (performance.now() - startedAt).toFixed(1)
      } ms there and back`,
    })
    const { motd } = client.welcome!
    if (motd !== undefined && motd !== '') findings.push({ check: 'motd', status: 'ok', message: motd })
  } catch (error) {
    findings.push(failed('login', error))
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

/** How a relay is, by its own word. Where the user points, it goes: any address, but a bounded answer. */
const healthOf = async (url: string, { ca, now }: { readonly ca: string | undefined, readonly now: () => number }) => {
  const [{ addressGuard, anywhere }, { sendRequest }, { visible }] = await Promise.all([
    import('../../outbound/guard.ts'),
    import('../../outbound/request.ts'),
    import('../terminal.ts'),
  ])
  const { status, headers, body } = await sendRequest(addressGuard(anywhere), {
    url,
    method: 'GET',
    timeoutMs: 5_000,
    maxBytes: 64 * 1_024,
    ca,
  })
  const what = `${status}${headers['content-type'] === undefined ? '' : `, ${visible(headers['content-type'])}`}`
  if (status !== 200) throw new Error(`something answers there (${what}), and no relay`)
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    // Told below.
  }
  const { status: state, version, agents, timestamp } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof state !== 'string' || typeof version !== 'string') throw new Error(`something answers there (${what}), and no AgentChat relay`)
  const there = Date.parse(String(timestamp))
  return {
    version,
    agents: (agents as { readonly connected?: number } | undefined)?.connected ?? 0,
    skewMs: Number.isFinite(there) ? now() - there : undefined,
  }
}

/** Signatures say when they were made, and are refused where that is far off. */
const clock = async (skewMs: number): Promise<readonly Finding[]> => {
  const [{ limits }, { spanText }] = await Promise.all([import('../../../lib/protocol/limits.ts'), import('../discovery/found.ts')])
  const off = Math.abs(skewMs)
  if (off <= limits.maxClockSkewMs) return []
  return [{
    check: 'clock',
    status: 'fail',
    message: `This machine's clock is ${spanText(off)} ${skewMs > 0 ? 'ahead of' : 'behind'} the relay's`,
    next: 'Set it (timedatectl set-ntp true); if it is right, tell the operator of the relay. Until then nothing that is signed is taken.',
  }]
}
