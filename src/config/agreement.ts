// Whether processes of one relay are set alike: what each may say for itself is left out, and of the rest there is one hash.
import { createHash } from 'node:crypto'
import type { Config } from './schema.ts'

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
  'metricsPort',
  'metricsHost',
  'logLevel',
  'logFormat',
  'maxMemory',
  'maxConnections',
  'trustedProxies',
  'region',
]

/** 16 hex digits; the same where everything that has to be the same is. Secrets are in it and cannot be told from it. */
export const agreementOf = (config: Config): string => {
  const said = Object.entries(config).filter(([name, value]) => !own.includes(name) && value !== undefined).sort(([a], [b]) =>
    a < b ? -1 : 1
  )
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16)
}
