// What several processes of one relay need that one does not, and how those stand that run: as their operator, on a machine of one of them,
// with its settings.
import { agreementOf } from '../../config/agreement.ts'
import type { Config } from '../../config/schema.ts'
import { pageOf } from '../../outbound/discovery.ts'
import { fail, failed, ok, warn, type Finding } from './finding.ts'
import { healthOf, type HealthLook } from './health.ts'

type Process = Awaited<ReturnType<typeof import('../../app.ts')['processesOf']>>[number]

const guide = 'docs/CLUSTER.md#several-processes'
/** Whoever asks a balancer again and again is answered by all behind it. */
const maxQuestions = 12

/** Of settings that name NATS; of others only whether such a relay runs on their database already. `isThere`: that can be asked. */
export const lookAtProcesses = async (config: Config, isThere: boolean, look: HealthLook): Promise<readonly Finding[]> => {
  const { lookAtBus, problemsOfSeveral, processesOf } = await import('../../app.ts')
  const all = isThere ? await processesOf(config.store!).catch(noTables) : undefined
  if (config.nats === undefined) return Array.isArray(all) && all.length > 0 ? [alone(all)] : []
  const problems = problemsOfSeveral(config).map(({ where, message }) => fail('config', `${where}: ${message}`, guide))
  const bus = await lookAtBus(config).then(told => ok('nats', told), error => failed('nats', error))
  const known = all instanceof Error ? undefined : all
  const nodes = all instanceof Error ? [failed('nodes', all)] : all === undefined ? [] : standings(all, agreementOf(config))
  return [...problems, bus, ...nodes, ...await ways(config, known, look)]
}

/** Where no relay has been yet, there are none. */
const noTables = (error: Error & { readonly code?: unknown }): readonly Process[] | Error => error.code === '42P01' ? [] : error

const namesOf = (all: readonly Process[]): string => all.map(({ name }) => name).join(', ')

/** Those that are alike, by what they are alike in. */
const groupsOf = (all: readonly Process[], keyOf: (process: Process) => string): readonly (readonly [string, readonly Process[]])[] =>
  [...new Set(all.map(keyOf))].map(key => [key, all.filter(process => keyOf(process) === key)])

const alone = (all: readonly Process[]): Finding =>
  fail('nodes', `Processes that hear each other over NATS run on the database: ${namesOf(all)}`,
    `A relay without one does not start beside them: name it in AGENTCHAT_NATS (${guide}).`)

/** How those that run stand to each other, and to what is set here. */
const standings = (all: readonly Process[], own: string): readonly Finding[] => {
  if (all.length === 0) return [ok('nodes', 'No process runs on the database now')]
  const findings: Finding[] = []
  const deaf = all.filter(({ standing }) => standing.bus === 'down')
  if (deaf.length > 0) {
    findings.push(
      fail('nodes', `NATS does not answer these: ${namesOf(deaf)}`,
        'Look at the network between their machines and the server of NATS; what others say they find in the database, a second later.'),
    )
  }
  const lonely = all.filter(({ standing }) => standing.bus !== 'down' && (standing.unheard ?? 0) > 0)
  if (lonely.length > 0) {
    findings.push(
      warn('nodes', `NATS is there, and these hear nothing of others that run: ${namesOf(lonely)}`,
        'Do all name the same NATS and the same --cluster, and do its servers know each other? agentchat nodes tells more.'),
    )
  }
  if (findings.length === 0) {
    const draining = all.filter(({ state }) => state === 'draining')
    findings.push(
      ok('nodes', `${namesOf(all)}: each hears the others${draining.length === 0 ? '' : `; about to stop: ${namesOf(draining)}`}`),
    )
  }
  return [...findings, ...versions(all), ...settings(all, own)]
}

const versions = (all: readonly Process[]): readonly Finding[] => {
  const groups = groupsOf(all, ({ version }) => version)
  if (groups.length === 1) return [ok('versions', `All run version ${groups[0]![0]}`)]
  return [
    warn('versions', `Different versions run: ${groups.map(([version, those]) => `${version} (${namesOf(those)})`).join('; ')}`,
      'Go on with the upgrade, one process after the other: docs/CLUSTER.md#one-process-at-a-time'),
  ]
}

const settings = (all: readonly Process[], own: string): readonly Finding[] => {
  const groups = groupsOf(all, ({ config }) => config).map(([, those]) => those)
  if (groups.length > 1) {
    return [
      warn('settings', `These are set alike, and not like the others: ${groups.map(namesOf).join('; ')}`,
        `What does not say where a process runs and how it is watched is the same for all: ${guide}`),
    ]
  }
  if (all[0]!.config === own) return [ok('settings', 'All are set as it is said here')]
  return [
    warn('settings', 'Those that run are set alike, and not as it is said here',
      'Run doctor with their environment and configuration file; what was said to serve by flags is not seen here.'),
  ]
}

/** The balancer: where clients come in, and whom limits count. */
const ways = async (
  { publicUrls, trustedProxies }: Config,
  all: readonly Process[] | undefined,
  look: HealthLook,
): Promise<readonly Finding[]> => {
  if (publicUrls.length === 0) {
    return [
      warn('urls', 'publicUrls is not set: agents with a key can log in only where a process itself listens, not through a balancer',
        'Name its address, at all processes: AGENTCHAT_PUBLIC_URLS=wss://relay.example'),
    ]
  }
  const isElsewhere = publicUrls.some(url => !/^(?:localhost|127\..*|\[::1\])$/.test(new URL(url).hostname))
  return [
    ...await Promise.all(publicUrls.map(url => wayIn(url, all, look))),
    ...(isElsewhere && trustedProxies.length === 0
      ? [
        warn('proxies',
          'trustedProxies is not set: behind a balancer that speaks HTTP all clients count as one address, and share its limits',
          'Name the addresses of the balancer: AGENTCHAT_TRUSTED_PROXIES=10.0.0.0/8. One that passes on connections as they are needs none.'),
      ]
      : []),
  ]
}

const wayIn = async (url: string, all: readonly Process[] | undefined, look: HealthLook): Promise<Finding> => {
  const questions = Math.min(maxQuestions, 2 * Math.max(1, all?.length ?? 1))
  const answers = await Promise.allSettled(Array.from({ length: questions }, () => healthOf(pageOf(url, 'health'), look)))
  const refusals = answers.flatMap(answer => answer.status === 'rejected' ? [(answer.reason as Error).message] : [])
  const said = answers.flatMap(answer => answer.status === 'fulfilled' ? [answer.value.nodes] : [])
  if (refusals.length > 0) {
    return fail('urls', `${url}: ${said.length === 0 ? '' : `${refusals.length} of ${questions} times `}${refusals[0]}`,
      'Does the balancer lead to processes that run and are ready (/readyz), and does this machine reach it?')
  }
  const leads = 'Let the balancer lead to the processes of this relay, and to nothing else.'
  if (said.includes(undefined)) return fail('urls', `${url} leads to a relay that knows of no other processes`, leads)
  const counts = [...new Set(said.map(nodes => nodes!.live))]
  if (all !== undefined && !counts.includes(all.length))
    return warn('urls', `${url} leads to one of ${counts.join(' or ')} processes, and ${all.length} run on the database`, leads)
  return ok('urls', `${url} leads to one of ${counts.join(' or ')} processes`)
}
