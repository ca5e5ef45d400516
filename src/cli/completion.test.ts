import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { allCommands } from './commands/index.ts'
import { completionScript, type Shell } from './completion.ts'

const commands = await allCommands()
const bash = (script: string): string => execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' })

describe('bash', () => {
  const script = completionScript('bash', commands)
  /** What the shell would offer after these words. */
  const offered = (...words: string[]): readonly string[] =>
    bash(
      `${script}\nCOMP_WORDS=(${
        ['agentchat', ...words].map(word => `'${word}'`).join(' ')
      }); COMP_CWORD=${words.length}; _agentchat; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ).trim().split('\n')

  test('the script is one that bash reads', () => {
    execFileSync('bash', ['-n'], { input: script })
  })

  test('commands, subcommands and options are offered in their places', () => {
    expect(offered('')).toEqual(commands.map(({ name }) => name))
    expect(offered('se')).toEqual(['send', 'search', 'serve'])
    expect(offered('context', '')).toEqual(expect.arrayContaining(['add', 'use', 'list', 'show', 'remove']))
    expect(offered('context', 'add', '--')).toEqual(['--identity', '--name', '--ca', '--use', '--json', '--field'])
    expect(offered('listen', 'ws://localhost:6667', '#general', '--max')).toEqual(['--max-messages'])
    expect(offered('serve', '--no-m')).toEqual(['--no-mcp', '--no-moltbook-live'])
  })
})

test.each<Shell>(['bash', 'zsh', 'fish'])('%s: every command, subcommand and option is in the script', shell => {
  const script = completionScript(shell, commands)
  for (const { name, commands: children = [] } of commands)
    for (const word of [name, ...children.map(child => child.name)]) expect(script).toMatch(new RegExp(`\\b${word}\\b`))
  expect(script).toContain('max-messages')
})
