// Disputes by the client library: what programs write, and what they can prove afterwards.
import { expect, test } from 'vitest'
import { AgentChatClient, drawOf, rawTextOf } from '../lib/client/index.ts'
import { generateKeyPair, writeProof } from '../lib/identity/index.ts'
import { nodeIdentity, wsTransport } from '../lib/node/index.ts'
import { rawField, rawItems } from '../lib/protocol/index.ts'
import { season, startCourtRelay } from './kit/court.ts'
import type { TestRelay } from './kit/relay.ts'

const clientOf = async (
  relay: TestRelay,
  name: string,
  identity = nodeIdentity(generateKeyPair().privateKey, { name }),
): Promise<AgentChatClient> => {
  const client = new AgentChatClient({
    server: relay.url,
    identity,
    transport: wsTransport,
    reconnect: false,
    now: () => relay.clock.now(),
  })
  await client.connect()
  return client
}

/** Two parties with a deal, and a jury. */
const people = async (relay: TestRelay, jurors: number) => {
  const [ann, bob] = [await clientOf(relay, 'ann'), await clientOf(relay, 'bob')]
  const jury = new Map<string, AgentChatClient>()
  for (let i = 0; i < jurors; i++) {
    const identity = nodeIdentity(generateKeyPair().privateKey)
    jury.set(identity.agentId, await clientOf(relay, `juror${i}`, identity))
    await season(relay, identity)
  }
  const { proposalId } = await ann.trade.propose(bob.agentId!, { task: 'write it' })
  await bob.trade.accept(proposalId)
  return {
    ann,
    bob,
    jury,
    proposalId,
    [Symbol.asyncDispose]: async () => {
      for (const client of [ann, bob, ...jury.values()]) await client.close()
    },
  }
}

test('from filing to a verdict; afterwards every signature and the draw are checked, and a doctored case is found out', async () => {
  await using relay = await startCourtRelay()
  await using court = await people(relay, 4)
  const { ann, bob, jury, proposalId } = court
  const filed = await ann.court.file(proposalId, 'nothing was delivered')
  expect(filed).toMatchObject({ phase: 'seating', seats: [{ state: 'asked' }, { state: 'asked' }, { state: 'asked' }] })
  const { disputeId } = filed
  const [first, ...others] = filed.seats.map(seat => jury.get(seat.arbiter)!) as [AgentChatClient, ...AgentChatClient[]]
  await first.court.decline(disputeId, 'no time')
  const { seats } = await bob.court.get(disputeId)
  const panel = [...others, jury.get(seats[3]!.arbiter)!]
  for (const juror of panel) await juror.court.accept(disputeId)
  await bob.court.evidence(disputeId, {
    items: [{ kind: 'commit', label: 'the patch', value: '4f0c1e', url: 'https://example.org/4f0c1e' }],
    statement: 'it is there',
  })
  expect((await ann.court.show(disputeId)).evidence).toEqual({ disputant: null, respondent: null })
  expect(await ann.court.evidence(disputeId, { statement: 'it is not' })).toMatchObject({ phase: 'voting' })
  expect((await panel[0]!.court.list({ role: 'arbiter', phase: 'voting' })).map(each => each.disputeId)).toEqual([disputeId])
  for (const juror of panel.slice(0, 2)) await juror.court.vote(disputeId, 'respondent', { reasoning: 'I saw the commit' })
  expect(await panel[2]!.court.vote(disputeId, 'mutual')).toMatchObject({ phase: 'ruled', verdict: 'respondent' })

  const shown = await bob.court.show(disputeId)
  expect(shown).toMatchObject({
    dispute: { phase: 'ruled' },
    draw: [],
    evidence: {
      disputant: { statement: 'it is not', signature: 'valid' },
      respondent: { items: [{ kind: 'commit' }], signature: 'valid' },
    },
    votes: [{ verdict: 'respondent', signature: 'valid' }, { signature: 'valid' }, { verdict: 'mutual', signature: 'valid' }],
  })
  expect(shown.events.filter(event => event.signature === 'invalid')).toEqual([])
  expect(shown.events.filter(event => event.signature === 'valid').map(event => event.type)).toEqual([
    'DISPUTE_FILED',
    'PANEL_FORMED',
    ...Array<string>(4).fill('ARBITER_ANSWER'),
  ])
  const dispute = shown.dispute.frame
  expect(drawOf(dispute)).toEqual([])
  expect(drawOf({ ...dispute, seats: dispute.seats.toReversed() })).toEqual(['the arbiters are not the ones drawn'])
  expect(drawOf({ ...dispute, pool: [...dispute.pool!, '@zzz'] })).toContain('the pool is not the one whose hash was told')
  expect(await bob.trade.check({ frame: { ...shown.events[1]!.frame, nonce: 'another' } })).toBe('invalid')
})

test('committing and revealing apart: with a nonce that was kept, a lost connection loses nothing; without arbiters the case goes to an admin', async () => {
  await using relay = await startCourtRelay()
  await using court = await people(relay, 0)
  const { ann, bob, proposalId } = court
  const ack = await ann.court.commit(proposalId, 'late', 'my own nonce')
  expect((await bob.court.list()).map(each => [each.disputeId, each.phase, each.pool])).toEqual([[ack.disputeId, 'filed', null]])
  await expect(ann.court.file(proposalId, 'late')).rejects.toMatchObject({ code: 'DISPUTE_ALREADY_EXISTS' })
  expect(await ann.court.reveal(proposalId, 'my own nonce')).toMatchObject({ phase: 'appealed', poolHash: ack.poolHash })
  expect((await ann.court.show(ack.disputeId)).draw).toBeNull()
})

test('a message that is proved is evidence that arbiters check; one that was changed is told', async () => {
  await using relay = await startCourtRelay()
  await using court = await people(relay, 3)
  const { ann, bob, jury, proposalId } = court
  const { seq } = await bob.send(ann.agentId!, 'the report is done: 4f0c1e')
  const page = await bob.request('HISTORY', { with: ann.agentId!, after: seq - 1, limit: 1 })
  const [text] = rawItems(rawField(rawTextOf(page)!, 'events')!)
  const { checkpoint, inclusion = [] } = await bob.request('HEAD', { with: ann.agentId!, seq })
  const proof = inclusion.map(node => new Uint8Array(Buffer.from(node, 'base64')))
  const value = writeProof({ text: text!, index: seq - 1, proof, checkpoint })
  const forged = writeProof({ text: text!.replace('4f0c1e', 'ffffff'), index: seq - 1, proof, checkpoint })
  const { disputeId, seats } = await ann.court.file(proposalId, 'nothing was delivered')
  for (const seat of seats) await jury.get(seat.arbiter)!.court.accept(disputeId)
  await bob.court.evidence(disputeId, {
    items: [
      { kind: 'note', label: 'nothing to check', value: 'x' },
      { kind: 'tlog-proof', label: 'what I said', value },
      { kind: 'tlog-proof', label: 'what I did not', value: forged },
      { kind: 'tlog-proof', label: 'nothing', value: 'x' },
    ],
    statement: 'it was',
  })
  await ann.court.evidence(disputeId, { statement: 'it was not' })
  const { evidence } = await jury.get(seats[0]!.arbiter)!.court.show(disputeId)
  expect(evidence.respondent?.proofs).toEqual([
    { item: 1, holds: true, message: { stream: [ann.agentId!, bob.agentId!].sort().join('|'), seq, text } },
    { item: 2, holds: false, problem: expect.stringContaining('not under that head') },
    { item: 3, holds: false, problem: expect.any(String) },
  ])
  expect(evidence.disputant?.proofs).toEqual([])
})
