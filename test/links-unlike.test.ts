// What of a channel does not cross to its mirror, as readers there see it, and what who tries it there is told: reactions, pins, edits, files,
// and what grows.
import { expect, onTestFinished, test } from 'vitest'
import { bring } from './kit/files.ts'
import { hostOf, linkBoth, mirrored, signedFor, startLinkable } from './kit/linked.ts'
import { newKey } from './kit/wire.ts'

const say = (content: string) => ({ type: 'MSG', to: '#general', content })
const elsewhere = { code: 'MESSAGE_NOT_FOUND', message: expect.stringContaining('asked about at its own relay') as string }

/** bob at the home, ann at the mirror, both in #general, which has one message of bob's. */
const linked = async () => {
  const [home, here] = [await startLinkable(), await startLinkable()]
  const keys = { ann: newKey(), bob: newKey() }
  const bob = await home.login('bob', { key: keys.bob })
  const said = await bob.ask(say('one'), 'ACK')
  const name = `#general@${hostOf(home)}`
  await linkBoth(here, home, ['#general'])
  await mirrored(here, name, 1)
  const ann = await here.login('ann', { key: keys.ann })
  await ann.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
  onTestFinished(async () => {
    await ann.close()
    await bob.close()
    await here.drain()
    await home.drain()
  })
  return { home, here, ann, bob, keys, name, msgId: said.msg_id }
}

test('reactions and pins are those of the home: a mirror shows none, and says where they are', async () => {
  const { ann, bob, name, msgId } = await linked()
  await bob.ask({ type: 'REACT', msg_id: msgId, kind: '👍' }, 'REACTED')
  await bob.ask({ type: 'PIN', channel: '#general', msg_id: msgId }, 'PINNED')
  await bob.ask(say('two'), 'ACK')
  expect(await ann.next('MSG')).toMatchObject({ content: 'two', seq: 2 })
  await ann.hearsNothing()
  const page = await ann.ask({ type: 'HISTORY', channel: name, after: 0, reactions: true }, 'HISTORY')
  expect(page.events).toHaveLength(2)
  // Not that there are none: it is not known.
  expect(page).not.toHaveProperty('reactions')
  for (const type of ['REACT', 'UNREACT']) expect(await ann.refusal({ type, msg_id: msgId, kind: '👍' })).toMatchObject(elsewhere)
  expect(await ann.refusal({ type: 'REACTIONS', msg_id: msgId })).toMatchObject(elsewhere)
  for (
    const request of [{ type: 'REACTIONS', channel: name }, { type: 'PINS', channel: name }, { type: 'PIN', channel: name, msg_id: msgId }]
  )
    expect(await ann.refusal(request)).toMatchObject({
      code: 'HOST_UNKNOWN',
      message: expect.stringContaining('at its own relay') as string,
    })
})

test('edits are made at the home and seen in its mirror; who makes one there is told to go to the home', async () => {
  const { ann, bob, name, msgId } = await linked()
  await bob.ask({ type: 'EDIT', msg_id: msgId, content: 'one, said better' }, 'ACK')
  expect(await ann.next('MSG')).toMatchObject({ content: 'one, said better', edit: { of: msgId } })
  expect((await ann.ask({ type: 'HISTORY', channel: name, after: 0 }, 'HISTORY')).events).toHaveLength(2)
  for (
    const request of [{ type: 'EDIT', msg_id: msgId, content: 'mine now' }, { type: 'RETRACT', msg_id: msgId }, {
      type: 'EDITS',
      msg_id: msgId,
    }]
  )
    expect(await ann.refusal(request)).toMatchObject(elsewhere)
})

test('a file is named in the mirror, and at the home; none is sent along from afar, nor is what grows, or asks for the floor', async () => {
  const { home, ann, bob, keys, name } = await linked()
  const file = await bring(home, bob, 'a file of the home')
  const { msg_id } = await bob.ask({ ...say('look'), files: [file] }, 'ACK')
  expect(await ann.next('MSG')).toMatchObject({ content: 'look', files: [file] })
  expect(await ann.refusal({ type: 'GET_FILE', msg_id })).toMatchObject(elsewhere)
  const message = signedFor(home, keys.ann, name, 'mine', '1')
  for (const [field, value] of [['files', [file]], ['stream', 's1'], ['floor', true], ['ttl_ms', 1_000], ['receipts', true]] as const) {
    expect(await ann.refusal({ ...message, [field]: value })).toMatchObject({
      code: 'INVALID_MSG',
      message: expect.stringMatching(new RegExp(`^${field}: not to `)) as string,
    })
  }
  await ann.ask(message, 'ACK')
  expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '1', seq: 3 })
})
