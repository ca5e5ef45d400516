// What clients of the original AgentChat see of other relays (they know no `via`, no second form, no pending): remote agents as agents, mirrored
// channels as channels with a longer name; and what they cannot do there is refused with the reason.
import { expect, onTestFinished, test } from 'vitest'
import { adminKey, hostOf, linkBoth, linksOf, mirrored, signedFor, startLinkable, textsIn, until } from './kit/linked.ts'
import { newKey, signWith } from './kit/wire.ts'

const linked = async () => {
  const [home, here] = [await startLinkable(), await startLinkable({ name: 'here.example' })]
  onTestFinished(async () => {
    await here.drain()
    await home.drain()
  })
  await linkBoth(here, home, ['#general'])
  const name = `#general@${hostOf(home)}`
  await mirrored(here, name, 0)
  return { home, here, name }
}
/** What an existing client says: bare, or signed as such do. */
const oldMessage = (key: ReturnType<typeof newKey>, to: string, content: string) => {
  const ts = Date.now()
  return { type: 'MSG', to, content, ts, sig: signWith(key, JSON.stringify({ to, content, ts })) }
}

test('a remote agent speaks under its usual id and name, in channels and to agents; it is in no list of those who are here', async () => {
  const { home, here, name } = await linked()
  const [ann, bob] = [newKey(), newKey()]
  await using bobs = await home.login('bob', { key: bob })
  bobs.send({ type: 'JOIN', channel: '#general' })
  await bobs.next('JOINED')
  await using anns = await here.login('ann', { key: ann })
  await anns.ask({ type: 'JOIN', channel: name }, 'JOINED')
  await anns.ask(signedFor(home, ann, name, 'hello', '1'), 'ACK')
  await anns.ask(signedFor(home, ann, `${bob.id}@${hostOf(home)}`, 'psst', '2'), 'ACK')
  // The fields that such clients read, and nothing in them that they would not know.
  const [said, whispered] = await bobs.take('MSG', 2)
  expect([said, whispered].map(frame => [frame!.from, frame!.from_name, frame!.to, frame!.content])).toEqual([
    [ann.id, 'ann', '#general', 'hello'],
    [ann.id, 'ann', bob.id, 'psst'],
  ])
  bobs.send({ type: 'LIST_AGENTS', channel: '#general' })
  const { list } = await bobs.next('AGENTS')
  expect(list.map(({ id }) => id).sort()).toEqual([bob.id, `@${here.serverId.slice(0, 16)}`].sort())
  expect(list.find(({ id }) => id !== bob.id)?.name).toBe('here-example-relay')
  // It is at no door here: it is answered by its address, which such a client does not know.
  bobs.send(oldMessage(bob, ann.id, 'yes?'))
  expect(await bobs.next('ERROR')).toMatchObject({ code: 'AGENT_NOT_FOUND' })
})

test('a mirrored channel is joined, heard and listed by its longer name; who cannot sign for its home is told that it takes that', async () => {
  const { home, here, name } = await linked()
  await using bob = await home.login('bob')
  await bob.ask({ type: 'MSG', to: '#general', content: 'before' }, 'ACK')
  await mirrored(here, name, 1)
  const key = newKey()
  await using keyed = await here.login('old', { key })
  await using guest = await here.login('guest')
  for (const wire of [keyed, guest]) {
    wire.send({ type: 'JOIN', channel: name })
    expect(await wire.next('JOINED')).toMatchObject({ channel: name })
    expect(await wire.next('MSG')).toMatchObject({ to: name, content: 'before', replay: true })
  }
  await bob.ask({ type: 'MSG', to: '#general', content: 'now' }, 'ACK')
  for (const wire of [keyed, guest])
    expect(await wire.next('MSG')).toMatchObject({ from: bob.id, from_name: 'bob', to: name, content: 'now' })
  guest.send({ type: 'LIST_CHANNELS' })
  expect((await guest.next('CHANNELS')).list.map(channel => channel.name)).toContain(name)
  for (
    const [wire, message] of [[keyed, oldMessage(key, name, 'me too')], [guest, { type: 'MSG', to: name, content: 'me too' }]] as const
  ) {
    wire.send(message)
    expect(await wire.next('ERROR')).toMatchObject({
      code: 'SIGNATURE_REQUIRED',
      message: expect.stringContaining('at another relay') as string,
    })
  }
  for (const wire of [keyed, guest]) {
    wire.send({ type: 'LEAVE', channel: name })
    expect(await wire.next('LEFT')).toMatchObject({ channel: name })
  }
  expect(await textsIn(home, '#general')).toHaveLength(2)
})

test('the link is a member like any: who bans it, unlinks; what was mirrored stays to be read', async () => {
  const { home, here, name } = await linked()
  await using bob = await home.login('bob')
  await bob.ask({ type: 'MSG', to: '#general', content: 'one' }, 'ACK')
  await mirrored(here, name, 1)
  await using boss = await home.connect()
  await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: `@${here.serverId.slice(0, 16)}`, reason: 'no mirrors' },
    'ADMIN_RESULT')
  await bob.ask({ type: 'MSG', to: '#general', content: 'two' }, 'ACK')
  expect(await until(async () => {
    const [found] = await linksOf(here)
    return found!.state === 'refused' && found
  })).toMatchObject({
    state: 'refused',
    problem: expect.stringContaining('BANNED') as string,
    mirrors: [{ state: 'following', seq: 1 }],
  })
  await using guest = await here.login('guest')
  guest.send({ type: 'JOIN', channel: name })
  expect(await guest.next('MSG')).toMatchObject({ content: 'one' })
})
