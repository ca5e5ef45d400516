// Records → commander: the options, arguments, help and examples of every command, and words back to arguments.
import { Argument, Command as Commander, Option } from 'commander'
import { flagsOf, longName, optionsOf, usageOf, yesOrNo, type AnyCommand, type ArgumentSpec, type Example } from './command.ts'
import { CliError } from './exit.ts'
import { isServerUrl } from './target.ts'

/** One use of a record, as the command line has it. */
export interface Use {
  readonly record: AnyCommand
  readonly server: string | undefined
  readonly args: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
}

export type Run = (use: Use) => Promise<void>

/** What the words of a command line are judged by. */
export interface Words {
  /** Whether the user has given a relay this name. */
  isOwnRelay(word: string): Promise<boolean>
}

/** Adds a command and its subcommands to its parent. `details` are what the `details` of each gave. */
export const addCommand = (
  parent: Commander,
  path: string,
  record: AnyCommand,
  run: Run,
  words: Words,
  { details, group }: { readonly details?: ReadonlyMap<AnyCommand, string> | undefined, readonly group?: string | undefined } = {},
): void => {
  const own = new Commander(record.name).copyInheritedSettings(parent)
  if (group !== undefined) own.helpGroup(`${group}:`)
  own.summary(record.summary).description(`${record.summary}.`).usage(usageOf(record))
  if (record.relay)
    own.addArgument(
      new Argument('[server]',
        "relay URL, ws:// or wss://, or a name of `agentchat discover` (default: AGENTCHAT_URL, else the context's)"),
    )
  for (const [name, { doc, variadic }] of Object.entries(record.arguments)) {
    own.addArgument(new Argument(`[${name.toUpperCase()}${variadic ? '...' : ''}]`, doc))
  }
  for (const [key, spec] of Object.entries(optionsOf(record))) {
    const option = new Option(flagsOf(key, spec), spec.doc)
    if (spec.parse !== undefined) option.argParser(spec.parse)
    own.addOption(option)
    // What is on or off can be said as a switch too; help has it once.
    if (spec.value === yesOrNo) own.addOption(new Option(`--no-${longName(key)}`).hideHelp())
  }
  // Which arguments must be there depends on whether the first word is a relay: takeArguments decides, not commander.
  own.allowExcessArguments().action(async () => run({ record, ...await takeArguments(record, own.args, path, words), options: own.opts() }))
  for (const child of record.commands ?? []) addCommand(own, `${path} ${child.name}`, child, run, words, { details })
  const said = details?.get(record)
  own.addHelpText('after', `${said === undefined ? '' : `\n${said}\n`}\n${examplesText(record.examples)}`)
  parent.addCommand(own)
}

const examplesText = (examples: readonly Example[]): string =>
  ['Examples:', ...examples.flatMap(({ command, doc }) => [`  # ${doc}`, `  ${command}`])].join('\n')

/**
 * A plain word in front of arguments that begin with # or @, or of none at all. Where it may be an argument itself, it is that: then a
 * relay is named by its url, or, where nothing follows, by a name that the user gave it.
 */
const isRelayName = async ({ arguments: specs, commands }: AnyCommand, [word, next]: readonly string[], { isOwnRelay }: Words) => {
  const all = Object.values(specs)
  if (word === undefined || commands !== undefined || !/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(word)) return false
  if (all.length === 0) return true
  if (all[0]!.is === undefined || all[0]!.is === 'held') return false
  return next === undefined ? all.every(({ optional }) => optional) && isOwnRelay(word) : /^[#@][\w-]+(?:@[\w.:-]+)?$/.test(next)
}

/** Words → the relay, if the first word is a relay's URL or name, and the record's arguments by name. @throws CliError */
export const takeArguments = async (
  record: AnyCommand,
  words: readonly string[],
  path: string,
  judge: Words,
): Promise<Pick<Use, 'server' | 'args'>> => {
  const server = record.relay && (isServerUrl(words[0] ?? '') || await isRelayName(record, words, judge)) ? words[0] : undefined
  const left = words.slice(server === undefined ? 0 : 1)
  const args: Record<string, unknown> = {}
  for (const [name, { optional, variadic, is }] of Object.entries(record.arguments)) {
    if (!optional && left.length === 0)
      throw new CliError('usage', `Missing argument ${name.toUpperCase()}`, `Usage: ${path} ${usageOf(record)}${eatenHint(record)}`)
    args[name] = variadic ? left.splice(0).map(word => named(word, is)) : left[0] === undefined ? left.shift() : named(left.shift()!, is)
  }
  if (left.length === 0) return { server, args }
  const excess = left.map(word => JSON.stringify(word)).join(' ')
  if (record.commands !== undefined)
    throw new CliError('usage', `Unknown command ${excess}`, `Known: ${record.commands.map(child => child.name).join(', ')}`)
  throw new CliError('usage', `Too many arguments: ${excess}`, 'Put quotes around text that has spaces.')
}

/** Where a shell may have taken a channel, and all behind it, for a comment. */
const eatenHint = (record: AnyCommand): string =>
  Object.values(record.arguments).some(({ is }) => is === 'channel' || is === 'target')
    ? "\nTo a shell a bare # begins a comment: put quotes around channels, '#general'."
    : ''

/** A channel or an agent as it is written. @throws CliError */
const named = (word: string, is: ArgumentSpec['is']): string => {
  if (is === 'channel') {
    if (/^[\w-]+$/.test(word)) return `#${word}`
    if (!/^#\S+$/.test(word))
      throw new CliError('usage', `${JSON.stringify(word)} is not a channel`,
        "Channels are written like '#general', with quotes, or general.")
  }
  if (is === 'agent' && !/^@\S+$/.test(word))
    throw new CliError('usage', `${JSON.stringify(word)} is not an agent id`, 'Ids begin with @: see agentchat agents CHANNEL.')
  if (is === 'target' && !/^[#@]\S+$/.test(word))
    throw new CliError('usage', `${JSON.stringify(word)} is not a target`, "Targets are a '#channel' (with quotes) or an @agent.")
  return word
}
