// Blocks, and the share of an inbox: what does not come, and that whoever sent it cannot tell.
import { describe, expect, test } from 'vitest'
import type { Frame } from '../lib/protocol/index.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader, type Trader } from './kit/trade.ts'
import { newKey, signWith, type Key, type Wire } from './kit/wire.ts'

const alone = { channels: ['#general'], autoJoin: [], verifiedChannels: [] }
const say = (wire: Wire, to: string, content: string, more: object = {}) => wire.ask({ type: 'MSG', to, content, ...more }, 'ACK')

/** What every run has of its own: times, and what is made of chance. */
const plain = (frames: readonly Frame[], names: Readonly<Record<string, string>>): readonly unknown[] =>
  frames.map(frame => {
    let text = JSON.stringify(frame, (key, value: unknown) =>
      /^(ts|.*_at|at|changed|updated_at|expires|due|sig.*|relay|msg_id|proposal_id|id|re|nonce|salt)$/.test(key)
        && typeof value !== 'boolean'
        ? null
        : value)
    for (const [name, id] of Object.entries(names)) text = text.replaceAll(id, name)
    return JSON.parse(text.replace(/prop_\w+/g, 'prop')) as unknown
  })

type Act = (
  eve: Trader,
  ann: Key,
  ask: (request: { readonly type: string } & Record<string, unknown>) => Promise<Frame>,
) => Promise<unknown>

/** Every way in which one agent addresses another. */
const acts: Readonly<Record<string, Act>> = {
  'a direct message': async (_eve, ann, ask) => ask({ type: 'MSG', to: ann.id, content: 'hey', receipts: true }),
  'a direct message that expires': async (eve, ann, ask) => {
    const ack = await ask({ type: 'MSG', to: ann.id, content: 'hey', ttl_ms: 1, receipts: true }) as Frame<'ACK'>
    return eve.wire.ask({ type: 'STATUS', msg_id: ack.msg_id }, 'STATUS')
  },
  'a reaction to a direct message': async (_eve, ann, ask) => {
    const ack = await ask({ type: 'MSG', to: ann.id, content: 'hey' }) as Frame<'ACK'>
    return ask({ type: 'REACT', msg_id: ack.msg_id, kind: '👍' })
  },
  'a mention': async (_eve, ann, ask) => {
    const ack = await ask({ type: 'MSG', to: '#lab', content: `hey @${ann.id.slice(1)}`, receipts: true }) as Frame<'ACK'>
    return ask({ type: 'STATUS', msg_id: ack.msg_id })
  },
  'an invitation': async (_eve, ann, ask) => ask({ type: 'INVITE', channel: '#lab', agent: ann.id }),
  'an offer, taken back': async (eve, ann) => {
    const { proposal_id } = await eve.do('PROPOSAL', { to: ann.id, task: 'a small thing' })
    await eve.do('CANCEL', { proposal_id, reason: 'read this' })
  },
  'a piece of a file': async (_eve, ann, ask) => ask({ type: 'FILE_CHUNK', to: ann.id, content: 'x' }),
}

/** What eve hears, and what ann hears of her. */
const run = async (act: Act, isBlocked: boolean, isHere: boolean): Promise<readonly [readonly unknown[], readonly unknown[]]> => {
  await using relay = await startTestRelay(alone)
  relay.clock.stop()
  const ann = newKey()
  await using here = await relay.login('ann', { key: ann, inbox: 'manual' })
  await using eve = await newTrader(relay, 'eve')
  if (isBlocked) await here.ask({ type: 'BLOCK', agent: eve.id }, 'OK')
  if (!isHere) await here.close()
  await eve.wire.ask({ type: 'CREATE_CHANNEL', channel: '#lab', invite_only: true }, 'JOINED')
  const before = eve.wire.heard.length
  // FILE_CHUNK needs the other to be here: its refusal is the same too.
  await act(eve, ann, request => eve.wire.answer(request))
  await eve.wire.barrier()
  await eve.wire.barrier()
  const heard = isHere ? here : await relay.login('ann', { key: ann, inbox: 'manual' })
  await heard.barrier()
  const ofEve = heard.heard.filter(frame => JSON.stringify(frame).includes(eve.id))
  const names = { '@ann': ann.id, '@eve': eve.id, ann: ann.id.slice(1) }
  const result = [plain(eve.wire.heard.slice(before), names), plain(ofEve, names)] as const
  if (!isHere) await heard.close()
  return result
}

describe('a block', () => {
  for (const isHere of [true, false]) {
    test.each(Object.entries(acts))(`%s to an agent that is ${isHere ? 'here' : 'away'} is answered the same, and does not come`,
      async (name, act) => {
        const [open, came] = await run(act, false, isHere)
        const [blocked, kept] = await run(act, true, isHere)
        expect(blocked).toEqual(open)
        expect(kept).toEqual([])
        if (isHere || name !== 'a piece of a file') {
          if (name !== 'a mention' && name !== 'a direct message that expires') expect(came.length).toBeGreaterThan(0)
        }
      })
  }

  const rotate = async (relay: TestRelay, from: Key, to: Key): Promise<Wire> => {
    const wire = await relay.login('x', { key: to, inbox: 'manual' })
    const record = { old_pubkey: from.pem, new_pubkey: to.pem, timestamp: new Date(0).toISOString() }
    await wire.ask({ type: 'ROTATION', ...record, signature: signWith(from, JSON.stringify(record)) }, 'OK')
    return wire
  }

  test('holds after a restart, and under the next keys of both; lifting it works by any of them', async () => {
    using data = newFolder()
    const [ann, ann2, eve, eve2] = [newKey(), newKey(), newKey(), newKey()]
    {
      await using relay = await startTestRelay({ ...alone, data: data.path })
      await using wire = await relay.login('ann', { key: ann })
      await (await relay.login('eve', { key: eve })).close()
      await wire.ask({ type: 'BLOCK', agent: eve.id }, 'OK')
    }
    await using relay = await startTestRelay({ ...alone, data: data.path })
    await using mine = await rotate(relay, ann, ann2)
    await using theirs = await rotate(relay, eve, eve2)
    await say(theirs, ann2.id, 'still me')
    await mine.hearsNothing()
    expect((await mine.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items).toEqual([])
    await mine.ask({ type: 'UNBLOCK', agent: eve2.id }, 'OK')
    await say(theirs, ann2.id, 'now?')
    expect(await mine.next('MSG')).toMatchObject({ content: 'now?' })
    // What was kept from the inbox stays out of it; the conversation has it.
    expect((await mine.ask({ type: 'INBOX', since: 0 }, 'INBOX')).items).toHaveLength(1)
    expect((await mine.ask({ type: 'HISTORY', with: eve2.id }, 'HISTORY')).events).toHaveLength(2)
  })

  test('what is kept back is received with what was told, so that receipts tell no difference', async () => {
    await using relay = await startTestRelay(alone)
    const [ann, eve] = [newKey(), newKey()]
    await using mine = await relay.login('ann', { key: ann, inbox: 'manual' })
    await using theirs = await relay.login('eve', { key: eve })
    await using bob = await relay.login('bob', { key: newKey() })
    await mine.ask({ type: 'BLOCK', agent: eve.id }, 'OK')
    await say(bob, ann.id, 'one')
    const { msg_id } = await say(theirs, ann.id, 'two')
    const { msg_id: first } = await mine.next('MSG')
    await mine.ask({ type: 'RECEIVED', msg_id: first }, 'OK')
    expect((await theirs.ask({ type: 'STATUS', msg_id }, 'STATUS')).recipients).toMatchObject([{ agent: ann.id, state: 'received' }])
  })
})

describe('the share of an inbox', () => {
  test('one sender leaves so many messages for an agent that is away, and is told; others go on; received ones make room', async () => {
    await using relay = await startTestRelay({ ...alone, maxInboxPerSender: 3, maxInbox: 6 })
    const ann = newKey()
    await (await relay.login('ann', { key: ann })).close()
    await using eve = await relay.login('eve')
    await using bob = await relay.login('bob')
    await using eva = await relay.login('eva')
    for (let i = 0; i < 3; i++) await say(eve, ann.id, `${i}`)
    expect((await eve.refusal({ type: 'MSG', to: ann.id, content: 'x' })).message).toBe(
      'You hold 3 unreceived messages in this inbox, as many as one agent may (maxInboxPerSender); a large one counts as several, and there is room when they are received',
    )
    // A mention is heard in its channel, and makes no entry.
    await eve.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
    await say(eve, '#general', `hello @${ann.id.slice(1)}`)
    await say(bob, ann.id, 'x'.repeat(12_000))
    expect((await eva.refusal({ type: 'MSG', to: ann.id, content: 'x' })).message).toContain('(maxInbox)')
    await using wire = await relay.login('ann', { key: ann, inbox: 'manual' })
    const { seq } = await wire.ask({ type: 'INBOX' }, 'INBOX')
    expect(seq).toBe(4)
    await wire.ask({ type: 'RECEIVED', seq }, 'OK')
    for (const sender of [eve, eva]) await say(sender, ann.id, 'again')
  })
})
