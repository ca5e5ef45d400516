// A home that lies, or somebody on the way to it: what it did not sign is seen by nobody here, and ends that mirror alone.
import { expect, test } from 'vitest'
import { entryOf, fingerprintOf, readCheckpoint, TranscriptRange } from '../lib/identity/index.ts'
import { blankText, signCheckpoint, textHashOf } from '../lib/identity/transcripts/index.ts'
import type { Config } from '../src/app.ts'
import { startGoBetween, type GoBetween } from './kit/go-between.ts'
import { atHome, hostOf, link, linksOf, mirrored, startLinkable, textsIn, until } from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'
import { newKey, signWith } from './kit/wire.ts'

type Told = GoBetween['heard'][number]

type Said = Told & {
  readonly seq: number
  readonly ts: number
  readonly content: string
}

type Head = Told & {
  readonly checkpoint: string
  readonly consistency?: readonly string[]
  readonly peaks?: readonly string[]
}

/** What a liar has to make heads of. */
interface Known {
  /** The home's public key. */
  readonly pem: string
  /** All that it has shown of #general. */
  readonly texts: readonly string[]
  /** The last head that the home signed before it began to lie. */
  formerHead(channel: string): Head
}

interface Lie {
  /** What it makes of a page of #general … */
  readonly page?: (page: readonly Said[]) => readonly object[]
  /** … and of each head. */
  readonly head?: (head: Head, known: Known) => Head
}

interface Scene {
  readonly home: TestRelay
  readonly here: TestRelay
  /** #general and #other of the home, as they are called here. */
  readonly name: string
  readonly other: string
  say(content: string, to?: string): Promise<unknown>
  /** Has them mirrored, by way of the liar. */
  link(): Promise<unknown>
  lie(isLying: boolean): Promise<void>
}

/** A home with three messages in #general, and a liar on the way to it, who shows nothing new before there are `upto`: all in one page. */
const withLiar = async (
  { page = events => events, head = frame => frame }: Lie,
  { upto, config = {} }: { readonly upto: number, readonly config?: Partial<Config> },
  play: (scene: Scene) => Promise<void>,
): Promise<void> => {
  await using way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  await using home = await startLinkable({ publicUrls: [url] })
  const { pubkey: pem } = await (await fetch(`${home.httpUrl}/.well-known/agentchat.json`)).json() as { readonly pubkey: string }
  const formerHeads = new Map<unknown, Head>()
  let isLying = false
  let texts: readonly string[] = []
  const toVisitor = (frame: Told): Told => {
    if (!isLying) {
      if (frame.type === 'HEAD') formerHeads.set(frame['channel'], frame as Head)
      return frame
    }
    if (frame['channel'] !== '#general') return frame
    if (frame.type === 'HEAD') return head(frame as Head, { pem, texts, formerHead: channel => formerHeads.get(channel)! })
    if (frame.type !== 'HISTORY') return frame
    const asked = frame['events'] as readonly Said[]
    const events = frame['seq'] as number < upto || asked.length === 0 ? [] : page(asked)
    texts = [...texts, ...events.map(event => JSON.stringify(event))]
    return { ...frame, events }
  }
  await using between = await startGoBetween(home.url, { toVisitor })
  way.leadTo(Number(new URL(between.url).port))
  await using here = await startLinkable({ logLevel: 'silent', ...config })
  await using bob = await home.login('bob')
  const say = (content: string, to = '#general') => bob.ask({ type: 'MSG', to, content }, 'ACK')
  await bob.ask({ type: 'CREATE_CHANNEL', channel: '#other' }, 'JOINED')
  for (const content of ['one', 'two', 'three']) await say(content)
  await say('aside', '#other')
  const host = hostOf({ url })
  const name = `#general@${host}`
  await play({
    ...{ home, here, name, say, other: `#other@${host}` },
    link: () => link(here, home, ['#general', '#other'], { url, host }),
    lie: async lies => {
      if (lies) texts = (await textsIn(here, name)).map(text => atHome(text, name))
      isLying = lies
    },
  })
}

const stopped = (at: TestRelay, channel: string) =>
  until(async () => (await linksOf(at))[0]?.mirrors.find(each => each.channel === channel && each.state === 'stopped'))

const changed: NonNullable<Lie['page']> = ([first, second, ...more]) => [first!, { ...second!, content: 'what nobody said' }, ...more]

/** The head that fits what was shown, under a key of the liar's, who says to be the home, or is another relay. */
const forged = (head: Head, { texts, pem }: Known, isOther = false): Head => {
  const key = newKey()
  const tree = new TranscriptRange()
  for (const text of texts) tree.add(entryOf(text).leaf)
  const [publicKey, former] = [isOther ? key.pem : pem, readCheckpoint(head.checkpoint)]
  const said = { ...former, relay: fingerprintOf(publicKey), size: tree.size, root: tree.root }
  return { ...head, size: tree.size, checkpoint: signCheckpoint(said, { publicKey, sign: text => signWith(key, text) }) }
}

/** The same head with another root, under the signature that it had. */
const rootChanged = (head: Head, known: Known): Head => {
  const [body] = forged(head, known).checkpoint.split('\n\n')
  return { ...head, checkpoint: `${body}\n\n${head.checkpoint.split('\n\n')[1]}` }
}

/** An event as it is once it was erased. */
const blankOf = (event: Said): object => {
  const text = JSON.stringify(event)
  return JSON.parse(blankText(entryOf(text).stub, textHashOf(text))) as object
}

const unsigned = (size: number) => `its first ${size} events are not what its relay signed`

const lies: readonly (readonly [what: string, lie: Lie, why: string])[] = [
  ['words that were changed', { page: changed }, unsigned(6)],
  ['another author', { page: ([a, b, c]) => [a!, { ...b, from: '@0123456789abcdef' }, c!] }, unsigned(6)],
  ['another time', { page: ([a, b, c]) => [a!, { ...b, ts: b!.ts + 1 }, c!] }, unsigned(6)],
  ['one left out', { page: ([a, , c]) => [a!, c!] }, unsigned(6)],
  ['two in the other order', { page: ([a, b, c]) => [b!, a!, c!] }, 'its numbers do not rise'],
  ['two in the place of each other', {
    page: ([a, b, c]) => [{ ...b, seq: a!.seq }, { ...a, seq: b!.seq }, c!],
  }, unsigned(6)],
  ['one twice', { page: ([a, b, c]) => [a!, b!, b!, c!] }, 'its numbers do not rise'],
  ['one put in', {
    page: ([a, b, c]) => [a!, { ...b, content: 'what nobody said' }, { ...b, seq: 6 }, { ...c, seq: 7 }],
  }, 'its relay signs 6 events and had 7: it went back'],
  ['one put behind', {
    page: ([a, b, c]) => [a!, b!, c!, { ...c, seq: 7 }],
    head: (head, known) => forged(head, known),
  }, 'the relay did not sign it'],
  ['one of another channel', { page: ([a, b, c]) => [a!, { ...b, to: '#other' }, c!] }, 'it holds what was said in #other'],
  ['what is no message', { page: ([a, b, c]) => [a!, { ...b, type: 'WHATEVER' }, c!] }, 'it holds what is no message'],
  ['words in the place of an erased one', {
    page: ([a, b, c]) => [a!, { ...blankOf(b!), content: 'what nobody said' }, c!],
  }, 'a blank that is spelled otherwise than blanks are'],
  ['another hash in the place of an erased one', {
    page: ([a, b, c]) => [a!, { ...blankOf(b!), hash: textHashOf('what nobody said') }, c!],
  }, unsigned(6)],
  ['more than was asked for', {
    page: ([a]) => Array.from({ length: 201 }, (_, i) => ({ ...a, seq: a!.seq + i })),
  }, 'it brings more than it was asked for'],
  ['a head that another key signed', { page: changed, head: (head, known) => forged(head, known) }, 'the relay did not sign it'],
  ['a head of another relay', { page: changed, head: (head, known) => forged(head, known, true) }, 'it is of another relay'],
  ['a head with another root', { page: changed, head: rootChanged }, 'the relay did not sign it'],
  ['a head that is not signed', {
    page: changed,
    head: head => ({ ...head, checkpoint: `${head.checkpoint.split('\n\n')[0]}\n` }),
  }, 'it has no signature'],
  [
    'a head of another channel',
    { head: (head, { formerHead }) => ({ ...head, checkpoint: formerHead('#other').checkpoint }) },
    'its head is of another stream',
  ],
  ['a head of before', {
    head: (head, { formerHead }) => ({ ...head, checkpoint: formerHead('#general').checkpoint }),
  }, 'its relay signs 3 events and had 6: it went back'],
  ['a proof of nothing', {
    page: ([a, b]) => [a!, b!],
    head: head => ({ ...head, consistency: head.consistency!.toReversed() }),
  }, unsigned(5)],
]

test.each(lies)('%s: nobody hears it, its mirror stops, and the others go on', (_, lie, why) =>
  withLiar(lie, { upto: 6 }, async scene => {
    const { home, here, name, other, say } = scene
    await scene.link()
    await mirrored(here, name, 3)
    await mirrored(here, other, 1)
    await using ann = await here.login('ann')
    for (const channel of [name, other]) await ann.ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
    await scene.lie(true)
    for (const content of ['four', 'five', 'six']) await say(content)
    expect(await stopped(here, name)).toMatchObject({ seq: 3, problem: expect.stringContaining(why) as string })
    // What it says now is true, and not read any more.
    await scene.lie(false)
    await say('seven')
    await say('still here', '#other')
    expect(await ann.next('MSG')).toMatchObject({ to: other, content: 'still here' })
    await ann.hearsNothing()
    const { events } = await ann.ask({ type: 'HISTORY', channel: name, after: 0 }, 'HISTORY')
    expect(events).toMatchObject([{ content: 'one', seq: 1 }, { content: 'two', seq: 2 }, { content: 'three', seq: 3 }])
    expect(await textsIn(here, name)).toHaveLength(3)
    // Nothing of the lie was kept: an operator has it go on, and it is what its home has.
    await scene.link()
    await mirrored(here, name, 7)
    expect((await ann.take('MSG', 4)).map(({ content }) => content)).toEqual(['four', 'five', 'six', 'seven'])
    expect((await textsIn(here, name)).map(text => atHome(text, name))).toEqual(await textsIn(home, '#general'))
  }))

const beginnings: readonly (readonly [what: string, lie: Lie, why: string])[] = [
  ['words that were changed', { page: changed }, unsigned(3)],
  ['another tree before it', {
    head: head => head.peaks === undefined ? head : { ...head, peaks: head.peaks.map(() => textHashOf('what nobody said')) },
  }, unsigned(3)],
  ['no tree before it', {
    head: head => head.peaks === undefined ? head : { ...head, peaks: [] },
  }, 'what its tree consists of is not what a tree of that size does'],
]

test.each(beginnings)('where a mirror begins, %s: there is none',
  (_, lie, why) =>
    withLiar(lie, { upto: 3, config: { mirrorCount: 2 } }, async scene => {
      const { here, name, other } = scene
      await scene.lie(true)
      await scene.link()
      expect(await stopped(here, name)).toMatchObject({ seq: 0, problem: expect.stringContaining(why) as string })
      await mirrored(here, other, 1)
      await using ann = await here.login('ann')
      expect(await ann.refusal({ type: 'JOIN', channel: name })).toMatchObject({ code: 'HOST_UNKNOWN' })
      expect(await textsIn(here, name)).toEqual([])
      await scene.lie(false)
      await scene.link()
      await mirrored(here, name, 3)
      const { events } = await ann.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
        .then(() => ann.ask({ type: 'HISTORY', channel: name, after: 0 }, 'HISTORY'))
      expect(events).toMatchObject([{ content: 'two', seq: 2 }, { content: 'three', seq: 3 }])
    }))

test('what is erased at its home, and nothing hidden in its place, goes on', () =>
  withLiar({ page: ([a, b, c]) => [a!, blankOf(b!), c!] }, { upto: 6 }, async scene => {
    const { here, name, say } = scene
    await scene.link()
    await mirrored(here, name, 3)
    await using ann = await here.login('ann')
    await ann.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
    await scene.lie(true)
    for (const content of ['four', 'five', 'six']) await say(content)
    expect(await ann.take('MSG', 3)).toMatchObject([{ content: 'four' }, { content: '', erased: true }, { content: 'six' }])
  }))
