// The settings table as the page people read.
import * as z from 'zod'
import { unwrap } from './load.ts'
import { envName, flagName, settingKeys, settings, type Config, type SettingKey } from './schema.ts'

export const typeOf = (key: SettingKey): string => {
  const type = unwrap(settings[key].type)
  if (type instanceof z.ZodEnum) return type.options.join(' \\| ')
  if (type instanceof z.ZodArray) return 'list'
  return type.type
}

const defaultOf = (key: SettingKey): string => {
  const value: unknown = settings[key].type.parse(undefined)
  if (value === undefined) return 'unset'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(item => `\`${item}\``).join(' ')
  return `\`${value}\``
}

/** What a setting is, as an operator is shown it. */
export interface ShownSetting {
  readonly name: string
  /** Not there: it is not set, or it is secret. */
  readonly value?: string | number | boolean | string[]
  readonly default: boolean
  readonly secret?: true
  readonly doc: string
}

/** Who may connect to a url by what stands in it does not stand in what is shown. */
const withoutLogin = (value: string): string =>
  value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1…@').replace(/^(https?:[^?#]*)[?#].*$/i, '$1?…')

/** All of them, without secrets. */
export const shownSettings = (config: Config): ShownSetting[] =>
  settingKeys.map(name => {
    const { type, doc, secret } = settings[name]
    const value: unknown = config[name]
    const isDefault = JSON.stringify(value) === JSON.stringify(type.parse(undefined))
    if (secret === true) return { name, default: isDefault, secret, doc }
    const shown = Array.isArray(value)
      ? value.map(each => withoutLogin(String(each)))
      : typeof value === 'string'
      ? withoutLogin(value)
      : value
    return { name, ...(shown !== undefined && { value: shown as string }), default: isDefault, doc }
  })

export const configMarkdown = (): string => {
  const rows = settingKeys.map(key => {
    const { doc, short, env = [], secret } = settings[key]
    const flags = [...(short === undefined ? [] : [`\`-${short}\``]), `\`${flagName(key)}\``].join(' ')
    return `| \`${key}\` | ${typeOf(key)} | ${defaultOf(key)} | ${flags} | ${
      [envName(key), ...env].map(name => `\`${name}\``).join(' ')
    } | ${doc}${secret === true ? ' Never logged.' : ''} |`
  })
  return `# Configuration

<!-- Generated from src/config/schema.ts by \`npm run docs\`. -->

A setting is taken from the first place that has it: flag, environment, YAML file (\`--config FILE\`, or \`AGENTCHAT_CONFIG\`), default.
Sizes (\`…Bytes\`) may carry k, M, G, KiB, MiB or GiB, times (\`…Ms\`) ms, s, m, h or d; a unit of the other kind is refused. Lists are
separated by commas. What is yes or no is a switch, too: \`--directory\`, \`--no-mcp\`. All problems are reported at once, with where each stands; a variable that begins with AGENTCHAT_ and is no setting is told.

\`\`\`yaml
# agentchat.yaml
name: workshop
msgRate: 5
msgBurst: 50
channels: ['#general', '#builders']
\`\`\`

| key | type | default | flag | environment | meaning |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}
