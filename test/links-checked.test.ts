// A mirror, or its home, that does not keep to one history is noticed by who reads there: what comes is held against what the home signs.
import { expect, onTestFinished, test } from 'vitest'
import { readCheckpoint } from '../lib/identity/transcripts/index.ts'
import type { ClientStatus } from '../lib/index.ts'
import { MemoryPositions } from '../lib/client/positions.ts'
import { clientOf, newIdentity, statusOf } from './kit/client.ts'
import { startGoBetween, type Trick } from './kit/go-between.ts'
import { hostOf, linkBoth, mirrored, startLinkable } from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'

/** A home that a relay mirrors, behind somebody who makes of what it says what a `trick` makes of it; and a client there that reads the mirror. */
const read = async (trick: Trick = {}, { before = 0 } = {}) => {
  const way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  const [home, here] = [await startLinkable(), await startLinkable({ publicUrls: [url] })]
  const between = await startGoBetween(here.url, trick)
  way.leadTo(Number(new URL(between.url).port))
  const name = `#general@${hostOf(home)}` as const
  await linkBoth(here, home, ['#general'])
  const bob = await home.login('bob')
  let said = 0
  const say = (count: number) => {
    for (let i = 0; i < count; i++, said++) bob.send({ type: 'MSG', to: '#general', content: `message ${said}` })
  }
  say(before)
  await mirrored(here, name, before)
  const positions = new MemoryPositions()
  const client = await clientOf(url, { identity: newIdentity('ann'), positions, transcripts: 'check' })
  onTestFinished(async () => {
    await client.close()
    await bob.close()
    await between[Symbol.asyncDispose]()
    await here.drain()
    await home.drain()
    await way[Symbol.asyncDispose]()
  })
  const told: ClientStatus[] = []
  client.on('status', status => {
    if (status.kind === 'transcript') told.push(status)
  })
  const came = statusOf(client, 'transcript')
  await client.join(name, before === 0 ? {} : { since: 0 })
  void (async () => {
    for await (const message of client.messages()) message.ack()
  })()
  const headAt = (size: number) =>
    expect.poll(() => {
      const head = positions.head(name)
      return head === undefined ? 0 : readCheckpoint(head).size
    }, { timeout: 15_000 }).toBeGreaterThanOrEqual(size)
  return { home, client, told, came, name, say, headAt }
}

test('of an honest mirror nothing is told, and what its home signed is kept; what is said there says what was seen', async () => {
  const { home, client, told, name, say, headAt } = await read()
  say(1)
  await headAt(1)
  say(300)
  await headAt(257)
  expect(told).toEqual([])
  const sent = await client.send(name, 'from afar', { settled: true })
  const [row] = await home.store.read.log.page('#general', { after: sent.seq - 1, limit: 1, maxBytes: 1e6 })
  expect(JSON.parse(row!.text.toString())).toMatchObject({ content: 'from afar', seen: { seq: expect.any(Number) as number } })
  expect(client.state).toBe('open')
}, 30_000)

const lying = {
  toVisitor: (frame: Parameters<NonNullable<Trick['toVisitor']>>[0]) =>
    frame['content'] === 'message 7' ? { ...frame, content: 'message VII' } : frame,
}
const shown = (name: string) => ({
  problem: 'rewritten',
  evidence: {
    ...{ stream: '#general', mirror: name, heads: [expect.stringContaining('/#general\n') as string] },
    own: { size: expect.any(Number) as number },
  },
})

test('a mirror that changes a word is noticed by who reads there, with what shows it', async () => {
  const { came, name, say, headAt } = await read(lying)
  say(1)
  await headAt(1)
  say(300)
  expect(await came).toMatchObject(shown(name))
}, 30_000)

test('a mirror that changes what was said before is noticed by who reads it from its beginning', async () => {
  const { came, name } = await read(lying, { before: 20 })
  expect(await came).toMatchObject(shown(name))
}, 30_000)
