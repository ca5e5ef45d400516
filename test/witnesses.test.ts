// Witnesses: relays that mirror a channel cosign the heads that they checked; clients ask for such.
import { describe, expect, test } from 'vitest'
import { WitnessChecks } from '../lib/client/witness-checks.ts'
import {
  cosignersOf,
  fingerprintOf,
  generateKeyPair,
  identityFrom,
  openCheckpoint,
  readWitnessKey,
  relayWitness,
  verify,
  witnessedBy,
  witnessKeyText,
  witnessPolicy,
} from '../lib/identity/index.ts'
import { cosign, signCheckpoint } from '../lib/identity/transcripts/index.ts'
import type { Verify } from '../lib/identity/verify.ts'
import { newFolder } from './kit/folder.ts'
import { adminKey, cosignedHead, hostOf, keyOf, link, mirrored, startLinkable } from './kit/linked.ts'
import { freePort } from './kit/port.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
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

  test('keeps the line of a witness that it knows by its key, whoever hands it in, and of no other', async () => {
    const [known, stranger] = [newKey(), newKey()]
    const name = 'witness.example/w1'
    const lineBy = (head: string, key: Key, as = name) =>
      cosign(head, { name: as, publicKey: key.pem, sign: text => signWith(key, text) }, 1_790_000_000)
    await using home = await startTestRelay({ witnesses: [witnessKeyText({ name, publicKey: known.pem })] })
    await using bob = await home.login('bob')
    await bob.ask(say('one'), 'ACK')
    const { checkpoint } = await bob.ask({ type: 'HEAD', channel: '#general' }, 'HEAD')
    const cosigning = (line: string) => ({ type: 'COSIGN', channel: '#general', checkpoint: checkpoint + line })
    const line = lineBy(checkpoint, known)
    for (
      const wrong of [lineBy(checkpoint, stranger), lineBy(checkpoint, known, 'witness.example/w2'), line + lineBy(checkpoint, stranger)]
    )
      expect(await bob.refusal(cosigning(wrong)), wrong).toMatchObject({ code: 'INVALID_MSG' })
    await bob.ask(cosigning(line), 'OK')
    expect((await bob.ask({ type: 'HEAD', channel: '#general', witnessed: true }, 'HEAD')).witnessed).toEqual([checkpoint + line])
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
