// Whether processes of one relay are set alike: what each may say for itself is left out, and of the rest there is one hash.
import { createHash } from 'node:crypto'
import { settings, type Config, type SettingKey } from './schema.ts'

/** Where it runs, and how it is reached and watched. */
const own: readonly string[] = [
  'port',
  'host',
  'webPort',
  'data',
  'store',
  'nats',
  'node',
  'cert',
  'key',
  'brand',
  'metricsPort',
  'metricsHost',
  'logLevel',
  'logFormat',
  'maxMemory',
  'maxConnections',
  'trustedProxies',
  'drainNoticeMs',
  'drainMs',
  'region',
]

/** As nobody said otherwise. A version that has one setting more agrees with the one before until somebody sets it. */
const isPreset = (name: string, value: unknown): boolean =>
  Object.hasOwn(settings, name) && JSON.stringify(settings[name as SettingKey].type.parse(undefined)) === JSON.stringify(value)

/** 16 hex digits; the same where everything that has to be the same is. Secrets are in it and cannot be told from it. */
export const agreementOf = (config: Config): string => {
  const said = Object.entries(config).filter(([name, value]) => !own.includes(name) && value !== undefined && !isPreset(name, value))
  said.sort(([a], [b]) => a < b ? -1 : 1)
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16)
}
