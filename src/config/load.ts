// Where a setting comes from: flags over environment over file over default. Every problem is reported at once.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { envName, flagName, settingKeys, settings, withoutLimits, type Config, type SettingKey } from './schema.ts'

export interface ConfigProblem {
  /** flag, variable or file:line */ readonly where: string
  readonly message: string
}

/** The configuration cannot be used; `problems` names each fault and where it stands. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ where, message }) => `${where}: ${message}`).join('\n'))
    this.problems = problems
  }
}

export interface ConfigSources {
  /** Values of flags, by setting. */
  readonly flags?: { readonly [K in SettingKey]?: unknown }
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Path of a YAML file. */
  readonly file?: string
}

interface Found {
  readonly where: string
  readonly value: unknown
}

/** @throws ConfigError */
export const loadConfig = async ({ flags = {}, env = {}, file }: ConfigSources): Promise<Config> => {
  const problems: ConfigProblem[] = []
  const inFile = file === undefined ? new Map<string, Found>() : await readFile(file, problems)
  for (const [key, { where }] of inFile) {
    if (!Object.hasOwn(settings, key)) problems.push({ where, message: `unknown setting ${JSON.stringify(key)}${suggestion(key)}` })
  }
  const isSet = new Set<SettingKey>()
  const config: Record<string, unknown> = {}
  for (const key of settingKeys) {
    const found = fromFlag(key, flags[key]) ?? fromEnv(key, env) ?? inFile.get(key)
    if (found !== undefined) isSet.add(key)
    const { type, secret } = settings[key]
    const result = (type as z.ZodType).safeParse(found === undefined ? undefined : coerce(type, found.value))
    if (result.success) config[key] = result.data
    else problems.push({
        where: found!.where,
        message: `${result.error.issues[0]!.message}${secret === true ? '' : `, not ${JSON.stringify(found!.value)}`}`,
      })
  }
  if ((config['cert'] === undefined) !== (config['key'] === undefined))
    problems.push({ where: '--cert and --key', message: 'give both or neither' })
  if ((config['escrowWebhook'] === undefined) !== (config['escrowSecret'] === undefined))
    problems.push({ where: '--escrow-webhook and --escrow-secret', message: 'give both or neither' })
  const isAnywhere = ['0.0.0.0', '::'].includes(String(config['host']))
  if (
    (config['announce'] as readonly string[] | undefined)?.length && (config['publicUrls'] as readonly string[] | undefined)?.length === 0
    && isAnywhere
  ) {
    problems.push({
      where: '--announce',
      message: 'others have to know where the relay is: give --public-urls too, like wss://relay.example',
    })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return withoutLimits(config as unknown as Config, key => isSet.has(key))
}

const fromFlag = (key: SettingKey, value: unknown): Found | undefined => value === undefined ? undefined : { where: flagName(key), value }

const fromEnv = (key: SettingKey, env: Readonly<Record<string, string | undefined>>): Found | undefined => {
  const name = [envName(key), ...settings[key].env ?? []].find(name => env[name] !== undefined && env[name] !== '')
  return name === undefined ? undefined : { where: name, value: env[name] }
}

const readFile = async (file: string, problems: ConfigProblem[]): Promise<Map<string, Found>> => {
  const found = new Map<string, Found>()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    problems.push({ where: file, message: `cannot be read: ${(error as Error).message}` })
    return found
  }
  const { LineCounter, isMap, isScalar, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineOf = (offset: number | undefined) => `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`
  for (const error of document.errors) problems.push({ where: lineOf(error.pos[0]), message: error.message })
  if (document.errors.length > 0 || document.contents === null) return found
  if (!isMap(document.contents)) {
    problems.push({ where: lineOf(0), message: 'must hold settings, like `port: 6667`' })
    return found
  }
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key)) continue
    found.set(String(key.value), { where: lineOf(key.range?.[0]), value: (value as { toJSON(): unknown } | null)?.toJSON() ?? undefined })
  }
  return found
}

const unitBytes: Readonly<Record<string, number>> = { b: 1, kib: 1_024, mib: 1_024 ** 2, gib: 1_024 ** 3, kb: 1_000, mb: 1e6, gb: 1e9 }
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Text from flags and environment to what the type wants: numbers with units (8MiB, 30s), yes or no, lists with commas. */
const coerce = (type: z.ZodType, value: unknown): unknown => {
  if (typeof value !== 'string') return value
  const inner = unwrap(type)
  if (inner instanceof z.ZodNumber) {
    const match = /^(-?[\d._]+)\s*([a-z]*)$/i.exec(value.trim())
    const unit = match?.[2]?.toLowerCase() ?? ''
    const factor = unit === '' ? 1 : unitBytes[unit] ?? unitMs[unit]
    return match === null || factor === undefined ? value : Number(match[1]!.replaceAll('_', '')) * factor
  }
  if (inner instanceof z.ZodBoolean) {
    if (['true', '1', 'yes', 'on'].includes(value.toLowerCase())) return true
    if (['false', '0', 'no', 'off'].includes(value.toLowerCase())) return false
    return value
  }
  if (inner instanceof z.ZodArray) return value.split(',').map(part => part.trim()).filter(part => part !== '')
  return value
}

/** The type below its default or optional wrapping. */
export const unwrap = (type: z.ZodType): z.ZodType =>
  type instanceof z.ZodDefault || type instanceof z.ZodOptional ? unwrap(type.unwrap() as z.ZodType) : type

/** The setting that was probably meant. */
const suggestion = (key: string): string => {
  const near = nearest(key, settingKeys)
  return near === undefined ? '; see docs/CONFIG.md' : `; did you mean ${near}?`
}

/** The known word that was probably meant. */
export const nearest = <T extends string>(word: string, known: readonly T[]): T | undefined => {
  const plain = (text: string) => text.replace(/[^a-z]/gi, '').toLowerCase()
  return known.find(other => plain(other) === plain(word)) ?? known.find(other => distance(plain(other), plain(word)) <= 2)
}

/** Edits between two words. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
