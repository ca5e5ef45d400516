// The command records as the page people read: docs/CLI.md.
import { flagsOf, optionsOf, relayOptions, commonOptions, usageOf, type AnyCommand } from './command.ts'
import { allCommands } from './commands/index.ts'
import { exits } from './exit.ts'

type Options = ReturnType<typeof optionsOf>

const cell = (text: string): string => text.replaceAll('|', '\\|')

const optionTable = (options: Options): string =>
  [
    '| option | meaning |',
    '|---|---|',
    ...Object.entries(options).map(([key, spec]) => `| \`${cell(flagsOf(key, spec))}\` | ${cell(spec.doc)} |`),
  ].join('\n')

const section = async (record: AnyCommand, path: string, level: number): Promise<string> => {
  const isShared = (key: string) => key in commonOptions || (record.relay === true && key in relayOptions && !(key in record.options))
  const own = Object.fromEntries(Object.entries(optionsOf(record)).filter(([key]) => !isShared(key)))
  const args = Object.entries(record.arguments)
  const details = await record.details?.()
  const children = await Promise.all((record.commands ?? []).map(child => section(child, `${path} ${child.name}`, level + 1)))
  return [
    `${'#'.repeat(level)} ${path}`,
    `${record.summary}.`,
    `\`\`\`\nagentchat ${path} ${usageOf(record)}\n\`\`\``,
    ...(args.length === 0 ? [] : [args.map(([name, { doc }]) => `- \`${name.toUpperCase()}\`: ${doc}`).join('\n')]),
    ...(Object.keys(own).length === 0 ? [] : [optionTable(own)]),
    ...(details === undefined ? [] : [details.includes('\n  ') ? `\`\`\`\n${details.replaceAll(/ +$/gm, '')}\n\`\`\`` : details]),
    `\`\`\`sh\n${record.examples.map(({ command, doc }) => `# ${doc}\n${command}`).join('\n')}\n\`\`\``,
    ...children,
  ].join('\n\n')
}

export const cliMarkdown = async (): Promise<string> => {
  const sections = await Promise.all((await allCommands()).map(record => section(record, record.name, 2)))
  const exitRows = Object.entries(exits).map(([name, { code, retry, doc }]) => `| ${code} | ${name} | ${retry ? 'yes' : 'no'} | ${doc} |`)
  return `# The command line

<!-- Generated from src/cli by \`npm run docs\`. -->

Commands that talk to a relay take its URL first (\`agentchat send ws://localhost:6667 '#general' "hi"\`). Without one they take
\`AGENTCHAT_URL\`, else the context that \`--context\`, \`AGENTCHAT_CONTEXT\` or \`agentchat context use\` names.
They log in with the key file of \`-i\`, else of \`AGENTCHAT_IDENTITY\`, else the context's, else \`~/.agentchat/identity.json\` where it is there; without one, or with
\`--guest\`, as a guest that lasts as long as the connection. \`agentchat whoami\` tells which key that is.

stdout is data, stderr is talk. Data is readable text on a terminal, JSON Lines in a pipe, and one JSON document with \`--json\` (JSON Lines
where it streams); with \`--json\` an error is one line of JSON on stderr. An agent is \`agent_id\` in it, a channel \`channel\`. Control characters that peers wrote are shown, never obeyed.
\`NO_COLOR\` is honoured. Files live in \`~/.agentchat\`: identities, contexts, and the keys of known relays. A relay whose key has
changed is told loudly, and no identity is used with it until \`--accept-new-relay-key\`.

## Exit codes

| code | name | worth trying again | meaning |
|---|---|---|---|
${exitRows.join('\n')}

## Options of every command

${optionTable(commonOptions)}

An option with \`[yes|no]\` is a switch, too: \`--mcp\` is yes, \`--no-mcp\` is no.

Of those that talk to a relay:

${optionTable(relayOptions)}

${sections.join('\n\n')}
`
}
