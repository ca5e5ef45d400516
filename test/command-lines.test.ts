// Every command line that a page shows is one that the program takes: its words are taken from bash itself, and no command is run.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { Command as Commander } from 'commander'
import { describe, expect, test } from 'vitest'
import { allCommands } from '../src/cli/commands/index.ts'
import { addCommand } from '../src/cli/program.ts'
import { newFolder } from './kit/folder.ts'
import { blocksOf, type Block } from './kit/page.ts'

const pages = ['README.md', 'SKILL.md', ...readdirSync('docs').filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

/** The words of each `agentchat` in a block, as bash hands them over. Nothing else is there to be run. */
const wordsIn = ({ commands }: Pick<Block, 'commands'>): readonly (readonly string[])[] => {
  using folder = newFolder()
  const script = [
    // In one write, without a line's end that would divide it: what stands in <( ) runs beside the rest.
    `agentchat() { local line; printf -v line '%s\\x1f' "$@"; printf '%s\\x1e' "$line" >> "$LOG"; echo x; }`,
    'sudo() { "$@"; }; npx() { "$@"; }; command_not_found_handle() { return 0; }',
    'jq() { echo 7; }; wc() { echo 7; }',
    // What a page has set before, somewhere else.
    'deal=prop_1; msg_id=1-1-a; seq=1; question=1-1-a; fingerprint=f; ada=@8addfe276526c9f6; max=$ada; from=$ada',
    ...['read', 'cd', 'source', 'export'].map(name => `${name}() { return 1; }`),
    commands,
  ].join('\n')
  for (const [, file] of commands.matchAll(/ < ([\w.-]+)/g)) writeFileSync(folder.at(file!), 'a line\n')
  for (const [, place] of commands.matchAll(/ > ~\/([\w./-]+)\//g)) mkdirSync(folder.at(place!), { recursive: true })
  writeFileSync(folder.at('log'), '')
  try {
    execFileSync('/bin/bash', ['--norc', '-c', script], {
      cwd: folder.path,
      env: { PATH: folder.at('nothing'), LOG: folder.at('log'), HOME: folder.path },
      stdio: 'ignore',
    })
  } catch {} // How it ends is nobody's matter here.
  return readFileSync(folder.at('log'), 'utf8').split('\x1f\x1e').slice(0, -1).map(line => line.split('\x1f'))
}

const commands = await allCommands()

/** What the program would run; throws where it refuses the words. */
const taken = async (words: readonly string[]): Promise<string> => {
  const program = new Commander('agentchat')
  program.enablePositionalOptions().exitOverride().version('0').configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  let name = ''
  const run = ({ record }: { readonly record: { readonly name: string } }) => {
    name = record.name
    return Promise.resolve()
  }
  // Each command costs its options; a name that is none is refused beside all of them.
  const named = commands.filter(({ name }) => name === words[0])
  for (const record of named.length === 0 ? commands : named)
    addCommand(program, `agentchat ${record.name}`, record, run, { isOwnRelay: () => Promise.resolve(true) })
  await program.parseAsync(words, { from: 'user' }).catch((error: Error & { code?: string }) => {
    if (!/^commander\.(help|version)/.test(error.code ?? '')) throw error
    name = 'help'
  })
  return name
}

describe('command lines', () => {
  test('are found as bash reads them, and refused where the program would refuse them', async () => {
    const commands = `id=$(agentchat send '#a b' "it's" --json | jq .seq)\nagentchat listen \\\n  -m 1 # a comment\n`
    expect(wordsIn({ commands })).toEqual([['send', '#a b', "it's", '--json'], ['listen', '-m', '1']])
    expect(await taken(['send', '#a', 'hello', '--json'])).toBe('send')
    await expect(taken(['send', '#a', 'hello', '--jsn'])).rejects.toThrow('--jsn')
    await expect(taken(['proposals', 'sohw', 'prop_1'])).rejects.toThrow()
    await expect(taken(['listen', '-m', 'many'])).rejects.toThrow()
  })

  test.each(pages)('of %s are ones that the program takes', async page => {
    const refused: string[] = []
    for (const block of blocksOf(page)) {
      const lines = wordsIn(block)
      const count = block.commands.split('\n').filter(line => /^(?:sudo |npx )?agentchat /.test(line)).length
      if (lines.length < count) refused.push(`${page}:${block.line}: only ${lines.length} of ${count} are reached`)
      for (const words of lines) {
        await taken(words).catch((error: Error) => refused.push(`${page}:${block.line}: ${words.join(' ')}: ${error.message}`))
      }
    }
    expect(refused).toEqual([])
  })
})
