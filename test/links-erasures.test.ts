// What a home erases, and what is taken back there, is gone from its mirrors too, and they fit what it signs as before.
import { expect, test } from 'vitest'
import { entryOf, readCheckpoint, TranscriptRange } from '../lib/identity/index.ts'
import { noteBlanked } from '../src/store/blanked.ts'
import { pairStream } from '../src/store/log.ts'
import { adminKey, atHome, hostOf, link, linkBoth, linksOf, mirrored, signedFor, startLinkable, textsIn, until } from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const say = (content: string) => ({ type: 'MSG', to: '#general', content })
const contentsOf = async (relay: TestRelay, stream: string) =>
  (await textsIn(relay, stream)).map(text => (JSON.parse(text) as { content: string }).content)

const trust = async (home: TestRelay, at: TestRelay, how: 'off' | 'read') => {
  await using operator = await at.connect()
  await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), trust: how }, 'LINKS')
}

/** The mirror is what its home has, and both are under the head that the home signed. */
const expectAlike = async (here: TestRelay, home: TestRelay, name: string) => {
  const mirror = (await textsIn(here, name)).map(text => atHome(text, name))
  expect(mirror).toEqual(await textsIn(home, '#general'))
  await using reader = await here.login('reader')
  await reader.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
  const { checkpoint } = await reader.ask({ type: 'HEAD', channel: name }, 'HEAD')
  const tree = new TranscriptRange()
  for (const text of mirror) tree.add(entryOf(text).leaf)
  expect(readCheckpoint(checkpoint)).toMatchObject({ size: mirror.length, root: tree.root })
}

test('what is taken back at the home is blank in its mirror when that is told there', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#general@${hostOf(home)}`
  await link(here, home, ['#general'])
  await using bob = await home.login('bob')
  const { msg_id } = await bob.ask(say('too much said'), 'ACK')
  await bob.ask(say('more'), 'ACK')
  await bob.ask({ type: 'EDIT', msg_id, content: 'said a little less' }, 'ACK')
  await mirrored(here, name, 3)
  expect(await contentsOf(here, name)).toEqual(['too much said', 'more', 'said a little less'])
  await bob.ask({ type: 'RETRACT', msg_id }, 'ACK')
  await until(async () => (await contentsOf(here, name)).join() === ',more,,')
  await expectAlike(here, home, name)
})

test('what a home erases is blanked in its mirrors in their turn, also what it erased while nobody was linked', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#general@${hostOf(home)}`
  const key = newKey()
  await using bob = await home.login('bob', { key })
  await using cal = await home.login('cal', { key: newKey() })
  for (const content of ['one', 'two', 'three']) await bob.ask(say(content), 'ACK')
  await cal.ask(say('of another'), 'ACK')
  await link(here, home, ['#general'])
  await mirrored(here, name, 4)
  const { seqs: none, upto: start } = await cal.ask({ type: 'ERASURES', channel: '#general' }, 'ERASURES')
  expect([none, start]).toEqual([[], 0])
  await bob.ask({ type: 'ERASE' }, 'ERASED')
  expect(await cal.ask({ type: 'ERASURES', channel: '#general' }, 'ERASURES')).toMatchObject({ seqs: [1, 2, 3], upto: 3, more: false })
  expect(await cal.ask({ type: 'ERASURES', channel: '#general', after: 2 }, 'ERASURES')).toMatchObject({ seqs: [3], upto: 3, more: false })
  here.clock.advance(61_000)
  await until(async () => (await contentsOf(here, name)).join() === ',,,of another')
  await expectAlike(here, home, name)
  await using late = await startLinkable()
  await link(late, home, ['#general'])
  await mirrored(late, name, 4)
  await expectAlike(late, home, name)
}, 60_000)

test('what a home erased and let go of while nobody was linked goes from its mirrors, also where it does not know any more what that was',
  async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    const name = `#general@${hostOf(home)}`
    await using bob = await home.login('bob', { key: newKey() })
    await using cal = await home.login('cal', { key: newKey() })
    for (const content of ['one', 'two']) await bob.ask(say(content), 'ACK')
    for (const content of ['three', 'four', 'five']) await cal.ask(say(content), 'ACK')
    await link(here, home, ['#general'])
    await mirrored(here, name, 5)
    const letGo = (last: number) => home.store.write(tx => tx.keep.deleteThrough('#general', last, 1))
    await trust(home, here, 'off')
    await bob.ask({ type: 'ERASE' }, 'ERASED')
    await letGo(3)
    await trust(home, here, 'read')
    // What went there by its age alone stays.
    await until(async () => (await contentsOf(here, name)).join() === ',,three,four,five')
    await trust(home, here, 'off')
    await cal.ask(say('six'), 'ACK')
    await home.store.write(tx => tx.keep.blank('#general', 4, 1))
    const stream = (await home.store.read.log.streamId('#general'))!
    await home.store.write(tx => noteBlanked(tx.tables(), stream, Array.from({ length: 1_100 }, () => 3)))
    await letGo(4)
    await trust(home, here, 'read')
    await until(async () => (await contentsOf(here, name)).join() === 'five,six')
    expect((await linksOf(here))[0]?.mirrors).toMatchObject([{ state: 'following', seq: 6 }])
  }, 60_000)

test('who erases at the relay of a mirror what he said in it leaves a mirror that fits what its home signed', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#general@${hostOf(home)}`
  const key = newKey()
  await linkBoth(here, home, ['#general'])
  await mirrored(here, name, 0)
  await using ann = await here.login('ann', { key })
  await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
  await ann.ask(signedFor(home, key, name, 'said too soon', '1'), 'ACK')
  const { home_msg_id: msgId } = await ann.next('SETTLED')
  await ann.next('MSG')
  expect(await ann.refusal({ type: 'RETRACT', msg_id: msgId })).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  await ann.ask({ type: 'ERASE' }, 'ERASED')
  const [mirror] = await textsIn(here, name)
  const [there] = await textsIn(home, '#general')
  expect(entryOf(atHome(mirror!, name))).toMatchObject({ isBlank: true, leaf: entryOf(there!).leaf })
  expect((await linksOf(here))[0]?.mirrors).toMatchObject([{ state: 'following', seq: 1 }])
})

test('what waits for its home when its author erases is never said there; of what was taken the id is known, and no word', async () => {
  await using way = await newProxy(1)
  const [url, host] = [`ws://127.0.0.1:${way.port}`, `127.0.0.1:${way.port}`]
  await using home = await startLinkable({ publicUrls: [url] })
  await using here = await startLinkable()
  way.leadTo(Number(new URL(home.url).port))
  const [name, bob] = [`#general@${host}`, newKey()]
  await (await home.login('bob', { key: bob })).close()
  await linkBoth(here, home, ['#general'], { url, host })
  await mirrored(here, name, 0)
  const key = newKey()
  await using ann = await here.login('ann', { key })
  await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
  const taken = signedFor(home, key, name, 'a taken word', '1')
  await ann.ask(taken, 'ACK')
  await ann.next('SETTLED')
  way.leadTo(1)
  way.cut()
  const waiting = [signedFor(home, key, name, 'a waiting word', '2'), signedFor(home, key, `${bob.id}@${host}`, 'another', '3')]
  for (const message of waiting) expect(await ann.ask(message, 'ACK')).toMatchObject({ pending: true })
  await ann.ask({ type: 'ERASE' }, 'ERASED')
  here.clock.advance(2_000)
  for (const pub_id of ['2', '3']) expect(await ann.next('SETTLED')).toMatchObject({ pub_id, code: 'MESSAGE_NOT_FOUND' })
  const kept = await here.store.read.tables<{ handed: { content: string, body: string } }>().selectFrom('handed').select([
    'content',
    'body',
  ])
    .execute()
  expect(kept).toEqual(Array.from({ length: 3 }, () => ({ content: '', body: '' })))
  expect(await ann.ask(taken, 'ACK')).toMatchObject({ seq: 1, duplicate: true })
  for (const message of waiting) expect(await ann.refusal(message)).toMatchObject({ code: 'MESSAGE_NOT_FOUND' })
  way.leadTo(Number(new URL(home.url).port))
  await ann.ask(signedFor(home, key, name, 'said later', '4'), 'ACK')
  expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '4', seq: 2 })
  expect(await contentsOf(home, '#general')).toEqual(['a taken word', 'said later'])
  expect(await textsIn(home, pairStream(key.id, bob.id))).toEqual([])
}, 60_000)

test('what was said anew at the home, and answered, is shown so in its mirror', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#general@${hostOf(home)}`
  await link(here, home, ['#general'])
  await using bob = await home.login('bob')
  const { msg_id } = await bob.ask(say('first'), 'ACK')
  await mirrored(here, name, 1)
  await bob.ask({ type: 'EDIT', msg_id, content: 'first, corrected' }, 'ACK')
  const answer = await bob.ask({ ...say('an answer'), in_reply_to: msg_id }, 'ACK')
  await bob.ask({ ...say('an answer to it'), in_reply_to: answer.msg_id }, 'ACK')
  await mirrored(here, name, 4)
  await using ann = await here.login('ann')
  await ann.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
  const told = async (wire: typeof ann, channel: string) => {
    const { changes, threads } = await wire.ask({ type: 'HISTORY', channel, before: 2 }, 'HISTORY')
    return { changes: changes?.map(({ content }) => content), threads }
  }
  const there = await told(bob, '#general')
  expect(there).toMatchObject({ changes: ['first, corrected'], threads: [{ seq: 1, replies: 2, last_seq: 4 }] })
  expect(await told(ann, name)).toEqual(there)
})
