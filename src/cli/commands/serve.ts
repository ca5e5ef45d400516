// agentchat serve: runs a relay until it is told to stop.
import * as z from 'zod'
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../../lib/protocol/timer.ts'
import type { RunningRelay } from '../../app.ts'
import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../base/log.ts'
import { unwrap } from '../../config/load.ts'
import { settingKeys, settings, type SettingKey } from '../../config/schema.ts'
import { command, yesOrNo, type OptionSpec } from '../command.ts'
import { isDevCluster, serveCluster } from '../dev-cluster.ts'

const valueName = (key: SettingKey): string => {
  const { type, value } = settings[key]
  const inner = unwrap(type)
  if (inner instanceof z.ZodBoolean) return yesOrNo
  return inner instanceof z.ZodEnum ? inner.options.join('|') : value ?? 'VALUE'
}

const settingOptions = Object.fromEntries(settingKeys.map((key): [string, OptionSpec] => {
  const { doc, short } = settings[key]
  const preset: unknown = settings[key].type.parse(undefined)
  const withPreset = preset === undefined || preset === '' || typeof preset === 'object'
    ? doc
    : doc.replace(/\.?$/, ` (default: ${preset}).`)
  return [key, { doc: withPreset, value: valueName(key), ...(short !== undefined && { short }) }]
}))

const againMs = 1_000

/** Its database may be away once more; undefined: it is to stop. */
const startedAgain = async (
  start: () => Promise<RunningRelay>,
  interrupted: AbortSignal,
  log: Pick<Logger, 'error'>,
): Promise<RunningRelay | undefined> => {
  while (!interrupted.aborted) {
    try {
      return await start()
    } catch (error) {
      log.error({ err: error }, 'the relay does not start again; it is tried on')
      await sleep(timerMs(againMs), undefined, { signal: interrupted }).catch(() => undefined)
    }
  }
  return undefined
}

export const serve = command({
  name: 'serve',
  summary: 'Run a relay',
  arguments: {},
  options: {
    ...settingOptions,
    config: { value: 'FILE', doc: 'YAML file with settings (default: AGENTCHAT_CONFIG).' },
  },
  details: async () =>
    'Every flag is also an environment variable and a key of the YAML file: docs/CONFIG.md.\nSIGTERM and SIGINT '
    + 'end it in order, a second one at once; SIGHUP reads the certificate again.\n--cluster dev without --store and --nats starts those '
    + 'servers and three processes of the relay (docs/CLUSTER.md); with --data DIR the database stays there, without it nothing does.',
  examples: [
    { command: 'agentchat serve', doc: 'A relay on ws://localhost:6667 that keeps its data in ./agentchat-data' },
    {
      command: 'agentchat serve --port 7000 --data /var/lib/agentchat --msg-rate 5 --msg-burst 50',
      doc: 'Another port and place, and more messages per agent',
    },
    {
      command: 'agentchat serve --cluster dev',
      doc: 'Three processes of one relay on this machine, with a PostgreSQL and a NATS of their own, for trying it',
    },
    { command: 'agentchat serve --accounts --brand brand.json', doc: 'With accounts of people, and pages under a name of its own' },
    { command: 'agentchat serve --cert fullchain.pem --key privkey.pem --host 0.0.0.0 --port 443', doc: 'With TLS' },
  ],
  async run({ options, io, out }) {
    // From the first moment: a reload that comes before the relay is there must not end it.
    let onHangup = (): void => undefined
    io.onHangup(() => onHangup())
    const [{ ConfigError, loadConfig, strayVariables }, { startRelay }, { createLogger }] = await Promise.all([
      import('../../config/load.ts'),
      import('../../app.ts'),
      import('../../base/log.ts'),
    ])
    // Whoever collects stderr gets JSON lines and nothing else; talk is for eyes.
    const talks = io.stderr.isTTY === true
    const say = (text: string): void => {
      if (talks) out.say(text)
    }
    let log = createLogger({ level: 'info', format: 'auto' })
    const { config: file = io.env['AGENTCHAT_CONFIG'] || undefined, ...flags } = options as
      & { readonly config?: string }
      & Record<string, unknown>
    let relay: RunningRelay
    let config: Config
    try {
      config = await loadConfig({ flags, env: io.env, ...(file !== undefined && { file }) })
      log = createLogger({ level: config.logLevel, format: config.logFormat })
      io.onWarning(warning => log.warn({ name: warning.name }, warning.message))
      log.debug({ data: config.data }, 'starting')
      for (const stray of strayVariables(io.env)) log.warn(stray)
      if (isDevCluster(config)) return await serveCluster({ config, flags, file, io, out, log })
      relay = await startRelay(config, { log })
    } catch (error) {
      if (talks || out.isJson) throw error
      if (error instanceof ConfigError) { for (const { where, message } of error.problems) log.fatal({ where }, message) }
      else {
        const { failureOf } = await import('../failure.ts')
        const { message, hint } = failureOf(error)
        log.fatal({ hint }, message)
      }
      return 'error'
    }
    const stopped = new Promise<void>(resolve => {
      io.interrupted.addEventListener('abort', () => resolve(), { once: true })
    })
    onHangup = () => {
      try {
        relay.reloadTls()
        log.info('the certificate was read again')
      } catch (error) {
        log.error({ hint: 'the old one stays' }, (error as Error).message)
      }
    }
    const { url, port, serverId, setUpUrl, consoleUrl } = relay
    say(`Relay on ${url}\n  talk:    agentchat send ${url} '#general' "hi"\n  listen:  agentchat listen ${url} '#general'`)
    if (consoleUrl !== undefined) say(`  console: ${consoleUrl}`)
    // It is a secret: for eyes, or for whoever asks for it, and in no log.
    if (setUpUrl !== undefined) say(`Nobody operates this relay yet. Whoever opens this first does (once, within an hour):\n  ${setUpUrl}`)
    if (setUpUrl !== undefined && !talks && !out.isJson)
      log.warn('nobody operates this relay yet: the link that makes its operator is told on a terminal, or by --json')
    if (out.isJson)
      out.one({
        url,
        port,
        server_id: serverId,
        ...(consoleUrl !== undefined && { console_url: consoleUrl }),
        ...(setUpUrl !== undefined && { set_up_url: setUpUrl }),
      }, () => url)
    for (;;) {
      const why = io.interrupted.aborted ? undefined : await Promise.race([stopped.then(() => undefined), relay.renewed])
      say(why === undefined ? 'Stopping' : `Starting again: ${why}`)
      await relay.drain()
      if (why === undefined) return 'ok'
      const again = await startedAgain(() => startRelay({ ...config, port }, { log }), io.interrupted, log)
      if (again === undefined) return 'ok'
      relay = again
    }
  },
})
