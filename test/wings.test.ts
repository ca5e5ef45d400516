// A relay without one of its parts: nothing of that part answers, works by itself or is told of, and what it kept is there when it is on again.
import { expect, test } from 'vitest'
import { oldSkillsTexts, signHttpRequest } from '../lib/identity/index.ts'
import { wingNames } from '../src/base/wings.ts'
import { memoryFolder, newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'
import { identityOf, login, newKey, signWith } from './kit/wire.ts'

const adminKey = 'open sesame, please'

test('WELCOME names the parts, and the description leaves out what no part answers', async () => {
  for (const wings of [[...wingNames], ['talk']] as const) {
    await using relay = await startTestRelay({ wings: [...wings] })
    await using wire = await relay.connect()
    const { features } = await wire.ask({ type: 'IDENTIFY', name: 'ada' }, 'WELCOME')
    for (const wing of wingNames) expect(features!.includes(wing), wing).toBe((wings as readonly string[]).includes(wing))
  }
  await using relay = await startTestRelay({ wings: ['talk', 'operate'] })
  const told = await (await fetch(`${relay.httpUrl}/.well-known/agentchat.json`)).json() as { readonly features: readonly string[] }
  expect(told.features).toContain('messages')
  expect(told.features).toContain('admin')
  for (const domain of ['proposals', 'escrow', 'disputes', 'receipts', 'skills']) expect(told.features, domain).not.toContain(domain)
})

test('each request of a part that is off is refused by one code, and talk, which cannot be left out, goes on', async () => {
  await using relay = await startTestRelay({ wings: [], adminKey })
  await using ada = await login(relay.url, 'ada')
  for (
    const request of [
      { type: 'SEARCH_SKILLS', query: { text: 'tea' } },
      { type: 'BALANCE' },
      { type: 'PROPOSALS' },
      { type: 'AUDIT', admin_key: adminKey },
      { type: 'LEADERBOARD' },
    ]
  ) {
    const answer = await ada.ask(request, 'ERROR')
    expect([request.type, answer.code]).toEqual([request.type, 'NOT_ENABLED'])
    expect(answer.message).toContain('its setting wings')
  }
  await ada.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
  await ada.ask({ type: 'MSG', to: '#general', content: 'still here', id: '1' }, 'ACK')
  expect((await fetch(`${relay.httpUrl}/.well-known/agentchat.json`)).status).toBe(404)
  const health = await (await fetch(`${relay.httpUrl}/health`)).json() as { readonly proposals: unknown }
  expect(health.proposals).toEqual({ total: 0, byStatus: {}, agents: 0 })
})

test('what was signed for a door is forgotten when nobody could send it once more, where nothing is traded too', async () => {
  await using relay = await startTestRelay({ wings: [] })
  const key = newKey()
  await (await relay.login('ada', { key })).close()
  const nonces = () => relay.store.read.tables<{ nonces: { agent: string } }>().selectFrom('nonces').select('agent').execute()
  const body = '{"scopes":["read"]}'
  const signed = { 'content-type': 'application/json' }
  const headers = {
    ...signed,
    ...signHttpRequest(identityOf(key), {
      method: 'POST',
      authority: new URL(relay.httpUrl).host,
      path: '/v1/tokens',
      query: '',
      header: name => signed[name as keyof typeof signed],
      body: Buffer.from(body),
    }, relay.clock.now()),
  }
  const statuses: number[] = []
  for (let n = 0; n < 2; n++) statuses.push((await fetch(`${relay.httpUrl}/v1/tokens`, { method: 'POST', headers, body })).status)
  expect(statuses).toEqual([201, 401])
  expect(await nonces()).toEqual([{ agent: key.id }])
  relay.clock.advance(16 * 60_000)
  await expect.poll(nonces, { timeout: 20_000 }).toEqual([])
})

test('what has to go goes in a relay without the part that says how long it is kept, and a channel that ended gives its name back', async () => {
  await using relay = await startTestRelay({ wings: [], retentionCount: 2 })
  await using ada = await relay.login('ada', { key: newKey() })
  await ada.ask({ type: 'CREATE_CHANNEL', channel: '#tea' }, 'JOINED')
  for (const content of ['1', '2', '3', '4']) {
    await ada.ask({ type: 'MSG', to: '#tea', content, id: `tea ${content}` }, 'ACK')
    await ada.ask({ type: 'MSG', to: '#general', content, id: content }, 'ACK')
  }
  await ada.ask({ type: 'DELETE_CHANNEL', channel: '#tea' }, 'OK')
  expect(await ada.answer({ type: 'CREATE_CHANNEL', channel: '#tea' })).toMatchObject({ code: 'BUSY' })
  relay.clock.advance(5_000)
  await expect.poll(async () => (await ada.answer({ type: 'CREATE_CHANNEL', channel: '#tea' })).type, { timeout: 20_000 }).toBe('JOINED')
  await expect.poll(async () => (await ada.ask({ type: 'HISTORY', channel: '#general', after: 0 }, 'HISTORY')).events.length, {
    timeout: 20_000,
  }).toBe(2)
})

test('what a part kept, and who was banned by it, is so when it is off, and there when it is on again', async () => {
  using folder = newFolder(memoryFolder())
  const config = { data: folder.path, adminKey }
  const [ada, eve] = [newKey(), newKey()]
  {
    await using relay = await startTestRelay(config)
    await using wire = await login(relay.url, 'ada', { key: ada })
    const skills = [{ capability: 'tea' }]
    await wire.ask({ type: 'REGISTER_SKILLS', skills, sig: signWith(ada, oldSkillsTexts(skills)[0]!) }, 'SKILLS_REGISTERED')
    await wire.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: eve.id.slice(1), reason: 'spam' }, 'ADMIN_RESULT')
  }
  {
    await using relay = await startTestRelay({ ...config, wings: ['talk'] })
    await using wire = await login(relay.url, 'ada', { key: ada })
    expect((await wire.ask({ type: 'SEARCH_SKILLS', query: {} }, 'ERROR')).code).toBe('NOT_ENABLED')
    await expect(login(relay.url, 'eve', { key: eve })).rejects.toThrow(/BANNED/)
  }
  await using relay = await startTestRelay(config)
  await using wire = await login(relay.url, 'ada', { key: ada })
  expect((await wire.ask({ type: 'SEARCH_SKILLS', query: {} }, 'SEARCH_RESULTS')).results).toMatchObject([{
    agent_id: ada.id,
    capability: 'tea',
  }])
})
