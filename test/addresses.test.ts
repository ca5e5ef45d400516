// Names that say at which relay: read in every request and frame that has some, bare at their own relay, refused at another.
import { expect, test } from 'vitest'
import { addressOf, decodeFrame, decodeRequest, requestDocs, requests, type RequestType } from '../lib/protocol/index.ts'
import { ChannelName } from '../lib/protocol/fields.ts'
import { startTestRelay } from './kit/relay.ts'
import { clientOf, collect, newIdentity } from './kit/client.ts'

const named = (type: RequestType): 'to' | 'channel' | undefined =>
  (['to', 'channel'] as const).find(field => field in requests[type].body.shape)
const types = (Object.keys(requests) as RequestType[]).filter(type => named(type) !== undefined)
const requestOf = (type: RequestType, host: string) => {
  const example = requestDocs[type].example as Readonly<Record<string, unknown>>
  const field = named(type)!
  return { type, ...example, [field]: `${(example[field] as string | undefined) ?? '#general'}@${host}` }
}

test('an address is taken apart', () => {
  expect(addressOf('#general')).toEqual({ name: '#general', host: undefined })
  expect(addressOf('@8addfe276526c9f6')).toEqual({ name: '@8addfe276526c9f6', host: undefined })
  expect(addressOf('@8addfe276526c9f6@chat.example:8443')).toEqual({ name: '@8addfe276526c9f6', host: 'chat.example:8443' })
})

test.each(types)('%s takes a name with a host, and no other text', type => {
  for (const host of ['a', 'chat.example', 'chat.example:8443', 'xn--bcher-kva.example', '127.0.0.1:6667'])
    expect(decodeRequest(JSON.stringify(requestOf(type, host))), host).toMatchObject({ ok: true })
  for (const host of ['', '.', 'Chat.Example', '-a', 'a-', 'a b', 'bücher', 'a:', 'a:123456', 'a@b', 'a/b', 'a\n', 'a'.repeat(254)])
    expect(decodeRequest(JSON.stringify(requestOf(type, host))), host).toMatchObject({ ok: false })
})

test('what a relay tells of a channel that another one orders is read; what is kept of channels has bare names', () => {
  const text = { ts: 1, from: '@8addfe276526c9f6', from_name: 'a', to: '#general@a.example', content: 'hi', seq: 1 }
  expect(decodeFrame(JSON.stringify({ type: 'MSG', ...text }))).toMatchObject({ ok: true, frame: text })
  expect(ChannelName.safeParse('#general@a.example').success).toBe(false)
})

test('every request that names something at another relay is refused, and does nothing', async () => {
  await using relay = await startTestRelay({ adminKey: 'correct horse battery' })
  await using alice = await relay.login('alice')
  for (const type of types) {
    const refusal = await alice.refusal(requestOf(type, 'other.example'))
    expect(refusal, type).toMatchObject({ code: 'HOST_UNKNOWN', message: expect.stringContaining('other.example') })
  }
  const { list } = await alice.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
  expect(list.filter(({ name }) => name.includes('@'))).toEqual([])
  expect((await alice.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).seq).toBe(0)
})

test('at its own relay a name with a host is the bare one, in what is signed too', async () => {
  await using relay = await startTestRelay()
  const { host } = new URL(relay.url)
  const [ann, bob] = [newIdentity('ann'), newIdentity('bob')]
  await using reader = await clientOf(relay, { identity: bob })
  await using client = await clientOf(relay, { identity: ann })
  const heard = collect(reader, 1, `#general@${host}`)
  const direct = collect(reader, 1, `${ann.agentId}@${host}`)
  expect(await reader.join(`#general@${host}`)).toMatchObject({ channel: '#general' })
  await client.join('#general')
  expect(await client.send(`#general@${host}`, 'hi')).toMatchObject({ to: '#general' })
  await client.dm(`${bob.agentId}@${host}`, 'psst')
  expect(await heard).toMatchObject([{ to: '#general', signature: 'valid' }])
  expect(await direct).toMatchObject([{ to: bob.agentId, signature: 'valid' }])
  expect((await client.history({ channel: `#general@${host}` })).seq).toBe(1)
  const { proposalId } = await client.trade.propose(`${bob.agentId}@${host}`, { task: 'write it' })
  expect(proposalId).toMatch(/^prop_/)
  await expect(client.send('#general@other.example', 'hi')).rejects.toMatchObject({ code: 'HOST_UNKNOWN' })
  await expect(client.join('#general@other.example')).rejects.toMatchObject({ code: 'HOST_UNKNOWN' })
  await client.leave(`#general@${host}`)
  await expect(client.send('#general', 'hi')).rejects.toMatchObject({ code: 'NOT_INVITED' })
})
