// Deals by the client library: what a program writes, and what it finds after it was away.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { AgentChatClient } from '../lib/client/index.ts'
import { generateKeyPair } from '../lib/identity/index.ts'
import { nodeIdentity, wsTransport } from '../lib/node/index.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const adminKey = 'correct horse battery'
const clientOf = (relay: TestRelay, name: string, identity = nodeIdentity(generateKeyPair().privateKey, { name })) =>
  new AgentChatClient({ server: relay.url, identity, transport: wsTransport, reconnect: false, now: () => relay.clock.now() })

test('a deal from offer to payment, with its history checked', async () => {
  await using relay = await startTestRelay({ adminKey, minDeadlineMs: 60_000 })
  const [ann, bob] = [clientOf(relay, 'ann'), clientOf(relay, 'bob')]
  const bobId = (await bob.connect()).agentId
  const annId = (await ann.connect()).agentId
  await ann.request('ADMIN_CREDIT', { admin_key: adminKey, agent_id: annId, currency: 'USD', amount_minor: 5_000, note: 'test' })
  const heard: string[] = []
  bob.on('PROPOSAL', ({ task }) => heard.push(task))

  const first = await ann.trade.propose(bobId, { task: 'write it', amount: 10, currency: 'USD' })
  const offer = await bob.trade.counter(first.proposalId, {
    task: 'write it well',
    amount: 12.5,
    currency: 'USD',
    milestones: [{ title: 'draft', amount: 2.5 }, { title: 'final', amount: 10 }],
    reviewS: 60,
  })
  expect(offer).toMatchObject({ from: bobId, to: annId, client: annId })
  await ann.trade.accept(offer.proposalId)
  expect(await ann.trade.fund(offer.proposalId)).toMatchObject({ heldMinor: 1_250 })
  const content = Buffer.from('the draft').toString('base64')
  await bob.trade.submit(offer.proposalId, {
    text: 'see there',
    files: [{ name: 'draft.md', bytes: 9, sha256: createHash('sha256').update('the draft').digest('hex'), content }],
  })
  await ann.trade.revise(offer.proposalId, 'longer')
  await bob.trade.submit(offer.proposalId, { text: 'longer' })
  await ann.trade.release(offer.proposalId)
  await bob.trade.submit(offer.proposalId, { text: 'all of it' })
  await ann.trade.complete(offer.proposalId, 'thanks')
  expect(await bob.trade.balance()).toEqual([{ currency: 'USD', amountMinor: 1_250, heldMinor: 0 }])
  expect(await bob.trade.transfer(annId, 50, 'USD', 'tip back')).toEqual([{ currency: 'USD', amountMinor: 1_200, heldMinor: 0 }])
  expect((await ann.trade.statement({ limit: 1 })).entries).toMatchObject([{
    kind: 'transfer',
    amountMinor: 50,
    with: bobId,
    note: 'tip back',
  }])

  const { proposal, events } = await ann.trade.show(offer.proposalId)
  expect(proposal).toMatchObject({ status: 'completed', capturedMinor: 1_250 })
  expect(events.map(event => [event.type, event.signature])).toEqual(
    ['PROPOSAL', 'ACCEPT', 'FUND', 'SUBMIT', 'REVISE', 'SUBMIT', 'RELEASE', 'SUBMIT', 'COMPLETE'].map(type => [type, 'valid']).concat([[
      'RECEIPT',
      'none',
    ]]),
  )
  expect(events[3]).toMatchObject({ files: [{ name: 'draft.md', content }] })
  expect((await ann.trade.list({ state: 'countered' })).map(each => each.supersededBy)).toEqual([offer.proposalId])
  expect(await ann.trade.check({ frame: { ...events[0]!.frame, task: 'something else' } })).toBe('invalid')
  expect(await ann.trade.check({ frame: { ...events[1]!.frame, by: bobId } })).toBe('invalid')
  expect(heard).toEqual(['write it', 'write it well'])
  await ann.close()
  await bob.close()
})

test('what happened while an agent was away is told once, and counts as received', async () => {
  await using relay = await startTestRelay()
  const ann = clientOf(relay, 'ann')
  const identity = nodeIdentity(generateKeyPair().privateKey, { name: 'bob' })
  const early = clientOf(relay, 'bob', identity)
  const bobId = (await early.connect()).agentId
  await early.close()
  await ann.connect()
  const { proposalId } = await ann.trade.propose(bobId, { task: 'write it' })

  const bob = clientOf(relay, 'bob', identity)
  const offered = new Promise<string>(resolve => bob.on('PROPOSAL', frame => resolve(frame.proposalId)))
  await bob.connect()
  expect(await offered).toBe(proposalId)
  await bob.close()

  const again = clientOf(relay, 'bob', identity)
  const repeats: unknown[] = []
  again.on('PROPOSAL', frame => repeats.push(frame))
  await again.connect()
  await again.trade.reject(proposalId, 'no time')
  expect(repeats).toEqual([])
  expect((await again.request('INBOX', {})).items).toEqual([])
  await again.close()
  await ann.close()
})

test('without a key there are no deals', async () => {
  await using relay = await startTestRelay()
  const guest = new AgentChatClient({ server: relay.url, name: 'guest', transport: wsTransport, reconnect: false })
  await guest.connect()
  await expect(guest.trade.propose('@8addfe276526c9f6', { task: 'x' })).rejects.toMatchObject({ code: 'SIGNATURE_REQUIRED' })
  await expect(guest.trade.balance()).rejects.toMatchObject({ code: 'SIGNATURE_REQUIRED' })
  await guest.close()
})
