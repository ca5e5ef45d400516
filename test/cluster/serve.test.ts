// Several processes of one relay as their operator starts them: on one database, hearing each other over NATS; killed, and joined late.
import { describe, expect, test } from 'vitest'
import { TestNats } from '../kit/nats.ts'
import { noNats } from '../kit/nats-run.ts'
import { newDatabase } from '../kit/postgres.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'
import { login, newKey, type Wire } from '../kit/wire.ts'

const say = (content: string, id: string, to = '#general') => ({ type: 'MSG', to, content, id })
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** Until the answer is as wanted: what changes by itself changes within a lease. */
const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 200))
}

describe.skipIf(noNats !== undefined)('serve --store --nats', () => {
  test('what is said at one is heard at all, in one order, by who came late too; one that is killed takes nothing with it', async () => {
    await using database = await newDatabase('template0')
    await using nats = await TestNats.start()
    const flags = [
      '--store',
      database.url,
      '--nats',
      nats.url,
      '--port',
      '0',
      '--log-level',
      'info',
      '--json',
      '--msg-rate',
      '0',
      '--max-file-bytes',
      '0',
    ]
    const start = (node: string) => new ServeProgram(builtBin(), [...flags, '--node', node])
    await using one = start('one')
    await one.url
    await using two = start('two')
    const [ada, bob, cara, dan] = [newKey(), newKey(), newKey(), newKey()]
    await login(await one.url, 'dan', { key: dan, autojoin: false })
    const adaAtOne = await login(await one.url, 'ada', { key: ada })
    await using bobAtTwo = await login(await two.url, 'bob', { key: bob })
    await bobAtTwo.ask({ type: 'WATCH', agents: [ada.id] }, 'WATCHING')
    await Promise.all(upTo(40).flatMap(n => [adaAtOne.ask(say(`a${n}`, `a${n}`), 'ACK'), bobAtTwo.ask(say(`b${n}`, `b${n}`), 'ACK')]))
    const heard = async (wire: Wire) => (await wire.take('MSG', 80)).map(({ seq, content }) => `${seq} ${content}`)
    const [atOne, atTwo] = [await heard(adaAtOne), await heard(bobAtTwo)]
    expect(atOne).toEqual(atTwo)
    expect(atOne.map(each => Number(each.split(' ')[0]))).toEqual(upTo(80))

    // The same message under the same id at both at once is stored once.
    await using adaAtTwoToo = await login(await two.url, 'ada', { key: ada, session: 'too', autojoin: false })
    for (const n of upTo(20)) {
      const acks = await Promise.all([adaAtOne, adaAtTwoToo].map(wire => wire.ask(say(`once ${n}`, `once${n}`), 'ACK')))
      expect(acks.map(({ seq }) => seq)).toEqual([80 + n, 80 + n])
    }
    for (const wire of [adaAtOne, bobAtTwo]) expect((await wire.take('MSG', 20)).map(({ seq }) => seq)).toEqual(upTo(20).map(n => 80 + n))

    // A third one learns who is here, and who of them is in which channel.
    await using three = start('three')
    await using caraAtThree = await login(await three.url, 'cara', { key: cara })
    const { list } = await caraAtThree.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')
    expect(list.map(({ name }) => name).sort()).toEqual(['ada', 'bob', 'cara'])
    await caraAtThree.ask(say('to you', 'c1', ada.id), 'ACK')
    expect(await adaAtOne.next('MSG')).toMatchObject({ content: 'to you', from: cara.id })

    // Without NATS each serves its own; when it is back, everybody has everything, and knows who came meanwhile.
    await nats.stop()
    await adaAtOne.ask(say('in the dark', 'dark'), 'ACK')
    await using eve = await login(await two.url, 'eve', { key: newKey() })
    await nats.start()
    // Her own copy of what she said came first.
    expect(await caraAtThree.next('MSG')).toMatchObject({ content: 'to you' })
    expect(await bobAtTwo.next('MSG')).toMatchObject({ content: 'in the dark', seq: 101 })
    expect(await caraAtThree.next('MSG')).toMatchObject({ content: 'in the dark', seq: 101 })
    await comesTrue(async () => (await caraAtThree.ask({ type: 'WHOIS', agent: eve.id }, 'WHOIS')).presence === 'online')

    const isHere = async () => (await caraAtThree.ask({ type: 'WHOIS', agent: dan.id }, 'WHOIS')).presence !== 'offline'
    expect(await isHere()).toBe(true)
    one.signal('SIGKILL')
    await one.ended
    await bobAtTwo.ask(say('while it is gone', 'b41'), 'ACK')
    // She goes on elsewhere, with what she had not been told was stored.
    await adaAtTwoToo[Symbol.asyncDispose]()
    await using adaAtTwo = await login(await two.url, 'ada', { key: ada, autojoin: false, inbox: 'none' })
    expect(await adaAtTwo.ask(say('a40', 'a40'), 'ACK')).toMatchObject({ duplicate: true })
    await adaAtTwo.ask({ type: 'JOIN', channel: '#general', since: 101 }, 'JOINED')
    expect(await adaAtTwo.next('MSG')).toMatchObject({ seq: 102, content: 'while it is gone', replay: true })
    // Whoever was connected to it alone is gone when its lease is over.
    await comesTrue(async () => !await isHere())
    expect(two.stderr + three.stderr).not.toMatch(/"level":(?:50|60)/)
  }, 90_000)

  test('whoever is banned at one stores nothing anywhere from the answer on; a process of a name that is taken does not start',
    async () => {
      await using database = await newDatabase('template0')
      await using nats = await TestNats.start()
      const adminKey = 'open sesame, please'
      const flags = [
        '--store',
        database.url,
        '--nats',
        nats.url,
        '--port',
        '0',
        '--json',
        '--msg-rate',
        '0',
        '--max-file-bytes',
        '0',
        '--admin-key',
        adminKey,
      ]
      const start = (node: string) => new ServeProgram(builtBin(), [...flags, '--node', node])
      await using one = start('one')
      await one.url
      await using two = start('two')
      await using boss = await login(await one.url, 'boss', { autojoin: false })
      await using listener = await login(await one.url, 'listener')
      for (const n of upTo(5)) {
        const eve = newKey()
        await using wire = await login(await two.url, `eve${n}`, { key: eve, frames: 0 })
        // She goes on and on, while she is banned elsewhere.
        let isOver = false
        let acked = 0
        const flood = (async () => {
          for (let m = 0; !isOver; m++) {
            const { type } = await wire.answer(say(`eve${n} ${m}`, `m${m}`)).catch(() => ({ type: 'CLOSED' }))
            if (type !== 'ACK') return
            acked++
          }
        })()
        while (acked < 20) await new Promise(resolve => setImmediate(resolve))
        await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: eve.id.slice(1) }, 'ADMIN_RESULT')
        const stored = async () =>
          Number((await database.ask<{ n: number }>(`SELECT count(*)::int AS n FROM events WHERE author = '${eve.id}'`))[0]!.n)
        const then = await stored()
        await flood
        isOver = true
        expect(await stored()).toBe(then)
      }
      expect(listener.heard.length).toBeGreaterThan(100)

      await using again = start('two')
      expect((await again.ended).code).not.toBe(0)
      expect(again.stdout + again.stderr).toContain('under the name two')
    }, 90_000)
})
