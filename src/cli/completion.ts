// Shell completion, generated from the command records.
import { longName, optionsOf, yesOrNo, type AnyCommand } from './command.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A place in the command line and what may follow there. `path` is '' or 'context' or 'context add'. */
interface Place {
  readonly path: string
  readonly commands: readonly AnyCommand[]
  readonly options: readonly { readonly flag: string, readonly short?: string, readonly takesValue: boolean, readonly doc: string }[]
}

const placesOf = (commands: readonly AnyCommand[], path = '', self?: AnyCommand): readonly Place[] => [
  {
    path,
    commands,
    options: Object.entries(self === undefined ? {} : optionsOf(self)).flatMap(([key, { short, value, doc }]) => [
      {
        flag: `--${longName(key)}`,
        ...(short !== undefined && { short: `-${short}` }),
        takesValue: value !== undefined && !value.startsWith('['),
        doc,
      },
      ...(value === yesOrNo ? [{ flag: `--no-${longName(key)}`, takesValue: false, doc }] : []),
    ]),
  },
  ...commands.flatMap(child => placesOf(child.commands ?? [], `${path} ${child.name}`.trim(), child)),
]

const words = ({ commands, options }: Place): string =>
  [...commands.map(({ name }) => name), ...options.flatMap(({ flag, short }) => short === undefined ? [flag] : [short, flag])].join(' '
    + '')

/** The words that name a command so far, as a shell loop: options and values are passed over, a word that is no command ends it. */
const pathLoop = (places: readonly Place[], list: string, from: string): string =>
  `  local at="" word next
  for word in "\${${list}[@]:${from}}"; do
    next="\${at:+$at }$word"
    case "|${places.map(({ path }) => path).join('|')}|" in *"|$next|"*) at="$next" ;; esac
  done`

const bash = (places: readonly Place[]): string =>
  `# agentchat completion for bash:  source <(agentchat completion bash)
_agentchat() {
${pathLoop(places, 'COMP_WORDS', '1:COMP_CWORD-1')}
  local words=""
  case "$at" in
${places.map(place => `    "${place.path}") words="${words(place)}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _agentchat agentchat
`

const zshQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const zsh = (places: readonly Place[]): string =>
  `#compdef agentchat
# agentchat completion for zsh:  source <(agentchat completion zsh)
_agentchat() {
${pathLoop(places, 'words', '1:CURRENT-2')}
  local -a choices
  case "$at" in
${
    places.map(({ path, commands, options }) =>
      `    "${path}") choices=(${
        [
          ...commands.map(({ name, summary }) => zshQuote(`${name}:${summary.replaceAll(':', '\\:')}`)),
          ...options.map(({ flag, doc }) => zshQuote(`${flag}:${doc.replaceAll(':', '\\:')}`)),
        ].join(' ')
      }) ;;`
    ).join('\n')
  }
  esac
  _describe agentchat choices || _files
}
compdef _agentchat agentchat
`

const fishQuote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const fish = (places: readonly Place[]): string => {
  const condition = ({ path, commands }: Place): string => {
    if (path === '') return '__fish_use_subcommand'
    const seen = path.split(' ').map(word => `__fish_seen_subcommand_from ${word}`)
    const deeper = commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`]
    return [...seen, ...deeper].join('; and ')
  }
  const lines = places.flatMap(place => {
    const start = `complete -c agentchat -n ${fishQuote(condition(place))}`
    return [
      ...place.commands.map(({ name, summary }) => `${start} -f -a ${name} -d ${fishQuote(summary)}`),
      ...place.options.map(({ flag, short, takesValue, doc }) =>
        `${start} -l ${flag.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}${takesValue ? ' -r' : ''} -d ${fishQuote(doc)}`
      ),
    ]
  })
  return `# agentchat completion for fish:  agentchat completion fish | source\n${lines.join('\n')}\n`
}

const scripts = { bash, zsh, fish } as const satisfies Record<Shell, (places: readonly Place[]) => string>

export const isShell = (word: string): word is Shell => Object.hasOwn(scripts, word)
export const completionScript = (shell: Shell, commands: readonly AnyCommand[]): string => scripts[shell](placesOf(commands))
