// This version and the one before it in one cluster, both as packages: processes of the older one are replaced one by one while agents talk, and
// every transcript of the older one is played among both. `npm run upgrade -- TAG`: from that version, with all transcripts.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/app.ts'
import type { Store } from '../../src/store/store.ts'
import { TearingProxy } from '../chaos/proxy.ts'
import { Random } from '../chaos/random.ts'
import { newClient, newIdentity } from '../kit/client.ts'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { released, type Released } from '../kit/released.ts'
import { startTestRelay, TestClock, TestRelay, testConfig } from '../kit/relay.ts'
import { watchStatements } from '../kit/statements.ts'
import { HeldStore } from '../kit/store.ts'
import { playAmong } from '../transcripts/runner.ts'
import { parseScript, type Scene } from '../transcripts/script.ts'

/** As long as there is no release: the first commit whose processes can be upgraded one by one. */
const firstOfItsKind = 'f919f955ebf12e7ef4f3834425c7ab526b8c5d21'
const upgradeFrom = process.env['UPGRADE_FROM']
const isAll = process.env['UPGRADE_ALL'] !== undefined

const git = (...args: readonly string[]): string | undefined => {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
const before = git('rev-parse', '--verify', `${upgradeFrom ?? git('describe', '--tags', '--abbrev=0') ?? firstOfItsKind}^{commit}`)
if (upgradeFrom !== undefined && before === undefined) throw new Error(`There is no version ${upgradeFrom} in this repository`)

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

describe.skipIf(noNats !== undefined || before === undefined)('beside the version before', () => {
  test('processes are replaced one by one, there and back, while agents talk: each message is stored once and heard by all in order',
    async () => {
      const old = await released(before!)
      await using database = await newDatabase('template0')
      await using nats = await TestNats.start()
      const flags = ['--store', database.url, '--nats', nats.url, '--port', '0', '--json', '--msg-rate', '0', '--max-file-bytes', '0']
      const running = new Map<string, ServeProgram>()
      const ports: number[] = []
      const proxy = new TearingProxy(new Random(1, 'balancer'), () => ports[Math.floor(Math.random() * ports.length)]!)
      const publicUrl = `ws://127.0.0.1:${await proxy.listen()}`
      const start = async (node: string, bin: string): Promise<void> => {
        const program = new ServeProgram(bin, [...flags, '--node', node, '--public-urls', publicUrl])
        running.set(node, program)
        ports.push(Number(new URL(await program.url).port))
      }
      const stop = async (node: string): Promise<void> => {
        const program = running.get(node)!
        ports.splice(ports.indexOf(Number(new URL(await program.url).port)), 1)
        program.signal('SIGTERM')
        expect(await program.ended).toMatchObject({ code: 0 })
      }
      const versions = async () =>
        (await database.ask<{ name: string }>("SELECT name FROM nodes WHERE state = 'serving' ORDER BY name")).map(({ name }) => name)
      const clients = upTo(6).map(n => newClient(publicUrl, { identity: newIdentity(`agent${n}`), reconnect: { minMs: 20, maxMs: 200 } }))
      const heard = clients.map(() => [] as string[])
      let isOver = false
      try {
        for (const node of ['a', 'b', 'c']) await start(node, old.bin)
        for (const [i, client] of clients.entries()) {
          client.on('message', ({ to, seq, content }) => {
            if (to === '#general') heard[i]!.push(`${seq} ${content}`)
          })
          await client.connect()
          await client.join('#general')
        }
        const sent: string[] = []
        const talk = Promise.all(clients.map(async (client, i) => {
          for (let n = 0; !isOver; n++) {
            const content = `${i} ${n}`
            await client.send('#general', content)
            sent.push(content)
          }
        }))
        talk.catch(() => undefined)
        const talked = async () => {
          const until = sent.length + 60
          await expect.poll(() => sent.length, { timeout: 30_000 }).toBeGreaterThan(until)
        }
        await talked()
        const names = ['a', 'b', 'c']
        const turns = isAll
          ? [builtBin(), old.bin, builtBin()].flatMap(bin => names.map(node => [node, bin] as const))
          : [...names.map(node => [node, builtBin()] as const), ['b', old.bin] as const]
        for (const [node, bin] of turns) {
          await stop(node)
          await start(node, bin)
          await talked()
        }
        expect(await versions()).toEqual(['a', 'b', 'c'])
        isOver = true
        await talk
        const said = async (): Promise<readonly string[]> =>
          (await database.ask<{ seq: number, text: string }>(
            `SELECT e.seq::int AS seq, e.text FROM events e JOIN streams s ON s.id = e.stream
          WHERE s.name = '#general' ORDER BY e.seq`,
          )).map(({ seq, text }) => `${seq} ${(JSON.parse(text) as { readonly content: string }).content}`)
        const stored = await said()
        expect(stored.map(each => Number(each.split(' ')[0]))).toEqual(upTo(sent.length))
        expect(stored.map(each => each.slice(each.indexOf(' ') + 1)).sort()).toEqual([...sent].sort())
        // What each heard is a piece of it without gap, up to its end: the first of them heard all.
        for (const each of heard) {
          await expect.poll(() => each.at(-1), { timeout: 20_000 }).toBe(stored.at(-1))
          expect(each).toEqual(stored.slice(stored.length - each.length))
        }
        for (const [, program] of running) expect(program.stderr).not.toMatch(/"level":(?:50|60)/)
      } finally {
        for (const client of clients) await client.close().catch(() => undefined)
        for (const [, program] of running) await program[Symbol.asyncDispose]()
        proxy.close()
      }
    }, 240_000)

  test('transcripts of the older one hold among both', async () => {
    const old = await released(before!)
    await using nats = await TestNats.start()
    // The store of the older one is its own; these want to look into it, or count what is one process's.
    const left = /too many connections of one address|the answers of two that take turns are stopped/
    const files = readdirSync(old.transcripts).filter(name => name.endsWith('.txt') && name !== 'files.txt').sort()
    const wrong: string[] = []
    let played = 0
    for (const [i, file] of files.entries()) {
      const scenes = parseScript(readFileSync(join(old.transcripts, file), 'utf8')).filter(({ title }) => !left.test(title))
      for (const scene of isAll ? scenes : scenes.slice(0, i % 8 === 0 ? 1 : 0)) {
        played++
        await playScene(old, nats, scene, played).catch((error: unknown) => wrong.push(`${file}: ${scene.title}: ${String(error)}`))
      }
    }
    expect(wrong, wrong.join('\n')).toEqual([])
    expect(played).toBeGreaterThan(isAll ? 100 : 3)
    if (isAll) process.stdout.write(`${played} scenes of ${old.commit.slice(0, 7)} among both\n`)
  }, 1_200_000)
})

const playScene = async (old: Released, nats: TestNats, { relay, statements }: Scene, n: number): Promise<void> => {
  await watchStatements()
  await using database = await newDatabase('template0')
  const clock = new TestClock()
  const pace = { tickMs: 20, signalMs: 200, isOwnTime: true }
  const configOf = (node: string): Partial<Config> => ({
    ...{ store: database.url, nats: nats.url, cluster: `scene${n}`, node, maxFileBytes: 0 },
    ...relay as Partial<Config>,
  })
  // It makes the tables, and the newer one adds its own.
  const running = await old.server.startRelay(old.server.defaultConfig(testConfig(configOf('old'))), { clock, pace, loadsLate: true })
  await using older = new TestRelay(running, clock, new HeldStore({} as Store))
  await using newer = await startTestRelay(configOf('new'), { pace }, { clock })
  await playAmong([newer, older], statements, 5)
}
