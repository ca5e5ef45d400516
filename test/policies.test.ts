// Policies: what is refused where, what a message counts for, whom nobody asks, and that what is not set costs nothing.
import { expect, test } from 'vitest'
import { loginTextV2 } from '../lib/identity/index.ts'
import { policiesOf } from '../src/domain/policies.ts'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey, signWith, type Wire } from './kit/wire.ts'

const boss = newKey()
const nothing = () => {
  throw new Error('none of them is wrong')
}

test('each is asked where its name says, of others than admins', async () => {
  await using relay = await startTestRelay({
    adminAgents: [boss.id],
    policyWrite: '!content.lowerAscii().contains("spam") && !(to == "#help" && change == "edit")',
    policyJoin: 'channel != "#help" || verified || name == "ada"',
    policyCreate: 'keyed && channel.startsWith("#team-")',
    policySignUp: 'name != "mallory" && (keyed || name.startsWith("guest"))',
    channels: ['#general', '#help'],
    autoJoin: ['#general'],
  })
  const [adaKey, malloryKey] = [newKey(), newKey()]
  await using ada = await relay.login('ada', { key: adaKey })
  await using guest = await relay.login('guest-1')
  await using admin = await relay.login('boss', { key: boss })
  const refused = async (wire: Wire, ask: object, setting: string) => {
    const { code, message } = await wire.ask(ask as never, 'ERROR')
    expect([code, message]).toEqual(['NOT_ALLOWED', expect.stringContaining(`(${setting})`)])
  }
  await refused(guest, { type: 'MSG', to: '#general', content: 'SPAM here' }, 'policyWrite')
  await refused(guest, { type: 'MSG', to: adaKey.id, content: 'spam for you' }, 'policyWrite')
  await refused(guest, { type: 'FILE_CHUNK', to: adaKey.id, content: 'spam in pieces' }, 'policyWrite')
  await refused(guest, { type: 'DELTA', to: '#general', stream: 's', n: 0, text: 'spam that grows' }, 'policyWrite')
  await admin.ask({ type: 'MSG', to: '#general', content: 'no spam, please' }, 'ACK')
  const { msg_id } = await ada.ask({ type: 'MSG', to: '#general', content: 'fine' }, 'ACK')
  await refused(ada, { type: 'EDIT', msg_id, content: 'spam after all' }, 'policyWrite')
  await ada.ask({ type: 'EDIT', msg_id, content: 'still fine' }, 'ACK')

  await refused(guest, { type: 'JOIN', channel: '#help' }, 'policyJoin')
  await ada.ask({ type: 'JOIN', channel: '#help' }, 'JOINED')
  const { msg_id: asked } = await ada.ask({ type: 'MSG', to: '#help', content: 'how?' }, 'ACK')
  await refused(ada, { type: 'EDIT', msg_id: asked, content: 'how, then?' }, 'policyWrite')
  await ada.ask({ type: 'RETRACT', msg_id: asked }, 'ACK')
  await refused(ada, { type: 'CREATE_CHANNEL', channel: '#mine' }, 'policyCreate')
  await refused(guest, { type: 'CREATE_CHANNEL', channel: '#team-a' }, 'policyCreate')
  await ada.ask({ type: 'CREATE_CHANNEL', channel: '#team-a' }, 'JOINED')
  await admin.ask({ type: 'CREATE_CHANNEL', channel: '#any' }, 'JOINED')

  await using stranger = await relay.connect()
  await refused(stranger, { type: 'IDENTIFY', name: 'stranger' }, 'policySignUp')
  await using mallory = await relay.connect()
  const { nonce, challenge_id } = await mallory.ask({ type: 'IDENTIFY', name: 'mallory', pubkey: malloryKey.pem }, 'CHALLENGE')
  const timestamp = relay.clock.now()
  const text = loginTextV2({ serverId: relay.serverId, nonce, challengeId: challenge_id, timestamp })
  await refused(mallory, { type: 'VERIFY_IDENTITY', challenge_id, timestamp, sig_v: 2, signature: signWith(malloryKey, text) },
    'policySignUp')
  // Whom the relay knows signs up no more, whatever it calls itself.
  await using _again = await relay.login('mallory', { key: adaKey, session: 'second' })
})

test('what is stored already is acknowledged again, though a policy is against it by now', async () => {
  using data = newFolder()
  const key = newKey()
  const once = async (settings: object) => {
    await using relay = await startTestRelay({ data: data.path, ...settings })
    await using wire = await relay.login('ada', { key })
    return await wire.ask({ type: 'MSG', to: '#general', content: 'once', id: 'k' }, 'ACK')
  }
  const { seq } = await once({})
  expect(await once({ policyWrite: 'false' })).toMatchObject({ seq, duplicate: true })
})

test('a message counts for what its price says, and admins pay one', async () => {
  await using relay = await startTestRelay({
    adminAgents: [boss.id],
    policyPrice: 'content == "free" ? 0 : content == "dear" ? 4 : 1',
    msgBurst: 10,
    msgRate: 0.001,
  })
  const clock = relay.clock
  await using wire = await relay.login('ada', { key: newKey() })
  await using admin = await relay.login('boss', { key: boss })
  clock.advance(0)
  const says = (from: Wire, content: string) => from.answer({ type: 'MSG', to: '#general', content })
  for (const _ of Array.from({ length: 15 })) expect((await says(wire, 'free')).type).toBe('ACK')
  expect((await says(wire, 'dear')).type).toBe('ACK')
  expect((await says(wire, 'dear')).type).toBe('ACK')
  expect(await says(wire, 'dear')).toMatchObject({ code: 'RATE_LIMITED', message: expect.stringContaining('costs as much as 4') })
  expect((await says(wire, 'plain')).type).toBe('ACK')
  expect((await says(wire, 'plain')).type).toBe('ACK')
  expect((await says(wire, 'plain')).type).toBe('ERROR')
  for (const _ of Array.from({ length: 10 })) expect((await says(admin, 'dear')).type).toBe('ACK')
})

test('what is said by an edit, or in pieces of a file, counts for what its price says too', async () => {
  await using relay = await startTestRelay({
    policyPrice: 'change == "edit" && chars > 3 ? 4 : chars > 9 ? 5 : 1',
    msgBurst: 10,
    msgRate: 0.001,
  })
  const to = newKey()
  await using wire = await relay.login('ada', { key: newKey() })
  await using _there = await relay.login('bob', { key: to })
  const { msg_id } = await wire.ask({ type: 'MSG', to: to.id, content: 'a' }, 'ACK')
  await wire.ask({ type: 'EDIT', msg_id, content: 'long' }, 'ACK')
  await wire.ask({ type: 'FILE_CHUNK', to: to.id, content: 'long enough' }, 'OK')
  expect(await wire.answer({ type: 'EDIT', msg_id, content: 'longer' })).toMatchObject({
    code: 'RATE_LIMITED',
    message: expect.stringContaining('costs as much as 4'),
  })
})

test('one that is not set is not there to be asked; of one that is set nothing is read but its words', async () => {
  expect(Object.keys(await policiesOf({}, nothing))).toEqual([])
  const { write, ...others } = await policiesOf({ policyWrite: 'chars < 3 && direct' }, nothing)
  expect(others).toEqual({})
  const read: string[] = []
  const said = new Proxy({ type: 'MSG', content: 'long enough', to: '@a' }, {
    get: (target, field) => {
      read.push(String(field))
      return target[field as keyof typeof target]
    },
  })
  expect(write!(said)).toBe(false)
  expect(new Set(read)).toEqual(new Set(['content', 'to']))
})

test('one that is wrong stops the start, and says where', async () => {
  const problem = (setting: object) => startTestRelay(setting).then(() => 'it started', (error: Error) => error.message)
  expect(await problem({ policyWrite: 'chars < ' })).toContain('policyWrite: at character 9: ')
  expect(await problem({ policyPrice: 'direct' })).toContain('policyPrice: it gives bool, and has to give a whole number (int)')
  expect(await problem({ policyJoin: 'content == ""' })).toContain('policyJoin: at character 1: there is no content here; there are agent,')
})

test('agentchat policy: explained on this machine, tried on what was said', async () => {
  using cli = new Cli()
  const explained = await cli.run([
    'policy',
    'explain',
    'write',
    '--when',
    'chars < 3 || verified',
    '--of',
    '{"content":"hello"}',
    '--json',
  ])
  expect(explained.json[0]).toEqual({
    policy: 'write',
    setting: 'policyWrite',
    when: 'chars < 3 || verified',
    says: false,
    words: { chars: 5, verified: false },
  })
  const joins = await cli.run(['policy', 'explain', 'join', '--when', 'keyed || name == "ada"', '--of', '{"name":"ada"}'])
  expect(joins.json[0]).toMatchObject({ says: true, words: { keyed: false, name: 'ada' } })
  expect((await cli.run(['policy', 'explain', 'price', '--when', 'chars +'])).stderr).toContain('--when: at character 8: ')

  const adminKey = 'a key that only the operator has'
  await using relay = await startTestRelay({
    adminKey,
    policyPrice: 'chars > 100 ? 2 : 1',
    msgRate: 0,
    addressRate: 0,
    frameRate: 0,
    addressFrameRate: 0,
  })
  cli.env['AGENTCHAT_URL'] = relay.url
  cli.env['AGENTCHAT_ADMIN_KEY'] = adminKey
  await using wire = await relay.login('ada')
  for (let n = 0; n < 1_010; n++) wire.send({ type: 'MSG', to: '#general', content: n % 100 === 0 ? `spam ${n}` : `message ${n}` })
  await wire.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(200) }, 'ACK')
  const tried = await cli.run(['policy', 'try', 'write', '!content.contains("spam")', '--json'])
  // Of the newest thousand: the first eleven are not looked at, and one of those was spam.
  expect(tried.json[0]).toMatchObject({ messages: 1_000, refused: 10, cost: 1_000 })
  expect((tried.json[0]!['items'] as readonly unknown[]).length).toBe(10)
  expect((await cli.run(['policy', 'explain', 'price'])).json[0]).toMatchObject({ messages: 1_000, cost: 1_001 })
  expect((await cli.run(['policy', 'explain', 'write'])).json).toEqual([{ policy: 'write' }])
  expect((await cli.run(['policy', 'try', 'write', 'contnt == ""'])).stderr).toContain('when: at character 1: there is no contnt here')
})
