// The story of docs/FEDERATION.md, as it is written: three relays, two shells, and a deal at a relay that is not one's own.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newFolder } from '../kit/folder.ts'
import { Reader, blocksOf, installed } from '../kit/page.ts'
import { freePort } from '../kit/port.ts'

test('FEDERATION.md', async () => {
  using folder = newFolder()
  const meant: [string | RegExp, string][] = []
  for (const written of ['6667', '6668', '6669']) meant.push([written, String(await freePort())])
  await using reader = new Reader({ folder: folder.path, env: installed(folder), meant })
  const printed = new Map<string, string>()
  for (const block of blocksOf('docs/FEDERATION.md')) {
    printed.set(block.commands, await reader.read(block))
    if (block.isBackground) await reader.running(block.commands).prints(/ws:\/\/[\w.-]+:\d+/)
    if (block.isElsewhere && meant.length === 3) {
      const { agentId } = JSON.parse(readFileSync(folder.at('elsewhere/.agentchat/identity.json'), 'utf8')) as { agentId: string }
      meant.push(['@8addfe276526c9f6', agentId.replace(/^@?/, '@')])
    }
  }
  const saidBy = (word: string) => [...printed].find(([commands]) => commands.includes(word))![1]
  const heard = saidBy('agentchat listen').trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(heard.filter(({ content }) => content !== undefined).map(({ host, content, signature }) => ({ host, content, signature })))
    .toEqual(
      expect.arrayContaining([
        { host: undefined, content: 'hello at home', signature: 'valid' },
        { host: `localhost:${meant[1]![1]}`, content: 'hello at the second', signature: 'valid' },
        { host: `localhost:${meant[2]![1]}`, content: 'hello at the third', signature: 'valid' },
      ]),
    )
  expect(saidBy('agentchat who')).toContain('"bob"')
  const [deal] = saidBy('agentchat proposals show').split('\n')
  expect(JSON.parse(deal!)).toMatchObject({ status: 'accepted', task: 'write the guide' })
  expect((await reader.stop()).map(({ code }) => code)).toEqual([0, 0, 0])
}, 120_000)
