// Random reactions, reads, erasures and lost connections, against the simplest model: every reader's final view equals it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AgentChatClient, markRead, react, ReactionsTo, unreact, unreadIn } from '../lib/index.ts'
import { createVerify, wsTransport } from '../lib/node/index.ts'
import { startTestRelay } from './kit/relay.ts'
import { identityOf, newKey } from './kit/wire.ts'

const channel = '#general'
const kinds = ['👍', 'ok', 'later'] as const
const agents = 3
const messages = 4

const step = fc.oneof(
  fc.record({ do: fc.constant('react' as const), who: fc.nat(agents - 1), what: fc.nat(messages - 1), kind: fc.constantFrom(...kinds) }),
  fc.record({ do: fc.constant('unreact' as const), who: fc.nat(agents - 1), what: fc.nat(messages - 1), kind: fc.constantFrom(...kinds) }),
  fc.record({ do: fc.constant('read' as const), who: fc.nat(agents - 1), seq: fc.integer({ min: 1, max: messages }) }),
  fc.record({ do: fc.constant('retract' as const), what: fc.nat(messages - 1) }),
  fc.record({ do: fc.constant('lose' as const), who: fc.nat(agents - 1) }),
)

test('every view of reactions and places equals the model, whatever was lost on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
      await using relay = await startTestRelay({ autoJoin: [] })
      const identities = Array.from({ length: agents }, () => identityOf(newKey()))
      const connect = async (who: number) => {
        const client = new AgentChatClient({
          server: relay.url,
          identity: identities[who]!,
          transport: wsTransport,
          verify: createVerify(),
        })
        await client.connect()
        await client.join(channel, { limit: 0 })
        return client
      }
      const clients: AgentChatClient[] = []
      for (let who = 0; who < agents; who++) clients.push(await connect(who))
      const views = clients.map(client => new ReactionsTo(client, channel))
      const hear = (who: number) => clients[who]!.on('REACTED', ({ frame }) => views[who]!.hear(frame))
      clients.forEach((_, who) => hear(who))
      const ids: string[] = []
      for (let i = 0; i < messages; i++) ids.push((await clients[0]!.send(channel, `${i}`)).msgId)

      const model = new Map<string, Set<string>>()
      const gone = new Set<number>()
      const reads = clients.map(() => 0)
      let head = messages
      for (const each of steps) {
        if (each.do === 'read') {
          await markRead(clients[each.who]!, channel, each.seq)
          reads[each.who] = Math.max(reads[each.who]!, each.seq)
        } else if (each.do === 'lose') {
          await clients[each.who]!.close()
          const client = await connect(each.who)
          clients[each.who] = client
          views[each.who] = new ReactionsTo(client, channel)
          hear(each.who)
        } else if (each.do === 'retract') {
          if (gone.has(each.what)) continue
          await clients[0]!.request('RETRACT', { msg_id: ids[each.what]! })
          gone.add(each.what)
          head++
          for (const kind of kinds) model.delete(`${each.what} ${kind}`)
        } else {
          const asked = (each.do === 'react' ? react : unreact)(clients[each.who]!, ids[each.what]!, each.kind)
          if (gone.has(each.what)) {
            await expect(asked).rejects.toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
            continue
          }
          await asked
          const who = model.get(`${each.what} ${each.kind}`) ?? new Set()
          model.set(`${each.what} ${each.kind}`, who)
          if (each.do === 'react') who.add(String(each.who))
          else who.delete(String(each.who))
        }
      }
      for (let who = 0; who < agents; who++) {
        await views[who]!.catchUp()
        for (let what = 0; what < messages; what++) {
          if (gone.has(what)) continue
          const sums = Object.fromEntries(views[who]!.of(ids[what]!)?.sums.map(({ kind, count }) => [kind, count]) ?? [])
          const meant = kinds.flatMap(kind => {
            const count = model.get(`${what} ${kind}`)?.size ?? 0
            return count === 0 ? [] : [[kind, count] as const]
          })
          expect(sums).toEqual(Object.fromEntries(meant))
        }
        const { channels } = await unreadIn(clients[who]!)
        expect(channels).toMatchObject([{ channel, seq: head, read: reads[who], unread: head - reads[who]! }])
      }
      await Promise.all(clients.map(client => client.close()))
    }),
    { numRuns: Number(process.env['AGENTCHAT_RUNS'] ?? 8) },
  )
}, 60_000)
