// Two relays, one of which mirrors channels of the other, as a way between them lets it.
import { randomBytes } from 'node:crypto'
import { fingerprintOf, messageTextV2 } from '../../lib/identity/index.ts'
import { addressOf } from '../../lib/protocol/index.ts'
import type { Config } from '../../src/app.ts'
import { startTestRelay, type TestRelay } from './relay.ts'
import { newKey, signWith, type Key, type Wire } from './wire.ts'

export const adminKey = 'an admin key for tests'

export const linkable = { links: 'listed', adminKey, logLevel: 'error', frameRate: 0, addressFrameRate: 0 } as const

/** A relay as operators and agents reach it. */
type Reached = Pick<TestRelay, 'connect'>

/** Relays look at what is due fifty times a second, and come back at once. */
export const startLinkable = (overrides: Partial<Config> = {}, parts: Parameters<typeof startTestRelay>[1] = {}): Promise<TestRelay> =>
  startTestRelay({ ...linkable, ...overrides }, {
    ...parts,
    pace: { sweepMs: 20, linkMs: 5, ...parts.pace },
  })

/** Where a relay is, as it stands behind names. */
export const hostOf = ({ url }: { readonly url: string }): string => url.slice('ws://'.length)

export const linksOf = async (relay: Reached) => {
  await using operator = await relay.connect()
  return (await operator.ask({ type: 'ADMIN_LINKS', admin_key: adminKey }, 'LINKS')).links
}

interface Way {
  readonly url?: string
  readonly host?: string
  readonly trust?: 'read' | 'both'
}

/** Has `at` mirror channels of `home`, which is reached at `url`. */
export const link = async (
  at: Reached,
  home: Pick<TestRelay, 'url' | 'serverId'>,
  channels: readonly string[],
  { url = home.url, host = hostOf({ url }), trust = 'read' }: Way = {},
) => {
  await using operator = await at.connect()
  return await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host, url, key: home.serverId, channels, trust }, 'LINKS')
}

/** Once it is so, by looking again and again. */
export const until = async <T>(look: () => Promise<T | undefined | false>): Promise<T> => {
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The mirror has so many events of its home, and its channel is there. */
export const mirrored = (at: TestRelay, channel: string, seq: number) =>
  until(async () =>
    (await linksOf(at)).flatMap(({ mirrors }) => mirrors).find(each =>
      each.channel === channel && each.state === 'following' && each.seq >= seq
    )
  )

/** The texts that a relay has stored of a stream, as they are. */
export const textsIn = async ({ store }: TestRelay, stream: string): Promise<readonly string[]> =>
  (await store.read.log.page(stream, { after: 0, limit: 100_000, maxBytes: 1e9 })).map(({ text }) => text.toString())

/** A mirror's text as it is at its home. */
export const atHome = (text: string, channel: string): string =>
  JSON.stringify({ ...JSON.parse(text) as object, to: channel.slice(0, channel.indexOf('@')) })

/** A message for a channel at another relay, signed for that one; `to` is its name here, "#general@b.example". */
export const signedFor = (home: { readonly serverId: string }, key: Key, to: string, content: string, id: string, ts = Date.now()) => {
  const nonce = randomBytes(16).toString('hex')
  const text = messageTextV2({ by: key.id, relay: home.serverId, to: addressOf(to).name, content, id, ts, nonce })
  return { type: 'MSG', to, content, id, sig_v: 2, ts, nonce, sig: signWith(key, text) }
}

/** Links both ways: `at` mirrors channels of `home`, and may hand on to it. */
export const linkBoth = async (at: TestRelay, home: TestRelay, channels: readonly string[], way: Way = {}) => {
  await link(at, home, channels, { ...way, trust: 'both' })
  await link(home, at, [], { trust: 'both' })
}

/** Its public key, PEM. */
export const keyOf = async (relay: TestRelay): Promise<string> =>
  (await (await fetch(`${relay.url.replace('ws', 'http')}/.well-known/agentchat.json`)).json() as { pubkey: string }).pubkey

/** Once the newest head is cosigned. */
export const cosignedHead = (wire: Pick<Wire, 'ask'>, channel = '#general') =>
  until(async () => {
    const head = await wire.ask({ type: 'HEAD', channel, witnessed: true }, 'HEAD')
    return head.witnessed?.[0] === head.checkpoint && head
  })

/** An operator says how far a link is trusted, or changes more of it. */
export const trust = async (home: Reached, host: string, more: object = {}) => {
  await using boss = await home.connect()
  await boss.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host, trust: 'both', ...more }, 'LINKS')
}

/** A relay that hands on to a home, and does what it likes: its session there, and what it hands on of an author of its own. */
export const stranger = async (home: TestRelay, host: string, { key = newKey(), isNew = true } = {}) => {
  const author = newKey()
  const wire = await home.login(host.replace('.', '-'), { key })
  if (isNew) await trust(home, host, { url: `wss://${host}`, key: fingerprintOf(key.pem) })
  let n = 0
  const handed = (more: object = {}) => {
    const { type: _, sig_v: __, ...message } = signedFor(home, author, '#general', 'x', `${++n}`, home.clock.now())
    return { type: 'RELAYED', pubkey: author.pem, name: 'ann', message: { ...message, ...more } }
  }
  /** So many at once that nobody signed, each refused as that. */
  const strike = async (count: number) => {
    const codes = await Promise.all(Array.from({ length: count }, async () => (await wire.refusal(handed({ content: 'y' }))).code))
    if (codes.some(code => code !== 'VERIFICATION_FAILED')) throw new Error(codes.join(' '))
  }
  return { wire, handed, strike, [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose]() }
}
