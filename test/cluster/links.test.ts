// Links of a relay that is several processes. One of them has the links, whichever that is: what is said at any is handed on, in order and once, and
// told where its author is; and what a link brought that nobody signed is counted by all of them together.
import { describe, expect, test } from 'vitest'
import { addressOf } from '../../lib/protocol/index.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { adminKey, link, linkable, linksOf, signedFor, stranger, textsIn, until } from '../kit/linked.ts'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { newProxy } from '../kit/proxy.ts'
import { connect, login, newKey, type Key, type Wire } from '../kit/wire.ts'

const host = 'b.example'
const name = `#general@${host}`
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const portOf = ({ url }: { readonly url: string }) => Number(new URL(url).port)

/** What changes by itself does within a second or two. */
const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 100))
}

interface Author {
  readonly who: string
  readonly key: Key
  at: string
  wire: Wire
}

describe.skipIf(noNats !== undefined)('two processes, linked to two', () => {
  test('hand on and mirror everything once and in order, though the one that has the links is killed and the home answers elsewhere',
    async () => {
      await using way = await newProxy(0)
      const url = `ws://127.0.0.1:${way.port}`
      await using home = await startTestCluster(2, { ...linkable, publicUrls: [url] }, { pace: { sweepMs: 20, linkMs: 5 } })
      way.leadTo(portOf(home.nodes[0]!))
      await using database = await newDatabase('template0')
      await using nats = await TestNats.start()
      const flags = ['--store', database.url, '--nats', nats.url, '--port', '0', '--json', '--msg-rate', '0', '--max-file-bytes', '0']
      const start = (node: string) =>
        new ServeProgram(builtBin(), [...flags, '--node', node, '--links', 'listed', '--admin-key', adminKey, '--log-level', 'warn'])
      await using one = start('one')
      await one.url
      await using two = start('two')
      const processes = [one, two]
      for (const each of processes) await each.url
      const { server_id: serverId } = await (await fetch(`${(await one.url).replace('ws', 'http')}/.well-known/agentchat.json`)).json() as {
        readonly server_id: string
      }
      const there = { url, serverId: home.nodes[0]!.serverId }
      await link({ connect: async () => connect(await two.url) }, there, ['#general'], { host, trust: 'both' })
      await link(home.nodes[1]!, { url: await one.url, serverId }, [], { host: 'a.example', trust: 'both' })
      const owner = async () => {
        const [row] = await database.ask<{ readonly owner: string }>("SELECT owner FROM duties WHERE name = 'links'")
        return processes.find(({ pid }) => row?.owner.includes(`process ${pid},`) === true)
      }
      const first = await until(owner)
      const other = processes.find(each => each !== first)!
      // Whichever is asked says how it stands.
      for (const each of processes) {
        await using boss = await connect(await each.url)
        await comesTrue(async () => {
          const { links: [shown] } = await boss.ask({ type: 'ADMIN_LINKS', admin_key: adminKey }, 'LINKS')
          return shown?.state === 'open' && shown.mirrors[0]?.state === 'following'
        })
      }

      const author = async (who: string, at: string, isHome = false): Promise<Author> => {
        const key = newKey()
        const wire = await login(at, who, { key, autojoin: isHome })
        if (!isHome) await wire.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
        return { who, key, at, wire }
      }
      const ann = await author('ann', await first.url)
      const bea = await author('bea', await other.url)
      const others = [await author('cal', home.nodes[0]!.url, true), await author('dan', home.nodes[1]!.url, true)]
      await using reader = (await author('eve', await other.url)).wire
      const message = ({ who, key }: Author, n: number) => signedFor(there, key, name, `${who} ${n}`, `${who}${n}`)
      const said = new Map([ann, bea].map(({ who }) => [who, [] as ReturnType<typeof message>[]]))
      const say = async (each: Author, n: number) => {
        const next = message(each, n)
        said.get(each.who)!.push(next)
        expect(await each.wire.ask(next, 'ACK')).toMatchObject({ pending: true })
      }
      for (const n of upTo(30)) {
        await Promise.all([
          ...[ann, bea].map(each => say(each, n)),
          ...others.map(({ wire, who }) => wire.ask({ type: 'MSG', to: '#general', content: `${who} ${n}`, id: `${n}` }, 'ACK')),
        ])
        if (n === 10) {
          // Nobody is told where its author is not: this one is at the process that has no links.
          const settled = await bea.wire.take('SETTLED', 5)
          expect(settled.map(({ pub_id, code }) => [pub_id, code])).toEqual(upTo(5).map(i => [`bea${i}`, undefined]))
          first.signal('SIGKILL')
          await first.ended
          // As when its leases are over, for which nobody has to wait.
          await database.ask("UPDATE duties SET until = 0 WHERE name = 'links'")
          await database.ask(`UPDATE nodes SET until = 0 WHERE name = '${first === one ? 'one' : 'two'}'`)
          Object.assign(ann, { at: bea.at, wire: await login(bea.at, 'ann', { key: ann.key, autojoin: false }) })
          await ann.wire.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
        }
        if (n === 20) {
          way.leadTo(portOf(home.nodes[1]!))
          way.cut()
        }
      }
      expect(await owner()).toBe(other)
      expect((await bea.wire.take('SETTLED', 25)).map(({ pub_id, code }) => [pub_id, code])).toEqual(
        upTo(30).slice(5).map(i => [`bea${i}`, undefined]),
      )
      // Sent again, each is known: its place is told.
      await Promise.all(said.get('ann')!.map(next =>
        comesTrue(async () => {
          const { pending, duplicate } = await ann.wire.ask(next, 'ACK')
          return pending !== true && duplicate === true
        })
      ))

      const texts = await textsIn(home.nodes[0]!, '#general')
      const contents = texts.map(text => (JSON.parse(text) as { readonly content: string }).content)
      for (const who of ['ann', 'bea', 'cal', 'dan'])
        expect(contents.filter(each => each.startsWith(who))).toEqual(upTo(30).map(n => `${who} ${n}`))
      expect(contents).toHaveLength(120)
      expect((await reader.take('MSG', 120)).map(({ seq, content }) => [seq, content])).toEqual(
        contents.map((content, i) => [i + 1, content]),
      )
      const { events } = await reader.ask({ type: 'HISTORY', channel: name, after: 0, limit: 200 }, 'HISTORY')
      expect(events.map(event => ({ ...event, to: addressOf(name).name }))).toEqual(texts.map(text => JSON.parse(text) as object))
      for (const { wire } of [ann, bea, ...others]) await wire[Symbol.asyncDispose]()
    }, 180_000)
})

test('what a link brings that nobody signed is counted by all processes together, and all refuse it then', async () => {
  await using home = await startTestCluster(2, linkable, { pace: { sweepMs: 20, linkMs: 5 } })
  const [one, two] = [home.nodes[0]!, home.nodes[1]!]
  const key = newKey()
  const strike = async (at: typeof one, count: number, isNew = false) => {
    await using bad = await stranger(at, 'a.example', { key, isNew })
    await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
    await bad.strike(count)
  }
  await strike(one, 2, true)
  // As if most of them had come before, with which nobody has to wait.
  await home.database.ask('UPDATE relay_links SET strikes = strikes + 95')
  await strike(two, 3)
  for (const at of [one, two]) {
    await using bad = await stranger(at, 'a.example', { key, isNew: false })
    expect(await bad.wire.refusal(bad.handed())).toMatchObject({ code: 'LINK_REFUSED', retry_after_ms: expect.any(Number) as number })
    expect(await linksOf(at)).toMatchObject([{ closed_until: expect.any(Number) as number }])
  }
})
