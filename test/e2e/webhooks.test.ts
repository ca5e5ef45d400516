// Webhooks of a relay that is killed while they are under way, and the receiver that docs/WEBHOOKS.md shows, as it stands there.
// WEBHOOK_MESSAGES=2000 WEBHOOK_KILLS=10 npx vitest run test/e2e/webhooks.test.ts: as a release is tried.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AgentChatClient } from '../../lib/client/index.ts'
import { generateKeyPair } from '../../lib/identity/index.ts'
import { nodeIdentity, onNode } from '../../lib/node/index.ts'
import { newFolder } from '../kit/folder.ts'
import { Program, ServeProgram, builtBin } from '../kit/process.ts'
import { newReceiver } from '../kit/receiver.ts'

const messages = Number(process.env['WEBHOOK_MESSAGES'] ?? 60)
const kills = Number(process.env['WEBHOOK_KILLS'] ?? 3)

const ownerAt = async (server: string): Promise<AgentChatClient> => {
  const identity = nodeIdentity(generateKeyPair().privateKey, { name: 'ada' })
  const { transport, verify } = onNode()
  const owner = new AgentChatClient({ server, identity, transport, verify, reconnect: {} })
  await owner.connect()
  return owner
}

test(
  `${messages} messages to a receiver that fails, while the relay is killed ${kills} times: none is lost, and each webhook has its order`,
  async () => {
    using data = newFolder()
    await using receiver = await newReceiver()
    const flags = ['--data', data.path, '--msg-rate', '0', '--webhooks', '--outbound-allow', '127.0.0.1']
    let relay = new ServeProgram(builtBin(), ['--port', '0', ...flags])
    const url = await relay.url
    const { port } = new URL(url)
    const owner = await ownerAt(url)
    const channels = ['#one', '#two'] as const
    for (const channel of channels) {
      await owner.createChannel(channel)
      await owner.join(channel)
      await owner.request('WEBHOOK_ADD', { url: receiver.url, channel })
    }
    // One takes the event and loses the answer: it comes again.
    receiver.answering = response => {
      if (receiver.received.length === 7) response.destroy()
      else setTimeout(() => response.writeHead(204).end(), 2)
    }
    for (let n = 0; n < messages; n++) {
      await owner.send(channels[n % 2]!, `m${n}`, { id: `id${n}` })
      if (n % Math.ceil(messages / kills) !== Math.ceil(messages / kills) - 1) continue
      relay.signal('SIGKILL')
      await relay.ended
      relay = new ServeProgram(builtBin(), ['--port', port, ...flags])
      await relay.url
    }
    const told = (channel: string): readonly string[] => [
      ...new Set(
        receiver.received.filter(({ body }) => body.data['to'] === channel).map(({ body }) =>
          String((body.data['event'] as { content: string }).content)
        ),
      ),
    ]
    const sent = (channel: string) =>
      Array.from({ length: messages }, (_, n) => n).filter(n => channels[n % 2] === channel).map(n => `m${n}`)
    for (const end = Date.now() + 60_000; channels.some(channel => told(channel).length < sent(channel).length) && Date.now() < end;)
      await sleep(50)
    // The first time that each came is in order, and nothing is missing. What came again was under the same id.
    for (const channel of channels) expect(told(channel)).toEqual(sent(channel))
    const ids = new Map(receiver.received.map(({ id, body }) => [id, body.data['msg_id']]))
    expect(ids.size).toBe(messages)
    await owner.close()
    relay.signal('SIGTERM')
    await relay.ended
  },
  120_000,
)

test('the receiver of the page takes what is signed by its secret, and nothing else', async () => {
  using folder = newFolder()
  const [, program] = /<!-- receiver -->\n```js\n([\s\S]*?)```/.exec(readFileSync('docs/WEBHOOKS.md', 'utf8'))!
  mkdirSync(folder.at('node_modules'))
  for (const name of ['standardwebhooks', '@stablelib', 'fast-sha256'])
    symlinkSync(join(process.cwd(), 'node_modules', name), folder.at(`node_modules/${name}`))
  // Port 0 says nothing of where it is; a test has to know.
  writeFileSync(folder.at('receiver.mjs'),
    program!.replace('.listen(process.env.PORT ?? 3000)', ".listen(0, function () { console.log('port', this.address().port) })"))
  using data = newFolder()
  const relay = new ServeProgram(builtBin(), ['--port', '0', '--data', data.path, '--webhooks', '--outbound-allow', '127.0.0.1'])
  const owner = await ownerAt(await relay.url)
  await owner.createChannel('#builds')
  await owner.join('#builds')
  await using placeholder = await newReceiver()
  const { secret } = await owner.request('WEBHOOK_ADD', { url: placeholder.url, channel: '#builds' })
  await owner.send('#builds', 'build 12 is green')
  await placeholder.until(1)
  await using receiver = new Program(process.execPath, ['receiver.mjs'], { cwd: folder.path, env: { WEBHOOK_SECRET: secret } })
  const port = (await receiver.prints(/port (\d+)/))[1]!
  const { text, headers } = placeholder.received[0]!
  const post = async (body: string) =>
    (await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('webhook-'))),
    }))
      .status
  expect(await post(text)).toBe(204)
  expect(await post(text.replace('green', 'wrong'))).toBe(401)
  await receiver.prints(/message\.posted @\w+ build 12 is green/)
  await owner.close()
  relay.signal('SIGTERM')
  await relay.ended
}, 60_000)
