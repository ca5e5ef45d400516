// The story of docs/NEGOTIATION.md, run as it is written: its shell commands against a relay, and what they print.
import { expect, test } from 'vitest'
import { identityOf, loadIdentityFile } from '../../lib/node/index.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Reader, asOnPage, blocksOf, installed, type Block } from '../kit/page.ts'
import { ServeProgram, builtBin } from '../kit/process.ts'

const adminKey = 'correct horse battery'

const blocks = blocksOf('docs/NEGOTIATION.md')
const story = blocks.filter(({ heading }) => heading === 'A story')
const later = blocks.filter(({ heading }) => heading === 'Years later')

/** With ids and times as the page has them: agents by name, the rest as on every page. */
const named = (text: string, home: Folder): string => {
  const agents = new Map(['ada', 'max', 'judy'].map((name): [string, string] => [
    identityOf(loadIdentityFile(home.at(`${name}.json`))).agentId,
    `@${name}`,
  ]))
  return asOnPage(text).replaceAll(/@[0-9a-f]{16}/g, id => agents.get(id) ?? id)
}

test('the story runs as it is written, and prints what the page says', async () => {
  using home = newFolder()
  const env = installed(home)
  const read = async (pieces: readonly Block[], more: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    using homes = newFolder()
    await using reader = new Reader({ folder: homes.path, start: home.path, env: { ...env, ...more }, isMerged: true })
    const printed: string[] = []
    for (const block of pieces) printed.push(await reader.read(block))
    return printed
  }
  const printed = [
    ...await (async () => {
      await using relay = new ServeProgram(builtBin(), ['--port', '0', '--data', home.at('relay'), '--msg-rate', '0'], {
        env: { ...env, HOME: home.path, AGENTCHAT_ADMIN_KEY: adminKey },
      })
      return await read(story, { AGENTCHAT_URL: await relay.url, AGENTCHAT_ADMIN_KEY: adminKey })
    })(),
    ...await read(later, {}),
  ]

  expect(named(printed.join('\f'), home).split('\f')).toEqual([...story, ...later].map(({ prints = '' }) => prints))
}, 300_000)
