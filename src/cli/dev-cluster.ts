// agentchat serve --cluster dev: starts the servers and the processes of a relay, says where they are and which of them ended, and ends all.
import type { Logger } from '../base/logger.ts'
import { envName, settingKeys, settings, type Config } from '../config/schema.ts'
import type { ExitName } from './exit.ts'
import type { Io } from './io.ts'
import type { Output } from './output.ts'
import { visible } from './terminal.ts'

export interface DevServing {
  readonly config: Config
  readonly flags: Readonly<Record<string, unknown>>
  /** The YAML file that was named. */
  readonly file: string | undefined
  readonly io: Io
  readonly out: Output
  readonly log: Logger
}

/** Whether servers are to be started: none is named. */
export const isDevCluster = ({ cluster, store, nats }: Config): boolean => cluster === 'dev' && store === undefined && nats === undefined

/** Flags as the variables that say the same: a command line is there for everybody to read. */
const variablesOf = (flags: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    settingKeys.filter(key => flags[key] !== undefined).map(key => [envName(key), flags[key] === true ? 'yes' : String(flags[key])]),
  )

export const serveCluster = async ({ config, flags, file, io, out, log }: DevServing): Promise<ExitName> => {
  const { DevCluster } = await import('../dev-cluster/cluster.ts')
  const talks = io.stderr.isTTY === true
  const isPretty = config.logFormat === 'pretty' || (config.logFormat === 'auto' && talks)
  const isKept = config.data !== ':memory:' && (flags['data'] !== undefined || config.data !== settings.data.type.parse(undefined))
  if (config.filesBucket === undefined && config.maxFileBytes > 0)
    log.warn('files are off: several processes share their bytes in a bucket (filesBucket)')
  const { cluster, nodes } = await DevCluster.start({
    config,
    env: {
      ...io.env,
      ...variablesOf(flags),
      ...(file !== undefined && { AGENTCHAT_CONFIG: file }),
      AGENTCHAT_LOG_FORMAT: isPretty ? 'pretty' : 'json',
    },
    data: isKept ? config.data : undefined,
    program: [process.execPath, process.argv[1]!],
    onLog: (node, line) => void io.stderr.write(`${isPretty ? `${node} | ${line}` : line.replace(/^\{/, `{"node":"${node}",`)}\n`),
    onEnd: (name, pid, how) => log.error({ process: name, pid, how }, `${name} has ended`),
  }, io.interrupted)
  try {
    const [first] = nodes
    const setUpUrl = first!.said['set_up_url']
    const document = {
      nodes: nodes.map(({ name, pid, url }) => ({ node: name, url, pid })),
      store: cluster.storeUrl,
      nats: cluster.natsUrl,
      postgres_pid: cluster.postgresPid,
      nats_pid: cluster.natsPid,
      ...(setUpUrl !== undefined && { set_up_url: setUpUrl }),
    }
    if (out.isJson) out.one(document, () => '')
    if (talks) {
      out.say([
        'One relay, three processes:',
        ...nodes.map(({ name, pid, url }) => `  ${name}  ${url}  process ${pid}`),
        `PostgreSQL is process ${cluster.postgresPid}, NATS ${cluster.natsPid}; ${
          isKept ? `data in ${visible(config.data)}/postgres` : 'nothing is kept when they stop (--data DIR keeps it)'
        }`,
        `  listen:  agentchat listen ${nodes.at(-1)!.url} '#general'`,
        `  talk:    agentchat send ${first!.url} '#general' "hi"`,
        `  list:    agentchat nodes --store '${cluster.storeUrl}'`,
        // A password has no place on a command line.
        `  one more: AGENTCHAT_NATS='${cluster.natsUrl}' AGENTCHAT_STORE='${cluster.storeUrl}' \\`,
        '            agentchat serve --cluster dev --node d --port 0 --max-file-bytes 0',
        ...(typeof setUpUrl === 'string'
          ? [`Nobody operates this relay yet. Whoever opens this first does (once, within an hour):\n  ${setUpUrl}`]
          : []),
      ].join('\n'))
    }
    const stopped = new Promise<ExitName>(resolve => {
      io.interrupted.addEventListener('abort', () => resolve('ok'), { once: true })
      if (io.interrupted.aborted) resolve('ok')
    })
    const lost = cluster.lost().then((): ExitName => {
      if (!io.interrupted.aborted) log.error('no process of the relay is left')
      return 'error'
    })
    const ending = await Promise.race([stopped, lost])
    if (talks) out.say('Stopping')
    return ending
  } finally {
    await cluster.stop()
  }
}
