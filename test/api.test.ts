// What programs import is documented where it stands, and the reference says all of it.
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test, vi } from 'vitest'
import { apiMarkdown, apiModules, undocumented } from '../scripts/api.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'

const modules = apiModules()

test('every public symbol has JSDoc: each export, and each public member of a class', () => {
  expect(undocumented(modules)).toEqual([])
  // The reader does find them.
  expect(undocumented(modules.map(module => ({ ...module, entries: module.entries.map(entry => ({ ...entry, doc: '' })) }))).length)
    .toBeGreaterThan(200)
})

test('docs/API.md is what the sources say (npm run docs)', () => {
  expect(readFileSync('docs/API.md', 'utf8')).toBe(apiMarkdown(modules))
})

test('the reference has every entry point, and each export as it is declared', () => {
  expect(modules.map(({ name }) => name)).toEqual([
    'agentchat',
    'agentchat/node',
    'agentchat/identity',
    'agentchat/protocol',
    'agentchat/server',
  ])
  const page = apiMarkdown(modules)
  for (const part of ['### AgentChatClient', '#### AgentChatClient.connect', '#### Trade.propose', '### nodeIdentity', '### startRelay'])
    expect(page).toContain(part)
  // A heading is a name, and nothing of what stands before it.
  expect(page.match(/^#{3,4} .*/gm)!.filter(heading => !/^#{3,4} [\w.]+(?:\.?\[Symbol\.\w+\])?$/.test(heading))).toEqual([])
  // Nothing of what is inside.
  expect(page).not.toMatch(/^\s*(?:readonly )?#\w|^private /m)
})

test('docs/LIBRARY.md is a program that runs as it is written', async () => {
  await using relay = await startTestRelay({ adminKey: 'correct horse battery' })
  const blocks = [...readFileSync('docs/LIBRARY.md', 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(match => match[1]!)
  expect(blocks.length).toBeGreaterThan(7)
  using folder = newFolder()
  const home = process.env['HOME']
  const files = { 'agentchat': 'lib/index.ts', 'agentchat/identity': 'lib/identity/index.ts', 'agentchat/node': 'lib/node/index.ts' }
  const program = blocks.join('\n').replace(/from '(agentchat[^']*)'/g, (_, name: keyof typeof files) => `from '${resolve(files[name])}'`)
    .replaceAll('ws://localhost:6667', relay.url)
  writeFileSync(folder.at('guide.ts'), program)
  const said: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void said.push(words.join(' ')))
  process.env['HOME'] = folder.path
  try {
    await import(folder.at('guide.ts'))
  } finally {
    process.env['HOME'] = home
    log.mockRestore()
  }
  expect(said).toEqual(expect.arrayContaining([
    expect.stringMatching(/is number 1$/),
    '4',
    'at work: translate this false',
    expect.stringContaining('CHANNEL_NOT_FOUND'),
    expect.stringMatching(/^prop_\w+ completed$/),
  ]))
})
