// From argv to an exit code: finds the command, runs it, and tells how it ended.
import { Command as Commander, CommanderError } from 'commander'
import type { AgentChatClient } from '../../lib/client/index.ts'
import { version } from '../base/version.ts'
import { brokenArgument } from './arguments.ts'
import type { AnyCommand, Call } from './command.ts'
import { allCommands, groupOf, loaders } from './commands/index.ts'
import { CliError, exits, type ExitName } from './exit.ts'
import type { Io } from './io.ts'
import { createOutput, type Output } from './output.ts'
import { addCommand, type Run } from './program.ts'
import type { Target } from './target.ts'

/** Runs one command line (without the program's own name) and gives the exit code. Never throws. */
export const main = async (argv: readonly string[], io: Io): Promise<number> => {
  const dashes = argv.indexOf('--')
  const words = dashes === -1 ? argv : argv.slice(0, dashes)
  const isJson = words.includes('--json')
  let out = createOutput(io, isJson)
  const clients = new Set<AgentChatClient>()
  let exit: ExitName = 'ok'

  const run: Run = async ({ record, server, args: words, options }) => {
    const { identity, guest, name, context, ca, field } = options as Call['options']
    if (field !== undefined) {
      const { vocabulary } = await import('./vocabulary.ts')
      out = createOutput(io, isJson, { paths: field, vocabulary: vocabulary() })
    }
    // A relay that is named in front is asked for names at others too: it may be linked to them.
    const { host, args } = server === undefined && record.relay && hasHosts(words)
      ? (await import('./addressed.ts')).hostIn(record, words)
      : { args: words }
    const found = new Map<string, Promise<Target>>()
    const target: Call['target'] = async wish => {
      const at = wish?.host ?? (wish?.server === undefined ? host : undefined)
      const own = () => ownTarget(wish)
      if (at === undefined) return own()
      const key = JSON.stringify([at, wish?.identity, wish?.anonymous])
      const there = found.get(key) ?? (await import('./addressed.ts')).targetAt(at, wantedBy(wish), { io, options, own })
      found.set(key, there)
      return there
    }
    const wantedBy = (wish: Parameters<Call['target']>[0]) => ({
      server: wish?.server ?? server,
      identity: wish?.identity ?? identity,
      guest: wish?.anonymous === undefined ? guest : true as const,
      name,
      context,
      ca,
    })
    const ownTarget: Call['target'] = async wish => {
      const [{ isServerUrl, resolveTarget }, { readContexts }] = await Promise.all([import('./target.ts'), import('./contexts.ts')])
      const wanted = wantedBy(wish)
      const word = wanted.server ?? (context === undefined ? io.env['AGENTCHAT_URL'] : undefined)
      // Names are looked up only where one is given: what finds them is not loaded for a url.
      const { serverNamed } = !word || isServerUrl(word) ? { serverNamed: undefined } : await import('./discovery/names.ts')
      return resolveTarget(wanted, io.env, () => readContexts(io.env), serverNamed && (word => serverNamed(io.env, word)))
    }
    const connect: Call['connect'] = async (wish = {}) => {
      const { openClient } = await import('./connection.ts')
      const client = await openClient(await target(wish), wish, { io, out, options })
      clients.add(client)
      client.on('status', ({ kind }) => {
        if (kind === 'ended') clients.delete(client)
      })
      return client
    }
    // The admin key of the environment is for the relay of one's own: no other that somebody's name leads to is told it.
    const isOthers = host !== undefined && io.env['AGENTCHAT_ADMIN_KEY'] && !await (await import('./addressed.ts')).isOwn(host, ownTarget)
    if (isOthers && 'adminKey' in record.options && (options as { readonly adminKey?: unknown }).adminKey === undefined)
      out.say(`AGENTCHAT_ADMIN_KEY is not told to ${host}: if you administer that relay, say its key with --admin-key`)
    const told = isOthers ? { ...io, env: { ...io.env, AGENTCHAT_ADMIN_KEY: undefined } } : io
    exit = await record.run({ args, options, server, io: told, out, target, connect } as never) ?? 'ok'
  }

  try {
    const broken = brokenArgument(argv, io.rawArguments?.())
    if (broken !== undefined)
      throw new CliError('usage', `Argument ${broken} is not UTF-8: it could not be passed on as it is`,
        'Set the terminal to UTF-8 (locale), or give the text on standard input: iconv -f latin1 -t utf-8 FILE | agentchat send … --whole -')
    const program = await programOf(argv, words, io, run)
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    exit = await report(error, io, out)
  }
  out.progress('')
  await Promise.all([...clients].map(client => client.close()))
  return exits[exit].code
}

/** Whether some argument may be a name that says at which relay it is; told without loading what finds it. */
const hasHosts = (args: Readonly<Record<string, unknown>>): boolean =>
  Object.values(args).flat().some(word => typeof word === 'string' && word.includes('@', 1))

/** What their help says beside options and examples, of commands and those below them. */
const detailsOf = async (records: readonly AnyCommand[]): Promise<ReadonlyMap<AnyCommand, string>> => {
  const all = records.flatMap(record => [record, ...record.commands ?? []]).flatMap(record => [record, ...record.commands ?? []])
  const said = await Promise.all([...new Set(all)].map(async record => [record, await record.details?.()] as const))
  return new Map(said.flatMap(([record, text]) => text === undefined ? [] : [[record, text]]))
}

/** The named command alone where there is one: the others need not be loaded. */
const programOf = async (argv: readonly string[], words: readonly string[], io: Io, run: Run): Promise<Commander> => {
  const program = new Commander('agentchat')
  program.version(version).description('The place where AI agents meet and talk: relay, client and shell tools.')
  // An option belongs to the command it follows: `identity generate -f FILE` is not `identity -f FILE`.
  program.enablePositionalOptions().configureHelp({ subcommandTerm: child => child.name() })
  program.exitOverride().configureOutput({
    writeOut: text => io.stdout.write(text),
    writeErr: text => io.stderr.write(text),
    outputError: () => undefined,
  })
  const name = argv[0] ?? ''
  const isHelp = name === 'help' || words.includes('--help') || words.includes('-h')
  const records = Object.hasOwn(loaders, name) ? [await loaders[name]!()] : await allCommands()
  const isOwnRelay = async (word: string) => (await import('./discovery/servers-file.ts')).hasOwnServer(io.env, word)
  const details = isHelp ? await detailsOf(records) : undefined
  for (const record of records)
    addCommand(program, `agentchat ${record.name}`, record, run, { isOwnRelay }, { details, group: groupOf(record.name) })
  return program
}

const report = async (error: unknown, io: Io, out: Output): Promise<ExitName> => {
  if (error instanceof CommanderError && error.code === 'commander.version') return 'ok'
  // Help was shown: because it was asked for, or because `agentchat` alone asks for nothing.
  if (error instanceof CommanderError && error.code.startsWith('commander.help')) return error.exitCode === 0 ? 'ok' : 'usage'
  const { failureOf } = await import('./failure.ts')
  const failure = io.interrupted.aborted
    ? { exit: 'interrupted' as const, message: 'Interrupted' }
    : failureOf(
      error instanceof CommanderError
        ? new CliError('usage', error.message.replace(/^error: /, ''),
          `agentchat --help lists the commands, agentchat COMMAND --help their options.${
            error.code === 'commander.unknownOption'
              ? "\nA text that begins with - goes behind --, as in: agentchat send '#general' -- '-5 degrees'"
              : ''
          }`)
        : error,
    )
  out.fail(failure)
  return failure.exit
}
