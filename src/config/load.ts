// Where a setting comes from: flags over environment over file over default. Every problem is reported at once.
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { isAnywhere } from './url.ts'
import { envName, flagName, settingKeys, settings, withoutLimits, type Config, type Setting, type SettingKey } from './schema.ts'

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
    const problem = (message: string) =>
      problems.push({
        where: found!.where,
        message: `${key} ${message}${secret === true ? '' : `, not ${JSON.stringify(found!.value)}`}`,
      })
    try {
      const result = (type as z.ZodType).safeParse(found === undefined ? undefined : coerce(key, found.value))
      if (result.success) config[key] = result.data
      else problem(problemOf(result.error.issues[0]!))
    } catch (error) {
      if (!(error instanceof Misread)) throw error
      problem(error.message)
    }
  }
  if ((config['cert'] === undefined) !== (config['key'] === undefined))
    problems.push({ where: '--cert and --key', message: 'give both or neither' })
  if ((config['escrowWebhook'] === undefined) !== (config['escrowSecret'] === undefined))
    problems.push({ where: '--escrow-webhook and --escrow-secret', message: 'give both or neither' })
  if (new Set((['filesBucket', 'filesBucketKey', 'filesBucketSecret'] as const).map(key => config[key] === undefined)).size > 1)
    problems.push({ where: '--files-bucket, --files-bucket-key and --files-bucket-secret', message: 'give all or none' })
  if (
    (config['announce'] as readonly string[] | undefined)?.length && (config['publicUrls'] as readonly string[] | undefined)?.length === 0
    && (isAnywhere(String(config['host'])) || !isSet.has('host'))
  ) {
    problems.push({
      where: '--announce',
      message: 'others have to know where the relay is: give --public-urls too, like wss://relay.example',
    })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return withoutLimits(config as unknown as Config, key => isSet.has(key))
}

/** Variables of the program that are no settings of a relay. */
const otherVariables = ['CONFIG', 'URL', 'IDENTITY', 'CONTEXT'].map(name => `AGENTCHAT_${name}`)

/** What looks like a setting in the environment and is none: one sentence each. */
export const strayVariables = (env: Readonly<Record<string, string | undefined>>): readonly string[] => {
  const known = new Set([...settingKeys.map(envName), ...otherVariables])
  return Object.keys(env).filter(name => name.startsWith('AGENTCHAT_') && !known.has(name)).map(name => {
    const near = nearest(name, [...known])
    return `${name} is no setting${near === undefined ? '; see docs/CONFIG.md' : `; did you mean ${near}?`}`
  })
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

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  k: 1e3,
  kB: 1e3,
  M: 1e6,
  MB: 1e6,
  G: 1e9,
  GB: 1e9,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
}
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The units that a setting takes: its name ends in what it is counted in, or its value is called so. */
const unitsOf = (key: SettingKey): { readonly factors: Readonly<Record<string, number>>, readonly doc: string } =>
  key.endsWith('Bytes') || (settings[key] as Setting).value === 'SIZE'
    ? { factors: unitBytes, doc: 'a size in bytes, or with one of k, M, G, KiB, MiB, GiB' }
    : key.endsWith('Ms')
    ? { factors: unitMs, doc: 'a time in ms, or with one of ms, s, m, h, d' }
    : { factors: {}, doc: 'a number without a unit' }

/** `4MiB`, `30s`, `1_000`; undefined where it is no such number, or the unit is of the wrong kind. */
const numberOf = (text: string, factors: Readonly<Record<string, number>>): number | undefined => {
  const [, digits, unit = ''] = /^(-?\d[\d_]*(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text.trim()) ?? []
  if (digits === undefined) return undefined
  // KIB and mib can only be one thing; a single letter is taken as it is written: m is minutes, M is a million.
  const name = unit.length < 2 ? unit : Object.keys(factors).find(known => known.toLowerCase() === unit.toLowerCase())
  const factor = unit === '' ? 1 : name === undefined || !Object.hasOwn(factors, name) ? undefined : factors[name]
  return factor === undefined ? undefined : Number(digits.replaceAll('_', '')) * factor
}

class Misread extends Error {}

/** Text from flags and environment to what the type wants: numbers with units (8MiB, 30s), yes or no, lists with commas. */
const coerce = (key: SettingKey, value: unknown): unknown => {
  const inner = unwrap(settings[key].type)
  // A file may say `30s` too; what is a number there is one already.
  if (typeof value !== 'string') return value
  if (inner instanceof z.ZodNumber) {
    const { factors, doc } = unitsOf(key)
    const number = numberOf(value, factors)
    if (number === undefined) throw new Misread(`must be ${doc}`)
    return number
  }
  if (inner instanceof z.ZodBoolean) {
    if (['true', '1', 'yes', 'on'].includes(value.toLowerCase())) return true
    if (['false', '0', 'no', 'off'].includes(value.toLowerCase())) return false
    throw new Misread('must be yes or no')
  }
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject) {
    try {
      return JSON.parse(value) as unknown
    } catch {
      throw new Misread('must be a list in JSON')
    }
  }
  if (inner instanceof z.ZodArray) return value.split(',').map(part => part.trim()).filter(part => part !== '')
  return value
}

/** What is wrong with a value, in our own words. */
const problemOf = (issue: z.core.$ZodIssue): string => {
  const item = issue.path.length > 0 ? `item ${Number(issue.path[0]) + 1} ` : ''
  switch (issue.code) {
    case 'too_small':
      return `${item}must ${issue.origin === 'number' || issue.origin === 'int' ? `be at least ${issue.minimum}` : tooShort(issue)}`
    case 'too_big':
      return `${item}must ${
        issue.origin === 'number' || issue.origin === 'int'
          ? `be at most ${issue.maximum}`
          : `have at most ${issue.maximum} ${issue.origin === 'array' ? 'items' : 'characters'}`
      }`
    case 'invalid_type':
      return `${item}must be ${issue.expected === 'int' ? 'a whole number' : expectations[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `${item}must be one of ${issue.values.join(', ')}`
    default:
      // The formats of the table say what they want.
      return `${item}must be ${issue.message}`
  }
}

const tooShort = ({ minimum, origin }: { readonly minimum: number | bigint, readonly origin: string }): string =>
  Number(minimum) === 1 ? 'not be empty' : `have at least ${minimum} ${origin === 'array' ? 'items' : 'characters'}`

const expectations: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'yes or no',
  array: 'a list',
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
