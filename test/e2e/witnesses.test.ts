// The commands of docs/TRANSCRIPTS.md, as they are written: a home, and a witness that cosigns what it mirrors.
import { expect, test } from 'vitest'
import { newFolder } from '../kit/folder.ts'
import { Reader, blocksOf, installed } from '../kit/page.ts'
import { freePort } from '../kit/port.ts'

test('TRANSCRIPTS.md', async () => {
  using folder = newFolder()
  const meant: [string, string][] = []
  for (const written of ['6667', '6668']) meant.push([written, String(await freePort())])
  await using reader = new Reader({ folder: folder.path, env: installed(folder), meant })
  let last = ''
  for (const block of blocksOf('docs/TRANSCRIPTS.md')) {
    last = await reader.read(block)
    if (block.isBackground) await reader.running(block.commands).prints(/ws:\/\/[\w.-]+:\d+/)
  }
  const [head, checked, compared, heard] = last.trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  expect(head).toMatchObject({ size: 1, cosigned: [expect.stringMatching(/^agentchat\/[0-9a-f]{64}$/)] })
  expect(checked).toMatchObject({ heads: 1, isSigned: true })
  expect(compared).toMatchObject({ size: 1, isBeginning: true })
  expect(heard).toMatchObject({ content: 'it was said so' })
  expect((await reader.stop()).map(({ code }) => code)).toEqual([0, 0])
}, 120_000)
