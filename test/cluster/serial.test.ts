// What two agents ask at once, at two processes, comes to what it would have come to one behind the other, on one relay with one writer: what each
// is answered, and what is stored. SERIAL=10000 npx vitest run test/cluster/serial.test.ts: as many as a release is tried with.
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { Random } from '../chaos/random.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { startTestRelay } from '../kit/relay.ts'
import { adminKey } from '../kit/trade.ts'
import { newKey } from '../kit/wire.ts'
import { gated, type Broken, type Gate } from './serial/gate.ts'
import { inTurn, labelOf, pairNamed, pairOf, Play, type Pair } from './serial/play.ts'
import { Jury, Lane } from './serial/scene.ts'

const cases = Number(process.env['SERIAL'] ?? 150)
const seed = Number(process.env['SEED'] ?? 1)
/** Played beside each other. */
const laneCount = 12

const many = 1_000_000
/** Two seats on panels for each case that is played at a time, and some more. */
const jurors = Array.from({ length: 2 * laneCount }, newKey)
const config = {
  adminKey,
  arbiters: jurors.map(({ id }) => id),
  minArbiters: 3,
  ...{ maxInbox: 0, maxInboxPerSender: 0 },
  ...{ maxChannelsPerAddress: many, maxChannelsPerAgent: many, maxChannels: many, maxMembershipsPerAgent: many },
  ...{ maxMembershipsPerAddress: many, maxOpenProposalsPerAgent: many, maxOpenProposalsPerAddress: many, maxOpenProposals: many },
}

interface Wrong {
  readonly pair: string
  readonly n: number
  readonly got: string
  readonly may: readonly string[]
}

/** Plays pairs, some at a time, and gives those that came to what no order comes to. */
const tried = async (pairs: readonly Pair[], broken?: Broken): Promise<readonly Wrong[]> => {
  const chance = new Random(seed, 'where it stands still')
  const random = () => chance.next()
  const gate: Gate = { isOpen: true }
  await using cluster = await startTestCluster(2, config, {
    delayMs: 1,
    isShuffled: true,
    random,
    openStore: async options => gated(await openStore(options), gate, random, broken),
  })
  await using model = await startTestRelay(config)
  const [left, right] = cluster.nodes
  await using jury = await Jury.enter([left!, right!], jurors)
  await using juryBehind = await Jury.enter([model, model], jurors)
  const entered = (jury: Jury, ...relays: Lane['relays']) => Promise.all(Array.from({ length: laneCount }, () => Lane.enter(relays, jury)))
  const lanes = await entered(jury, left!, right!)
  const behind = await entered(juryBehind, model, model)
  const known = new Map<string, readonly string[]>()
  let scenes = 0
  /** What it may come to, either way. */
  const mayBe = async (lane: Lane, pair: Pair): Promise<readonly string[]> => {
    const label = labelOf(pair)
    const may = known.get(label) ?? [await inTurn(lane, scenes++, pair, [0, 1]), await inTurn(lane, scenes++, pair, [1, 0])]
    known.set(label, may)
    return may
  }
  const wrong: Wrong[] = []
  try {
    // Where something is broken, one is enough.
    for (let first = 0; first < pairs.length && (broken === undefined || wrong.length === 0); first += laneCount) {
      const some = pairs.slice(first, first + laneCount)
      const may = await Promise.all(some.map((pair, i) => mayBe(behind[i]!, pair)))
      const plays = await Promise.all(some.map((pair, i) => Play.begin(lanes[i]!, first + i, pair)))
      gate.isOpen = false
      await Promise.all(plays.flatMap(play => [play.ask(0), play.ask(1)]))
      gate.isOpen = true
      for (const [i, play] of plays.entries()) {
        const got = await play.outcome()
        if (!may[i]!.includes(got)) wrong.push({ pair: labelOf(some[i]!), n: first + i, got, may: may[i]! })
      }
    }
  } finally {
    for (const lane of [...lanes, ...behind]) await lane[Symbol.asyncDispose]()
  }
  return wrong
}

const told = (wrong: readonly Wrong[]): string =>
  wrong.slice(0, 5).map(({ pair, n, got, may }) => `${n} ${pair}\ncame to ${got}\nand not to ${[...new Set(may)].join('\nor ')}`).join(
    '\n\n',
  )

test('what two ask at once is what they could have asked one behind the other', async () => {
  const some = Array.from({ length: cases }, (_, n) => pairOf(new Random(seed, `pair ${n}`)))
  const wrong = await tried([
    ...some,
    // Of ten thousand one was this one, and came to something else.
    pairNamed('channels', 'a private channel', 'ann leaves', 'ann leaves'),
    pairNamed('talk', 'two messages, one of them pinned and marked', 'bob has all erased that it said', 'ann marks it'),
  ])
  expect(wrong, told(wrong)).toEqual([])
}, Math.max(120_000, cases * 200))

test.each([
  ['nobody waits for who decides about the same', 'scopes', [
    ['deals', 'an offer', 'bob accept', 'bob reject'],
    ['deals', 'an offer', 'ann cancel', 'bob accept'],
    ['deals', 'a deal that is delivered', 'ann complete', 'bob dispute'],
    ['money', 'a hundred of ann', 'ann pays 70', 'ann pays 60'],
  ]],
  ['nobody waits for who votes in the same case', 'scopes', [
    ['court', 'all is heard', 'seat 0 votes for ann', 'seat 2 votes for bob'],
    ['court', 'all is heard, and one has voted', 'seat 0 votes for ann', 'seat 2 votes for bob'],
  ]],
  ['what is known of channels in memory decides', 'channels', [
    ['channels', 'a channel with both', 'ann deletes it', 'bob speaks'],
    ['channels', 'a channel with both', 'bob speaks', 'ann deletes it'],
    ['channels', 'a channel with both', 'ann gives it away', 'ann keeps speaking to herself'],
  ]],
  ['a repeat is not told apart', 'keys', [['talk', 'two messages', 'ann says something under an id', 'ann says something under an id']]],
] as const)('where %s, that is noticed', async (_, broken, named) => {
  const pairs = named.map(([family, before, one, other]) => pairNamed(family, before, one, other))
  expect((await tried(Array.from({ length: 320 }, (_, n) => pairs[n % pairs.length]!), broken)).length).toBeGreaterThan(0)
}, 120_000)
