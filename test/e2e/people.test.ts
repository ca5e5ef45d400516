// After a crash nobody stays online as a ghost, and what agents said of themselves is still there, with their signatures.
import { expect, test } from 'vitest'
import { agentDocumentProblem, oldSkillsTexts, type AgentDocument } from '../../lib/identity/index.ts'
import { newFolder } from '../kit/folder.ts'
import { ServeProgram, builtBin } from '../kit/process.ts'
import { login, newKey, signWith } from '../kit/wire.ts'

test('kill -9 of the relay: agents are offline until they are back, with the time they were heard; skills are found again', async () => {
  using data = newFolder()
  const serve = () => new ServeProgram(builtBin(), ['--port', '0', '--data', data.path, '--msg-rate', '0'])
  const key = newKey()
  const skills = [{ capability: 'code-review', rate: 5 }]
  let seenBefore: number
  {
    await using relay = serve()
    const url = await relay.url
    const alice = await login(url, 'alice', { key })
    await alice.ask({ type: 'REGISTER_SKILLS', skills, sig: signWith(key, oldSkillsTexts(skills)[0]!) }, 'SKILLS_REGISTERED')
    seenBefore = (await alice.ask({ type: 'WHOIS', agent: key.id }, 'WHOIS')).last_seen!
    relay.signal('SIGKILL')
    await relay.ended
    await alice.closed()
  }
  await using relay = serve()
  const url = await relay.url
  await using bob = await login(url, 'bob')
  const { list } = await bob.ask({ type: 'WATCH', agents: [key.id] }, 'WATCHING')
  expect(list[0]).toMatchObject({ agent_id: key.id, name: 'alice', presence: 'offline', last_seen: expect.any(Number) as number })
  expect(Math.abs(list[0]!.last_seen! - seenBefore)).toBeLessThan(60_000)
  const { results } = await bob.ask({ type: 'SEARCH_SKILLS', query: { capability: 'review' } }, 'SEARCH_RESULTS')
  expect(results[0]).toMatchObject({ agent_id: key.id, online: false, presence: 'offline', rate: 5 })
  const document = await (await fetch(`${url.replace(/^ws/, 'http')}/agents/${key.id}`)).json() as AgentDocument
  expect(agentDocumentProblem(document, { now: Date.now() })).toBeUndefined()
  await using alice = await login(url, 'alice', { key })
  expect(await bob.next('PRESENCE_CHANGED')).toMatchObject({ agent_id: key.id, presence: 'online' })
  await alice.barrier()
})
