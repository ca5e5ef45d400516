// Direct messages between agents of two linked relays: handed on as what is said in channels is, signed for the relay of whom they are for.
import { describe, expect, onTestFinished, test } from 'vitest'
import { AgentChatClient, type ClientOptions } from '../lib/index.ts'
import { createVerify, wsTransport } from '../lib/node/index.ts'
import type { LocalIdentity } from '../lib/identity/index.ts'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { newIdentity } from './kit/client.ts'
import { adminKey, hostOf, link, linkBoth, linksOf, signedFor, startLinkable, until } from './kit/linked.ts'
import type { TestRelay } from './kit/relay.ts'
import { newKey, type Key } from './kit/wire.ts'

type Relays = { readonly home: TestRelay, readonly here: TestRelay }

const linked = async (settings: Parameters<typeof startLinkable>[0] = {}): Promise<Relays> => {
  const [home, here] = [await startLinkable(settings), await startLinkable()]
  onTestFinished(async () => {
    await here.drain()
    await home.drain()
  })
  await linkBoth(here, home, [])
  return { home, here }
}
const clientAt = async ({ url }: TestRelay, identity: LocalIdentity, options: Partial<ClientOptions> = {}): Promise<AgentChatClient> => {
  const client = new AgentChatClient({ server: url, identity, transport: wsTransport, verify: createVerify(), ...options })
  onTestFinished(() => client.close())
  await client.connect()
  return client
}
const historyOf = async (relay: TestRelay, key: Key, other: string) => {
  await using wire = await relay.login('again', { key, session: 'history' })
  return (await wire.ask({ type: 'HISTORY', with: other }, 'HISTORY')).events
}
/** The agent is known at the relay. */
const known = async (relay: TestRelay, name: string, key: Key) => (await relay.login(name, { key })).close()

describe('a direct message to an agent of a linked relay', () => {
  test('waits there until it is read, is told to have come, and is kept here for its author; sent again it is known', async () => {
    const { home, here } = await linked()
    const [ann, bob] = [newKey(), newKey()]
    await known(home, 'bob', bob)
    await using anns = await here.login('ann', { key: ann })
    const to = `${bob.id}@${hostOf(home)}`
    const message = signedFor(home, ann, to, 'are you there?', 'm1')
    const pending = await anns.ask(message, 'ACK')
    expect(pending).toMatchObject({ to, seq: 0, pending: true })
    const settled = await anns.next('SETTLED')
    expect(settled).toMatchObject({ msg_id: pending.msg_id, pub_id: 'm1', to, seq: 1 })
    await using bobs = await home.login('bob', { key: bob, inbox: 'manual' })
    const { items } = await bobs.ask({ type: 'INBOX' }, 'INBOX')
    expect(items.map(({ event }) => event)).toMatchObject([
      {
        from: ann.id,
        from_name: 'ann',
        to: bob.id,
        content: 'are you there?',
        via: hostOf(here),
        verified: false,
        msg_id: settled.home_msg_id,
      },
    ])
    expect(await historyOf(here, ann, bob.id)).toMatchObject([{
      from: ann.id,
      to: bob.id,
      content: 'are you there?',
      relay: home.serverId,
    }])
    expect(await anns.ask(message, 'ACK')).toMatchObject({ seq: 1, msg_id: settled.home_msg_id, duplicate: true })
    expect(await anns.refusal(signedFor(home, ann, to, 'something else', 'm1'))).toMatchObject({ code: 'ID_REUSED' })
    await bobs.ask(signedFor(here, bob, `${ann.id}@${hostOf(here)}`, 'I am', 'm2'), 'ACK')
    await until(async () => (await historyOf(here, ann, bob.id)).length === 2)
    expect(await historyOf(here, ann, bob.id)).toMatchObject([{ content: 'are you there?' }, { content: 'I am', via: hostOf(home) }])
    expect(await historyOf(home, bob, ann.id)).toMatchObject([{ content: 'are you there?' }, { content: 'I am' }])
  })

  test('is refused where nobody is linked, or it is not signed for there, and told to be where the other relay does not take it', async () => {
    const { home, here } = await linked({ maxInboxPerSender: 2 })
    await using third = await startLinkable()
    await link(here, third, [])
    const [ann, bob, cal] = [newKey(), newKey(), newKey()]
    await known(home, 'bob', bob)
    await using anns = await here.login('ann', { key: ann })
    await using eve = await here.login('eve')
    const to = `${bob.id}@${hostOf(home)}`
    const refused = async (message: { readonly type: string, readonly [field: string]: unknown }) => (await anns.refusal(message)).code
    expect(await refused(signedFor(home, ann, `${bob.id}@c.example`, 'x', '1'))).toBe('HOST_UNKNOWN')
    expect(await refused(signedFor(third, ann, `${bob.id}@${hostOf(third)}`, 'x', '2'))).toBe('LINK_REFUSED')
    expect(await refused({ type: 'MSG', to, content: 'x', id: '3' })).toBe('SIGNATURE_REQUIRED')
    expect(await refused(signedFor(here, ann, to, 'x', '4'))).toBe('VERIFICATION_FAILED')
    expect(await refused({ ...signedFor(home, ann, to, 'x', '5'), ttl_ms: 1_000 })).toBe('INVALID_MSG')
    expect(await refused(signedFor(home, ann, to, 'x', '6', Date.now() - 21 * 3_600_000))).toBe('VERIFICATION_EXPIRED')
    expect(await eve.refusal(signedFor(home, ann, to, 'x', '7'))).toMatchObject({ code: 'SIGNATURE_REQUIRED' })
    const outcome = async (message: ReturnType<typeof signedFor>) => {
      await anns.ask(message, 'ACK')
      return await anns.next('SETTLED')
    }
    expect(await outcome(signedFor(home, ann, `${cal.id}@${hostOf(home)}`, 'x', '8'))).toMatchObject({ code: 'AGENT_NOT_FOUND' })
    for (const id of ['9', '10']) expect(await outcome(signedFor(home, ann, to, 'x', id))).not.toHaveProperty('code')
    expect(await outcome(signedFor(home, ann, to, 'x', '11'))).toMatchObject({ code: 'LIMIT_REACHED' })
    await using boss = await home.connect()
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: ann.id, reason: 'spam' }, 'ADMIN_RESULT')
    expect(await outcome(signedFor(home, ann, to, 'x', '12'))).toMatchObject({ code: 'BANNED', message: 'spam' })
    // What was refused is nothing that was said.
    expect(await historyOf(here, ann, bob.id)).toHaveLength(2)
  })

  test('is kept from whom does not want to hear of its author, who is told nothing of it', async () => {
    const { home, here } = await linked()
    const [ann, bob] = [newKey(), newKey()]
    await using bobs = await home.login('bob', { key: bob })
    await bobs.ask({ type: 'BLOCK', agent: ann.id }, 'OK')
    await using anns = await here.login('ann', { key: ann })
    await anns.ask(signedFor(home, ann, `${bob.id}@${hostOf(home)}`, 'hello?', '1'), 'ACK')
    expect(await anns.next('SETTLED')).toMatchObject({ seq: 1 })
    expect((await bobs.ask({ type: 'INBOX' }, 'INBOX')).items).toEqual([])
  })

  test('waits while the relay cannot be reached; when the link goes it is given up', async () => {
    const { home, here } = await linked()
    const [ann, bob] = [newKey(), newKey()]
    await known(home, 'bob', bob)
    await using operator = await here.connect()
    await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), url: 'ws://127.0.0.1:9' }, 'LINKS')
    await using anns = await here.login('ann', { key: ann })
    for (const id of ['1', '2']) await anns.ask(signedFor(home, ann, `${bob.id}@${hostOf(home)}`, id, id), 'ACK')
    expect((await linksOf(here))[0]).toMatchObject({ waiting: 2 })
    await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), url: home.url }, 'LINKS')
    for (const id of ['1', '2']) expect(await anns.next('SETTLED')).toMatchObject({ pub_id: id, seq: Number(id) })
    await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), url: 'ws://127.0.0.1:9' }, 'LINKS')
    await anns.ask(signedFor(home, ann, `${bob.id}@${hostOf(home)}`, '3', '3'), 'ACK')
    await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host: hostOf(home) }, 'LINKS')
    expect(await anns.next('SETTLED')).toMatchObject({ pub_id: '3', code: 'LINK_REFUSED' })
  })
})

describe('by the library and the command line', () => {
  test('agents of two relays talk as at one: each is answered where it is, and what is asked is answered', async () => {
    const { home, here } = await linked()
    const [ann, bob] = [await clientAt(here, newIdentity('ann')), await clientAt(home, newIdentity('bob'))]
    const heard: unknown[] = []
    bob.on('message', async message => {
      if (message.mine) return
      heard.push([message.from, message.content, message.signature])
      await message.reply('four')
    })
    const answer = await ann.ask(`${bob.agentId!}@${hostOf(home)}`, 'two and two?')
    expect(answer).toMatchObject({ from: bob.agentId, content: 'four', signature: 'valid' })
    expect(heard).toEqual([[ann.agentId, 'two and two?', 'valid']])
    await answer.reply('thanks')
    await until(() => Promise.resolve(heard.length === 2))
    expect(heard[1]).toEqual([ann.agentId, 'thanks', 'valid'])
    await expect(ann.send(`@0123456789abcdef@${hostOf(home)}`, 'hello', { settled: true })).rejects.toMatchObject({
      code: 'AGENT_NOT_FOUND',
    })
  })

  test("a message to an agent elsewhere goes by the relay of one's own where that is linked, and to the other one where it is not", async () => {
    const { home, here } = await linked()
    using cli = new Cli()
    cli.env['AGENTCHAT_URL'] = here.url
    expect((await cli.run(['identity', 'generate'])).code).toBe(0)
    await using bob = await home.login('bob', { key: newKey() })
    const sent = await cli.run(['send', `${bob.id}@${hostOf(home)}`, 'hello', '--json'])
    expect(sent, sent.stderr).toMatchObject({ code: 0, json: [{ to: `${bob.id}@${hostOf(home)}`, seq: 1 }] })
    expect(await bob.next('MSG')).toMatchObject({ content: 'hello', via: hostOf(here) })
    const nobody = await cli.run(['send', `@0123456789abcdef@${hostOf(home)}`, 'hello'])
    expect(nobody).toMatchObject({ code: exits.notFound.code, stderr: expect.stringContaining('AGENT_NOT_FOUND') as string })
    await using operator = await here.connect()
    await operator.ask({ type: 'ADMIN_LINK', admin_key: adminKey, host: hostOf(home), trust: 'read' }, 'LINKS')
    const direct = await cli.run(['send', `${bob.id}@${hostOf(home)}`, 'hello again', '--json'], {
      env: { AGENTCHAT_OUTBOUND_ALLOW: '127.0.0.0/8' },
    })
    expect(direct, direct.stderr).toMatchObject({ code: 0, json: [{ to: bob.id, seq: 2 }] })
    expect(await bob.next('MSG')).not.toHaveProperty('via')
  })
})
