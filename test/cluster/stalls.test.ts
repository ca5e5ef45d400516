// Processes with wrong clocks, and processes that stand still for longer than they are believed to run: what their clients see.
import { describe, expect, test } from 'vitest'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { login, newKey, type Wire } from '../kit/wire.ts'

const say = (content: string) => ({ type: 'MSG', to: '#general', content, id: content.replaceAll(' ', '-') })

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 100))
}

describe.skipIf(noNats !== undefined)('three processes, of which the clocks of two are half a minute off', () => {
  test('go by one time; one that stands still is gone and comes back; one whose name was taken meanwhile gives it up', async () => {
    await using database = await newDatabase('template0')
    await using nats = await TestNats.start()
    const flags = ['--store', database.url, '--nats', nats.url, '--port', '0', '--json', '--msg-rate', '0', '--max-file-bytes', '0']
    const start = (node: string, skewMs: number) =>
      new ServeProgram(builtBin(), [...flags, '--node', node], {
        env: {
          NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, '../kit/shifted-clock.mjs')).href}`,
          AGENTCHAT_TEST_SKEW_MS: String(skewMs),
        },
      })
    await using right = start('right', 0)
    await right.url
    await using fast = start('fast', 30_000)
    await using slow = start('slow', -30_000)
    const [ada, bob, cara, dan] = [newKey(), newKey(), newKey(), newKey()]
    await using adaAtRight = await login(await right.url, 'ada', { key: ada })
    await using bobAtFast = await login(await fast.url, 'bob', { key: bob })
    await using danAtFast = await login(await fast.url, 'dan', { key: dan })
    await using caraAtSlow = await login(await slow.url, 'cara', { key: cara })

    const nowMs = async () =>
      Number((await database.ask<{ ms: string }>('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000) AS ms'))[0]!.ms)
    const before = await nowMs()
    for (let n = 0; n < 4; n++)
      for (const [name, wire] of [['ada', adaAtRight], ['bob', bobAtFast], ['cara', caraAtSlow]] as const)
        await wire.ask(say(`${name} ${n}`), 'ACK')
    const after = await nowMs()
    for (const wire of [adaAtRight, bobAtFast, danAtFast, caraAtSlow]) {
      const heard = await wire.take('MSG', 12)
      expect(heard.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
      expect(heard.map(({ ts }) => ts)).toEqual(heard.map(({ ts }) => ts).toSorted((a, b) => a - b))
      // To half of what it takes to ask for it, and far from 30 seconds.
      expect(heard[0]!.ts).toBeGreaterThan(before - 2_000)
      expect(heard.at(-1)!.ts).toBeLessThan(after + 2_000)
    }
    for (const program of [fast, slow]) await program.prints(/the clock of this machine is not the database's/)
    expect(right.stdout + right.stderr).not.toContain('is not the database')

    /** It stands still for longer than its lease, which nobody has to wait for. */
    const still = async (node: string, program: ServeProgram) => {
      program.signal('SIGSTOP')
      await database.ask(`UPDATE nodes SET until = floor(extract(epoch FROM clock_timestamp()) * 1000) - 1 WHERE name = '${node}'`)
    }
    const isHere = async (id: string, at: Wire = adaAtRight) => (await at.ask({ type: 'WHOIS', agent: id }, 'WHOIS')).presence !== 'offline'
    await still('fast', fast)
    await comesTrue(async () => !await isHere(bob.id) && !await isHere(dan.id))
    await using bobAtRight = await login(await right.url, 'bob', { key: bob })
    await bobAtRight.ask(say('from elsewhere'), 'ACK')
    fast.signal('SIGCONT')
    // The newer of two sessions of one name stays.
    expect(await bobAtFast.closed()).toMatchObject({ code: 4500 })
    await comesTrue(() => isHere(dan.id))
    expect(await danAtFast.next('MSG')).toMatchObject({ content: 'from elsewhere', seq: 13 })
    await danAtFast.ask(say('I stood still'), 'ACK')
    expect(await bobAtRight.next('MSG')).toMatchObject({ content: 'from elsewhere' })
    expect(await bobAtRight.next('MSG')).toMatchObject({ content: 'I stood still', seq: 14 })

    await still('slow', slow)
    await using other = start('slow', 0)
    await other.url
    slow.signal('SIGCONT')
    expect(await caraAtSlow.next('GOING_AWAY')).toMatchObject({ reason: 'restarting' })
    expect(await caraAtSlow.closed()).toMatchObject({ code: 1012 })
    await using caraAtOther = await login(await other.url, 'cara', { key: cara, inbox: 'none', autojoin: false })
    await caraAtOther.ask({ type: 'JOIN', channel: '#general', since: 12 }, 'JOINED')
    expect((await caraAtOther.take('MSG', 2)).map(({ seq }) => seq)).toEqual([13, 14])
  }, 90_000)
})
