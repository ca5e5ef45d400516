// Webhooks and errands from a shell: made, tried, gone on with and ended by their agent; looked after by the operator; posted to one's own
// machine.
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { newReceiver } from './kit/receiver.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const cli = new Cli()
let relay: TestRelay

beforeAll(async () => {
  relay = await startTestRelay({ webhooks: true, outboundAllow: ['127.0.0.1'], adminKey: 'the key of the operator' }, {
    pace: { sweepMs: 20 },
  })
  cli.env['AGENTCHAT_URL'] = relay.url
  await cli.run(['identity', 'generate', '-n', 'ada'])
  await cli.run(['identity', 'generate', '-n', 'bob', '-f', cli.at('bob.json')])
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})

const ada = async (): Promise<string> => String((await cli.run(['whoami', '--json'])).json[0]!['agent_id'])
const say = async (content: string, to?: string) => cli.run(['send', to ?? await ada(), content, '-i', cli.at('bob.json')])
const listed = async (...words: readonly string[]) =>
  JSON.parse((await cli.run([...words, '--json'])).stdout) as readonly Record<string, unknown>[]
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 10_000; !await isSo();) if (Date.now() > end) throw new Error(`still not: ${isSo.toString()}`)
}

test('a webhook is added, tested, seen, rotated, goes on after the operator or its agent said so, and ends', async () => {
  await using receiver = await newReceiver()
  const added = await cli.run(['webhook', 'add', receiver.url, '--name', 'ci', '--json'])
  expect(added).toMatchObject({
    code: 0,
    json: [{ url: receiver.url, name: 'ci', state: 'on', secret: expect.stringMatching(/^whsec_/) as string }],
  })
  const id = String(added.json[0]!['webhook_id'])
  expect(await cli.run(['webhook', 'test', id])).toMatchObject({ code: 0 })
  await receiver.until(1)
  expect(receiver.received[0]!.body.type).toBe('webhook.test')
  const { headers, text } = receiver.received[0]!
  expect(new Webhook(String(added.json[0]!['secret'])).verify(text, headers)).toBeTruthy()
  receiver.answering = response => void response.writeHead(410).end()
  await say('first')
  await until(async () => (await listed('webhook', 'list'))[0]!['state'] === 'off')
  expect((await cli.run(['webhook', 'list'], { isTTY: true })).stdout).toContain('off: it answers 410: gone for good')
  expect(await listed('webhook', 'log', id)).toMatchObject([{ state: 'failed', status: 410 }, { seq: 0, state: 'delivered' }])
  receiver.answering = response => void response.writeHead(204).end()
  const admin = { env: { AGENTCHAT_ADMIN_KEY: 'the key of the operator' } }
  const dead = JSON.parse((await cli.run(['errands', 'list', '--state', 'dead', '--json'], admin)).stdout) as Record<string, unknown>[]
  expect(dead).toMatchObject([{ kind: 'webhook', ref: id, owner: await ada(), state: 'dead' }])
  const errand = String(dead[0]!['errand'])
  expect((await cli.run(['errands', 'show', errand], { ...admin, isTTY: true })).stderr).toContain('gone for good')
  expect(await cli.run(['errands', 'list'])).not.toMatchObject({ code: 0 })
  expect(await cli.run(['errands', 'retry', errand], admin)).toMatchObject({ code: 0 })
  await receiver.until(3)
  expect(receiver.contents.slice(1)).toEqual(['first', 'first'])
  await until(async () => (await listed('webhook', 'list'))[0]!['state'] === 'on')
  expect(await cli.run(['webhook', 'replay', id, '--from-seq', '1'])).toMatchObject({ code: 0 })
  await receiver.until(4)
  expect((await cli.run(['webhook', 'rotate', id, '--json'])).json).toMatchObject([{
    webhook_id: id,
    secret: expect.stringMatching(/^whsec_/) as string,
  }])
  expect(await cli.run(['webhook', 'remove', id])).toMatchObject({ code: 0 })
  expect(await listed('webhook', 'list')).toEqual([])
  expect((await cli.run(['errands', 'drop', '999'], admin)).code).not.toBe(0)
}, 60_000)

test('a forwarder posts what comes, until it is taken, signed by a secret of its own', async () => {
  await using receiver = await newReceiver()
  let isDown = true
  receiver.answering = response => {
    response.writeHead(isDown ? 500 : 204).end()
    isDown = false
  }
  const file = cli.at('cleo.json')
  const cleo = String((await cli.run(['identity', 'generate', '-n', 'cleo', '-f', file])).json[0]!['agent_id'])
  const listening = cli.run(['webhook', 'listen', '--forward-to', receiver.url, '-m', '2', '--json', '-i', file])
  await listening.prints('Secret: whsec_')
  for (const content of ['one', 'two']) await say(content, cleo)
  const { code, stderr, json } = await listening
  expect(code).toBe(0)
  expect(json.map(({ status }) => status)).toEqual([500, 204, 204])
  expect(receiver.contents).toEqual(['one', 'one', 'two'])
  const secret = /whsec_\S+/.exec(stderr)![0]
  for (const { text, headers } of receiver.received) expect(new Webhook(secret).verify(text, headers)).toBeTruthy()
  expect(receiver.received[0]!.body).toMatchObject({
    type: 'message.received',
    data: { signature: 'valid', signed_by: { key: expect.any(String) as string } },
  })
  expect(await cli.run(['webhook', 'listen'])).toMatchObject({ code: 2 })
}, 60_000)
