// What one process posts for all (webhooks, announcements), while that one is killed, is cut off, or drains: another goes on from there.
import { describe, expect, test } from 'vitest'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import type { FrameBody } from '../../lib/protocol/index.ts'
import { SlowBus } from '../kit/cluster.ts'
import { MoltbookStandIn } from '../kit/moltbook.ts'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase, urlOf, type TestDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { newProxy } from '../kit/proxy.ts'
import { newReceiver } from '../kit/receiver.ts'
import { startTestRelay, TestClock, type TestRelay } from '../kit/relay.ts'
import { login, newKey } from '../kit/wire.ts'

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 20))
}

const ownerOf = async (database: TestDatabase, duty: string): Promise<string | undefined> =>
  (await database.ask<{ owner: string }>(`SELECT owner FROM duties WHERE name = '${duty}'`))[0]?.owner

/** That row alone: more of them would be locked in another order than a relay does. */
const endDuty = (database: TestDatabase, duty: string) => database.ask(`UPDATE duties SET until = 0 WHERE name = '${duty}'`)

/** Nobody has to wait for the end of what was left to a process that is not there any more; what it sent last may come yet. */
const passOn = (database: TestDatabase, duty: string, from: string | undefined): Promise<void> =>
  comesTrue(async () => {
    // Asked first: whoever took it on has had its turn, and may not ask for another.
    if (await ownerOf(database, duty) !== from) return true
    await endDuty(database, duty)
    return false
  })

const upTo = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}`)

describe.skipIf(noNats !== undefined)('webhooks, while the process that posts them', () => {
  const inAll = upTo(12)
  const held = '6'

  test.each(
    [
      { what: 'is killed', signal: 'SIGKILL', isUnderWay: true },
      { what: 'drains', signal: 'SIGTERM', isUnderWay: true },
      { what: 'drains, when nothing is under way', signal: 'SIGTERM', isUnderWay: false },
    ] as const,
  )('$what, are posted by another, each in order: what was under way comes once more, and nothing else does',
    async ({ signal, isUnderWay }) => {
      await using database = await newDatabase('template0')
      await using nats = await TestNats.start()
      await using receiver = await newReceiver()
      const flags = ['--store', database.url, '--nats', nats.url, '--port', '0', '--json', '--msg-rate', '0', '--max-file-bytes', '0']
      const start = (node: string) =>
        new ServeProgram(builtBin(), [...flags, '--webhooks', '--outbound-allow', '127.0.0.1', '--node', node])
      await using one = start('one')
      await one.url
      await comesTrue(async () => await ownerOf(database, 'webhooks') !== undefined)
      const ofOne = await ownerOf(database, 'webhooks')
      expect(ofOne).toContain(`process ${one.pid},`)
      await using two = start('two')
      await using ada = await login(await two.url, 'ada', { key: newKey(), autojoin: false })
      const hooks: Record<string, string> = {}
      for (const channel of ['#builds', '#deploys']) {
        await ada.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
        hooks[channel] = (await ada.ask({ type: 'WEBHOOK_ADD', url: receiver.url, channel }, 'WEBHOOK_ADDED')).webhook_id
      }
      const say = async (contents: readonly string[]) => {
        for (const content of contents) for (const to of Object.keys(hooks)) await ada.ask({ type: 'MSG', to, content }, 'ACK')
      }
      /** What came for one of them, in its order. */
      const cameTo = (webhook: string) =>
        receiver.received.filter(({ id }) => id.startsWith(`${webhook}_`)).map(({ id, body }) => ({
          id,
          content: (body.data['event'] as { readonly content: string }).content,
        }))
      const came = () => Object.values(hooks).map(cameTo)
      const lastCame = (content: string) => () => Promise.resolve(came().every(each => each.at(-1)?.content === content))
      // The answer to these never comes.
      receiver.answering = (response, { body }) => {
        const { content } = body.data['event'] as { readonly content: string }
        if (!isUnderWay || content !== held) response.writeHead(204).end()
      }
      const at = isUnderWay ? inAll.indexOf(held) + 3 : inAll.indexOf(held) + 1
      await say(inAll.slice(0, at))
      await comesTrue(lastCame(held))
      if (!isUnderWay) {
        const isNoted = async (webhook_id: string) =>
          (await ada.ask({ type: 'WEBHOOK_LOG', webhook_id }, 'WEBHOOK_LOG')).items.filter(({ state }) => state === 'delivered').length
            === at
        await comesTrue(async () => (await Promise.all(Object.values(hooks).map(isNoted))).every(Boolean))
      }
      one.signal(signal)
      receiver.answering = response => void response.writeHead(204).end()
      // Behind a drain nobody has to.
      if (signal === 'SIGKILL') await passOn(database, 'webhooks', ofOne)
      await say(inAll.slice(at))
      await comesTrue(lastCame(inAll.at(-1)!))
      await one.ended
      expect(await ownerOf(database, 'webhooks')).toContain(`process ${two.pid},`)
      const expected = isUnderWay ? inAll.flatMap(content => content === held ? [held, held] : content) : inAll
      for (const each of came()) {
        expect(each.map(({ content }) => content)).toEqual(expected)
        // What comes once more is known by its id.
        expect(new Set(each.map(({ id }) => id)).size).toBe(inAll.length)
      }
    }, 60_000)
})

describe('announcements, while the process that posts them', () => {
  const adminKey = 'open sesame, please'
  const duty = 'poster of moltbook'
  const dayMs = 24 * 60 * 60_000
  type Listed = FrameBody<'ANNOUNCEMENTS'>['announcements']

  const ask = async (relay: TestRelay, request: { readonly type: string } & Record<string, unknown>): Promise<Listed> => {
    await using wire = await relay.connect()
    return (await wire.ask({ admin_key: adminKey, ...request }, 'ANNOUNCEMENTS')).announcements
  }

  test.each([{ what: 'is cut off' }, { what: 'drains' }] as const)(
    '$what, are posted by another, each once: of what was under way it is told that nobody knows',
    async ({ what }) => {
      await using database = await newDatabase()
      const clock = new TestClock()
      await using standIn = new MoltbookStandIn(() => clock)
      standIn.createdAt = clock.now() - 2 * dayMs
      const moltbookBase = await standIn.listen()
      const bus = new MemoryBus<BusMessage>()
      const start = async (n: number) => {
        const line = await newProxy(database.server.port)
        const slow = new SlowBus(bus.join(`node${n}`), 0, Math.random, false)
        const relay = await startTestRelay({
          store: urlOf({ ...database.server, port: line.port }, database.name, true),
          nats: 'nats://in.memory',
          node: `node${n}`,
          maxFileBytes: 0,
          adminKey,
          moltbookKey: 'moltbook_key',
          moltbookLive: true,
          outboundAllow: ['127.0.0.1'],
        }, { bus: slow, pace: { isOwnTime: true, sweepMs: 50 }, moltbookBase }, { clock, stopped: async () => line[Symbol.asyncDispose]() })
        return { relay, slow, line }
      }
      const owner = () => ownerOf(database, duty)
      const one = await start(1)
      await using _one = one.relay
      await comesTrue(async () => await owner() !== undefined)
      const ofOne = await owner()
      const two = await start(2)
      await using _two = two.relay
      const at = async (relay: TestRelay) =>
        (await ask(relay, { type: 'ADMIN_ANNOUNCEMENTS', limit: 10 })).map(({ title, posts }) =>
          `${title} ${posts.find(({ place }) => place === 'moltbook')!.state}`
        ).reverse()
      const isAt = (relay: TestRelay, ...states: readonly string[]) => comesTrue(async () => String(await at(relay)) === String(states))
      const announce = (title: string) => ask(one.relay, { type: 'ADMIN_ANNOUNCE', title })

      await announce('One')
      await isAt(one.relay, 'One posted')
      clock.advance(31 * 60_000)
      // Each has its turn, in which there is nothing to do, and does not come back to look at once.
      await passOn(database, duty, ofOne)
      await endDuty(database, duty)
      standIn.next = 'hang'
      await announce('Two')
      await announce('Three')
      await comesTrue(() => Promise.resolve(standIn.posts.length === 2))
      const posting = await owner()
      const [poster, other] = posting === ofOne ? [one, two] : [two, one]
      if (what === 'drains') await poster.relay.drain()
      else {
        poster.slow.isCut = true
        poster.line.leadTo(1)
        poster.line.cut()
        await passOn(database, duty, posting)
      }
      await isAt(other.relay, 'One posted', 'Two unknown', 'Three queued')
      // Nobody knows when it was posted, if it was.
      clock.advance(3 * 60 * 60_000)
      await isAt(other.relay, 'One posted', 'Two unknown', 'Three posted')
      expect(standIn.posts.map(({ title }) => title)).toEqual(['One', 'Two', 'Three'])
      if (what !== 'drains') {
        poster.line.leadTo(database.server.port)
        poster.slow.mend()
        await comesTrue(async () => (await fetch(`${poster.relay.httpUrl}/readyz`)).ok)
        // It finds nothing left to do.
        await isAt(poster.relay, 'One posted', 'Two unknown', 'Three posted')
      }
      expect(standIn.posts).toHaveLength(3)
      expect(standIn.violations).toEqual([])
    },
    60_000,
  )
})
