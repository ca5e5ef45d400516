// Tokens by the command line, and what keeps them from being more than they are.
import { createHash } from 'node:crypto'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'
import { findToken } from '../src/store/tokens.ts'

let cli: Cli
let relay: TestRelay
let file: string

beforeEach(async () => {
  relay = await startTestRelay()
  cli = new Cli()
  cli.env['AGENTCHAT_URL'] = relay.url
  file = cli.at('ada.json')
  await cli.run(['identity', 'generate', '-n', 'ada', '-f', file])
  onTestFinished(async () => {
    cli[Symbol.dispose]()
    await relay.drain()
  })
})

const run = (...args: string[]) => cli.run(['token', ...args, '-i', file, '--json'])

test('create shows a secret once, of which a hash is kept; list does not; revoke ends it', async () => {
  const { json: [made] } = await run('create', '--name', 'ci', '--scopes', 'read,send', '--days', '7')
  expect(made).toMatchObject({
    name: 'ci',
    scopes: ['read', 'send'],
    token: expect.stringMatching(/^act_[A-Za-z0-9]{10}_[\w-]{43}$/) as string,
  })
  const [, id, secret] = /^act_(\w{10})_(.{43})$/.exec(String(made!['token']))!
  expect((await findToken(relay.store.read, id!))!.hash).toBe(createHash('sha256').update(secret!).digest('hex'))
  const { stdout, json: [listed] } = await run('list')
  expect(listed).toMatchObject([{ token_id: id, name: 'ci' }])
  expect(stdout).not.toContain(secret)
  await run('revoke', id!)
  expect((await run('list')).json).toEqual([[]])
  expect(await findToken(relay.store.read, id!)).toBeUndefined()
})

test('a scope that there is not, and a life that is too long, are refused before anything is asked', async () => {
  expect((await run('create', '--scopes', 'root')).code).not.toBe(0)
  expect((await run('create', '--days', '400')).code).not.toBe(0)
})

test('an agent has so many, and a token makes none', async () => {
  const key = newKey()
  await using wire = await relay.login('bob', { key })
  let id = ''
  for (let i = 0; i < 20; i++) id = (await wire.ask({ type: 'TOKEN_CREATE' }, 'TOKEN_CREATED')).token_id
  expect(await wire.refusal({ type: 'TOKEN_CREATE' })).toMatchObject({ code: 'LIMIT_REACHED' })
  const caller = { agent: key.id, via: 'http', auth: 'token', address: '203.0.113.7' } as const
  for (
    const ask of [
      () => relay.inside.ask(caller, 'TOKEN_CREATE', {}),
      () => relay.inside.ask(caller, 'TOKENS', {}),
      () => relay.inside.ask(caller, 'TOKEN_REVOKE', { token_id: id }),
    ]
  ) await expect(ask()).rejects.toMatchObject({ code: 'SIGNATURE_REQUIRED' })
  expect(await findToken(relay.store.read, id)).toMatchObject({ agent: key.id })
})
