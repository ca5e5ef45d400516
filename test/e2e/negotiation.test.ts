// The story of docs/NEGOTIATION.md, run as it is written: its shell commands against a relay, and what they print.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { expect, test } from 'vitest'
import { identityOf, loadIdentityFile } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'

const page = readFileSync('docs/NEGOTIATION.md', 'utf8')
const adminKey = 'correct horse battery'

interface Block {
  readonly commands: string
  readonly prints: string
}

/** The fenced commands of a piece of the page, each with the output that follows it. */
const blocksOf = (text: string): readonly Block[] =>
  [...text.matchAll(/^```sh\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?/gms)].map(([, commands, prints = '']) => ({
    commands: commands!,
    prints,
  }))

const [story, later] = /^## A story\n(.*?)^### Years later\n(.*?)(?=^## )/ms.exec(page)!.slice(1).map(blocksOf) as [
  readonly Block[],
  readonly Block[],
]

const mark = '=====BLOCK====='

/** Runs the blocks one after the other in one shell, and gives what each of them printed. */
const run = async (blocks: readonly Block[], home: Folder, env: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const script = blocks.map(({ commands }) => `${commands}\necho '${mark}'`).join('\n')
  await using shell = new Program('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], { cwd: home.path, env })
  const { code } = await shell.ended
  const printed = shell.stdout.split(`${mark}\n`)
  if (code !== 0) throw new Error(`ended with ${code} in block ${printed.length}:\n${printed.at(-1)}`)
  return printed.slice(0, -1)
}

/** With ids and times as the page has them: agents by name, proposals and receipts numbered as they first come. */
const named = (text: string, home: Folder): string => {
  const agents = new Map(['ada', 'max', 'judy'].map((name): [string, string] => [
    identityOf(loadIdentityFile(home.at(`${name}.json`))).agentId,
    `@${name}`,
  ]))
  const numbered = new Map<string, string>()
  return text.replace(/\d{4}-\d\d-\d\d \d\d:\d\dZ/g, 'DATE').replace(/@[0-9a-f]{16}/g, id => agents.get(id) ?? id).replace(
    /(prop|rcpt)_\w+/g,
    (id, kind: string) => {
      if (!numbered.has(id)) numbered.set(id, `${kind}_${[...numbered.keys()].filter(known => known.startsWith(kind)).length + 1}`)
      return numbered.get(id)!
    },
  )
}

test('the story runs as it is written, and prints what the page says', async () => {
  using home = newFolder()
  const bin = home.at('agentchat')
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${builtBin()}" "$@"\n`)
  chmodSync(bin, 0o755)
  const env = { HOME: home.path, PATH: [home.path, process.env['PATH']].join(delimiter) }

  const printed = [
    ...await (async () => {
      await using relay = new ServeProgram(builtBin(), ['--port', '0', '--data', home.at('relay'), '--msg-rate', '0'], {
        env: { ...env, AGENTCHAT_ADMIN_KEY: adminKey },
      })
      return await run(story, home, { ...env, AGENTCHAT_URL: await relay.url, AGENTCHAT_ADMIN_KEY: adminKey })
    })(),
    ...await run(later, home, env),
  ]

  expect(named(printed.join(mark), home).split(mark)).toEqual([...story, ...later].map(({ prints }) => prints))
}, 120_000)
