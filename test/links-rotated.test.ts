// A home that goes on under another key: its mirrors follow where the former key signed over to it, and nobody else's.
import { expect, onTestFinished, test } from 'vitest'
import { AgentChatClient, MemoryKnownRelays, resolveHost } from '../lib/index.ts'
import { generateKeyPair, identityFrom, makeRotation } from '../lib/identity/index.ts'
import { createVerify, wsTransport } from '../lib/node/index.ts'
import { readMeta, writeMeta } from '../src/store/meta.ts'
import { Cli } from './kit/cli.ts'
import { newIdentity } from './kit/client.ts'
import { cosignedHead, link, linkBoth, linksOf, mirrored, startLinkable, textsIn, until } from './kit/linked.ts'
import { newFolder } from './kit/folder.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'

const portOf = ({ url }: TestRelay) => Number(new URL(url).port)

/** A relay that is always at the same place, whoever is there; and one that mirrors it. */
const linked = async () => {
  const folder = newFolder()
  let home = await startLinkable({ data: folder.path })
  const way = await newProxy(portOf(home))
  const [url, host] = [`ws://127.0.0.1:${way.port}`, `127.0.0.1:${way.port}`]
  const begin = async (data: string, config: Parameters<typeof startLinkable>[0] = {}) => {
    home = await startLinkable({ data, publicUrls: [url], ...config })
    way.leadTo(portOf(home))
    return home
  }
  await home.drain()
  await begin(folder.path)
  const here = await startLinkable()
  onTestFinished(async () => {
    await here.drain()
    await home.drain()
    await way[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })
  const name = `#general@${host}` as const
  await linkBoth(here, home, ['#general'], { url, host })
  await mirrored(here, name, 0)
  return { here, name, url, host, way, begin, data: folder.path, home: () => home }
}
const say = async (relay: TestRelay, content: string, to = '#general') => {
  await using bob = await relay.login('bob')
  if (to !== '#general') await bob.ask({ type: 'JOIN', channel: to }, 'JOINED')
  await bob.ask({ type: 'MSG', to, content }, 'ACK')
}
const rotate = async (data: string) => {
  using cli = new Cli()
  const rotated = await cli.run(['relay-key', 'rotate', '--data', data, '--json'])
  expect(rotated, rotated.stderr).toMatchObject({ code: 0 })
  return rotated.json[0] as unknown as { readonly was: string, readonly server_id: string }
}

test('its mirrors go on with the key that the former one signed over to, twice at once too, and what is said to it is signed for the new one', async () => {
  const { here, name, url, host, way, begin, data, home } = await linked()
  const before = home().serverId
  await say(home(), 'one')
  await mirrored(here, name, 1)
  const ann = new AgentChatClient({ server: here.url, identity: newIdentity('ann'), transport: wsTransport, verify: createVerify() })
  onTestFinished(() => ann.close())
  await ann.connect()
  await ann.join(name)
  await ann.send(name, 'for the old one', { settled: true })
  await home().drain()
  way.cut()
  const first = await rotate(data)
  const second = await rotate(data)
  expect([first.was, second.was]).toEqual([before, first.server_id])
  const now = await begin(data)
  expect(now.serverId).toBe(second.server_id)
  await until(async () => {
    const [found] = await linksOf(here)
    return found!.server_id === now.serverId && found!.state === 'open'
  })
  await say(now, 'three')
  await mirrored(here, name, 3)
  expect(await ann.send(name, 'for the new one', { settled: true })).toMatchObject({ seq: 4 })
  expect((await textsIn(now, '#general')).map(text => (JSON.parse(text) as { relay?: string }).relay)).toEqual([
    undefined,
    before,
    undefined,
    now.serverId,
  ])
  await mirrored(here, name, 4)
  const states: string[] = []
  for (const event of (await ann.history({ channel: name })).events) states.push(await ann.signatureOf(event))
  expect(states).toEqual(['none', 'valid', 'none', 'valid'])
  // Whoever knew the place by the first key is led to the last one by the document.
  const knownRelays = new MemoryKnownRelays()
  knownRelays.remember(url, before)
  const read = async (at: string) => (await fetch(at)).text()
  expect(await resolveHost(host, { relays: [url], read, knownRelays, now: Date.now })).toMatchObject({ serverId: now.serverId })
})

test('what its witness cosigned under the former key, in a channel that is quiet since, holds back no cosignature of another channel', async () => {
  const { here, name, url, host, way, begin, data, home } = await linked()
  const witnesses = [here.serverId]
  const again = async () => {
    await home().drain()
    way.cut()
    return await begin(data, { witnesses })
  }
  await again()
  {
    await using bob = await home().login('bob')
    await bob.ask({ type: 'CREATE_CHANNEL', channel: '#other' }, 'JOINED')
  }
  await link(here, home(), ['#other'], { url, host, trust: 'both' })
  for (const [channel, mirror] of [['#general', name], ['#other', `#other@${host}`]] as const) {
    await say(home(), 'one', channel)
    await mirrored(here, mirror, 1)
    await using ann = await home().login('ann')
    await ann.ask({ type: 'JOIN', channel }, 'JOINED')
    await cosignedHead(ann, channel)
  }
  await home().drain()
  way.cut()
  await rotate(data)
  const now = await begin(data, { witnesses })
  for (const [content, seq] of [['two', 2], ['three', 3]] as const) {
    await say(now, content, '#other')
    await mirrored(here, `#other@${host}`, seq)
  }
  await using ann = await now.login('ann')
  await ann.ask({ type: 'JOIN', channel: '#other' }, 'JOINED')
  expect(await cosignedHead(ann, '#other')).toMatchObject({ size: 3 })
})

test('another relay in its place, and one that only says that it was handed over to, are told nothing: the mirror stays, and the operator is told', async () => {
  const { here, name, way, begin, home } = await linked()
  const before = home().serverId
  await say(home(), 'one')
  await mirrored(here, name, 1)
  using other = newFolder()
  await home().drain()
  way.cut()
  const impostor = await begin(other.path)
  const { publicKey } = identityFrom((await readMeta(impostor.store.read, 'relay_private_key'))!)
  const forged = makeRotation(identityFrom(generateKeyPair().privateKey), publicKey, Date.now())
  await impostor.store.write(tx => writeMeta(tx, 'relay_rotations', JSON.stringify([forged])))
  await impostor.drain()
  way.cut()
  const again = await begin(other.path)
  await say(again, 'forged')
  expect(await until(async () => {
    const [found] = await linksOf(here)
    return found!.state === 'refused' && found
  })).toMatchObject({ server_id: before, problem: expect.stringContaining('another identity') as string, mirrors: [{ seq: 1 }] })
  expect(await textsIn(here, name)).toHaveLength(1)
})
