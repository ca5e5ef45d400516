// A daemon that is killed at seeded moments, while lines are put into its outbox and messages come: what is stored, and what is on the disk.
// DAEMON_LINES=2000 DAEMON_KILLS=20 DAEMON_SEED=7 npx vitest run test/e2e/daemon.test.ts: as a release is tried.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AgentChatClient, type ChannelName } from '../../lib/client/index.ts'
import { generateKeyPair } from '../../lib/identity/index.ts'
import { identityOf, newIdentityFile, nodeIdentity, onNode, saveIdentityFile } from '../../lib/node/index.ts'
import { newFolder } from '../kit/folder.ts'
import { Program, builtBin } from '../kit/process.ts'
import { startTestRelay } from '../kit/relay.ts'

const lines = Number(process.env['DAEMON_LINES'] ?? 120)
const kills = Number(process.env['DAEMON_KILLS'] ?? 4)

/** Numbers from 0 to 1, the same for the same seed. */
const seeded = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

test(
  `${lines} lines out and ${lines} messages in, while the daemon is killed ${kills} times: each once, and in order`,
  async () => {
    using folder = newFolder()
    await using relay = await startTestRelay()
    const { transport, verify } = onNode()
    const ada = new AgentChatClient({
      server: relay.url,
      identity: nodeIdentity(generateKeyPair().privateKey, { name: 'ada' }),
      transport,
      verify,
    })
    await ada.connect()
    const channel: ChannelName = '#work'
    await ada.createChannel(channel)
    const file = newIdentityFile('bob', Date.now())
    saveIdentityFile(folder.at('bob.json'), file)
    const bob = identityOf(file).agentId
    const place = folder.at('.agentchat/daemons/default')
    mkdirSync(place, { recursive: true })

    const start = () =>
      new Program(process.execPath, [builtBin(), 'daemon', relay.url, channel, '-i', folder.at('bob.json')], { env: { HOME: folder.path } })
    const random = seeded(Number(process.env['DAEMON_SEED'] ?? 1))
    const moments = Array.from({ length: kills }, () => Math.ceil(random() * lines)).sort((a, b) => a - b)
    let daemon = start()
    await daemon.prints(/Connected as/)
    let stored = 0
    const heard = (async () => {
      for await (const { from } of ada.messages(channel)) {
        if (from !== bob) continue
        // The line is stored, and not noted yet; or a message is on its way to the disk.
        const isOver = moments.length > 0 && stored + 1 >= moments[0]!
        if (isOver && moments.length % 2 === 0) daemon.signal('SIGKILL')
        await ada.send(stored % 3 === 0 ? channel : bob, `in ${stored}`)
        stored++
        if (isOver) {
          moments.shift()
          await sleep(random() * 15)
          daemon.signal('SIGKILL')
          await daemon.ended
          daemon = start()
        }
        if (stored === lines) return
      }
    })()
    const sent = Array.from({ length: lines }, (_, n) => n)
    for (const half of [sent.slice(0, lines / 2), sent.slice(lines / 2)])
      appendFileSync(`${place}/outbox.jsonl`, half.map(n => `${JSON.stringify({ to: channel, content: `out ${n}` })}\n`).join(''))
    await heard
    const read = () =>
      readFileSync(`${place}/inbox.jsonl`, 'utf8').split('\n').slice(0, -1).map(line =>
        JSON.parse(line) as { readonly to: string, readonly content: string }
      )
    await expect.poll(() => read().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(lines)
    await daemon.prints(/Connected as/)
    daemon.signal('SIGTERM')
    expect(await daemon.ended).toEqual({ code: 0, signal: null })

    for (const [to, isTo] of [[channel, true], [bob, false]] as const)
      expect(read().filter(line => line.to === to).map(({ content }) => content)).toEqual(
        sent.filter(n => (n % 3 === 0) === isTo).map(n => `in ${n}`),
      )
    const said: string[] = []
    for (let after = 0, more = true; more;) {
      const page = await ada.request('HISTORY', { channel, after, limit: 200 })
      for (const { from, content } of page.events as readonly { readonly from?: string, readonly content?: string }[])
        if (from === bob) said.push(content!)
      after = (page.events.at(-1) as { readonly seq: number }).seq
      more = page.more
    }
    expect(said).toEqual(sent.map(n => `out ${n}`))
    await ada.close()
  },
  60_000,
)
