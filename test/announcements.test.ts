// What the operator announces: in the feeds, and at Moltbook, where a stand-in enforces the documented limits and counts
// whoever breaks them.
import { afterEach, describe, expect, test } from 'vitest'
import type { Frame } from '../lib/protocol/index.ts'
import { addressGuard } from '../src/outbound/guard.ts'
import { moltbook } from '../src/outbound/moltbook.ts'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { MoltbookStandIn } from './kit/moltbook.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'

const admin = { admin_key: 'open sesame' }
const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Twenty times as often as ever. */
const pace = { sweepMs: 50 }

type Listed = Frame<'ANNOUNCEMENTS'>['announcements'][number]

const ask = async (relay: TestRelay, request: { readonly type: string } & Record<string, unknown>): Promise<readonly Listed[]> => {
  await using wire = await relay.connect()
  return (await wire.ask({ ...admin, ...request }, 'ANNOUNCEMENTS')).announcements
}
const announce = async (relay: TestRelay, title: string, more: object = {}) =>
  (await ask(relay, { type: 'ADMIN_ANNOUNCE', title, ...more }))[0]!.announcement_id
const postAt = async (relay: TestRelay, id: string, place = 'moltbook') =>
  (await ask(relay, { type: 'ADMIN_ANNOUNCEMENTS', limit: 100 })).find(({ announcement_id }) => announcement_id === id)!.posts.find(post =>
    post.place === place
  )!
const reaches = async (relay: TestRelay, id: string, state: string, place?: string) => {
  for (let tries = 0;; tries++) {
    const post = await postAt(relay, id, place)
    if (post.state === state) return post
    if (tries === 200) throw new Error(`${id} does not become ${state}; it is ${JSON.stringify(post)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
/** Several sweeps go by, and nothing moves. */
const sweeps = () => new Promise(resolve => setTimeout(resolve, 10 * pace.sweepMs))

describe('the feeds', () => {
  test('Atom and JSON Feed show what was announced, safely; what was withdrawn is gone; nothing is announced twice', async () => {
    await using relay = await startTestRelay({ adminKey: 'open sesame', name: 'workshop', publicUrls: ['wss://relay.example'] }, { pace })
    const first = await announce(relay, 'First & <b>"best"</b>', { text: 'One\ntwo ]]>', url: 'https://relay.example/?a=1&b=2' })
    const second = await announce(relay, 'Second')
    await reaches(relay, first, 'posted', 'feed')
    await reaches(relay, second, 'posted', 'feed')
    const atom = await fetch(`${relay.httpUrl}/feed.atom`)
    expect(atom.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8')
    const text = await atom.text()
    expect(text).toContain('<title>First &#38; &#60;b&#62;&#34;best&#34;&#60;/b&#62;</title>')
    expect(text).toContain('<link rel="alternate" href="https://relay.example/?a=1&#38;b=2"/>')
    expect(text).toContain('<content type="text">One\ntwo ]]&#62;</content>')
    expect(text.match(/<entry>/g)).toHaveLength(2)
    const json = await fetch(`${relay.httpUrl}/feed.json`)
    expect(json.headers.get('content-type')).toBe('application/feed+json')
    expect(await json.json()).toMatchObject({
      version: 'https://jsonfeed.org/version/1.1',
      title: 'workshop: announcements',
      feed_url: 'https://relay.example/feed.json',
      items: [{ title: 'Second', content_text: 'Second' }, {
        title: 'First & <b>"best"</b>',
        content_text: 'One\ntwo ]]>',
        url: 'https://relay.example/?a=1&b=2',
        id: expect.stringContaining(first) as string,
      }],
    })
    await using boss = await relay.connect()
    expect(await boss.refusal({ type: 'ADMIN_ANNOUNCE', ...admin, title: 'first  & <B>"best"</B>', text: 'ONE two ]]>' })).toMatchObject({
      code: 'INVALID_MSG',
      message: expect.stringContaining('announced before') as string,
    })
    expect(await boss.refusal({ type: 'ADMIN_ANNOUNCE', ...admin, title: 'red \u001b[31m' })).toMatchObject({ code: 'INVALID_MSG' })
    expect(await boss.refusal({ type: 'ADMIN_ANNOUNCE', admin_key: 'guess', title: 'mine' })).toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(await boss.refusal({ type: 'ADMIN_ANNOUNCE_ANSWER', ...admin, announcement_id: first, answer: '1' })).toMatchObject({
      code: 'INVALID_MSG',
    })
    await ask(relay, { type: 'ADMIN_ANNOUNCE_WITHDRAW', announcement_id: first })
    expect((await (await fetch(`${relay.httpUrl}/feed.json`)).json() as { items: readonly unknown[] }).items).toHaveLength(1)
  })
})

describe('the command line', () => {
  test('announces, lists, answers and withdraws, and says what is wrong', async () => {
    using cli = new Cli()
    await using standIn = new MoltbookStandIn(() => relay.clock)
    await using relay = await startTestRelay({
      adminKey: 'open sesame',
      moltbookKey: 'moltbook_key',
      moltbookLive: true,
      outboundAllow: ['127.0.0.1'],
    }, { moltbookBase: await standIn.listen(), pace })
    Object.assign(cli.env, { AGENTCHAT_URL: relay.url, AGENTCHAT_ADMIN_KEY: 'open sesame' })
    standIn.next = 'challenge'
    const announced = await cli.run(['announce', 'post', 'Release 2', '-', '--url', 'https://relay.example', '--json'], {
      stdin: 'Many things\nare better.\n',
    })
    expect(announced).toMatchObject({ code: 0 })
    const id = String(announced.json[0]!['announcement_id'])
    await reaches(relay, id, 'challenged')
    const listed = await cli.run(['announce', 'list'], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(listed.stdout).toMatch(/^TITLE {6}ANNOUNCEMENT +AT\nRelease 2 {2}ann_\w+ {2}20\S+Z\n {2}\S/)
    expect(listed.stdout).toContain('asks: a cLaW oF t]eN aNd oN^e oF fIvE')
    expect(listed.stdout).toContain(`agentchat announce answer ${id} NUMBER`)
    expect(await cli.run(['announce', 'answer', id, 'many'])).toMatchObject({ code: exits.usage.code })
    expect(await cli.run(['announce', 'answer', id, '15'])).toMatchObject({ code: 0 })
    expect(await reaches(relay, id, 'posted')).toMatchObject({ url: expect.stringContaining('/post/p1') as string })
    expect(await cli.run(['announce', 'answer', id, '15'])).toMatchObject({ code: exits.refused.code })
    expect(await cli.run(['announce', 'post', 'release 2', 'many things are BETTER.'])).toMatchObject({
      code: exits.refused.code,
      stderr: expect.stringContaining('announced before') as string,
    })
    expect(await cli.run(['announce', 'withdraw', id])).toMatchObject({ code: 0 })
    expect(await cli.run(['announce', 'withdraw', 'ann_0000000000000000'])).toMatchObject({ code: exits.notFound.code })
    expect(await cli.run(['announce', 'list', '--admin-key', 'a wrong key'])).toMatchObject({ code: exits.auth.code })
    expect(await cli.run(['announce'])).toMatchObject({ code: exits.usage.code })
    expect(standIn.posts).toMatchObject([{
      title: 'Release 2',
      content: 'Many things\nare better.\n\nhttps://relay.example',
      visible: true,
    }])
    expect(standIn.violations).toEqual([])
  }, 30_000)
})

describe('Moltbook', () => {
  let clock = new TestClock()
  const settings = { adminKey: 'open sesame', moltbookKey: 'moltbook_key', moltbookLive: true, outboundAllow: ['127.0.0.1'] }
  const start = async (standIn: MoltbookStandIn, base: string, overrides: Parameters<typeof startTestRelay>[0] = {}) => {
    const relay = await startTestRelay({ ...settings, ...overrides }, { moltbookBase: base, pace })
    clock = relay.clock
    standIn.createdAt = Math.min(standIn.createdAt || Infinity, clock.now())
    return relay
  }
  let checked: MoltbookStandIn | undefined
  const newStandIn = () => checked = new MoltbookStandIn(() => clock)
  afterEach(() => {
    expect(checked?.violations ?? []).toEqual([])
    checked = undefined
  })

  test('the stand-in notices who does not keep to the rules', async () => {
    await using standIn = new MoltbookStandIn(() => clock)
    const base = await standIn.listen()
    const ask = (path: string, body: object) =>
      fetch(`${base}${path}`, { method: 'POST', headers: { authorization: 'Bearer moltbook_key' }, body: JSON.stringify(body) })
    const post = (title: string) => ask('/posts', { submolt_name: 'general', title, content: '' })
    standIn.next = 'challenge'
    const { post: { verification } } = await (await post('one')).json() as { post: { verification: { verification_code: string } } }
    await post('one')
    standIn.next = 'busy'
    await post('two')
    await ask('/verify', { verification_code: verification.verification_code, answer: '16' })
    await ask('/verify', { verification_code: verification.verification_code, answer: '15.00' })
    expect(standIn.violations.map(violation => violation.replace(/\d+/g, 'N'))).toEqual([
      'a post N ms after the last',
      'the same text twice: one',
      'a request N ms before Retry-After is over',
      'an answer like N',
      'a request N ms before Retry-After is over',
      'a second answer to one question',
    ])
  })

  test('by default nothing is sent: what would be is told', async () => {
    await using standIn = newStandIn()
    await using relay = await start(standIn, await standIn.listen(), { moltbookLive: false })
    await reaches(relay, await announce(relay, 'Hello'), 'dry-run')
    expect(standIn.requests).toEqual([])
  })

  test('one post at a time, two hours apart on the first day and half an hour later on, over restarts too', async () => {
    using data = newFolder()
    await using standIn = newStandIn()
    const base = await standIn.listen()
    let aheadMs = 0
    const ids: string[] = []
    {
      await using relay = await start(standIn, base, { data: data.path })
      ids.push(await announce(relay, 'One'), await announce(relay, 'Two', { url: 'https://relay.example' }), await announce(relay, 'Three'),
        await announce(relay, 'Four'))
      expect(await reaches(relay, ids[0]!, 'posted')).toMatchObject({ url: expect.stringMatching(/\/post\/p1$/) as string })
      relay.clock.advance(aheadMs = 90 * minuteMs)
      await sweeps()
    }
    await using relay = await start(standIn, base, { data: data.path })
    relay.clock.advance(aheadMs)
    await sweeps()
    expect(standIn.posts.map(({ title }) => title)).toEqual(['One'])
    relay.clock.advance(31 * minuteMs)
    await reaches(relay, ids[1]!, 'posted')
    relay.clock.advance(26 * hourMs)
    await reaches(relay, ids[2]!, 'posted')
    relay.clock.advance(29 * minuteMs)
    await sweeps()
    expect(standIn.posts).toHaveLength(3)
    relay.clock.advance(2 * minuteMs)
    await reaches(relay, ids[3]!, 'posted')
    expect(standIn.posts.map(({ title, content }) => [title, content])).toEqual([['One', ''], ['Two', 'https://relay.example'], [
      'Three',
      '',
    ], ['Four', '']])
  })

  test('a question goes to the operator; its answer is given once, in the form that is asked for', async () => {
    await using standIn = newStandIn()
    await using relay = await start(standIn, await standIn.listen())
    const [asked, behind] = [await announce(relay, 'Asked'), await announce(relay, 'Behind')]
    standIn.next = 'challenge'
    while ((await postAt(relay, asked)).state !== 'challenged') await new Promise(resolve => setTimeout(resolve, 50))
    expect(await postAt(relay, asked)).toMatchObject({
      question: 'a cLaW oF t]eN aNd oN^e oF fIvE',
      answer_by: expect.any(Number) as number,
    })
    await ask(relay, { type: 'ADMIN_ANNOUNCE_ANSWER', announcement_id: asked, answer: 'fifteen' })
    while ((await postAt(relay, asked)).problem === undefined) await new Promise(resolve => setTimeout(resolve, 50))
    expect(await postAt(relay, asked)).toMatchObject({
      state: 'challenged',
      problem: expect.stringContaining('has to be a number') as string,
    })
    standIn.isVerifyBusy = true
    await ask(relay, { type: 'ADMIN_ANNOUNCE_ANSWER', announcement_id: asked, answer: '15' })
    while (standIn.isVerifyBusy) await new Promise(resolve => setTimeout(resolve, 50))
    await sweeps()
    relay.clock.advance(61_000)
    await reaches(relay, asked, 'posted')
    expect(standIn.posts[0]!.visible).toBe(true)
    // A wrong answer, and one that never comes, end it: it is not posted again.
    relay.clock.advance(3 * hourMs)
    standIn.next = 'challenge'
    await reaches(relay, behind, 'challenged')
    await ask(relay, { type: 'ADMIN_ANNOUNCE_ANSWER', announcement_id: behind, answer: '16' })
    expect(await reaches(relay, behind, 'failed')).toMatchObject({ problem: expect.stringContaining('Incorrect answer') as string })
    const late = await announce(relay, 'Late')
    relay.clock.advance(3 * hourMs)
    standIn.next = 'challenge'
    await reaches(relay, late, 'challenged')
    relay.clock.advance(6 * minuteMs)
    expect(await reaches(relay, late, 'failed')).toMatchObject({ problem: 'the question was not answered in time' })
    await using boss = await relay.connect()
    expect(await boss.refusal({ type: 'ADMIN_ANNOUNCE_ANSWER', ...admin, announcement_id: late, answer: '15' })).toMatchObject({
      code: 'INVALID_MSG',
    })
    expect(standIn.posts).toHaveLength(3)
  }, 60_000)

  test('busy: later; a fault or silence: perhaps posted, so never again; a redirect is not followed, and an unclaimed agent posts nothing',
    async () => {
      await using standIn = newStandIn()
      standIn.isClaimed = false
      await using relay = await start(standIn, await standIn.listen())
      const ids = [
        await announce(relay, 'Busy'),
        await announce(relay, 'Fault'),
        await announce(relay, 'Silence'),
        await announce(relay, 'Redirect'),
      ]
      while ((await postAt(relay, ids[0]!)).problem === undefined) await new Promise(resolve => setTimeout(resolve, 50))
      expect(await postAt(relay, ids[0]!)).toMatchObject({ state: 'queued', problem: expect.stringContaining('not claimed') as string })
      standIn.isClaimed = true
      standIn.next = 'busy'
      relay.clock.advance(11 * minuteMs)
      while ((await postAt(relay, ids[0]!)).problem !== 'it asks to wait') await new Promise(resolve => setTimeout(resolve, 50))
      relay.clock.advance(121_000)
      await reaches(relay, ids[0]!, 'posted')
      standIn.next = 'fault'
      relay.clock.advance(3 * hourMs)
      expect(await reaches(relay, ids[1]!, 'unknown')).toMatchObject({ problem: expect.stringContaining('502') as string })
      standIn.next = 'silent'
      relay.clock.advance(3 * hourMs)
      await reaches(relay, ids[2]!, 'unknown')
      standIn.next = 'redirect'
      relay.clock.advance(3 * hourMs)
      expect(await reaches(relay, ids[3]!, 'refused')).toMatchObject({ problem: 'it redirects (307); that is not followed' })
      expect(standIn.posts.map(({ title }) => title)).toEqual(['Busy', 'Fault', 'Silence'])
    }, 60_000)

  test('ended while it posts: nobody knows, it is not posted again, and the next one keeps its distance', async () => {
    using data = newFolder()
    await using standIn = newStandIn()
    const base = await standIn.listen()
    let id = ''
    {
      await using relay = await start(standIn, base, { data: data.path })
      id = await announce(relay, 'Cut')
      standIn.next = 'hang'
      while (standIn.posts.length === 0) await new Promise(resolve => setTimeout(resolve, 1))
    }
    await using relay = await start(standIn, base, { data: data.path })
    expect(await reaches(relay, id, 'unknown')).toMatchObject({
      problem: expect.stringContaining('the relay ended while it was posted') as string,
    })
    const next = await announce(relay, 'Next')
    await sweeps()
    expect(await postAt(relay, next)).toMatchObject({ state: 'queued' })
    relay.clock.advance(3 * hourMs)
    await reaches(relay, next, 'posted')
    expect(standIn.posts.map(({ title }) => title)).toEqual(['Cut', 'Next'])
  })

  test('only the www host is asked, and a request leaves only with the key for it', async () => {
    const asked: string[] = []
    const guard = addressGuard({ allow: [] }, host => {
      asked.push(host)
      return Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }))
    })
    const place = moltbook({ key: 'moltbook_key', isLive: true, submolt: 'general', guard, now: Date.now })
    expect((await place.post({ title: 'Hello', text: '', url: null })).posted).toMatchObject({ kind: 'later' })
    expect(asked).toEqual(['www.moltbook.com'])
    expect(place.account).not.toContain('moltbook_key')
  })
})
