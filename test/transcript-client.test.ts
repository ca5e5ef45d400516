// What a client notices of a relay that does not keep to one history, and that an honest one is never blamed.
import { expect, test } from 'vitest'
import type { AgentChatClient, ClientStatus } from '../lib/index.ts'
import { rawTextOf } from '../lib/index.ts'
import { blankText, entryOf, readCheckpoint } from '../lib/identity/transcripts/index.ts'
import { storedTextOf } from '../lib/client/transcript-checks.ts'
import { MemoryPositions } from '../lib/client/positions.ts'
import { clientOf, newIdentity, statusOf } from './kit/client.ts'
import { startGoBetween } from './kit/go-between.ts'
import { startLyingRelay } from './kit/lying-relay.ts'
import { newProxy } from './kit/proxy.ts'
import { startTestRelay } from './kit/relay.ts'

type Told = Extract<ClientStatus, { readonly kind: 'transcript' }>

const problemsOf = (client: AgentChatClient): Told[] => {
  const told: Told[] = []
  client.on('status', status => {
    if (status.kind === 'transcript') told.push(status)
  })
  return told
}

const say = async (client: AgentChatClient, count: number, first = 1) => {
  for (let i = 0; i < count; i++) await client.send('#general', `message ${first + i}`)
}
/** Until the channel's head is kept at that size. */
const headAt = async (positions: MemoryPositions, size: number) => {
  await expect.poll(() => {
    const head = positions.head('#general')
    return head === undefined ? 0 : readCheckpoint(head).size
  }, { timeout: 15_000 }).toBeGreaterThanOrEqual(size)
}
const everything = (client: AgentChatClient) => {
  void (async () => {
    for await (const message of client.messages()) message.ack()
  })()
}

test('of an honest relay nothing is told, whatever is edited, erased, cut, left out and resumed', async () => {
  await using relay = await startTestRelay()
  const alice = await clientOf(relay, { identity: newIdentity('alice'), transcripts: 'strict' })
  const positions = new MemoryPositions()
  const bobs = newIdentity('bob')
  let bob = await clientOf(relay, { identity: bobs, positions })
  const told = [problemsOf(alice), problemsOf(bob)]
  everything(alice)
  everything(bob)
  await alice.join('#general')
  await bob.join('#general')
  const heard: string[] = []
  bob.on('message', message => void heard.push(rawTextOf(message.frame) ?? ''))
  for (let i = 0; i < 300; i++) {
    const { msgId } = await alice.send('#general', `message ${i}`)
    if (i % 50 === 7) await alice.request('EDIT', { msg_id: msgId, content: 'otherwise', prev: undefined } as never).catch(() => undefined)
    if (i % 60 === 9) await alice.request('RETRACT', { msg_id: msgId })
    if (i % 20 === 0) await bob.send('#general', `and ${i}`)
  }
  await expect.poll(() => heard.some(text => text.includes('"seen":{"seq":'))).toBe(true)
  await headAt(positions, 200)
  await bob.close()
  await say(alice, 30)
  await alice.request('ERASE', {})
  await relay.store.write(tx => tx.keep.deleteThrough('#general', 100, 1))
  bob = await clientOf(relay, { identity: bobs, positions, transcripts: 'strict' })
  told.push(problemsOf(bob))
  everything(bob)
  await bob.join('#general')
  await say(alice, 20)
  // Who comes new, and who left for a while.
  const carol = await clientOf(relay, { name: 'carol', transcripts: 'strict' })
  told.push(problemsOf(carol))
  everything(carol)
  await carol.join('#general')
  await carol.request('SUBSCRIBE', { channel: '#general', mentions: true } as never).catch(() => undefined)
  await say(alice, 280)
  await expect.poll(() => readCheckpoint(positions.head('#general')!).size, { timeout: 15_000 }).toBeGreaterThan(340)
  expect(told.flat()).toEqual([])
  expect([alice.state, bob.state, carol.state]).toEqual(['open', 'open', 'open'])
  for (const client of [alice, bob, carol]) await client.close()
}, 60_000)

test('an event that is changed is told by who kept a head of before', async () => {
  await using relay = await startLyingRelay()
  await relay.live('one')
  const positions = new MemoryPositions()
  const bobs = newIdentity('bob')
  const bob = await clientOf(relay.url, { identity: bobs, positions })
  everything(bob)
  await bob.join('#general')
  await say(bob, 5)
  await headAt(positions, 1)
  await bob.close()
  await relay.stop('one')
  relay.rewrite('one', ({ seq, text }) => seq === 1 ? text.replace('message 1', 'message I') : undefined)
  await relay.live('one')
  const again = await clientOf(relay.url, { identity: bobs, positions })
  const came = statusOf(again, 'transcript')
  await again.join('#general')
  expect(await came).toMatchObject({
    problem: 'rewritten',
    evidence: { stream: '#general', heads: [expect.any(String), expect.any(String)] },
  })
  await again.close()
}, 60_000)

/** How an event is spelled in the place of another one. */
const inPlaceOf = (place: string, text: string): string => {
  const { seq, ts, msg_id } = JSON.parse(place) as Record<string, unknown>
  return JSON.stringify({ ...JSON.parse(text) as object, ts, msg_id, seq })
}
const blanked = (text: string, change: object = {}): string => {
  const { stub, text: lines } = entryOf(text)
  return blankText({ ...stub, ...change }, lines.split('\n')[1]!)
}
const stranger = '@0123456789abcdef'

test.each<[string, (texts: readonly string[]) => readonly string[], boolean]>([
  ['nothing', texts => texts, false],
  ['an event that was left out', texts => texts.map((text, i) => i < 2 ? text : inPlaceOf(text, texts[i + 1] ?? texts[0]!)), true],
  ['an event that was put in', texts => texts.map((text, i) => i < 2 ? text : inPlaceOf(text, texts[i - 1]!)), true],
  ['another order', texts => texts.map((text, i) => i === 1 || i === 2 ? inPlaceOf(text, texts[3 - i]!) : text), true],
  ['what was erased, as it may be', texts => texts.with(2, blanked(texts[2]!)), false],
  ['another author of what was erased', texts => texts.with(2, blanked(texts[2]!, { from: stranger })), true],
  ['another time of what was erased', texts => texts.with(2, blanked(texts[2]!, { ts: entryOf(texts[2]!).stub.ts + 1 })), true],
  ['another id of what was erased', texts => texts.with(2, blanked(texts[2]!, { msg_id: entryOf(texts[1]!).stub.msg_id })), true],
])('below a head that was kept %s is told, where it is not what was signed', async (_, change, isTold) => {
  await using relay = await startLyingRelay()
  await relay.live('one')
  const [alices, bobs] = [newIdentity('alice'), newIdentity('bob')]
  const alice = await clientOf(relay.url, { identity: alices })
  await alice.join('#general')
  await say(alice, 5)
  const positions = new MemoryPositions()
  const bob = await clientOf(relay.url, { identity: bobs, positions })
  everything(bob)
  await bob.join('#general')
  await headAt(positions, 5)
  await bob.close()
  await alice.close()
  await relay.stop('one')
  const texts: string[] = []
  relay.rewrite('one', ({ seq, text }) => void (texts[seq - 1] = text))
  const others = change(texts)
  relay.rewrite('one', ({ seq }) => others[seq - 1] === texts[seq - 1] ? undefined : others[seq - 1])
  await relay.live('one')
  for (const size of [5, 6]) {
    const again = await clientOf(relay.url, { identity: bobs, positions })
    const [told, came] = [problemsOf(again), statusOf(again, 'transcript')]
    everything(again)
    await again.join('#general')
    if (isTold) expect(await came).toMatchObject({ problem: 'fork' })
    else {
      // The head that is kept next was compared with the former one.
      await headAt(positions, size)
      await again.send('#general', 'more')
      expect(told).toEqual([])
    }
    await again.close()
  }
}, 60_000)

test('that it is gone is believed of what may be: who refuses to prove what it has is told', async () => {
  await using way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  await using relay = await startTestRelay({ publicUrls: [url] })
  const refused = new Set<unknown>()
  await using between = await startGoBetween(relay.url, {
    toRelay: frame => {
      if (frame.type === 'HEAD' && Number(frame['from'] ?? 0) > 0) refused.add(frame['id'])
      return frame
    },
    toVisitor: frame =>
      frame.type === 'HEAD' && refused.has(frame['re'])
        ? { type: 'ERROR', ts: frame['ts'], re: frame['re'], code: 'MESSAGE_NOT_FOUND', message: 'It is gone' }
        : frame,
  })
  const bobs = newIdentity('bob')
  const positions = new MemoryPositions()
  /** Comes back, with what was kept of before; gives what was told. */
  const visit = async (place: string, kept: number, more: number) => {
    way.leadTo(Number(new URL(place).port))
    const bob = await clientOf(url, { identity: bobs, positions })
    const told = problemsOf(bob)
    everything(bob)
    await bob.join('#general')
    await say(bob, more)
    if (kept > 0) await headAt(positions, kept)
    else await expect.poll(() => told.length).toBe(1)
    await bob.close()
    return told.map(({ problem }) => problem)
  }
  expect(await visit(relay.url, 1, 8)).toEqual([])
  // What it kept went, honestly: it goes on with what there is.
  await relay.store.write(tx => tx.keep.deleteThrough('#general', 6, 1))
  expect(await visit(relay.url, 8, 1)).toEqual([])
  {
    await using eve = await relay.login('eve')
    await eve.ask({ type: 'MSG', to: '#general', content: 'more' }, 'ACK')
  }
  expect(await visit(between.url, 0, 0)).toEqual(['rewritten'])
})

test('an event that is changed is told by who was there, though no head was signed of it', async () => {
  await using relay = await startLyingRelay()
  await relay.live('one')
  const alice = await clientOf(relay.url, { identity: newIdentity('alice') })
  const told = statusOf(alice, 'transcript')
  everything(alice)
  await alice.join('#general')
  await say(alice, 5)
  await relay.stop('one')
  relay.rewrite('one', ({ seq, text }) => seq === 4 ? text.replace('message 4', 'message X') : undefined)
  await relay.live('one')
  relay.cut()
  await say(alice, 5, 6)
  expect(await told).toMatchObject({ problem: 'rewritten', evidence: { heads: [expect.any(String)], own: { root: expect.any(String) } } })
  await alice.close()
}, 60_000)

test('a relay that is put back to what it was signs less than it did', async () => {
  await using relay = await startLyingRelay()
  const positions = new MemoryPositions()
  const bobs = newIdentity('bob')
  await relay.live('before')
  const bob = await clientOf(relay.url, { identity: bobs })
  await bob.join('#general')
  await say(bob, 3)
  await bob.close()
  await relay.stop('before')
  relay.copy('before', 'after')
  await relay.live('after')
  const more = await clientOf(relay.url, { identity: bobs, positions })
  everything(more)
  await more.join('#general')
  await say(more, 3)
  await headAt(positions, 3)
  await say(more, 260)
  await headAt(positions, 200)
  await more.close()
  await relay.stop('after')
  await relay.live('before')
  const again = await clientOf(relay.url, { identity: bobs, positions, transcripts: 'strict' })
  const [came, ended] = [statusOf(again, 'transcript'), statusOf(again, 'ended')]
  await again.join('#general')
  expect(await came).toMatchObject({ problem: 'rolled-back', evidence: { heads: [expect.any(String), expect.any(String)] } })
  await ended
}, 60_000)

test('two histories are told by the first message that crosses, and by two heads of one size', async () => {
  await using relay = await startLyingRelay()
  await relay.live('one')
  const [alices, bobs] = [newIdentity('alice'), newIdentity('bob')]
  for (const identity of [alices, bobs]) {
    const first = await clientOf(relay.url, { identity })
    await first.join('#general')
    await say(first, 1)
    await first.close()
  }
  await relay.stop('one')
  relay.copy('one', 'other')
  await relay.live('one')
  const alice = await clientOf(relay.url, { identity: alices })
  everything(alice)
  await alice.join('#general')
  await say(alice, 40, 10)
  await relay.live('other')
  const bob = await clientOf(relay.url, { identity: bobs })
  everything(bob)
  await bob.join('#general', { since: 0 })
  await say(bob, 30, 100)
  // The relay hands on what bob signed in the other history, as if it had been said here.
  const told = statusOf(alice, 'transcript')
  const { events } = await bob.request('HISTORY', { channel: '#general', limit: 100 })
  const said = events.map(event => event as unknown as { ts: number, seen?: { seq: number } }).findLast(({ seen }) => seen !== undefined)
  expect(said?.seen?.seq).toBeGreaterThan(2)
  const one = await relay.live('one')
  await one.store.write(tx =>
    tx.log.append({ stream: '#general', author: bobs.agentId }, said!.ts, ({ seq, ts, msgId }) =>
      Buffer.from(JSON.stringify({ ...said, ts: Math.max(ts, said!.ts), msg_id: msgId, seq })))
  )
  // It is in the log there: the next message shows the gap, and it is read.
  const eve = await clientOf(relay.url, { identity: newIdentity('eve') })
  await eve.join('#general')
  await eve.send('#general', 'look')
  expect(await told).toMatchObject({ problem: 'crossed', evidence: { author_pubkey: bobs.publicKey, own: { root: expect.any(String) } } })
  for (const client of [alice, bob, eve]) await client.close()
}, 60_000)

test('an erased event with another hash, or with something in it, is told', async () => {
  await using relay = await startLyingRelay()
  await relay.live('one')
  const alices = newIdentity('alice')
  const alice = await clientOf(relay.url, { identity: alices })
  await alice.join('#general')
  await say(alice, 4)
  await alice.close()
  await relay.stop('one')
  relay.copy('one', 'hidden')
  relay.rewrite('one', ({ seq, text }) => seq === 2 ? blankText(entryOf(text).stub, `${'A'.repeat(43)}=`) : undefined)
  relay.rewrite('hidden', ({ seq, text }) => {
    const { stub, text: lines } = entryOf(text)
    return seq === 2 ? blankText(stub, lines.split('\n')[1]!).replace('"content":""', '"content":"pst"') : undefined
  })
  for (const [life, transcripts] of [['one', false], ['hidden', true]] as const) {
    const positions = new MemoryPositions()
    // It signs what it had signed before.
    const honest = await relay.live(life)
    const bob = await clientOf(relay.url, { identity: newIdentity('bob'), positions })
    const told = problemsOf(bob)
    everything(bob)
    await bob.join('#general', { since: 0 })
    await bob.send('#general', 'x')
    if (transcripts) await expect.poll(() => told.map(({ problem }) => problem)).toEqual(['rewritten'])
    else expect((await honest.store.read.log.head('#general')).seq).toBe(5)
    await bob.close()
    await relay.stop(life)
  }
}, 60_000)

test('what was added when an event was sent is not of its text', () => {
  const text = '{"type":"MSG","content":",\\"replay\\":true}","salt":"x"}'
  expect([text, text.replace(/\}$/, ',"replay":true}'), text.replace(/\}$/, ',"prev_seq":17}')].map(storedTextOf)).toEqual([
    text,
    text,
    text,
  ])
})
