// Witnesses: relays that mirror a channel cosign the heads that they checked; clients ask for such.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { WitnessChecks } from '../lib/client/witness-checks.ts'
import {
  cosignersOf,
  findingOf,
  fingerprintOf,
  generateKeyPair,
  identityFrom,
  openCheckpoint,
  readCheckpoint,
  readWitnessKey,
  relayWitness,
  verify,
  witnessedBy,
  witnessKeyText,
  witnessPolicy,
  type LocalIdentity,
} from '../lib/identity/index.ts'
import { cosign, signCheckpoint } from '../lib/identity/transcripts/index.ts'
import type { Verify } from '../lib/identity/verify.ts'
import type { AgentChatClient } from '../lib/index.ts'
import { clientOf, newIdentity, statusOf } from './kit/client.ts'
import { newFolder } from './kit/folder.ts'
import { adminKey, hostOf, link, linksOf, mirrored, startLinkable, until } from './kit/linked.ts'
import { startLyingRelay } from './kit/lying-relay.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith } from './kit/wire.ts'

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

describe('a relay that keeps two groups apart', () => {
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

describe('a witness', () => {
  test('keeps what it cosigned before it hands it over, and hands over the same after it was ended', async () => {
    using folder = newFolder()
    const [homeData, witnessData] = [folder.at('home'), folder.at('witness')]
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    const channel = `#general@${hostOf({ url })}`
    let before: string | undefined
    let witnessId: string
    {
      // A home that takes nothing of it yet.
      await using home = await startLinkable({ data: homeData, port })
      await using witness = await startLinkable({ data: witnessData })
      witnessId = witness.serverId
      await using bob = await home.login('bob')
      await bob.ask(say('one'), 'ACK')
      await link(witness, home, ['#general'], { url })
      await mirrored(witness, channel, 1)
      await using ann = await witness.login('ann')
      ;[before] = (await ann.ask({ type: 'HEAD', channel, witnessed: true }, 'HEAD')).witnessed!
      expect(before).toBeDefined()
      expect((await bob.ask({ type: 'HEAD', channel: '#general', witnessed: true }, 'HEAD')).witnessed).toEqual([])
    }
    await using home = await startLinkable({ data: homeData, port, witnesses: [witnessId] })
    await using witness = await startLinkable({ data: witnessData })
    expect(witness.serverId).toBe(witnessId)
    await using bob = await home.login('bob')
    expect((await cosignedHead(bob)).checkpoint).toBe(before)
  })

  test('that is linked anew to another history cosigns nothing of it', async () => {
    await using apart = await startApart()
    const { relay, witness, head } = apart
    const other = await relay.live('other')
    await spoken(relay.url, apart.bobs, 9)
    await using operator = await witness.connect()
    await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(relay) }, 'LINKS')
    // It begins anew, as with a relay that it never saw: under another name, too.
    await link(witness, other, ['#general'], { url: relay.url, host: 'elsewhere.example' })
    await mirrored(witness, '#general@elsewhere.example', 11)
    await spoken(relay.url, apart.bobs, 2)
    await mirrored(witness, '#general@elsewhere.example', 13)
    await using ann = await witness.login('ann')
    const { witnessed } = await ann.ask({ type: 'HEAD', channel: '#general@elsewhere.example', witnessed: true }, 'HEAD')
    expect(witnessed![0]).toBe(head)
    // It hands over what it cosigned before: who asks there for witnesses is shown that there are two histories.
    await using wire = await other.login('eve')
    expect((await wire.ask({ type: 'HEAD', channel: '#general', witnessed: true }, 'HEAD')).witnessed).toEqual([head])
    const bob = await clientOf(relay.url, { identity: apart.bobs, witnesses: { keys: [apart.key], withinMs: 100 } })
    const came = statusOf(bob, 'transcript')
    await bob.join('#general', { since: 0 })
    const { evidence } = await came
    expect(findingOf(evidence)).toMatchObject({ finding: 'fork' })
    await bob.close()
  })

  test('that is linked anew goes on once the home has proved that what it cosigned is the beginning', async () => {
    await using witness = await startLinkable({ mirrorCount: 2 })
    await using home = await startLinkable({ witnesses: [witness.serverId] })
    await using bob = await home.login('bob')
    for (const content of ['one', 'two', 'three']) await bob.ask(say(content), 'ACK')
    await link(witness, home, ['#general'])
    await cosignedHead(bob)
    await using operator = await witness.connect()
    await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(home) }, 'LINKS')
    for (const content of ['four', 'five', 'six']) await bob.ask(say(content), 'ACK')
    await link(witness, home, ['#general'])
    const name = `#general@${hostOf(home)}`
    await mirrored(witness, name, 6)
    await bob.ask(say('seven'), 'ACK')
    expect((await cosignedHead(bob)).size).toBe(7)
  })
})

describe('a home', () => {
  const startAsked = async () => {
    const keys = [newKey(), newKey()] as const
    const home = await startTestRelay({ witnesses: [fingerprintOf(keys[0].pem)] })
    const wires = [await home.login('first', { key: keys[0] }), await home.login('second', { key: keys[1] })] as const
    const head = async (channel: string) => (await wires[0].ask({ type: 'HEAD', channel, witnessed: true }, 'HEAD'))
    const lineOf = (checkpoint: string, n: 0 | 1 = 0, seconds = 1_790_000_000) =>
      cosign(checkpoint, { ...relayWitness(keys[n].pem), sign: text => signWith(keys[n], text) }, seconds)
    const cosigning = (checkpoint: string, channel = '#general') => ({ type: 'COSIGN', channel, checkpoint })
    return { home, wires, head, lineOf, cosigning, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
  }

  test('keeps what its own witnesses put under its own heads, and nothing else', async () => {
    await using asked = await startAsked()
    const { wires: [first, second], head, lineOf, cosigning } = asked
    await first.ask(say('one'), 'ACK')
    const { checkpoint } = await head('#general')
    const line = lineOf(checkpoint)
    const wrong = [
      checkpoint,
      checkpoint + lineOf(checkpoint, 1),
      checkpoint + line + line,
      checkpoint + lineOf(checkpoint, 1) + line,
      checkpoint + line.replace(/.{9}\n$/, found => `AAAAAA${found.slice(6)}`),
      checkpoint.replace('\n1\n', '\n2\n') + line,
      line,
      '',
    ]
    for (const text of wrong) expect(await first.refusal(cosigning(text)), text).toMatchObject({ code: 'INVALID_MSG' })
    expect(await second.refusal(cosigning(checkpoint + lineOf(checkpoint, 1)))).toMatchObject({ code: 'NOT_ALLOWED' })
    expect(await first.refusal(cosigning('x'.repeat(3_000)))).toMatchObject({ code: 'INVALID_MSG' })
    await first.ask({ type: 'CREATE_CHANNEL', channel: '#other' }, 'JOINED')
    expect(await first.refusal(cosigning(checkpoint + line, '#other'))).toMatchObject({ code: 'INVALID_MSG' })
    expect((await head('#general')).witnessed).toEqual([])
    await first.ask(cosigning(checkpoint + line), 'OK')
    expect(await head('#general')).toMatchObject({ checkpoint: checkpoint + line, witnessed: [checkpoint + line] })
  })

  test('keeps one head of each witness, the newest, however often one is handed back', async () => {
    await using asked = await startAsked()
    const { home, wires: [first], head, lineOf, cosigning } = asked
    await first.ask(say('one'), 'ACK')
    const older = (await head('#general')).checkpoint
    await first.ask(say('two'), 'ACK')
    const newer = (await head('#general')).checkpoint
    for (let seconds = 1; seconds <= 50; seconds++) await first.ask(cosigning(newer + lineOf(newer, 0, seconds)), 'OK')
    await first.ask(cosigning(older + lineOf(older)), 'OK')
    expect((await head('#general')).witnessed).toEqual([newer + lineOf(newer, 0, 1)])
    const { n } = await home.store.read.tables<{ cosignatures: object }>().selectFrom('cosignatures')
      .select(({ fn }) => fn.countAll().as('n')).executeTakeFirstOrThrow()
    expect(Number(n)).toBe(1)
  })
})

describe('as many witnesses as are needed', () => {
  const relay = generateKeyPair()
  const id = fingerprintOf(relay.publicKey)
  const by = (key: { readonly publicKey: string, readonly privateKey: string }) => {
    const { publicKey, sign } = identityFrom(key.privateKey)
    return { publicKey, sign }
  }
  const headOf = (size: number, content = size) =>
    signCheckpoint({ relay: id, epoch: 'e', stream: '#general', size, root: new Uint8Array(32).fill(content) }, by(relay))
  const keys = [generateKeyPair(), generateKeyPair(), generateKeyPair()]
  const under = (head: string, ...which: readonly number[]) =>
    head + which.map(n => cosign(head, { ...relayWitness(keys[n]!.publicKey), ...by(keys[n]!) }, 1)).join('')
  const upTo = (heads: readonly string[], need: number, of = keys) =>
    witnessedBy(heads, witnessPolicy(of.map(({ publicKey }) => publicKey), need), relay.publicKey)

  test('are counted by their keys, each by its largest head', () => {
    const heads = [under(headOf(9), 0), under(headOf(7), 0, 1), under(headOf(5), 2)]
    expect([1, 2, 3].map(need => upTo(heads, need).size)).toEqual([9, 7, 5])
    expect(upTo(heads, 3).heads.map(({ checkpoint }) => checkpoint.size)).toEqual([9, 7, 5])
    // One that cosigns anything is one.
    expect(upTo([under(headOf(9), 0), under(headOf(9, 8), 0), under(headOf(7), 1)], 2).size).toBe(7)
    expect(upTo([under(headOf(9), 0)], 2).size).toBe(0)
    expect(() => upTo(heads, 4)).toThrow(/cannot be asked for/)
    expect(() => upTo(heads, 2, [keys[0]!, keys[0]!])).toThrow(/cannot be asked for/)
    // The relay is no witness of itself.
    const own = headOf(9) + cosign(headOf(9), { ...relayWitness(relay.publicKey), ...by(relay) }, 1)
    expect(witnessedBy([own], witnessPolicy([relay.publicKey], 1), relay.publicKey).size).toBe(0)
  })

  test('cost one look for each head and key, whatever stands under them', () => {
    let looks = 0
    const counting: Verify = (...signed) => {
      looks++
      return verify(...signed)
    }
    const policy = witnessPolicy(keys.map(({ publicKey }) => publicKey), 3)
    const strangers = Array.from({ length: 28 }, () => generateKeyPair())
    const head = headOf(9)
    const full = under(head, 0) + strangers.map(key => cosign(head, { ...relayWitness(key.publicKey), ...by(key) }, 1)).join('')
    witnessedBy(Array.from({ length: 100 }, () => full), policy, relay.publicKey, counting)
    expect(looks).toBeLessThanOrEqual(16 * (1 + 3))
    looks = 0
    // Many lines in the name of one: the first is looked at, and ends it.
    const bogus = under(head, 0).replace(/.{9}\n$/, found => `AAAAAA${found.slice(6)}`)
    const flood = bogus + bogus.slice(head.length).repeat(20)
    expect(() => witnessedBy(Array.from({ length: 16 }, () => flood), policy, relay.publicKey, counting)).toThrow(/Not a cosignature/)
    expect(looks).toBeLessThanOrEqual(2)
    expect(() => witnessedBy([head + 'x'.repeat(20_000)], policy, relay.publicKey, counting)).toThrow(/too long/)
  })

  test('a key is read from one line as from PEM, and another kind of key is none', () => {
    const witness = relayWitness(keys[0]!.publicKey)
    const line = witnessKeyText(witness)
    expect(readWitnessKey(line)).toEqual(witness)
    expect(readWitnessKey(keys[0]!.publicKey)).toEqual(witness)
    // Of the vectors.
    const vector = 'witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR'
    expect(witnessKeyText(readWitnessKey(vector))).toBe(vector)
    for (const wrong of [vector.replace('+BO1', '+AO1'), vector.replace('d9ed', 'd9ee'), 'x', '', `${vector}x`, 'x'.repeat(2_000)])
      expect(() => readWitnessKey(wrong), wrong).toThrow(expect.objectContaining({ code: 'BAD_KEY' }))
  })
})

test('what is heard has to be cosigned in time: told once, and again when it was and is not any more', () => {
  let now = 0
  const told: number[] = []
  const checks = new WitnessChecks({
    keys: [newKey().pem],
    withinMs: 1_000,
    now: () => now,
    ask: () => undefined,
    tell: () => void told.push(now),
  })
  const at = (ms: number, upTo: number) => {
    now = ms
    checks.answered('#general', upTo)
  }
  checks.heard('#general', 1)
  at(999, 0)
  at(1_000, 1)
  checks.heard('#general', 2)
  checks.heard('#general', 3)
  // An older one, shown again.
  at(1_999, 1)
  expect(told).toEqual([])
  at(2_000, 1)
  at(5_000, 1)
  expect(told).toEqual([2_000])
  // What was heard first is cosigned; what came meanwhile has its own time.
  at(5_500, 2)
  at(6_499, 2)
  expect(told).toEqual([2_000])
  at(6_500, 2)
  expect(told).toEqual([2_000, 6_500])
  at(7_000, 3)
  at(99_000, 3)
  checks.heard('#general', 4)
  now = 99_999
  checks.refused('#general')
  expect(told).toEqual([2_000, 6_500])
  now = 100_000
  checks.refused('#general')
  expect(told).toEqual([2_000, 6_500, 100_000])
  checks.reset()
})
