// Witnesses: relays that mirror a channel cosign the heads that they checked; clients ask for such.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { cosignersOf, findingOf, openCheckpoint, readCheckpoint, relayWitness } from '../lib/identity/index.ts'
import type { LocalIdentity } from '../lib/identity/index.ts'
import type { AgentChatClient } from '../lib/index.ts'
import { clientOf, newIdentity, statusOf } from './kit/client.ts'
import { hostOf, link, linksOf, mirrored, startLinkable, until } from './kit/linked.ts'
import { startLyingRelay } from './kit/lying-relay.ts'
import type { TestRelay } from './kit/relay.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
type Wire = Awaited<ReturnType<TestRelay['login']>>

const keyOf = async (relay: TestRelay): Promise<string> =>
  (await (await fetch(`${relay.url.replace('ws', 'http')}/.well-known/agentchat.json`)).json() as { pubkey: string }).pubkey

/** Once the newest head is cosigned. */
const cosignedHead = (wire: Wire, channel = '#general') =>
  until(async () => {
    const head = await wire.ask({ type: 'HEAD', channel, witnessed: true }, 'HEAD')
    return head.witnessed?.[0] === head.checkpoint && head
  })

test('a mirror cosigns what it checked, and its home hands that on with its heads', async () => {
  await using witness = await startLinkable()
  await using home = await startLinkable({ witnesses: [witness.serverId] })
  await using bob = await home.login('bob')
  await bob.ask(say('one'), 'ACK')
  await link(witness, home, ['#general'])
  await mirrored(witness, `#general@${hostOf(home)}`, 1)
  const keys = [relayWitness(await keyOf(witness))]
  for (let size = 1; size < 4; size++) {
    const { checkpoint, witnessed } = await cosignedHead(bob)
    expect(openCheckpoint(checkpoint, await keyOf(home))).toMatchObject({ size, stream: '#general' })
    expect([...cosignersOf(checkpoint, keys).keys()]).toEqual(keys)
    expect(witnessed).toHaveLength(1)
    await bob.ask(say('more'), 'ACK')
  }
  await using ann = await witness.login('ann')
  const there = await ann.ask({ type: 'HEAD', channel: `#general@${hostOf(home)}`, witnessed: true }, 'HEAD')
  expect(there.witnessed?.length).toBeGreaterThan(2)
})

/** Says so many things at a relay, as somebody who comes and goes. */
const spoken = async (url: string, identity: LocalIdentity, count: number) => {
  const client = await clientOf(url, { identity })
  await client.join('#general')
  for (let i = 0; i < count; i++) await client.send('#general', `message ${i} of ${identity.name}`)
  await client.close()
}

describe('a relay that keeps two groups apart', () => {
  /** Both groups were told the same once; from then on each has its own life, and the witness is shown the first. */
  const startApart = async () => {
    const witness = await startLinkable()
    const relay = await startLyingRelay({ witnesses: [witness.serverId] })
    const [alices, bobs] = [newIdentity('alice'), newIdentity('bob')]
    const first = await relay.live('one')
    for (const identity of [alices, bobs]) await spoken(relay.url, identity, 1)
    await relay.stop('one')
    relay.copy('one', 'other')
    const one = await relay.live('one')
    await link(witness, first, ['#general'], { url: relay.url })
    await spoken(relay.url, alices, 5)
    await using wire = await one.login('eve')
    const head = await cosignedHead(wire)
    return {
      witness,
      relay,
      bobs,
      head: head.checkpoint,
      key: await keyOf(witness),
      async [Symbol.asyncDispose]() {
        await relay[Symbol.asyncDispose]()
        await witness[Symbol.asyncDispose]()
      },
    }
  }
  const listening = (client: AgentChatClient) => {
    void (async () => {
      for await (const message of client.messages()) message.ack()
    })()
    const told: string[] = []
    client.on('status', status => {
      if (status.kind === 'transcript') told.push(status.problem)
    })
    return told
  }

  test('is found by who asks for one witness, and by nobody who asks for none', async () => {
    await using apart = await startApart()
    const { relay, bobs, key } = apart
    await relay.live('other')
    const careless = await clientOf(relay.url, { identity: newIdentity('carol'), transcripts: 'strict' })
    const told = listening(careless)
    await careless.join('#general', { since: 0 })
    for (let i = 0; i < 8; i++) await careless.send('#general', `for bob ${i}`)
    const bob = await clientOf(relay.url, { identity: bobs, transcripts: 'strict', witnesses: { keys: [key], withinMs: 100 } })
    const [came, ended] = [statusOf(bob, 'transcript'), statusOf(bob, 'ended')]
    listening(bob)
    await bob.join('#general', { since: 0 })
    expect(await came).toMatchObject({ problem: 'unwitnessed', evidence: { stream: '#general' } })
    await ended
    expect(told).toEqual([])
    expect(careless.state).toBe('open')
    await careless.close()
  })

  test('is proved by what the witness cosigned, where it shows that to both', async () => {
    await using apart = await startApart()
    const { relay, bobs, key, head } = apart
    await relay.stop('one')
    // As who has both would: what the witness cosigned of the one life is shown in the other.
    const from = new BetterSqlite3(join(relay.folderOf('one'), 'agentchat.db'), { readonly: true })
    const rows = from.prepare<[], Record<string, unknown>>('SELECT * FROM cosignatures').all()
    from.close()
    const other = new BetterSqlite3(join(relay.folderOf('other'), 'agentchat.db'))
    for (const row of rows)
      other.prepare('INSERT INTO cosignatures VALUES (@channel, @witness, @epoch, @size, @checkpoint, @line)').run(row)
    other.close()
    await relay.live('other')
    await spoken(relay.url, bobs, 8)
    const bob = await clientOf(relay.url, { identity: bobs, witnesses: { keys: [key], withinMs: 100 } })
    const came = statusOf(bob, 'transcript')
    listening(bob)
    await bob.join('#general', { since: 0 })
    const { problem, evidence } = await came
    expect(problem).toBe('fork')
    expect(evidence.heads[0]).toBe(head)
    expect(readCheckpoint(evidence.heads[1]!).size).toBeGreaterThan(readCheckpoint(head).size)
    expect(findingOf(evidence)).toMatchObject({ finding: 'fork' })
    const { proof: _, ...bare } = evidence
    expect(findingOf(bare)).toMatchObject({ finding: 'longer' })
    expect(findingOf({ ...evidence, proof: { ...evidence.proof!, root: evidence.proof!.root.replace(/^./, c => c === 'A' ? 'B' : 'A') } }))
      .toMatchObject({ finding: 'longer' })
    await bob.close()
  })

  test('is refused by the witness itself, which is shown both', async () => {
    await using apart = await startApart()
    const { relay, witness } = apart
    await relay.live('other')
    await spoken(relay.url, apart.bobs, 8)
    relay.cut()
    const { problem } = await until(async () => (await linksOf(witness))[0]?.mirrors.find(({ state }) => state === 'stopped'))
    expect(problem).toMatch(/not what its relay signed/)
  })
})
