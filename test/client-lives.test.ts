// A relay that was put back to an earlier point, or begun anew: the client goes on in each channel from what it had that is still there,
// and skips nothing.
import { expect, test } from 'vitest'
import { MemoryPositions, type AgentChatClient, type ClientStatus } from '../lib/index.ts'
import { PositionsFile, wsTransport } from '../lib/node/index.ts'
import { clientOf, newClient, newIdentity, statusOf } from './kit/client.ts'
import { backUp, putBack } from './kit/engine.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const say = async (relay: TestRelay, contents: readonly string[]) => {
  await using wire = await relay.login('speaker')
  for (const content of contents) wire.send({ type: 'MSG', to: '#general', content })
  await wire.barrier()
}

/** A relay with ten messages in a copy that was made of it, and twenty more. */
const copied = async (folder: Folder) => {
  const relay = await startTestRelay({ data: folder.at('data') })
  await say(relay, range(1, 10).map(n => `old ${n}`))
  await backUp(folder.at('data'), folder.at('copy.db'))
  await say(relay, range(11, 30).map(n => `old ${n}`))
  return { relay, port: Number(new URL(relay.url).port) }
}
const restored = async (folder: Folder, name: string, port: number) => {
  await putBack(folder.at('copy.db'), folder.at(name), 'b'.repeat(16))
  return startTestRelay({ data: folder.at(name), port })
}

test.each(['comes back', 'is begun anew'])('a client that %s after a restore hears exactly what is new, however much that is',
  async how => {
    using folder = newFolder()
    const { relay, port } = await copied(folder)
    const file = folder.at('cursor.json')
    let positions = new PositionsFile(file)
    const contents: string[] = []
    const statuses: ClientStatus[] = []
    const clients: AgentChatClient[] = []
    // Before the folder goes: what a client changed is saved when it is closed.
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(clients.map(client => client.close()))
        positions.close()
      },
    }
    const open = async () => {
      const client = newClient(relay, { name: 'reader', positions })
      clients.push(client)
      client.on('message', ({ content }) => contents.push(content))
      client.on('status', status => statuses.push(status))
      await client.connect({ wait: true })
      return client
    }
    const client = await open()
    await client.join('#general', { since: 0 })
    await expect.poll(() => contents.length).toBe(30)
    expect(positions.get('#general')).toBe(30)
    if (how === 'is begun anew') await client.close()
    await relay.drain()
    const lost = [...contents]

    // More of what is new than a join shows by itself, and past the position that the client had.
    const writer = await restored(folder, 'back', 0)
    await say(writer, range(1, 100).map(n => `new ${n}`))
    await writer.drain()
    await using after = await startTestRelay({ data: folder.at('back'), port })
    if (how === 'is begun anew') {
      positions.close()
      positions = new PositionsFile(file)
      expect(positions.former('#general')).toMatchObject({ seq: 30 })
      await (await open()).join('#general')
    }
    await expect.poll(() => contents.length, { timeout: 10_000 }).toBe(130)
    expect(contents).toEqual([...lost, ...range(1, 100).map(n => `new ${n}`)])
    expect(statuses.filter(({ kind }) => kind === 'gap')).toEqual([])
    expect(statuses.filter(({ kind }) => kind === 'epoch-changed')).toMatchObject([{ epoch: 'b'.repeat(16) }])
    await expect.poll(() => positions.get('#general')).toBe(110)
    expect(positions.former('#general')).toEqual({ seq: 110, epoch: 'b'.repeat(16) })
    await after.drain()
  }, 60_000)

test('where nothing came after the restore nothing is heard twice, and what comes then is next', async () => {
  using folder = newFolder()
  const { relay, port } = await copied(folder)
  const contents: string[] = []
  await using client = await clientOf(relay, { name: 'reader' })
  client.on('message', ({ content }) => contents.push(content))
  await client.join('#general', { limit: 0 })
  await say(relay, ['lost'])
  await expect.poll(() => contents).toEqual(['lost'])
  const again = statusOf(client, 'epoch-changed')
  await relay.drain()
  await using back = await restored(folder, 'back', port)
  await again
  await client.request('PING', {})
  await say(back, ['next'])
  await expect.poll(() => contents).toEqual(['lost', 'next'])
})

test('a relay that begins with nothing is read from its beginning', async () => {
  using folder = newFolder()
  const { relay, port } = await copied(folder)
  const contents: string[] = []
  const positions = new MemoryPositions()
  {
    await using client = await clientOf(relay, { name: 'reader', positions })
    client.on('message', () => undefined)
    await client.join('#general', { since: 0 })
    await expect.poll(() => positions.get('#general')).toBe(30)
  }
  await relay.drain()
  await using fresh = await startTestRelay({ port })
  await say(fresh, range(1, 40).map(n => `fresh ${n}`))
  await using client = await clientOf(fresh, { name: 'reader', positions })
  client.on('message', ({ content }) => contents.push(content))
  await client.join('#general')
  await expect.poll(() => contents).toEqual(range(1, 40).map(n => `fresh ${n}`))
})

test('a stream may have a life of its own: its position is of that one, and goes back with it', async () => {
  await using relay = await startTestRelay()
  await say(relay, ['one', 'two', 'three'])
  const asked: string[] = []
  /** As where a channel is ordered by another relay: JOINED names the life there. */
  const transport: typeof wsTransport = (url, handlers) => {
    const socket = wsTransport(url, {
      ...handlers,
      message: text => handlers.message(text.startsWith('{"type":"JOINED"') ? text.replace(/"epoch":"[0-9a-f]+"/, '"epoch":"home"') : text),
    })
    return {
      ...socket,
      send: text => {
        if (text.startsWith('{"type":"JOIN"')) asked.push(text)
        socket.send(text.replace('"epoch":"home"', '"x":0'))
      },
      close: (code, reason) => socket.close(code, reason),
    }
  }
  using folder = newFolder()
  const file = folder.at('cursor.json')
  const contents: string[] = []
  for (const more of [[], ['four']]) {
    if (more.length > 0) await say(relay, more)
    const positions = new PositionsFile(file)
    await using client = await clientOf(relay, { name: 'reader', positions, transport })
    client.on('message', ({ content }) => contents.push(content))
    await client.join('#general', contents.length === 0 ? { since: 0 } : {})
    await expect.poll(() => positions.get('#general')).toBe(3 + more.length)
    expect(positions.lifeOf('#general')).toBe('home')
    positions.close()
  }
  expect(contents).toEqual(['one', 'two', 'three', 'four'])
  expect(JSON.parse(asked[1]!)).toMatchObject({ since: 3, epoch: 'home' })
})

test('of direct messages the inbox knows what is new: none is lost for a number that was higher before', async () => {
  using folder = newFolder()
  const [ann, bob] = [newIdentity('ann'), newIdentity('bob')]
  const relay = await startTestRelay({ data: folder.at('data') })
  const port = Number(new URL(relay.url).port)
  const heard: string[] = []
  await using reader = await clientOf(relay, { identity: bob })
  reader.on('message', ({ content }) => heard.push(content))
  await using writer = await clientOf(relay, { identity: ann })
  await writer.send(bob.agentId, 'one')
  await expect.poll(() => heard).toEqual(['one'])
  await reader.request('PING', {})
  await backUp(folder.at('data'), folder.at('copy.db'))
  for (const content of ['two', 'three']) await writer.send(bob.agentId, content)
  await expect.poll(() => heard.length).toBe(3)
  const again = statusOf(reader, 'epoch-changed')
  await relay.drain()
  await using back = await restored(folder, 'back', port)
  await again
  await writer.send(bob.agentId, 'two, once more')
  await expect.poll(() => heard.at(-1)).toBe('two, once more')
  expect(back.serverId).toBe(relay.serverId)
}, 60_000)
