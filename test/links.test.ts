// Channels of another relay, mirrored here: with the numbers, times and bytes of their home, checked against what it signs.
import { describe, expect, test } from 'vitest'
import { agentIdOf, entryOf, fingerprintOf, provenanceOf, readCheckpoint, TranscriptRange, verify } from '../lib/identity/index.ts'
import { renamed } from '../src/features/links/bridge/ferry.ts'
import { bodyOf } from '../src/features/talk/webhooks/body.ts'
import type { WebhookRow } from '../src/store/webhooks.ts'
import {
  adminKey,
  atHome,
  hostOf,
  keyOf,
  link,
  linkBoth,
  linksOf,
  mirrored,
  signedFor,
  startLinkable,
  textsIn,
  until,
} from './kit/linked.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, type Key } from './kit/wire.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })

describe('a mirrored channel', () => {
  test('is what its home has, live and from its history, and fits the head that its home signed', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    await using bob = await home.login('bob')
    for (const content of ['one', 'two', 'three']) await bob.ask(say(content), 'ACK')
    const name = `#general@${hostOf(home)}`
    await link(here, home, ['#general'])
    await mirrored(here, name, 3)
    await using ann = await here.login('ann')
    const joined = await ann.ask({ type: 'JOIN', channel: name, since: 0 }, 'JOINED')
    expect(joined).toMatchObject({ channel: name, seq: 3, oldest: 1 })
    await bob.ask(say('four'), 'ACK')
    expect((await ann.take('MSG', 4)).map(({ content, seq, to }) => [content, seq, to])).toEqual([
      ['one', 1, name],
      ['two', 2, name],
      ['three', 3, name],
      ['four', 4, name],
    ])
    const mirror = (await textsIn(here, name)).map(text => atHome(text, name))
    expect(mirror).toEqual(await textsIn(home, '#general'))
    const { checkpoint, size } = await ann.ask({ type: 'HEAD', channel: name }, 'HEAD')
    const tree = new TranscriptRange()
    for (const text of mirror.slice(0, size)) tree.add(entryOf(text).leaf)
    expect({ ...readCheckpoint(checkpoint), epoch: '' }).toEqual({
      relay: home.serverId,
      stream: '#general',
      epoch: '',
      size,
      root: tree.root,
    })
  })

  test('is read and nothing else: what is done in a channel is done at its own relay', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    const name = `#general@${hostOf(home)}`
    await link(here, home, ['#general'])
    await mirrored(here, name, 0)
    await using ann = await here.login('ann')
    await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
    for (const request of [{ type: 'SET_TOPIC', channel: name, topic: 'x' }, { type: 'TYPING', channel: name }])
      expect(await ann.refusal(request)).toMatchObject({ code: 'HOST_UNKNOWN' })
    const { list } = await ann.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')
    expect(list.map(channel => channel.name)).toContain(name)
  })
})

test('links are off unless they are switched on', async () => {
  await using relay = await startTestRelay({ adminKey })
  await using operator = await relay.connect()
  expect(await operator.refusal({ type: 'ADMIN_LINKS', admin_key: adminKey })).toMatchObject({ code: 'NOT_ENABLED' })
})

test('a link that ends takes its mirrors along, and can be made again', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  await using bob = await home.login('bob')
  await bob.ask(say('one'), 'ACK')
  const name = `#general@${hostOf(home)}`
  await link(here, home, ['#general'])
  await mirrored(here, name, 1)
  await using ann = await here.login('ann')
  await ann.ask({ type: 'JOIN', channel: name, since: 0 }, 'JOINED')
  await ann.next('MSG')
  await using operator = await here.connect()
  await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(home) }, 'LINKS')
  expect(await ann.next('LEFT')).toMatchObject({ channel: name, reason: 'deleted' })
  expect(await ann.refusal({ type: 'JOIN', channel: name })).toMatchObject({ code: 'HOST_UNKNOWN' })
  await bob.ask(say('two'), 'ACK')
  await link(here, home, ['#general'])
  await mirrored(here, name, 2)
  await ann.ask({ type: 'JOIN', channel: name, since: 0 }, 'JOINED')
  expect((await ann.take('MSG', 2)).map(({ seq, content }) => [seq, content])).toEqual([[1, 'one'], [2, 'two']])
})

test('a link whose session was ended for good begins another one, and misses nothing', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  await using bob = await home.login('bob')
  await bob.ask(say('one'), 'ACK')
  const name = `#general@${hostOf(home)}`
  await link(here, home, ['#general'])
  await mirrored(here, name, 1)
  await using operator = await home.connect()
  await operator.ask({ type: 'ADMIN_KICK', admin_key: adminKey, agent_id: agentIdOf(await keyOf(here)) }, 'ADMIN_RESULT')
  await bob.ask(say('two'), 'ACK')
  await mirrored(here, name, 2)
})

test('what another relay answers at the address is told nothing', async () => {
  await using home = await startLinkable()
  await using other = await startLinkable()
  await using here = await startLinkable()
  await link(here, other, ['#general'], { url: home.url })
  const [found] = await until(async () => {
    const links = await linksOf(here)
    return links[0]?.state === 'refused' && links
  })
  expect(found).toMatchObject({ state: 'refused', mirrors: [{ state: 'waiting', seq: 0 }] })
})

describe('what is said into a mirrored channel', () => {
  test('goes to its home, gets its number there, comes back, and its author is told; again under its id it is known', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    await using bob = await home.login('bob')
    const name = `#general@${hostOf(home)}`
    await linkBoth(here, home, ['#general'])
    await mirrored(here, name, 0)
    const key = newKey()
    await using ann = await here.login('ann', { key })
    await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
    const message = signedFor(home, key, name, 'hello from afar', 'm1')
    const pending = await ann.ask(message, 'ACK')
    expect(pending).toMatchObject({ to: name, seq: 0, pending: true })
    const settled = await ann.next('SETTLED')
    expect(settled).toMatchObject({ msg_id: pending.msg_id, pub_id: 'm1', to: name, seq: 1 })
    expect(await ann.next('MSG')).toMatchObject({
      from: key.id,
      from_name: 'ann',
      content: 'hello from afar',
      seq: 1,
      msg_id: settled.home_msg_id,
      to: name,
    })
    expect(await bob.next('MSG')).toMatchObject({
      from: key.id,
      from_name: 'ann',
      content: 'hello from afar',
      verified: false,
      via: hostOf(here),
    })
    expect(await ann.ask(message, 'ACK')).toMatchObject({ seq: 1, msg_id: settled.home_msg_id, duplicate: true })
    expect(await ann.refusal({ ...signedFor(home, key, name, 'another', 'm1') })).toMatchObject({ code: 'ID_REUSED' })
    expect(await textsIn(home, '#general')).toHaveLength(1)
  })

  test('is refused where it cannot be what its home takes', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    const name = `#general@${hostOf(home)}`
    await linkBoth(here, home, ['#general'])
    await mirrored(here, name, 0)
    const key = newKey()
    await using ann = await here.login('ann', { key })
    await using eve = await here.login('eve')
    expect(await ann.refusal(signedFor(home, key, name, 'x', '1'))).toMatchObject({ code: 'NOT_INVITED' })
    for (const wire of [ann, eve]) await wire.ask({ type: 'JOIN', channel: name }, 'JOINED')
    expect(await ann.refusal({ ...say('x', name), id: '2' })).toMatchObject({ code: 'SIGNATURE_REQUIRED' })
    expect(await eve.refusal({ ...signedFor(home, key, name, 'x', '3') })).toMatchObject({ code: 'SIGNATURE_REQUIRED' })
    expect(await ann.refusal(signedFor(here, key, name, 'x', '4'))).toMatchObject({ code: 'VERIFICATION_FAILED' })
    expect(await ann.refusal({ ...signedFor(home, key, name, 'x', '5'), content: 'y' })).toMatchObject({ code: 'VERIFICATION_FAILED' })
    await using boss = await home.connect()
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: key.id, reason: 'spam' }, 'ADMIN_RESULT')
    await ann.ask(signedFor(home, key, name, 'x', '6'), 'ACK')
    expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '6', code: 'BANNED', message: 'spam' })
    expect(await ann.refusal(signedFor(home, key, name, 'x', '6'))).toMatchObject({ code: 'BANNED' })
    expect(await textsIn(home, '#general')).toEqual([])
  })

  test('a relay takes what is handed on from those alone that its operator linked, and only what is signed for it, now, for a channel of its own', async () => {
    await using home = await startLinkable()
    const [relayKey, author] = [newKey(), newKey()]
    await using stranger = await home.login('a-relay', { key: relayKey })
    const { type: _, sig_v: __, ...frame } = signedFor(home, author, '#general', 'x', '1')
    const handed = (more: object = {}) => ({ type: 'RELAYED', pubkey: author.pem, name: 'ann', message: { ...frame, ...more } })
    expect(await stranger.refusal(handed())).toMatchObject({ code: 'LINK_REFUSED' })
    await using boss = await home.connect()
    await boss.ask({
      ...{ type: 'ADMIN_LINK', admin_key: adminKey, host: 'a.example', url: 'wss://a.example', trust: 'both' },
      key: fingerprintOf(relayKey.pem),
    }, 'LINKS')
    await until(async () =>
      (await stranger.answer(handed({ ts: 1 }))).type === 'ERROR' && (await stranger.refusal(handed({ ts: 1 }))).code !== 'LINK_REFUSED'
    )
    const later = signedFor(home, author, '#general', 'x', '2', Date.now() - 21 * 3_600_000)
    expect(await stranger.refusal({ ...handed(), message: later })).toMatchObject({ code: 'VERIFICATION_EXPIRED' })
    expect(await stranger.refusal(handed({ content: 'y' }))).toMatchObject({ code: 'VERIFICATION_FAILED' })
    expect(await stranger.refusal(handed({ to: '#general@c.example' }))).toMatchObject({ code: 'HOST_UNKNOWN' })
    expect(await stranger.refusal({ ...handed(), pubkey: newKey().pem })).toMatchObject({ code: 'VERIFICATION_FAILED' })
    expect(await stranger.ask(handed(), 'ACK')).toMatchObject({ seq: 1 })
    expect(await stranger.ask(handed(), 'ACK')).toMatchObject({ seq: 1, duplicate: true })
    for (let i = 0; i < 98; i++) await stranger.refusal(handed({ content: `y${i}` }))
    expect(await stranger.refusal(handed())).toMatchObject({ code: 'LINK_REFUSED' })
  })

  test('waits for its author alone where that has to wait; when the link goes, it is given up', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    await using boss = await home.connect()
    await boss.ask({ type: 'SET_CHANNEL', admin_key: adminKey, channel: '#general', slow_mode_ms: 3_600_000 }, 'CHANNEL_CHANGED')
    const name = `#general@${hostOf(home)}`
    await linkBoth(here, home, ['#general'])
    await mirrored(here, name, 0)
    const keys = [newKey(), newKey()] as const
    await using ann = await here.login('ann', { key: keys[0] })
    await using bea = await here.login('bea', { key: keys[1] })
    for (const wire of [ann, bea]) await wire.ask({ type: 'JOIN', channel: name }, 'JOINED')
    for (const id of ['1', '2']) await ann.ask(signedFor(home, keys[0], name, id, id), 'ACK')
    expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '1', seq: 1 })
    await until(async () => (await linksOf(here))[0]?.problem?.includes('slow mode'))
    await bea.ask(signedFor(home, keys[1], name, '3', '3'), 'ACK')
    expect(await bea.next('SETTLED')).toMatchObject({ pub_id: '3', seq: 2 })
    await using operator = await here.connect()
    await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(home) }, 'LINKS')
    expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '2', code: 'LINK_REFUSED' })
  })

  test('is not taken where it is too old for its home, nor where links were switched off', async () => {
    using folder = newFolder()
    await using home = await startLinkable()
    const name = `#general@${hostOf(home)}`
    const key = newKey()
    {
      await using here = await startLinkable({ data: folder.path })
      await linkBoth(here, home, ['#general'])
      await mirrored(here, name, 0)
      await using ann = await here.login('ann', { key })
      await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
      const old = signedFor(home, key, name, 'x', '1', Date.now() - 21 * 3_600_000)
      expect(await ann.refusal(old)).toMatchObject({ code: 'VERIFICATION_EXPIRED' })
    }
    await using again = await startLinkable({ data: folder.path, links: 'off' })
    await using ann = await again.login('ann', { key })
    expect(await ann.refusal(signedFor(home, key, name, 'x', '2'))).toMatchObject({ code: 'LINK_REFUSED' })
  })
})

test('a channel that its home shows to some alone is not mirrored for everybody', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  await link(here, home, ['#general'])
  await mirrored(here, `#general@${hostOf(home)}`, 0)
  await using ann = await home.login('ann', { key: newKey() })
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#secret', invite_only: true }, 'JOINED')
  await ann.ask({ type: 'INVITE', channel: '#secret', agent: `@${here.serverId.slice(0, 16)}` }, 'OK')
  await link(here, home, ['#secret'])
  const name = `#secret@${hostOf(home)}`
  const mirror = await until(async () => (await linksOf(here))[0]?.mirrors.find(each => each.channel === name && each.state === 'stopped'))
  expect(mirror).toMatchObject({ seq: 0, problem: expect.stringContaining('private') as string })
})

test('whom a relay says to speak is believed where the author signed; what relays say on the way is no part of an event', () => {
  const pubkey = newKey().pem
  const admin = { pubkey, since: 0, isVerified: true, isAdmin: true, isOver: false }
  const trusted = (to: string, signature?: 'none' | 'valid') => provenanceOf({ ts: 1, to, verified: true }, signature, admin).trust
  expect([trusted('#general', 'none'), trusted('#general@b.example', 'none'), trusted('#general@b.example')])
    .toEqual(['admin', 'unknown', 'unknown'])
  expect(trusted('#general@b.example', 'valid')).toBe('admin')
  const text = (more: object) => JSON.stringify({ type: 'MSG', from: agentIdOf(pubkey), to: '#general', ...more })
  expect(renamed(text({}), '#general', '#general@b.example')).toContain('"to":"#general@b.example"')
  for (const said of [{ re: '7' }, { replay: true }, { prev_seq: 1 }, { inbox_seq: 1 }])
    expect(renamed(text(said), '#general', '#general@b.example')).toBeUndefined()
})

test('a webhook says of what was signed for a channel at its home that it was signed for another relay', async () => {
  const [key, to, relay] = [newKey(), '#general@b.example', 'e'.repeat(64)]
  const { content, id: pub_id, ts, nonce, sig, sig_v } = signedFor({ serverId: relay }, key, to, 'hi', '1')
  const event = {
    ...{ type: 'MSG', ts, from: key.id, from_name: 'ann', to, content, msg_id: '1-1-a', seq: 1 },
    ...{ pub_id, sig, sig_v, sig_ts: ts, nonce, relay },
  }
  const author = { pubkey: key.pem, since: 0, isVerified: false, isAdmin: false, isOver: false }
  const row = { id: 'w', agent: key.id, source: to, thin: 1 } as unknown as WebhookRow
  // Also where the one that shows it is the one that it was signed for.
  for (const serverId of [relay, 'f'.repeat(64)]) {
    const options = { serverId, verifyMessage: (_: unknown, ...signed: Parameters<typeof verify>) => Promise.resolve(verify(...signed)) }
    const signatureOf = async (more: object) => {
      const body = await bodyOf(row, { kind: 'event', seq: 1, text: JSON.stringify({ ...event, ...more }), author }, options)
      return (JSON.parse(body) as { data: { signature: string } }).data.signature
    }
    expect(await signatureOf({})).toBe('foreign')
    expect(await signatureOf({ content: 'never said' })).toBe('invalid')
  }
})

describe('who is named in a mirrored channel', () => {
  test('has it in the inbox, connected or not, once; by name where it is a member', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable()
    await using bob = await home.login('bob', { key: newKey() })
    const [ann, dan, eve] = [newKey(), newKey(), newKey()]
    for (const [name, key] of [['ann', ann], ['dan', dan], ['eve', eve]] as const) await (await here.login(name, { key })).close()
    await bob.ask(say(`${ann.id} before there is a mirror`), 'ACK')
    const name = `#general@${hostOf(home)}`
    await linkBoth(here, home, ['#general'])
    await mirrored(here, name, 1)
    await using eves = await here.login('eve', { key: eve })
    await eves.ask({ type: 'JOIN', channel: name }, 'JOINED')
    await eves.ask({ type: 'BLOCK', agent: bob.id }, 'OK')
    await bob.ask(say(`${ann.id} and @dan and @eve, look`), 'ACK')
    await bob.ask(say('@nobody'), 'ACK')
    await mirrored(here, name, 3)
    // Who says it is not called, and an edit calls nobody anew.
    await eves.ask(signedFor(home, eve, name, `${eve.id} @eve`, '1'), 'ACK')
    await mirrored(here, name, 4)
    const inboxOf = async (key: Key) => {
      await using wire = await here.login('x', { key, inbox: 'manual' })
      return (await wire.ask({ type: 'INBOX' }, 'INBOX')).items.map(({ event }) => [event['from'], event['to'], event['content']])
    }
    expect(await inboxOf(ann)).toEqual([[bob.id, name, `${ann.id} and @dan and @eve, look`]])
    // By name it is for members, and dan is none.
    expect(await inboxOf(dan)).toEqual([])
    expect(await inboxOf(eve)).toEqual([])
    await using dans = await here.login('dan', { key: dan, inbox: 'manual' })
    await dans.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
    await bob.ask(say('@dan now'), 'ACK')
    expect(await dans.next('MSG')).toMatchObject({ to: name, content: '@dan now' })
    expect(await inboxOf(dan)).toEqual([[bob.id, name, '@dan now']])
  })

  test('is called by one relay so often as there is room for one, however much comes at once', async () => {
    await using home = await startLinkable()
    await using here = await startLinkable({ maxInboxPerSender: 3, maxInboxPerAddress: 5 })
    const ann = newKey()
    await (await here.login('ann', { key: ann })).close()
    const name = `#general@${hostOf(home)}`
    await link(here, home, ['#general'])
    await mirrored(here, name, 0)
    await using operator = await here.connect()
    const trust = (trust: string) => operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), trust }, 'LINKS')
    await trust('off')
    for (const author of ['bob', 'cal']) {
      await using wire = await home.login(author)
      for (let i = 0; i < 4; i++) await wire.ask(say(`${ann.id} ${i}`), 'ACK')
    }
    await trust('read')
    await mirrored(here, name, 8)
    await using wire = await here.login('ann', { key: ann, inbox: 'manual' })
    const { items } = await wire.ask({ type: 'INBOX' }, 'INBOX')
    expect(items.map(({ event }) => event.seq)).toEqual([1, 2, 3, 5, 6])
  })
})
