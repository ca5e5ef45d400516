// What the library says into channels of another relay, and makes of what it hears there: signed for the home, and checked by the home's key.
import { describe, expect, onTestFinished, test } from 'vitest'
import { AgentChatClient, MemoryKnownRelays, type ClientOptions, type Message } from '../lib/index.ts'
import { createVerify, wsTransport } from '../lib/node/index.ts'
import type { LocalIdentity } from '../lib/identity/index.ts'
import { Cli } from './kit/cli.ts'
import { newIdentity } from './kit/client.ts'
import { adminKey, hostOf, linkBoth, mirrored, startLinkable, textsIn } from './kit/linked.ts'
import type { TestRelay } from './kit/relay.ts'
import type { Config } from '../src/app.ts'

const clientAt = async ({ url }: TestRelay, identity: LocalIdentity, options: Partial<ClientOptions> = {}): Promise<AgentChatClient> => {
  const client = new AgentChatClient({ server: url, identity, transport: wsTransport, verify: createVerify(), ...options })
  onTestFinished(() => client.close())
  await client.connect()
  return client
}
const take = async (messages: AsyncIterableIterator<Message>, count: number): Promise<Message[]> => {
  const taken: Message[] = []
  for await (const message of messages) if (taken.push(message) === count) break
  return taken
}
const linked = async (overrides: Partial<Config> = {}) => {
  const [home, here] = [await startLinkable(), await startLinkable(overrides)]
  onTestFinished(async () => {
    await here.drain()
    await home.drain()
  })
  const name = `#general@${hostOf(home)}` as const
  await linkBoth(here, home, ['#general'])
  await mirrored(here, name, 0)
  return { home, here, name }
}

describe('a mirrored channel, by the library', () => {
  test('is written to as any other, and what is said in it is good to whoever reads it: at its home, at the mirror, live and later', async () => {
    const { home, here, name } = await linked()
    const [ann, bob, cal] = [newIdentity('ann'), newIdentity('bob'), newIdentity('cal')]
    const atHome = await clientAt(home, bob)
    const atMirror = await clientAt(here, ann)
    await atHome.join('#general')
    await atMirror.join(name)
    const [heardThere, heardHere] = [atHome.messages('#general'), atMirror.messages(name)]
    const sent = await atMirror.send(name, 'from afar')
    expect(sent).toMatchObject({ pending: true, seq: 0, to: name })
    const [first] = await take(heardThere, 1)
    expect(first).toMatchObject({ from: ann.agentId, content: 'from afar', signature: 'valid', to: '#general' })
    await first!.reply('from here')
    expect((await take(heardHere, 2)).map(({ from, content, signature, mine }) => [from, content, signature, mine])).toEqual([
      [ann.agentId, 'from afar', 'valid', true],
      [bob.agentId, 'from here', 'valid', false],
    ])
    const later = await clientAt(here, cal)
    await later.join(name, { since: 0 })
    expect((await take(later.messages(name), 2)).map(({ signature, replay }) => [signature, replay])).toEqual([
      ['valid', true],
      ['valid', true],
    ])
  })
})

describe('what a message comes to at its home', () => {
  test('is waited for where that is asked; refused there, it is refused', async () => {
    const { home, here, name } = await linked()
    const ann = await clientAt(here, newIdentity('ann'))
    await ann.join(name)
    const sent = await ann.send(name, 'hello', { id: 'one', settled: true })
    expect(sent).toMatchObject({ seq: 1, to: name })
    expect(sent.pending).toBeUndefined()
    expect(await ann.send(name, 'hello', { id: 'one', settled: true })).toMatchObject({ seq: 1, duplicate: true })
    await using operator = await home.connect()
    await operator.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: ann.agentId, reason: 'spam' }, 'ADMIN_RESULT')
    await expect(ann.send(name, 'more', { settled: true })).rejects.toMatchObject({ code: 'BANNED' })
    expect(await textsIn(home, '#general')).toHaveLength(1)
  })

  test('is refused here where it was cut within a character, which no other relay would take; what is sent beside it goes on', async () => {
    const { here, name } = await linked({ msgRate: 1_000 })
    const ann = await clientAt(here, newIdentity('ann'))
    await ann.join(name)
    await expect(ann.send(name, 'cut \ud83d')).rejects.toMatchObject({ code: 'NOT_SIGNABLE' })
    const [one, cut, two] = await Promise.allSettled(['one', 'cut \ud83d', 'two'].map(each => ann.send(name, each, { settled: true })))
    expect([one, two]).toMatchObject([{ value: { seq: 1 } }, { value: { seq: 2 } }])
    expect(cut).toMatchObject({ reason: { code: 'NOT_SIGNABLE' } })
  })

  test('is not signed for a relay that another was known to be, nor for one that this relay is not linked to', async () => {
    const { home, here, name } = await linked()
    const knownRelays = new MemoryKnownRelays()
    knownRelays.remember(`wss://${hostOf(home)}`, 'f'.repeat(64))
    const wary = await clientAt(here, newIdentity('ann'), { knownRelays })
    await wary.join(name)
    await expect(wary.send(name, 'hello')).rejects.toMatchObject({ code: 'RELAY_CHANGED' })
    await expect(wary.send('#general@c.example', 'hello')).rejects.toMatchObject({ code: 'HOST_UNKNOWN' })
    expect(await textsIn(home, '#general')).toEqual([])
  })
})

test('who is named from afar finds it in the inbox as good, and as made for another relay where nobody tells any more which that is', async () => {
  const { home, here, name } = await linked()
  const [ann, bob] = [newIdentity('ann'), newIdentity('bob')]
  await (await clientAt(here, ann)).close()
  const author = await clientAt(home, bob)
  await author.join('#general')
  await author.send('#general', `${ann.agentId}, look`)
  await mirrored(here, name, 1)
  const inInbox = async () => {
    const client = await clientAt(here, ann)
    const [{ to, from, signature, inboxSeq }] = await take(client.messages(), 1) as [Message]
    await client.close()
    return { to, from, signature, inboxSeq }
  }
  const there = { to: name, from: bob.agentId, inboxSeq: 1 }
  expect(await inInbox()).toEqual({ ...there, signature: 'valid' })
  await using operator = await here.connect()
  await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), trust: 'off' }, 'LINKS')
  expect(await inInbox()).toEqual({ ...there, signature: 'foreign' })
})

test('the command line says into a mirrored channel what it is asked to, and tells what its home made of it', async () => {
  const { home, here, name } = await linked()
  using cli = new Cli()
  expect((await cli.run(['identity', 'generate'])).code).toBe(0)
  const sent = await cli.run(['send', here.url, name, 'hello', '--json'])
  expect(sent, sent.stderr).toMatchObject({ code: 0, json: [{ to: name, seq: 1 }] })
  const read = await cli.run(['history', here.url, name, '--json'])
  expect(read.json[0], read.stderr).toMatchObject([{ content: 'hello', signature: 'valid' }])
  await home.drain()
  const kept = await cli.run(['send', here.url, name, 'later', '--timeout', '1', '--json'])
  expect(kept, kept.stderr).toMatchObject({ code: 0, json: [{ to: name, seq: 0, pending: true }] })
})
