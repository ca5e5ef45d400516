// Whatever is cut, stalled or stopped between two relays: each message that was taken is at its home once, in its author's order, direct ones too, and
// the mirror is what its home has.
import { describe, expect, test } from 'vitest'
import { adminKey, atHome, hostOf, link, linkBoth, mirrored, signedFor, startLinkable, textsIn, until } from './kit/linked.ts'
import { pairStream } from '../src/store/log.ts'
import { newFolder } from './kit/folder.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'
import { Random } from './chaos/random.ts'

const rounds = 60
const portOf = ({ url }: TestRelay) => Number(new URL(url).port)

const run = async (seed: number): Promise<void> => {
  using there = newFolder()
  using own = newFolder()
  const chance = new Random(seed, 'links')
  let port = 0
  const startHome = async () => {
    const relay = await startLinkable({ data: there.path, publicUrls: port === 0 ? [] : [`ws://127.0.0.1:${port}`] })
    return relay
  }
  let home = await startHome()
  await using way = await newProxy(portOf(home))
  port = way.port
  await home.drain()
  home = await startHome()
  way.leadTo(portOf(home))
  let here = await startLinkable({ data: own.path })
  const [url, host] = [`ws://127.0.0.1:${port}`, `127.0.0.1:${port}`]
  const name = `#general@${host}`
  const authors = ['ann', 'bea', 'cal'].map(author => ({ author, key: newKey() }))
  const said = authors.map((): ReturnType<typeof signedFor>[] => [])
  const bob = newKey()
  const toBob = `${bob.id}@${host}`
  let wires: Wire[] = []
  const enter = async () => {
    wires = await Promise.all(authors.map(({ author, key }) => here.login(author, { key })))
    for (const wire of wires) await wire.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
  }
  const blows = [
    () => way.cut(),
    () => way.stall(),
    async () => {
      await home.drain()
      home = await startHome()
      way.leadTo(portOf(home))
    },
    async () => {
      await here.drain()
      here = await startLinkable({ data: own.path })
      await enter()
    },
  ]
  try {
    await linkBoth(here, home, ['#general'], { url, host })
    await mirrored(here, name, 0)
    await (await home.login('bob', { key: bob })).close()
    await enter()
    for (let round = 0; round < rounds; round++) {
      const who = chance.between(0, authors.length)
      const to = chance.chance(0.3) ? toBob : name
      const message = signedFor(home, authors[who]!.key, to, `${authors[who]!.author} ${said[who]!.length}`, `m${round}`)
      said[who]!.push(message)
      expect(await wires[who]!.ask(message, 'ACK')).toMatchObject({ pending: true })
      if (chance.chance(0.3)) {
        await using bob = await home.login('bob')
        await bob.ask({ type: 'MSG', to: '#general', content: `bob ${round}` }, 'ACK')
      }
      if (chance.chance(0.2)) await blows[chance.between(0, blows.length)]!()
    }
    way.cut()
    // Sent again, each is known: its place is told.
    const places = await Promise.all(said.map(async (messages, who) => {
      const found: number[] = []
      for (const message of messages) {
        found.push(await until(async () => {
          const { seq, pending } = await wires[who]!.ask(message, 'ACK')
          return pending !== true && seq
        }))
      }
      return found
    }))
    const atThere = await textsIn(home, '#general')
    const contentsOf = (texts: readonly string[]) => texts.map(text => (JSON.parse(text) as { content: string }).content)
    const contents = contentsOf(atThere)
    for (const [who, { author, key }] of authors.entries()) {
      const direct = contentsOf(await textsIn(home, pairStream(key.id, bob.id)))
      const saidTo = (target: string) => said[who]!.filter(({ to }) => to === target).map(({ content }) => content)
      expect(contents.filter(content => content.startsWith(`${author} `))).toEqual(saidTo(name))
      expect(direct).toEqual(saidTo(toBob))
      expect(contentsOf(await textsIn(here, pairStream(key.id, bob.id)))).toEqual(direct)
      expect(places[who]).toEqual(said[who]!.map(({ to, content }) => (to === name ? contents : direct).indexOf(content) + 1))
    }
    await mirrored(here, name, atThere.length)
    expect((await textsIn(here, name)).map(text => atHome(text, name))).toEqual(atThere)
  } finally {
    await here.drain()
    await home.drain()
  }
}

describe('links', () => {
  test.each([1, 2, 3])('lose, double and reorder nothing (seed %i)', run, 60_000)
})

test('of a long channel a mirror begins with the newest, and what retention takes at the home meanwhile is left out', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable({ mirrorCount: 3 })
  await using bob = await home.login('bob')
  for (let i = 1; i <= 10; i++) await bob.ask({ type: 'MSG', to: '#general', content: `${i}` }, 'ACK')
  const name = `#general@${home.url.slice('ws://'.length)}`
  await link(here, home, ['#general'])
  await mirrored(here, name, 10)
  const seqs = async () => (await textsIn(here, name)).map(text => (JSON.parse(text) as { seq: number }).seq)
  expect(await seqs()).toEqual([8, 9, 10])
  await using ann = await here.login('ann')
  expect(await ann.ask({ type: 'JOIN', channel: name, since: 2 }, 'JOINED')).toMatchObject({ seq: 10, oldest: 8, recovered: false })
  await using operator = await here.connect()
  const trust = (trust: string) => operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), trust }, 'LINKS')
  await trust('off')
  for (let i = 11; i <= 15; i++) await bob.ask({ type: 'MSG', to: '#general', content: `${i}` }, 'ACK')
  await home.store.write(tx => tx.keep.deleteThrough('#general', 13, 1))
  await trust('read')
  await mirrored(here, name, 15)
  expect(await seqs()).toEqual([8, 9, 10, 14, 15])
  // Nothing was proved of what went, and the head is that of all there was.
  const [mirror, there] = [
    await ann.ask({ type: 'HEAD', channel: name }, 'HEAD'),
    await bob.ask({ type: 'HEAD', channel: '#general' }, 'HEAD'),
  ]
  expect(mirror.checkpoint).toBe(there.checkpoint)
})
