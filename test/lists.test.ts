// Every list that is answered is bounded: in pages, or by what it is a list of.
import { connect } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { AgentChatClient } from '../lib/index.ts'
import { wsTransport } from '../lib/node/index.ts'
import { frames, limits, requests, type FrameType, type RequestType } from '../lib/protocol/index.ts'
import { pageOf } from '../src/relay/page.ts'
import { portOf } from './kit/raw-socket.ts'
import { startTestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { newKey, type Wire } from './kit/wire.ts'

interface Schema {
  readonly type?: string
  readonly maxItems?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
}
const schemaOf = (body: z.core.$ZodType): Schema => z.toJSONSchema(body, { unrepresentable: 'any', io: 'input' }) as Schema

/** The lists in a frame, by their paths; not those inside entries of lists. */
function* listsOf(schema: Schema, path = ''): Iterable<readonly [path: string, list: Schema]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    for (const option of field.anyOf ?? [field]) {
      if (option.type === 'array') yield [`${path}${name}`, option]
      else yield* listsOf(option, `${path}${name}.`)
    }
  }
}

/** Lists without pages: what bounds them. */
const bounds: Readonly<Record<string, string>> = {
  'ADMIN_RESULT.addresses': 'sessions of an agent: maxSessionsPerAgent',
  'ANNOUNCEMENTS.announcements': 'limit, at most 100; without one the newest 20',
  'BALANCE.balances': 'currencies that the operator issued or the processor took',
  'CASE_READY.disputant_evidence.items': 'maxEvidenceItems',
  'CASE_READY.respondent_evidence.items': 'maxEvidenceItems',
  'DISPUTE_EVENTS.disputant_evidence.items': 'maxEvidenceItems',
  'DISPUTE_EVENTS.respondent_evidence.items': 'maxEvidenceItems',
  'ERASURES.seqs': 'maxErasures, 100; the next ones behind `upto`',
  'FILE_TICKET.files': 'maxFiles, as many as one message names',
  'DIGEST.excerpts': 'maxExcerpts, of maxExcerptChars',
  'DIGEST.mentions': 'maxWords',
  'DIGEST.senders': 'maxSenders',
  'GROUPS.list': 'maxGroupsPerChannel',
  'GROUPS.list.members': 'maxGroupMembers',
  'GROUP_CHANGED.members': 'maxGroupMembers',
  'HOOKS.list': 'maxHooksPerAgent',
  'WEBHOOKS.list': 'maxWebhooksPerAgent',
  'HEAD.consistency': 'two for each doubling of the events of a stream',
  'HEAD.inclusion': 'one for each doubling of the events of a stream',
  'LINKS.links': 'maxLinks',
  'LINKS.links.mirrors': 'maxMirrors, in all links',
  'HEAD.peaks': 'one for each doubling of the events of a stream',
  'HISTORY.changes': 'one at most of each event of the page',
  'HISTORY.threads': 'one at most of each event of the page',
  'THREAD.changes': 'one at most of each event of the page',
  'JOINED.agents': 'maxJoinedAgents',
  'LEADERBOARD.agents': 'limit, at most maxLeaders',
  'MEMBERS.invited': 'maxInvitationsPerChannel',
  'PINS.events': 'maxPinsPerChannel, and maxPageBytes',
  'PINS.list': 'maxPinsPerChannel',
  'POLICY.items': 'maxNamed of a dry run',
  'REACTED.sums': 'maxReactionKinds',
  'SEARCH_RESULTS.results': 'limit and offset, at most maxSkillsPage',
  'SETTINGS.settings': 'the settings that there are',
  'STATUS.recipients': 'agents that one message can mention: maxHereMembers by @here, as many by groups, and those that are named',
  'TOKENS.list': 'maxTokensPerAgent',
  'TOKENS.list.scopes': 'the scopes that there are',
  'TOKEN_CREATED.scopes': 'the scopes that there are',
  'WATCHING.list': 'maxWatched, as many as were asked for',
  'WELCOME.channels': 'autoJoin',
  'WELCOME.features': 'those of this version',
}

/** Lists in a frame that answers many requests: whose answer they stand in. */
const onlyIn: Readonly<Record<string, RequestType>> = {
  'ADMIN_RESULT.bans': 'ADMIN_BANS',
  'ADMIN_RESULT.entries': 'ADMIN_LIST',
  'ERRANDS.items': 'ADMIN_ERRANDS',
}
/** Documents that are bounded where they are written. */
const isDocument = (path: string): boolean => /^(?:dispute|proposal|profile|server|document|receipt)\./.test(path)

test.each(Object.keys(requests) as RequestType[])('what answers %s has no list without a bound', type => {
  const { reply, body } = requests[type]
  const limit = (schemaOf(body).properties ?? {})['limit']
  for (const answer of reply) {
    const schema = schemaOf(frames[answer as FrameType].body)
    const goesOn = 'more' in (schema.properties ?? {}) || 'next' in (schema.properties ?? {})
    const isPaged = goesOn && (limit?.anyOf ?? [limit]).some(option => (option?.maximum ?? Infinity) <= limits.maxAgentsPage)
    for (const [path, list] of listsOf(schema)) {
      const name = `${answer}.${path}`
      if ((onlyIn[name] ?? type) !== type) continue
      const isPage = isPaged && !path.includes('.')
      expect(isPage || list.maxItems !== undefined || isDocument(path) || name in bounds, name).toBe(true)
    }
  }
})

test('a page ends at its limit or at its size, and says whether another row is there', () => {
  const numbers = [1, 2, 3, 4]
  expect(pageOf(numbers, 4, n => n)).toEqual({ list: numbers, more: false })
  expect(pageOf(numbers, 3, n => n)).toEqual({ list: [1, 2, 3], more: true })
  // Of those that are wanted.
  expect(pageOf(numbers, 2, n => n % 2 === 0 ? n : undefined)).toEqual({ list: [2, 4], more: false })
  const long = 'x'.repeat(limits.maxListChars / 2)
  expect(pageOf([long, long, long], 10, text => text)).toEqual({ list: [long, long], more: true })
  expect(pageOf([long + long, long], 10, text => text)).toEqual({ list: [long + long], more: true })
})

describe('the list of channels', () => {
  const names = Array.from({ length: 1_200 }, (_, i) => `#c${String(i).padStart(4, '0')}`)
  const list = (wire: Wire, more: object = {}) => wire.ask({ type: 'LIST_CHANNELS', ...more }, 'CHANNELS')

  test('comes in pages of a thousand to whoever names no limit; the client reads them all', async () => {
    await using relay = await startTestRelay({ channels: names, verifiedChannels: [], autoJoin: [] })
    await using guest = await relay.connect()
    const first = await list(guest)
    expect(first.list.map(({ name }) => name)).toEqual(names.slice(0, 1_000))
    expect(first.more).toBe(true)
    const rest = await list(guest, { after: first.list.at(-1)!.name })
    expect(rest.list.map(({ name }) => name)).toEqual(names.slice(1_000))
    expect(rest).not.toHaveProperty('more')
    expect((await guest.refusal({ type: 'LIST_CHANNELS', limit: 1_001 })).code).toBe('INVALID_MSG')
    const client = new AgentChatClient({ server: relay.url, name: 'ann', transport: wsTransport })
    await client.connect()
    expect((await client.listChannels()).map(({ name }) => name)).toEqual(names)
    await client.close()
  })

  test('has those without an owner first; what a page leaves out is not told; a cursor outlives its channel', async () => {
    await using relay = await startTestRelay({ channels: ['#z', '#m'], verifiedChannels: [], autoJoin: [] })
    const key = newKey()
    await using ann = await relay.login('ann', { key })
    await using bob = await relay.login('bob')
    for (const channel of ['#a', '#b', '#y']) await ann.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
    await ann.ask({ type: 'CREATE_CHANNEL', channel: '#hidden', invite_only: true }, 'JOINED')
    const page = async (wire: Wire, more: object) => {
      const answer = await list(wire, more)
      return [answer.list.map(({ name }) => name).join(' '), answer.more]
    }
    expect(await page(bob, {})).toEqual(['#m #z #a #b #y', undefined])
    expect(await page(ann, {})).toEqual(['#m #z #a #b #hidden #y', undefined])
    expect(await page(bob, { limit: 3 })).toEqual(['#m #z #a', true])
    await ann.ask({ type: 'DELETE_CHANNEL', channel: '#a' }, 'OK')
    expect(await page(bob, { limit: 2, after: '#a' })).toEqual(['#b #y', undefined])
    expect(await page(bob, { after: '#z', limit: 1 })).toEqual(['#b', true])
    // The last one it may see is the last one there is.
    await ann.ask({ type: 'DELETE_CHANNEL', channel: '#y' }, 'OK')
    expect(await page(bob, { limit: 3 })).toEqual(['#m #z #b', undefined])
  })
})

test('a page of large documents ends early and goes on', async () => {
  await using relay = await startTestRelay({ maxInbox: 0, maxInboxPerSender: 0 })
  await using ann = await newTrader(relay, 'ann')
  await using bob = await newTrader(relay, 'bob')
  const long = 'x'.repeat(limits.maxTradeTextChars)
  for (let i = 0; i < 40; i++) await ann.do('PROPOSAL', { to: bob.id, task: long, terms: long })
  let seen = 0
  let pages = 0
  for (let before: string | undefined; pages === 0 || before !== undefined; pages++) {
    const page = await ann.wire.ask({ type: 'PROPOSALS', ...(before !== undefined && { before }) }, 'PROPOSALS')
    expect(JSON.stringify(page).length).toBeLessThan(limits.maxListChars + 100_000)
    seen += page.proposals.length
    before = page.next
  }
  expect([seen, pages > 1]).toEqual([40, true])
})

describe('over HTTP', () => {
  test('bodies that do not end count as owed by their address, and over its share they go', async () => {
    // A quarter of a quarter of 64 MiB: 4 MiB.
    await using relay = await startTestRelay({ directory: true, addressRate: 0, maxMemory: 64 * 1024 ** 2 })
    const post = async () => {
      const socket = connect(portOf(relay.url), '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(`POST /directory/servers HTTP/1.1\r\nHost: x\r\nContent-Length: 65000\r\n\r\n${'x'.repeat(60_000)}`)
      return socket
    }
    const owed = () => relay.metric('agentchat_owed_bytes')
    const sockets = [await post(), await post(), await post()]
    await expect.poll(owed).toBeGreaterThanOrEqual(180_000)
    for (let i = 0; i < 117; i++) sockets.push(await post())
    await expect.poll(() => sockets.filter(socket => socket.closed).length).toBeGreaterThan(40)
    expect(await owed()).toBeLessThanOrEqual(4 * 1024 ** 2)
    await using wire = await relay.login('ann')
    await wire.barrier()
    for (const socket of sockets) socket.destroy()
    await expect.poll(owed).toBeLessThan(10_000)
  })
})
