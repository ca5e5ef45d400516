// Records → commander: the options, arguments, help and examples of every command, and words back to arguments.
import { Argument, Command as Commander, Option } from 'commander'
import { flagsOf, optionsOf, usageOf, type AnyCommand, type Example } from './command.ts'
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

/** Adds a command and its subcommands to its parent. `details` is what the record's own `details` gave. */
export const addCommand = (
  parent: Commander,
  path: string,
  record: AnyCommand,
  run: Run,
  { details, group }: { readonly details?: string | undefined, readonly group?: string | undefined } = {},
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
  }
  // Which arguments must be there depends on whether the first word is a relay: takeArguments decides, not commander.
  own.allowExcessArguments().action(() => run({ record, ...takeArguments(record, own.args, path), options: own.opts() }))
  for (const child of record.commands ?? []) addCommand(own, `${path} ${child.name}`, child, run)
  own.addHelpText('after', `${details === undefined ? '' : `\n${details}\n`}\n${examplesText(record.examples)}`)
  parent.addCommand(own)
}

const examplesText = (examples: readonly Example[]): string =>
  ['Examples:', ...examples.flatMap(({ command, doc }) => [`  # ${doc}`, `  ${command}`])].join('\n')

/**
 * A plain word in front of arguments that begin with # or @, or of none at all. Elsewhere it may be an argument: then a relay
 * is named by its url.
 */
const isRelayName = ({ arguments: specs, commands }: AnyCommand, [word, ...others]: readonly string[]): boolean => {
  const all = Object.values(specs)
  if (word === undefined || commands !== undefined || !/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(word)) return false
  return all.length === 0
    || (all[0]!.sigil === true && others.length >= all.filter(({ optional }) => !optional).length
      && (others[0] === undefined || /^[#@]/.test(others[0])))
}

/** Words → the relay, if the first word is a relay's URL, and the record's arguments by name. */
export const takeArguments = (record: AnyCommand, words: readonly string[], path: string): Pick<Use, 'server' | 'args'> => {
  const server = record.relay && (isServerUrl(words[0] ?? '') || isRelayName(record, words)) ? words[0] : undefined
  const left = words.slice(server === undefined ? 0 : 1)
  const args: Record<string, unknown> = {}
  for (const [name, { optional, variadic }] of Object.entries(record.arguments)) {
    if (!optional && left.length === 0)
      throw new CliError('usage', `Missing argument ${name.toUpperCase()}`, `Usage: ${path} ${usageOf(record)}`)
    args[name] = variadic ? left.splice(0) : left.shift()
  }
  if (left.length === 0) return { server, args }
  const excess = left.map(word => JSON.stringify(word)).join(' ')
  if (record.commands !== undefined)
    throw new CliError('usage', `Unknown command ${excess}`, `Known: ${record.commands.map(child => child.name).join(', ')}`)
  throw new CliError('usage', `Too many arguments: ${excess}`, 'Put quotes around text that has spaces.')
}
