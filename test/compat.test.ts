// What clients of the original AgentChat rely on, point by point: the wire may grow, but not away from them.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { frames as frameTable, type Frame } from '../lib/protocol/index.ts'
import { Cli } from './kit/cli.ts'
import { bring } from './kit/files.ts'
import { openCourt, startCourtRelay } from './kit/court.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader, type Trader } from './kit/trade.ts'
import { connect, login, newKey, signWith, type Wire } from './kit/wire.ts'

const types = (wire: Wire) => wire.unread.map(frame => frame.type)
/** What an existing client sends when it logs in: nothing that is new. */
const oldClient = (relay: TestRelay, name: string, options?: Parameters<typeof login>[2]) => relay.login(name, options)
const join = async (wire: Wire, channel: string): Promise<Frame<'JOINED'>> => {
  wire.send({ type: 'JOIN', channel })
  return wire.next('JOINED')
}

describe('1. ids', () => {
  test('a keyed id is @ and 16 hex digits of the SHA-256 over the PEM text as Node writes it', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await oldClient(relay, 'alice', { key })
    expect(key.pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=]{60}\n-----END PUBLIC KEY-----\n$/)
    expect(alice.id).toBe(`@${createHash('sha256').update(key.pem).digest('hex').slice(0, 16)}`)
  })

  test('another spelling of the key is the same agent', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    for (const pem of [key.pem.trimEnd(), `${key.pem}\n`, key.pem.replaceAll('\n', '\r\n')]) {
      await using alice = await oldClient(relay, 'alice', { key: { ...key, pem } })
      expect(alice.id).toBe(key.id)
    }
  })

  test('an ephemeral id is @ and 8 of a–z 0–9', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    expect(alice.id).toMatch(/^@[a-z0-9]{8}$/)
  })

  test.each(['ephemeral', 'keyed'])("%s: WELCOME.agent_id is the `from` of the agent's messages and its id in every list", async kind => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice', kind === 'keyed' ? { key: newKey() } : {})
    await using bob = await oldClient(relay, 'bob')
    expect((await join(alice, '#general')).agents.map(agent => agent.id)).toContain(alice.id)
    expect((await bob.next('AGENT_JOINED')).agent).toBe(alice.id)
    expect((await bob.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.map(agent => agent.id)).toContain(alice.id)
    alice.send({ type: 'MSG', to: '#general', content: 'hi' })
    expect((await bob.next('MSG')).from).toBe(alice.id)
    alice.send({ type: 'TYPING', channel: '#general' })
    expect((await bob.next('TYPING')).from).toBe(alice.id)
    alice.send({ type: 'SET_PRESENCE', status: 'busy' })
    expect((await bob.next('PRESENCE_CHANGED')).agent_id).toBe(alice.id)
    await alice.close()
    expect((await bob.next('AGENT_LEFT')).agent).toBe(alice.id)
  })
})

describe('2. joining', () => {
  test('no JOINED that was not asked for, though the public channels are joined silently', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await alice.hearsNothing()
    alice.send({ type: 'MSG', to: '#engineering', content: 'a member without a JOIN' })
    expect((await alice.next('MSG')).to).toBe('#engineering')
    expect((await join(alice, '#help')).channel).toBe('#help')
    expect(alice.heard.filter(frame => frame.type === 'JOINED')).toHaveLength(1)
  })

  test('JOINED comes before the replay, and the replay before anything newer', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    for (const content of ['one', 'two']) alice.send({ type: 'MSG', to: '#general', content })
    await alice.take('MSG', 2)
    await using bob = await oldClient(relay, 'bob', { autojoin: false })
    bob.send({ type: 'JOIN', channel: '#general' }, { type: 'MSG', to: '#general', content: 'three' })
    expect([await bob.next(), await bob.next(), await bob.next(), await bob.next()]).toMatchObject([
      { type: 'JOINED' },
      { type: 'MSG', content: 'one', replay: true },
      { type: 'MSG', content: 'two', replay: true },
      { type: 'MSG', content: 'three' },
    ])
  })

  test('JOINED lists the newcomer too', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    expect((await join(alice, '#general')).agents).toEqual([{ id: alice.id, name: 'alice', verified: false }])
  })

  test('AGENT_JOINED and AGENT_LEFT name the agent in `agent`, never in `agent_id` or `from`', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await using bob = await oldClient(relay, 'bob')
    await join(bob, '#general')
    expect(Object.keys(await alice.next('AGENT_JOINED')).sort()).toEqual(['agent', 'channel', 'name', 'ts', 'type', 'verified'])
    await bob.close()
    expect(Object.keys(await alice.next('AGENT_LEFT')).sort()).toEqual(['agent', 'channel', 'ts', 'type'])
    for (const type of ['AGENT_JOINED', 'AGENT_LEFT'] as const) {
      expect(Object.keys(frameTable[type].body.shape)).not.toEqual(expect.arrayContaining(['agent_id']))
      expect(Object.keys(frameTable[type].body.shape)).not.toEqual(expect.arrayContaining(['from']))
    }
  })

  test('a connect is heard by nobody, and so is its end', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await using bob = await oldClient(relay, 'bob')
    await bob.close()
    await alice.hearsNothing()
  })
})

describe('3. as few ERRORs as possible: the second one that nobody awaits ends the original client', () => {
  test('a burst of ten messages passes under the default rate', async () => {
    await using relay = await startTestRelay({ msgRate: 1 })
    await using alice = await oldClient(relay, 'alice')
    alice.send(...Array.from({ length: 10 }, (_, i) => ({ type: 'MSG', to: '#general', content: String(i) })))
    await alice.take('MSG', 10)
    await alice.hearsNothing()
  })

  test('a flood of other frames is slowed, not refused', async () => {
    await using relay = await startTestRelay({ frameRate: 1_000, frameBurst: 10 })
    await using alice = await oldClient(relay, 'alice')
    for (let i = 0; i < 100; i++) alice.send({ type: 'PING' })
    await alice.take('PONG', 100)
    await alice.hearsNothing()
  })

  test('typing where the agent is no member is not worth an ERROR', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'TYPING', channel: '#nowhere' }, { type: 'TYPING', channel: '#ops' })
    await alice.hearsNothing()
  })

  test('null for an optional field reads as absent, and unknown fields as nothing', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice', { pubkey: null, capabilities: ['chat'] })
    alice.send(
      { type: 'MSG', to: '#general', content: 'hi', sig: null, ts: null, in_reply_to: null, color: 'red' },
      { type: 'SET_PRESENCE', status: 'online', status_text: null },
    )
    await alice.next('MSG')
    await alice.hearsNothing()
  })

  test('a status text of 120 characters is taken: an original tool lets its users type that', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'SET_PRESENCE', status: 'busy', status_text: 'x'.repeat(120) })
    await alice.hearsNothing()
  })
})

describe('4. time', () => {
  test("ts is the relay's clock in ms on every frame, and never repeats or goes back within a channel", async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    const before = Date.now()
    alice.send(...Array.from({ length: 50 }, (_, i) => ({ type: 'MSG', to: '#general', content: String(i) })))
    const times = (await alice.take('MSG', 50)).map(frame => frame.ts)
    expect(times.every((ts, i) => i === 0 || ts > times[i - 1]!)).toBe(true)
    expect(times[0]! - before).toBeLessThan(60_000)
    expect(alice.heard.every(frame => Number.isInteger(frame.ts))).toBe(true)
  })

  test('`type` comes first and `ts` second', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await join(alice, '#general')
    alice.send({ type: 'MSG', to: '#general', content: 'hi' }, { type: 'HISTORY', channel: '#general' })
    await alice.next('HISTORY')
    for (const text of alice.texts) expect(text).toMatch(/^\{"type":"[A-Z_]+","ts":\d+[,}]/)
  })

  test('a replayed message is the original with replay:true: same fields, same ts', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'MSG', to: '#general', content: 'hi', in_reply_to: 'something' })
    const original = await alice.next('MSG')
    relay.clock.advance(60_000)
    await using bob = await oldClient(relay, 'bob')
    await join(bob, '#general')
    expect(await bob.next('MSG')).toEqual({ ...original, replay: true })
    expect(original).not.toHaveProperty('replay')
  })
})

describe('5. proposals', () => {
  /** Two existing clients, which sign the older texts and send no ids. */
  const pair = async (relay: TestRelay) => {
    const [annKey, bobKey] = [newKey(), newKey()]
    const ann = await oldClient(relay, 'ann', { key: annKey, autojoin: false })
    const bob = await oldClient(relay, 'bob', { key: bobKey, autojoin: false })
    return {
      ann,
      bob,
      annKey,
      bobKey,
      async [Symbol.asyncDispose]() {
        await ann[Symbol.asyncDispose]()
        await bob[Symbol.asyncDispose]()
      },
    }
  }
  const offered = async ({ ann, bob, annKey }: Awaited<ReturnType<typeof pair>>, more: object = {}): Promise<string> => {
    ann.send({ type: 'PROPOSAL', to: bob.id, task: 'write it', terms: 'soon', sig: signWith(annKey, `${bob.id}|write it|||||`), ...more })
    return (await ann.next('PROPOSAL')).id
  }

  test('the sender gets a copy from itself to the target, with the id twice', async () => {
    await using relay = await startTestRelay()
    await using both = await pair(relay)
    const { ann, bob, annKey } = both
    ann.send({
      type: 'PROPOSAL',
      to: bob.id,
      task: 'write it',
      amount: 5,
      currency: 'USD',
      payment_code: null,
      terms: null,
      expires: 300,
      elo_stake: null,
      sig: signWith(annKey, `${bob.id}|write it|5|USD||300|`),
    })
    const copy = await ann.next('PROPOSAL')
    expect(copy).toEqual(await bob.next('PROPOSAL'))
    expect(copy).toMatchObject({
      id: copy.proposal_id,
      from: ann.id,
      to: bob.id,
      status: 'pending',
      amount: 5,
      currency: 'USD',
      payment_code: null,
      terms: null,
      elo_stake: null,
      expires: copy.created_at + 300_000,
      sig_v: 1,
    })
    await ann.hearsNothing()
  })

  test.each([
    ['ACCEPT', {}, (id: string) => `ACCEPT|${id}||`, {
      status: 'accepted',
      payment_code: null,
      proposer_stake: null,
      acceptor_stake: null,
    }],
    ['ACCEPT', { payment_code: null, elo_stake: 25 }, (id: string) => `ACCEPT|${id}||25`, { status: 'accepted', acceptor_stake: 25 }],
    ['REJECT', { reason: 'no time' }, (id: string) => `REJECT|${id}|no time`, { status: 'rejected', reason: 'no time' }],
  ] as const)('%s %j reaches the proposer and the one who answers, with the parties as from and to',
    async (type, fields, text, expected) => {
      await using relay = await startTestRelay()
      await using both = await pair(relay)
      const { ann, bob, bobKey } = both
      const proposal_id = await offered(both)
      bob.send({ type, proposal_id, ...fields, sig: signWith(bobKey, text(proposal_id)) })
      for (const wire of [ann, bob]) expect(await wire.next(type)).toMatchObject({ proposal_id, from: ann.id, to: bob.id, ...expected })
      await bob.clear()
      await ann.hearsNothing()
    })

  test('COMPLETE by either party alone, DISPUTE by either: both hear it', async () => {
    await using relay = await startTestRelay()
    await using both = await pair(relay)
    const { ann, bob, annKey, bobKey } = both
    for (
      const [type, text, expected] of [
        ['COMPLETE', (id: string) => `COMPLETE|${id}|done`, {
          status: 'completed',
          completed_by: ann.id,
          proof: 'done',
          rating_changes: { [ann.id]: { oldRating: 1_200, transactions: 1 }, [bob.id]: { transactions: 1 } },
          elo_stakes: { proposer: 0, acceptor: 0 },
        }],
        ['DISPUTE', (id: string) => `DISPUTE|${id}|bad`, { status: 'disputed', disputed_by: ann.id, reason: 'bad', rating_changes: null }],
      ] as const
    ) {
      const proposal_id = await offered(both)
      bob.send({ type: 'ACCEPT', proposal_id, sig: signWith(bobKey, `ACCEPT|${proposal_id}||`) })
      await ann.next('ACCEPT')
      ann.send({ type, proposal_id, proof: 'done', reason: 'bad', sig: signWith(annKey, text(proposal_id)) })
      for (const wire of [ann, bob]) expect(await wire.next(type)).toMatchObject({ proposal_id, from: ann.id, to: bob.id, ...expected })
    }
  })

  test('refusals come in the order of old: no key, a wrong signature, no such proposal, then the reason as message', async () => {
    await using relay = await startTestRelay()
    await using both = await pair(relay)
    const { ann, bob, annKey, bobKey } = both
    await using guest = await oldClient(relay, 'guest', { autojoin: false })
    const id = await offered(both)
    const refusal = async (wire: Wire, frame: object) => {
      wire.send(frame)
      const { code, message } = await wire.next('ERROR')
      return [code, message.split(':')[0]]
    }
    expect(await refusal(guest, { type: 'ACCEPT', proposal_id: 'x', sig: 'x' })).toEqual(['SIGNATURE_REQUIRED', expect.anything()])
    expect(await refusal(bob, { type: 'ACCEPT', proposal_id: 'x', sig: signWith(annKey, 'ACCEPT|x||') })).toEqual([
      'VERIFICATION_FAILED',
      expect.anything(),
    ])
    expect(await refusal(bob, { type: 'ACCEPT', proposal_id: 'x', sig: signWith(bobKey, 'ACCEPT|x||') })).toEqual([
      'PROPOSAL_NOT_FOUND',
      expect.anything(),
    ])
    expect(await refusal(ann, { type: 'ACCEPT', proposal_id: id, sig: signWith(annKey, `ACCEPT|${id}||`) })).toEqual([
      'INVALID_PROPOSAL',
      'NOT_PROPOSAL_RECIPIENT',
    ])
    expect(await refusal(ann, { type: 'ACCEPT', proposal_id: id })).toEqual(['INVALID_MSG', 'sig'])
    bob.send({ type: 'REJECT', proposal_id: id, sig: signWith(bobKey, `REJECT|${id}|`) })
    expect(await refusal(bob, { type: 'ACCEPT', proposal_id: id, sig: signWith(bobKey, `ACCEPT|${id}||`) })).toEqual([
      'INVALID_PROPOSAL',
      'PROPOSAL_NOT_PENDING',
    ])
  })

  test('#bounties hears nothing of who deals with whom: these clients have not said that they want it', async () => {
    await using relay = await startTestRelay()
    await using both = await pair(relay)
    const { bob, bobKey } = both
    await using carol = await oldClient(relay, 'carol')
    const id = await offered(both)
    bob.send({ type: 'ACCEPT', proposal_id: id, sig: signWith(bobKey, `ACCEPT|${id}||`) })
    await bob.next('ACCEPT')
    await join(carol, '#bounties')
    await carol.barrier()
    expect(carol.heard.filter(({ type }) => type === 'MSG')).toEqual([])
  })
})

describe('disputes before a panel', () => {
  test('the whole way with the older texts and no ids: every frame has the fields that clients of old read', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    const { ann, bob, proposalId: proposal_id } = court
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const sign = ({ key }: Trader, text: string) => signWith(key, text)
    const commitment = hash('a nonce')
    ann.wire.send({
      type: 'DISPUTE_INTENT',
      proposal_id,
      reason: 'late',
      commitment,
      sig: sign(ann, `DISPUTE_INTENT|${proposal_id}|late|${commitment}`),
    })
    const { dispute_id, server_nonce, ...ack } = await ann.wire.next('DISPUTE_INTENT_ACK')
    expect(ack).toMatchObject({ proposal_id })
    expect(dispute_id).toMatch(/^disp_[0-9a-z]+_[0-9a-f]+$/)
    expect(await bob.wire.next('MSG')).toMatchObject({ from: '@server', to: bob.id })
    ann.wire.send({ type: 'DISPUTE_REVEAL', proposal_id, nonce: 'a nonce', sig: sign(ann, `DISPUTE_REVEAL|${proposal_id}|a nonce`) })
    const seed = hash(proposal_id + 'a nonce' + server_nonce)
    const { arbiters, ...formed } = await bob.wire.next('PANEL_FORMED')
    expect(formed).toMatchObject({
      dispute_id,
      proposal_id,
      disputant: ann.id,
      respondent: bob.id,
      evidence_deadline: null,
      vote_deadline: null,
      seed,
      server_nonce,
    })
    expect(await ann.wire.next('DISPUTE_REVEALED')).toMatchObject({ dispute_id, panel_size: 3, seed })
    const panel = arbiters.map(id => court.juror(id))
    for (const juror of panel) {
      expect(await juror.wire.next('ARBITER_ASSIGNED')).toMatchObject({
        dispute_id,
        proposal_id,
        disputant: ann.id,
        respondent: bob.id,
        reason: 'late',
        response_deadline: expect.any(Number) as number,
      })
      juror.wire.send({ type: 'ARBITER_ACCEPT', dispute_id, sig: sign(juror, `ARBITER_ACCEPT|${dispute_id}`) })
      await bob.wire.next('ARBITER_ANSWER')
    }
    // The text covers the very spelling of the items: the order of their keys, and keys the relay does not know.
    const items = [{ value: 'v', extra: 1, label: 'l', kind: 'commit' }]
    for (const who of [ann, bob])
      who.wire.send({
        type: 'EVIDENCE',
        dispute_id,
        items,
        statement: 'so',
        sig: sign(who, `EVIDENCE|${dispute_id}|${hash(JSON.stringify(items))}`),
      })
    expect(await bob.wire.next('EVIDENCE_RECEIVED')).toMatchObject({ dispute_id, items_count: 1 })
    const ready = await panel[0]!.wire.next('CASE_READY')
    expect(ready).toMatchObject({
      dispute_id,
      proposal: { task: 'write it' },
      disputant: ann.id,
      respondent: bob.id,
      vote_deadline: expect.any(Number) as number,
    })
    expect(JSON.stringify(ready.disputant_evidence?.items)).toBe(JSON.stringify(items))
    for (const juror of panel)
      juror.wire.send({
        type: 'VOTE',
        dispute_id,
        verdict: 'disputant',
        reasoning: 'late indeed',
        sig: sign(juror, `VOTE|${dispute_id}|disputant`),
      })
    for (const { wire } of [ann, bob, ...panel]) {
      expect(await wire.next('VERDICT')).toMatchObject({
        dispute_id,
        proposal_id,
        verdict: 'disputant',
        votes: [{ verdict: 'disputant', reasoning: 'late indeed' }, {}, {}],
        arbiter_results: [{}, {}, {}],
        resolved_at: expect.any(Number) as number,
      })
      expect(await wire.next('SETTLEMENT_COMPLETE')).toMatchObject({
        dispute_id,
        proposal_id,
        verdict: 'disputant',
        rating_changes: { [ann.id]: { oldRating: 1_200, newRating: 1_204, change: 4, transactions: 1 }, [bob.id]: { change: -8 } },
      })
    }
    // Nobody who sends no ids is answered by a frame that he does not know.
    expect(ann.wire.heard.filter(frame => frame.type === 'DISPUTE_STATE')).toEqual([])
  })

  test('with too few arbiters there is a DISPUTE_FALLBACK to both, and no DISPUTE_REVEALED', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 0 })
    const { ann, bob, proposalId: proposal_id } = court
    await court.file()
    ann.wire.send({
      type: 'DISPUTE_REVEAL',
      proposal_id,
      nonce: court.nonce,
      sig: signWith(ann.key, `DISPUTE_REVEAL|${proposal_id}|${court.nonce}`),
    })
    for (const { wire } of [ann, bob])
      expect(await wire.next('DISPUTE_FALLBACK')).toMatchObject({
        dispute_id: court.disputeId,
        proposal_id,
        reason: expect.any(String) as string,
      })
    await ann.wire.barrier()
    expect(types(ann.wire)).not.toContain('DISPUTE_REVEALED')
  })
})

describe('6. proofs between agents', () => {
  const nonce = '3f9c0e5a7b1d4826a0c3e5f7091b2d4f'

  test('the acknowledgement of VERIFY_REQUEST carries neither nonce nor from, which would make the requester sign', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await oldClient(relay, 'alice', { key: newKey() })
    await using bob = await oldClient(relay, 'bob', { key })
    alice.send({ type: 'VERIFY_REQUEST', target: bob.id, nonce })
    const pending = await alice.next('VERIFY_REQUEST')
    expect(Object.keys(pending).sort()).toEqual(['request_id', 'status', 'target', 'ts', 'type'])
    const asked = await bob.next('VERIFY_REQUEST')
    expect(asked).toMatchObject({ request_id: pending.request_id, from: alice.id, nonce })
    bob.send({ type: 'VERIFY_RESPONSE', request_id: asked.request_id, nonce, sig: signWith(key, nonce) })
    expect(await alice.next('VERIFY_SUCCESS')).toMatchObject({ request_id: pending.request_id, agent: bob.id, pubkey: key.pem })
    expect(await bob.next('VERIFY_SUCCESS')).toMatchObject({ request_id: pending.request_id, verified: true })
  })
})

describe('7. staying and being displaced', () => {
  test('PING is answered PONG, with a session and without', async () => {
    await using relay = await startTestRelay()
    await using stranger = await relay.connect()
    stranger.send({ type: 'PING' })
    expect(Object.keys(await stranger.next('PONG'))).toEqual(['type', 'ts'])
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'PING' })
    await alice.next('PONG')
  })

  test('SESSION_DISPLACED comes before the close, and tells no address', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using first = await oldClient(relay, 'alice', { key })
    await using second = await oldClient(relay, 'alice', { key })
    const displaced = await first.next('SESSION_DISPLACED')
    expect(displaced).not.toHaveProperty('new_ip')
    await first.closed()
    expect(first.heard.at(-1)).toBe(displaced)
    second.send({ type: 'MSG', to: '#general', content: 'still the same agent' })
    expect((await second.next('MSG')).from).toBe(key.id)
  })
})

describe('8. the codes that tell a client to give up a channel', () => {
  test('CHANNEL_NOT_FOUND on JOIN, whether the channel is private or not there at all', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice', { key: newKey() })
    await using bob = await oldClient(relay, 'bob')
    alice.send({ type: 'CREATE_CHANNEL', channel: '#private', invite_only: true })
    await alice.next('JOINED')
    bob.send({ type: 'JOIN', channel: '#nowhere' })
    expect((await bob.next('ERROR')).code).toBe('CHANNEL_NOT_FOUND')
    bob.send({ type: 'JOIN', channel: '#private' })
    expect((await bob.next('ERROR')).code).toBe('CHANNEL_NOT_FOUND')
  })

  test('wrong channel syntax is INVALID_MSG', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'JOIN', channel: '#no spaces' })
    expect((await alice.next('ERROR')).code).toBe('INVALID_MSG')
  })

  test('a malformed frame of a stranger is INVALID_MSG, a well-formed one AUTH_REQUIRED', async () => {
    await using relay = await startTestRelay()
    await using stranger = await relay.connect()
    stranger.send({ type: 'MSG', to: 5, content: 'hi' })
    expect((await stranger.next('ERROR')).code).toBe('INVALID_MSG')
    stranger.send({ type: 'MSG', to: '#general', content: 'hi' })
    expect((await stranger.next('ERROR')).code).toBe('AUTH_REQUIRED')
  })

  test('an ERROR to a request without id carries no `re`', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'JOIN', channel: '#nowhere' })
    expect(Object.keys(await alice.next('ERROR')).sort()).toEqual(['code', 'message', 'ts', 'type'])
  })
})

describe('9. skills', () => {
  test('SKILLS_REGISTERED carries skills_count, SEARCH_RESULTS echo query_id; both signing texts of existing clients are accepted', async () => {
    await using relay = await startTestRelay()
    const key = newKey()
    await using alice = await oldClient(relay, 'alice', { key })
    await using bob = await oldClient(relay, 'bob')
    const skills = [{ capability: 'code-review', description: 'Reviews', rate: 5, currency: 'TEST', since: 2025 }]
    const json = JSON.stringify(skills)
    for (const text of [`REGISTER_SKILLS|${createHash('sha256').update(json).digest('hex')}`, json]) {
      alice.send({ type: 'REGISTER_SKILLS', skills, sig: signWith(key, text) })
      expect(await alice.next('SKILLS_REGISTERED')).toMatchObject({
        agent_id: key.id,
        skills_count: 1,
        registered_at: expect.any(Number) as number,
      })
    }
    expect((await bob.take('MSG', 1))[0]).toMatchObject({
      from: '@server',
      to: '#discovery',
      content: `Agent ${key.id} registered 1 skill(s): code-review`,
    })
    bob.send({ type: 'SEARCH_SKILLS', query: { capability: 'REVIEW', max_rate: 10, currency: 'TEST', limit: 5 }, query_id: 'mine' })
    const found = await bob.next('SEARCH_RESULTS')
    expect(found).toMatchObject({ query_id: 'mine', query: { capability: 'REVIEW', max_rate: 10, currency: 'TEST', limit: 5 }, total: 1 })
    expect(found.results[0]).toMatchObject({
      agent_id: key.id,
      ...skills[0],
      agent_rating: 1_200,
      agent_transactions: 0,
      skill_rating: 1_200,
      skill_transactions: 0,
      skill_updated: null,
    })
    bob.send({ type: 'SEARCH_SKILLS', query: {} })
    expect((await bob.next('SEARCH_RESULTS')).query_id).toBe(null)
  })
})

describe('10. /health', () => {
  test('has the shape that discovery reads', async () => {
    await using relay = await startTestRelay({ name: 'here' })
    await using alice = await oldClient(relay, 'alice', { key: newKey() })
    await using bob = await oldClient(relay, 'bob')
    await alice.ask({ type: 'CREATE_CHANNEL', channel: '#private', invite_only: true }, 'JOINED')
    const response = await fetch(`${relay.httpUrl}/health`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string
    expect(await response.json()).toEqual({
      status: 'healthy',
      server: 'here',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      uptime_seconds: expect.any(Number) as number,
      started_at: isoTime,
      agents: { connected: 2, with_identity: 1 },
      channels: { total: 10, public: 9 },
      proposals: { total: 0, byStatus: {}, agents: 0 },
      timestamp: isoTime,
    })
    expect((await fetch(`${relay.httpUrl}/nothing-here`)).status).toBe(404)
    await bob.barrier()
  })

  test('tells how many deals there are, within a second or two', async () => {
    await using relay = await startTestRelay()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    await using cyd = await newTrader(relay, 'cyd')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x' })
    await bob.do('ACCEPT', { proposal_id })
    await cyd.do('PROPOSAL', { to: ann.id, task: 'y' })
    const proposals = async () => (await (await fetch(`${relay.httpUrl}/health`)).json() as { readonly proposals: unknown }).proposals
    await expect.poll(proposals, { timeout: 10_000 }).toEqual({ total: 2, byStatus: { accepted: 1, pending: 1 }, agents: 3 })
  })
})

describe('11. discovery', () => {
  /** What an existing client does with its servers.json: the scheme replaced, /health appended, 200 and JSON within 5 s wanted. */
  const discover = async (file: string) => {
    const { servers } = JSON.parse(readFileSync(file, 'utf8')) as { servers: readonly { name: string, url: string }[] }
    return Promise.all(servers.map(async server => {
      const url = `${server.url.replace('wss://', 'https://').replace('ws://', 'http://')}/health`
      const response = await new Promise<{ status: number | undefined, text: string }>((resolve, reject) =>
        httpGet(url, { timeout: 5_000 }, response => {
          let text = ''
          response.on('data', (part: Buffer) => {
            text += String(part)
          })
          response.on('end', () => resolve({ status: response.statusCode, text }))
        }).on('error', reject)
      )
      return {
        ...server,
        status: response.status === 200 ? 'online' : 'offline',
        health: JSON.parse(response.text) as { agents: { connected: number }, uptime_seconds: number },
      }
    }))
  }

  test('an existing client finds relays by the servers.json that `agentchat discover add` writes, and `agentchat discover` reads the one that it writes', async () => {
    using cli = new Cli()
    await using relay = await startTestRelay({ name: 'here' })
    await using alice = await oldClient(relay, 'alice')
    expect((await cli.run(['discover', 'add', `${relay.url}/`, '--name', 'here', '--region', 'local'])).code).toBe(0)
    const [found] = await discover(cli.at('.agentchat/servers.json'))
    expect(found).toMatchObject({
      name: 'here',
      status: 'online',
      region: 'local',
      health: { agents: { connected: 1 }, uptime_seconds: expect.any(Number) as number },
    })
    writeFileSync(cli.at('.agentchat/servers.json'), JSON.stringify({
      version: 1,
      updated_at: new Date().toISOString(),
      servers: [{ name: 'AgentChat Local', url: relay.url, description: 'Local AgentChat server', region: 'local' }],
    }, null, 2))
    expect(JSON.parse((await cli.run(['discover', '--json'])).stdout)).toMatchObject([{
      name: 'AgentChat Local',
      status: 'online',
      agents: 1,
      description: 'Local AgentChat server',
    }])
    await alice.barrier()
  })
})

describe('messages', () => {
  test('the sender gets its own MSG; without id there is no ACK', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send({ type: 'MSG', to: '#general', content: 'hi' })
    expect(await alice.next()).toMatchObject({
      type: 'MSG',
      from: alice.id,
      from_name: 'alice',
      to: '#general',
      content: 'hi',
      verified: false,
      msg_id: expect.any(String) as string,
    })
    await alice.hearsNothing()
  })

  test('a binary frame is read as the text it holds', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    alice.send(Buffer.from('{"type":"MSG","to":"#general","content":"bytes"}'))
    expect((await alice.next('MSG')).content).toBe('bytes')
  })

  test('any path connects, with no subprotocol', async () => {
    await using relay = await startTestRelay()
    await using alice = await connect(`${relay.url}/some/path?and=query`)
    await alice.barrier()
  })

  test('INVITE is silent towards the inviter, and a MSG to the invited', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice', { key: newKey() })
    await using bob = await oldClient(relay, 'bob')
    await alice.ask({ type: 'CREATE_CHANNEL', channel: '#private', invite_only: true }, 'JOINED')
    alice.send({ type: 'INVITE', channel: '#private', agent: bob.id })
    await alice.hearsNothing()
    expect(await bob.next('MSG')).toMatchObject({
      from: alice.id,
      from_name: 'alice',
      to: bob.id,
      content: 'You have been invited to #private',
    })
  })

  test('joins, leaves and presence never enter the history', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await using bob = await oldClient(relay, 'bob')
    await join(bob, '#general')
    bob.send({ type: 'SET_PRESENCE', status: 'away' }, { type: 'LEAVE', channel: '#general' })
    await bob.next('LEFT')
    expect((await alice.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events).toEqual([])
  })
})

describe('presence and nick', () => {
  test('the field of PRESENCE_CHANGED is `presence`; the text is there, null when cleared', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await using bob = await oldClient(relay, 'bob')
    alice.send({ type: 'SET_PRESENCE', status: 'listening' })
    const changed = await bob.next('PRESENCE_CHANGED')
    expect(changed).toMatchObject({ agent_id: alice.id, name: 'alice', presence: 'listening', status_text: null })
    expect(changed).not.toHaveProperty('status')
    await alice.hearsNothing()
    expect((await bob.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list.find(agent => agent.id === alice.id)).toMatchObject(
      { presence: 'listening', status_text: null },
    )
  })

  test('a new nick is one frame to each peer and one to its owner, however many channels they share', async () => {
    await using relay = await startTestRelay()
    await using alice = await oldClient(relay, 'alice')
    await using bob = await oldClient(relay, 'bob')
    alice.send({ type: 'SET_NICK', nick: 'alice2' })
    await alice.next('NICK_CHANGED')
    await alice.hearsNothing()
    await bob.barrier()
    expect(types(bob)).toEqual(['NICK_CHANGED'])
    alice.send({ type: 'MSG', to: '#general', content: 'hi' })
    expect((await bob.next('MSG')).from_name).toBe('alice2')
  })
})

describe('conversation, as a client sees it that knows none of it', () => {
  /** The frames that the original clients know, of those that come unasked. */
  const known = new Set(['MSG', 'AGENT_JOINED', 'AGENT_LEFT', 'TYPING', 'PRESENCE_CHANGED', 'NICK_CHANGED', 'TOPIC_CHANGED', 'FILE_CHUNK'])
  /** The fields of a message that they read. */
  const seen = ({ from, from_name, to, content, msg_id, verified, in_reply_to }: Frame<'MSG'>) => ({
    ...{ from, from_name, to, content, msg_id, verified },
    ...(in_reply_to !== undefined && { in_reply_to }),
  })
  /** What such a client makes of what came: whatever it does not know it passes over. Nothing of it is an error. */
  const view = async (wire: Wire): Promise<readonly object[]> => {
    await wire.barrier()
    const frames = [...wire.unread]
    await wire.clear()
    expect(frames.filter(({ type }) => type === 'ERROR')).toEqual([])
    return frames.flatMap((frame): readonly object[] =>
      frame.type === 'MSG' ? [seen(frame)] : known.has(frame.type) ? [{ type: frame.type }] : []
    )
  }
  /** Its history is what it saw live, but for what is gone since. */
  const history = async (wire: Wire) =>
    ((await wire.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).events as unknown as Frame<'MSG'>[]).map(seen)
  const open = async () => {
    const relay = await startTestRelay()
    const [annKey, oldKey] = [newKey(), newKey()]
    const ann = await relay.login('ann', { key: annKey })
    const old = await oldClient(relay, 'old', { key: oldKey })
    const say = (content: string, more: object = {}) => ann.ask({ type: 'MSG', to: '#general', content, ...more }, 'ACK')
    const message = (content: string, { msg_id }: { readonly msg_id: string }, in_reply_to?: string) => ({
      ...{ from: annKey.id, from_name: 'ann', to: '#general', content, msg_id, verified: false },
      ...(in_reply_to !== undefined && { in_reply_to }),
    })
    return {
      ...{ relay, ann, old, oldKey, say, message },
      async [Symbol.asyncDispose]() {
        for (const each of [ann, old, relay]) await each[Symbol.asyncDispose]()
      },
    }
  }

  test('an edit: a message that answers the one it changes', async () => {
    await using all = await open()
    const { ann, old, say, message } = all
    const first = await say('Friday')
    const edit = await ann.ask({ type: 'EDIT', msg_id: first.msg_id, content: 'Monday' }, 'ACK')
    const shown = [message('Friday', first), message('Monday', edit, first.msg_id)]
    expect(await view(old)).toEqual(shown)
    expect(await history(old)).toEqual(shown)
  })

  test('a retraction: an empty message that answers the one that is gone, which is empty from then on', async () => {
    await using all = await open()
    const { ann, old, say, message } = all
    const first = await say('a secret')
    const gone = await ann.ask({ type: 'RETRACT', msg_id: first.msg_id }, 'ACK')
    expect(await view(old)).toEqual([message('a secret', first), message('', gone, first.msg_id)])
    expect((await history(old)).map(({ content, in_reply_to }) => [content, in_reply_to])).toEqual([['', undefined], ['', first.msg_id]])
  })

  test('reactions, pins and groups that are made: nothing', async () => {
    await using all = await open()
    const { relay, ann, old, say } = all
    await using owner = await relay.login('owner', { key: newKey() })
    await owner.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    for (const wire of [ann, old]) await wire.ask({ type: 'JOIN', channel: '#room', limit: 0 }, 'JOINED')
    const { msg_id } = await say('hello', { to: '#room' })
    await view(old)
    await ann.ask({ type: 'REACT', msg_id, kind: '👍' }, 'REACTED')
    await ann.ask({ type: 'UNREACT', msg_id, kind: '👍' }, 'REACTED')
    await ann.ask({ type: 'PIN', channel: '#room', msg_id }, 'PINNED')
    await owner.ask({ type: 'SET_GROUP', channel: '#room', group: 'ops', members: [ann.id] }, 'GROUP_CHANGED')
    await owner.ask({ type: 'SET_CHANNEL', channel: '#room', welcome: 'hi' }, 'CHANNEL_CHANGED')
    expect(await view(old)).toEqual([])
    expect((await old.ask({ type: 'HISTORY', channel: '#room' }, 'HISTORY')).events).toHaveLength(1)
  })

  test('a thread: messages, each with the answer that its sender named', async () => {
    await using all = await open()
    const { old, say, message } = all
    const root = await say('root')
    const answer = await say('answer', { in_reply_to: root.msg_id })
    const deeper = await say('deeper', { in_reply_to: answer.msg_id })
    const shown = [message('root', root), message('answer', answer, root.msg_id), message('deeper', deeper, answer.msg_id)]
    expect(await view(old)).toEqual(shown)
    expect(await history(old)).toEqual(shown)
  })

  test('a mention by a group, or by @here: the message as it was said, and an entry of the inbox as any', async () => {
    await using all = await open()
    const { relay, old, oldKey } = all
    await using owner = await relay.login('owner', { key: newKey() })
    await owner.ask({ type: 'CREATE_CHANNEL', channel: '#room' }, 'JOINED')
    await old.ask({ type: 'JOIN', channel: '#room', limit: 0 }, 'JOINED')
    await owner.ask({ type: 'SET_GROUP', channel: '#room', group: 'ops', members: [oldKey.id] }, 'GROUP_CHANGED')
    await view(old)
    await old.close()
    // On a database server the relay may take a moment to let it go.
    await vi.waitFor(async () =>
      expect(JSON.stringify(await owner.ask({ type: 'LIST_AGENTS', channel: '#room' }, 'AGENTS'))).not.toContain(oldKey.id)
    )
    for (const content of ['@ops: help', '@here: help', `@${oldKey.id.slice(1)}: help`])
      await owner.ask({ type: 'MSG', to: '#room', content }, 'ACK')
    await using again = await oldClient(relay, 'old', { key: oldKey, autojoin: false })
    const came = await view(again) as readonly Frame<'MSG'>[]
    // It was not there for @here.
    expect(came.map(({ to, content }) => [to, content])).toEqual([['#room', '@ops: help'], ['#room', `@${oldKey.id.slice(1)}: help`]])
  })

  test('a file: the message and its text', async () => {
    await using all = await open()
    const { relay, ann, old, say, message } = all
    const named = await say('the numbers', { files: [await bring(relay, ann, 'a file')] })
    expect(await view(old)).toEqual([message('the numbers', named)])
    expect(await history(old)).toEqual([message('the numbers', named)])
  })

  test('a growing message: the message that ends it, once', async () => {
    await using all = await open()
    const { ann, old, say, message } = all
    for (const [n, text] of ['The sky', ' is blue'].entries())
      await ann.ask({ type: 'DELTA', to: '#general', stream: 's1', n, text }, 'OK')
    const end = await say('The sky is blue', { stream: 's1' })
    expect(await view(old)).toEqual([message('The sky is blue', end)])
    expect(await history(old)).toEqual([message('The sky is blue', end)])
  })
})
