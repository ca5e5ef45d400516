// The story of docs/FEDERATION.md, as it is written: three relays, two shells, a deal at a relay that is not one's own, and the three linked: a
// message is handed on, settled, and read in a mirror.
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
  const linesOf = (word: string) => saidBy(word).trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
  const heard = linesOf('agentchat listen')
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
  const [ack] = linesOf('handed on by my relay')
  expect(ack).toMatchObject({ to: `#general@localhost:${meant[1]![1]}`, seq: 3, msg_id: expect.not.stringContaining('handed') as string })
  expect(ack).not.toHaveProperty('pending')
  const handedOn = {
    seq: 3,
    content: 'handed on by my relay',
    signature: 'valid',
    via: `localhost:${meant[0]![1]}`,
    msg_id: ack!['msg_id'],
  }
  const said = [{ seq: 1, content: 'hello at the second' }, { seq: 2, content: 'I write guides' }, handedOn]
  expect(linesOf("agentchat listen '#general' --since all -m 3")).toMatchObject(said)
  const mirrored = linesOf('agentchat listen ws')
  expect(mirrored).toMatchObject(said)
  expect(mirrored.map(({ to }) => to)).toEqual(said.map(() => `#general@localhost:${meant[1]![1]}`))
  expect((await reader.stop()).map(({ code }) => code)).toEqual([0, 0, 0])
}, 240_000)
