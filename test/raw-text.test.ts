// The text that a message came in, on every way that it can come: byte for byte what the relay stored.
import { expect, test } from 'vitest'
import { rawTextOf, type Message, type Transport } from '../lib/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import { rawField, rawItems } from '../lib/protocol/index.ts'
import { clientOf, collect, newIdentity } from './kit/client.ts'
import { startTestRelay } from './kit/relay.ts'

const textsOf = (messages: readonly Message[]) => messages.map(({ frame }) => rawTextOf(frame))

/** A line that loses some of the live messages. */
const losing = (isLost: (text: string) => boolean): Transport => (url, handlers) =>
  wsTransport(url, {
    ...handlers,
    message: text => {
      if (!isLost(text)) handlers.message(text)
    },
  })

test('live, replayed, read to fill a gap, from the inbox, and in an answer', async () => {
  await using relay = await startTestRelay()
  await using wire = await relay.login('wire')
  const bob = newIdentity('bob')
  await (await clientOf(relay, { identity: bob })).close()
  await using live = await clientOf(relay, { name: 'live' })
  await using gappy = await clientOf(relay, {
    name: 'gappy',
    transport: losing(text => text.startsWith('{"type":"MSG"') && text.includes('"seq":2')),
  })
  for (const client of [live, gappy]) await client.join('#general')
  const heard = [live, gappy].map(client => collect(client, 3))
  for (const content of ['one "two"', `@${bob.agentId.slice(1)} look 🙂`, 'three'])
    await wire.ask({ type: 'MSG', to: '#general', content, id: content.slice(0, 9) }, 'ACK')
  const stored = wire.texts.filter(text => text.startsWith('{"type":"MSG"'))
  expect(textsOf(await heard[0]!)).toEqual(stored)
  expect(textsOf(await heard[1]!)).toEqual(stored)
  expect((await heard[1]!).map(({ replay }) => replay)).toEqual([false, true, false])

  await using late = await clientOf(relay, { name: 'late' })
  const replayed = collect(late, 3)
  await late.join('#general', { since: 0 })
  expect(textsOf(await replayed)).toEqual(stored.map(text => text.replace(/\}$/, ',"replay":true}')))

  await using waiting = await clientOf(relay, { identity: bob })
  const [mention] = await collect(waiting, 1)
  expect(mention).toMatchObject({ inboxSeq: 1 })
  expect(textsOf([mention!])).toEqual([stored[1]])

  const page = await live.history({ channel: '#general' })
  expect(rawItems(rawField(rawTextOf(page.frame)!, 'events')!)).toEqual(stored)

  // It belongs to the frame that came, and to nothing that is made of it.
  const { frame } = (await heard[0]!)[0]!
  expect(rawTextOf({ ...frame })).toBeUndefined()
  expect(JSON.parse(JSON.stringify(frame))).toEqual(JSON.parse(stored[0]!))
})
