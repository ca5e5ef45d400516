// agentchat admin, channel, block: what the protocol table says, as commands.
import { writeFileSync } from 'node:fs'
import { pino } from 'pino'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const adminKey = 'a key that only the operator has'
let cli: Cli

beforeEach(() => {
  cli = new Cli()
  onTestFinished(() => cli[Symbol.dispose]())
})

const start = async (settings: Parameters<typeof startTestRelay>[0] = {}): Promise<TestRelay> => {
  const relay = await startTestRelay({ adminKey, ...settings })
  onTestFinished(() => relay[Symbol.asyncDispose]())
  cli.env['AGENTCHAT_URL'] = relay.url
  return relay
}

const identity = async (name: string): Promise<{ readonly file: string, readonly id: string }> => {
  const file = cli.at(`${name}.json`)
  const { json } = await cli.run(['identity', 'generate', '-n', name, '-f', file])
  return { file, id: String(json[0]!['agent_id']) }
}

/** As the operator: with the key in the environment. */
const admin = (...args: string[]) => cli.run(['admin', ...args], { env: { AGENTCHAT_ADMIN_KEY: adminKey } })

describe('admin', () => {
  test('kick, ban, unban, bans, verify, audit', async () => {
    await start()
    const ann = await identity('ann')
    await cli.run(['call', 'JOIN', 'channel=#general', '-i', ann.file])
    const listening = cli.run(['listen', '-i', ann.file])
    await listening.prints('Listening')
    expect(await admin('kick', ann.id, 'too loud', '--json')).toMatchObject({ code: 0, json: [{ action: 'kick', agent_id: ann.id }] })
    expect(await listening).toMatchObject({ code: exits.ended.code })
    expect((await admin('ban', ann.id, 'spam')).stderr).toContain(`Banned: ${ann.id}`)
    expect(await cli.run(['send', '#general', 'hi', '-i', ann.file])).toMatchObject({ code: exits.auth.code })
    expect((await admin('ban', '--address', '203.0.113.7')).stderr).toContain('203.0.113.7')
    expect((await admin('bans')).json).toEqual([
      { of: '203.0.113.7', at: expect.any(Number) },
      { of: ann.id, reason: 'spam', at: expect.any(Number) },
    ])
    expect((await admin('unban', ann.id)).code).toBe(0)
    expect((await admin('unban', '--address', '203.0.113.7')).code).toBe(0)
    expect(await admin('bans')).toMatchObject({ stdout: '', stderr: expect.stringContaining('Nobody is banned') })
    expect((await admin('verify', ann.id)).stderr).toContain(`${ann.id} is verified`)
    expect((await cli.run(['who', ann.id])).json[0]).toMatchObject({ verified: true })
    expect((await admin('verify', ann.id, '--withdraw')).code).toBe(0)
    expect((await cli.run(['who', ann.id])).json[0]).toMatchObject({ verified: false })
    const entries = (await admin('audit', '--of', ann.id, '--json')).json.flat() as unknown as readonly { readonly action: string }[]
    expect(entries.map(({ action }) => action)).toEqual(['ADMIN_VERIFY', 'ADMIN_VERIFY', 'ADMIN_UNBAN', 'ADMIN_BAN', 'ADMIN_KICK'])
    expect((await admin('audit', '-l', '1')).json).toHaveLength(1)
  })

  test('log, agents, settings: what is there, and the log as it goes on', async () => {
    const log = pino({ level: 'info' }, { write: () => undefined })
    await using relay = await startTestRelay({ adminKey, name: 'workshop' }, { log })
    cli.env['AGENTCHAT_URL'] = relay.url
    const ann = await identity('ann')
    const listening = cli.run(['listen', '-i', ann.file])
    await listening.prints('Listening')
    const connected = (await admin('agents')).json
    // Whoever asks is there too.
    expect(connected).toHaveLength(2)
    expect(connected.find(({ agent }) => agent === ann.id)).toMatchObject({
      name: 'ann',
      keyed: true,
      sessions: 1,
      addresses: ['127.0.0.1'],
    })
    listening.interrupt()
    await listening
    expect((await admin('settings', '--changed')).json).toContainEqual(expect.objectContaining({ name: 'name', value: 'workshop' }))
    const wrong = 'a key that somebody guessed'
    const following = admin('log', '--follow', '--level', 'warn', '--json')
    await cli.run(['admin', 'bans', '--admin-key', wrong])
    await following.prints('a wrong admin key')
    following.interrupt()
    const { code, json, stdout } = await following
    expect(code).toBe(exits.interrupted.code)
    expect(json.at(-1)).toMatchObject({ level: 'warn', text: 'a wrong admin key', facts: { request: 'ADMIN_BANS' } })
    for (const secret of [wrong, adminKey]) expect(stdout).not.toContain(secret)
    expect((await admin('log', '-l', '1')).json).toHaveLength(1)
    expect(await admin('log', '--level', 'loud')).toMatchObject({ code: exits.usage.code })
  })

  test('without the right, or without an agent, it says so, and nothing is done', async () => {
    await start()
    const wrong = await cli.run(['admin', 'bans', '--admin-key', 'a key that somebody guessed'])
    expect(wrong).toMatchObject({ code: exits.auth.code, stdout: '' })
    expect((await cli.run(['admin', 'bans'])).code).not.toBe(0)
    expect(await cli.run(['admin'])).toMatchObject({ code: exits.usage.code })
    expect(await admin('ban')).toMatchObject({ code: exits.refused.code })
    expect(await admin('kick')).toMatchObject({ code: exits.usage.code })
    expect(await admin('delete-channel', '#general')).toMatchObject({
      code: exits.usage.code,
      stderr: expect.stringContaining('#general is deleted with all that was said in it: nobody is there to ask'),
    })
  })

  test('the message of the day is set, told to who listens, shown at a terminal and by doctor, and cleared', async () => {
    await start()
    const listening = cli.run(['listen'])
    await listening.prints('Listening')
    expect((await admin('motd', 'Maintenance at noon')).code).toBe(0)
    await listening.prints('Maintenance at noon')
    listening.interrupt()
    await listening
    expect((await admin('motd')).json).toEqual([{ motd: 'Maintenance at noon' }])
    expect((await cli.run(['send', '#general', 'hi'], { isTTY: true, env: { NO_COLOR: '1' } })).stderr).toContain('Maintenance at noon')
    expect((await cli.run(['send', '#general', 'hi'])).stderr).not.toContain('Maintenance')
    expect((await cli.run(['doctor'])).json).toContainEqual({ check: 'motd', status: 'ok', message: 'Maintenance at noon' })
    expect((await admin('motd', '--clear')).code).toBe(0)
    expect((await admin('motd')).json).toEqual([{ motd: null }])
  })

  test('every channel is shown to admins, and can be deleted by them', async () => {
    await start()
    const ann = await identity('ann')
    await cli.run(['create', '#core', '-p', '-i', ann.file])
    expect((await cli.run(['channels'])).stdout).not.toContain('#core')
    expect((await admin('channels')).json).toContainEqual({ channel: '#core', agents: 0, private: true, owner: ann.id })
    expect(await cli.run(['call', 'LIST_CHANNELS', 'all=true'])).toMatchObject({ code: exits.auth.code })
    expect((await admin('audit')).json[0]).toMatchObject({ action: 'LIST_CHANNELS' })
    expect((await admin('delete-channel', 'core', '--yes')).stderr).toContain('#core is deleted')
    expect((await admin('channels')).stdout).not.toContain('#core')
  })
})

describe('a strict allowlist', () => {
  test('lets in admin agents and the admin key, and nobody else; approved keys come and go', async () => {
    const ann = await identity('ann')
    const boss = await identity('boss')
    await start({ allowlist: true, allowlistStrict: true, adminAgents: [boss.id] })
    expect((await cli.run(['channels', '-i', ann.file])).code).toBe(exits.auth.code)
    expect((await cli.run(['channels'])).code).toBe(exits.auth.code)
    expect((await cli.run(['channels', '-i', boss.file])).code).toBe(0)
    expect(await cli.run(['admin', 'allowlist', '-i', boss.file])).toMatchObject({ code: 0, stdout: '' })
    // The key alone, with no identity at all.
    writeFileSync(cli.at('ann.pub.json'), (await cli.run(['identity', 'export', '-f', ann.file])).stdout)
    expect((await admin('approve', cli.at('ann.pub.json'), '--note', 'our ann')).stderr).toContain(`${ann.id} is approved`)
    expect((await admin('allowlist')).json).toMatchObject([{ agent_id: ann.id, note: 'our ann' }])
    const call = await cli.run(['call', 'ADMIN_LIST'], { env: { AGENTCHAT_ADMIN_KEY: adminKey } })
    expect(call.json[0]).toMatchObject({ type: 'ADMIN_RESULT', strict: true })
    expect((await cli.run(['send', '#general', 'hi', '-i', ann.file])).code).toBe(0)
    expect((await admin('revoke', ann.id)).code).toBe(0)
    expect((await cli.run(['send', '#general', 'hi', '-i', ann.file])).code).toBe(exits.auth.code)
    expect(await cli.run(['admin', 'allowlist', '--admin-key', 'a key that somebody guessed'])).toMatchObject({ code: exits.auth.code })
    // Only what needs the key is let in by it.
    expect((await cli.run(['send', '#general', 'hi'], { env: { AGENTCHAT_ADMIN_KEY: adminKey } })).code).toBe(exits.auth.code)
  })

  test('the admin key is shown to no other relay than the one that is known', async () => {
    const relay = await start()
    await admin('bans')
    const port = Number(new URL(relay.url).port)
    await relay.drain()
    await using _ = await startTestRelay({ adminKey, port })
    expect(await admin('bans')).toMatchObject({ code: exits.auth.code, stderr: expect.stringContaining('HAS ANOTHER KEY') })
  })
})

describe('channel', () => {
  test('its owner says who sets the topic, sees members and invited, takes back, puts out, gives away, deletes', async () => {
    await start()
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    const as = ({ file }: { readonly file: string }) => (...args: string[]) => cli.run([...args, '-i', file])
    await cli.run(['channels', '-i', bob.file])
    await as(ann)('create', '#core', '-p', '--topic-by', 'owner')
    await as(ann)('invite', '#core', bob.id)
    expect((await as(ann)('channel', 'members', 'core')).json).toEqual([
      { agent_id: ann.id, name: 'ann', state: 'connected', owner: true, invited_by: null },
      { agent_id: bob.id, name: null, state: 'invited', owner: false, invited_by: ann.id },
    ])
    expect((await as(ann)('channel', 'uninvite', '#core', bob.id)).code).toBe(0)
    expect((await as(bob)('send', '#core', 'hi')).code).toBe(exits.notFound.code)
    await as(ann)('invite', '#core', bob.id)
    expect((await as(bob)('send', '#core', 'hi')).code).toBe(0)
    expect((await as(bob)('topic', '#core', 'mine')).code).toBe(exits.auth.code)
    expect((await as(ann)('channel', 'set', '#core', '--topic-by', 'members')).json).toEqual([])
    expect((await as(bob)('topic', '#core', 'ours')).code).toBe(0)
    expect(await as(bob)('channel', 'remove', '#core', ann.id)).toMatchObject({ code: exits.auth.code })
    expect((await as(ann)('channel', 'owner', '#core')).json).toEqual([{ channel: '#core', owner: ann.id }])
    expect((await as(ann)('channel', 'owner', '#core', bob.id, '--json')).json).toEqual([{ channel: '#core', owner: bob.id }])
    expect((await as(bob)('channel', 'remove', '#core', ann.id, '--json')).json).toEqual([{ channel: '#core', agent_id: ann.id }])
    expect((await as(ann)('send', '#core', 'hi')).code).toBe(exits.notFound.code)
    // The operator has the same rights by the key, which is told only where it is needed.
    const operator = await cli.run(['channel', 'members', '#core'], { env: { AGENTCHAT_ADMIN_KEY: adminKey } })
    expect(operator.json).toMatchObject([{ agent_id: bob.id }])
    expect((await cli.run(['call', 'LIST_CHANNELS'], { env: { AGENTCHAT_ADMIN_KEY: 'not the key of this relay' } })).code).toBe(0)
    expect((await as(bob)('channel', 'leave', '#core', '--json')).json).toEqual([{ channel: '#core' }])
    expect((await admin('channels')).stdout).toContain('#core')
    await as(bob)('create', '#mine')
    expect((await as(bob)('channel', 'delete', '#mine')).code).toBe(exits.usage.code)
    expect((await as(bob)('channel', 'delete', '#mine', '--yes')).code).toBe(0)
    expect((await cli.run(['channels'])).stdout).not.toContain('#mine')
    expect((await cli.run(['channel'])).code).toBe(exits.usage.code)
  })

  test('block, blocks, unblock', async () => {
    await start()
    const [ann, bob] = [await identity('ann'), await identity('bob')]
    for (const { file } of [ann, bob]) await cli.run(['channels', '-i', file])
    expect((await cli.run(['block', ann.id, '-i', bob.file, '--json'])).json).toEqual([{ agent_id: ann.id }])
    expect((await cli.run(['blocks', '-i', bob.file])).json).toEqual([{ agent_id: ann.id, at: expect.any(Number) }])
    expect((await cli.run(['send', bob.id, 'hello?', '-i', ann.file])).code).toBe(0)
    expect((await cli.run(['listen', '--dm', '-i', bob.file, '--timeout', '0.3'])).stdout).toBe('')
    expect((await cli.run(['unblock', ann.id, '-i', bob.file])).code).toBe(0)
    expect((await cli.run(['blocks', '-i', bob.file])).stderr).toContain('You block nobody')
    expect((await cli.run(['block', ann.id])).code).toBe(exits.auth.code)
    expect((await cli.run(['block', 'ann'])).code).toBe(exits.usage.code)
  })
})
