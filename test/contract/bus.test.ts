// What every bus has to do in good times, in one process and over a real server of NATS; and what that one does in bad ones, in which a bus
// may lose, double and reorder: what the relay makes of that is in test/nodes.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyone, processNamed, type Bus } from '../../src/bus/bus.ts'
import { bytesOf, messageOf } from '../../src/bus/bytes.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import { BusError, openNatsBus } from '../../src/bus/nats.ts'
import { TestNats } from '../kit/nats.ts'
import { noNats } from '../kit/nats-run.ts'

interface Note {
  readonly n: number
  readonly bytes?: Buffer
  readonly more?: unknown
}

interface Buses {
  join(node: string): Promise<Bus<Note>>
  /** Everything that is under way has arrived. */
  settled(): Promise<void>
}

const inMemory = (): Buses => {
  const bus = new MemoryBus<Note>()
  return { join: node => Promise.resolve(bus.join(node)), settled: () => new Promise(resolve => setImmediate(resolve)) }
}

let nats: TestNats | undefined
beforeAll(async () => {
  if (noNats === undefined) nats = await TestNats.start()
})
afterAll(() => nats?.[Symbol.asyncDispose]())

const minPayloadBytes = 1024 * 1024
let clusters = 0
const natsNode = (node: string, cluster: string, url = nats!.url, onState?: (state: string, detail?: string) => void) =>
  openNatsBus<Note>({ urls: url, cluster, node, minPayloadBytes, ...(onState && { onState }) })

const overNats = (): Buses => {
  const cluster = `test-${++clusters}`
  const joined: Bus<Note>[] = []
  let settlings = 0
  return {
    join: async node => {
      const bus = await natsNode(node, cluster)
      joined.push(bus)
      return bus
    },
    // Following asks the server, behind what was published; and then behind what was heard.
    settled: async () => {
      for (const round of [1, 2]) for (const bus of joined) await bus.follow(`#settled-${++settlings}-${round}`)
    },
  }
}

const kinds: readonly (readonly [string, () => Buses])[] = [
  ['memory', inMemory],
  ...noNats === undefined ? [['nats', overNats] as const] : [],
]

/** A node that writes down what it hears. */
const heardBy = (bus: Bus<Note>): (Note & { readonly from: string })[] => {
  const heard: (Note & { readonly from: string })[] = []
  bus.hear((note, from) => heard.push({ ...note, from }))
  return heard
}

describe.each(kinds)('the bus: %s', (_name, open) => {
  test('what one publishes about a subject comes once, in order, as it was, to those who follow it', async () => {
    const buses = open()
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(node => buses.join(node)))
    const [heard, others] = [heardBy(two!), heardBy(three!)]
    await two!.follow('#a')
    await three!.follow('#b')
    const bytes = Buffer.from([0, 129, 255])
    for (let n = 1; n <= 100; n++) one!.publish('#a', { n, bytes })
    await buses.settled()
    expect(heard.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(heard[0]).toEqual({ n: 1, bytes, from: 'one' })
    expect(Buffer.isBuffer(heard[0]!.bytes)).toBe(true)
    expect(others).toEqual([])
  })

  test('nobody hears itself, and nothing is heard in the midst of what publishes it', async () => {
    const buses = open()
    const [one, two] = await Promise.all(['one', 'two'].map(node => buses.join(node)))
    const [own, heard] = [heardBy(one!), heardBy(two!)]
    await Promise.all([one!.follow('#a'), two!.follow('#a')])
    one!.publish('#a', { n: 1 })
    expect(heard).toEqual([])
    await buses.settled()
    expect([own, heard]).toEqual([[], [{ n: 1, from: 'one' }]])
  })

  test('from when it is followed until it is not', async () => {
    const buses = open()
    const [one, two] = await Promise.all(['one', 'two'].map(node => buses.join(node)))
    const heard = heardBy(two!)
    one!.publish('#a', { n: 1 })
    // What is still on its way then may be heard or not.
    await buses.settled()
    await two!.follow('#a')
    await two!.follow('#a')
    one!.publish('#a', { n: 2 })
    await buses.settled()
    two!.unfollow('#a')
    await buses.settled()
    one!.publish('#a', { n: 3 })
    await buses.settled()
    expect(heard.map(({ n }) => n)).toEqual([2])
  })

  test('subjects are names and nothing more, whatever they are spelled with', async () => {
    const buses = open()
    const [one, two] = await Promise.all(['one', 'two'].map(node => buses.join(node)))
    const heard = heardBy(two!)
    const subjects = [everyone, '#>', '#a', '#a.b', '#a.*', '#A', '@a', '#a b', '#ä']
    for (const subject of subjects.slice(0, 3)) await two!.follow(subject)
    subjects.forEach((subject, n) => one!.publish(subject, { n }))
    await buses.settled()
    expect(heard.map(({ n }) => n)).toEqual([0, 1, 2])
  })

  test('one that is closed neither hears nor tells, and does not fail; the others go on', async () => {
    const buses = open()
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map(node => buses.join(node)))
    const [heard, others] = [heardBy(two!), heardBy(three!)]
    await Promise.all([two!.follow('#a'), three!.follow('#a')])
    one!.publish('#a', { n: 1 })
    await Promise.all([two!.close(), two!.close()])
    one!.publish('#a', { n: 2 })
    two!.publish('#a', { n: 3 })
    await buses.settled()
    expect(heard.filter(({ n }) => n > 1)).toEqual([])
    expect(others.map(({ n }) => n)).toEqual([1, 2])
  })

  test('channels, agents and processes of one name are three subjects, and bytes come as they were, wherever they stand', async () => {
    const buses = open()
    const [one, two] = await Promise.all(['one', 'two'].map(node => buses.join(node)))
    const heard = heardBy(two!)
    await two!.follow('@name')
    await two!.follow(processNamed('name'))
    const bytes = Buffer.from([0, 255, 10, 13, 128])
    one!.publish('#name', { n: 1 })
    one!.publish('@name', { n: 2, bytes, more: [{ deep: [bytes, null, 'ü\u0000'] }] })
    one!.publish(processNamed('name'), { n: 3, bytes: Buffer.alloc(0) })
    await buses.settled()
    expect(heard).toEqual([
      { n: 2, bytes, more: [{ deep: [bytes, null, 'ü\u0000'] }], from: 'one' },
      { n: 3, bytes: Buffer.alloc(0), from: 'one' },
    ])
  })
})

test('where one is alone in memory it knows, and is told when it is not any more', () => {
  const bus = new MemoryBus<Note>()
  const one = bus.join('one')
  expect(one.isAlone).toBe(true)
  const two = bus.join('two')
  expect([one.isAlone, two.isAlone]).toEqual([false, false])
  void two.close()
  expect(one.isAlone).toBe(true)
})

describe('bytes', () => {
  test('of another version, cut off anywhere, or with lengths that are not there, are not read', () => {
    const bytes = bytesOf('one', { n: 1, bytes: Buffer.from('abc') })
    expect(messageOf(bytes)).toEqual({ from: 'one', message: { n: 1, bytes: Buffer.from('abc') } })
    for (let length = 0; length < bytes.length; length++) expect(messageOf(bytes.subarray(0, length)), `${length}`).toBeUndefined()
    expect(messageOf(Buffer.concat([Buffer.from([2]), bytes.subarray(1)]))).toBeUndefined()
  })
})

describe.skipIf(noNats !== undefined)('a server of NATS', () => {
  test('relays of two names on it do not hear each other', async () => {
    const [one, other, third] = [await natsNode('one', 'a'), await natsNode('one', 'b'), await natsNode('two', 'b')]
    const [heard, others] = [heardBy(one), heardBy(other)]
    for (const bus of [one, other]) await bus.follow(everyone)
    one.publish(everyone, { n: 1 })
    third.publish(everyone, { n: 2 })
    for (const bus of [third, one, other]) await bus.follow('#settled')
    expect([heard, others]).toEqual([[], [{ n: 2, from: 'two' }]])
    for (const bus of [one, other, third]) await bus.close()
  })

  test('that goes and comes back: what is said meanwhile is lost, that it was is told, and what is followed is heard again', async () => {
    await using server = await TestNats.start()
    const states: string[] = []
    let isDown: () => void
    const down = new Promise<void>(resolve => isDown = resolve)
    const one = await natsNode('one', 'test', server.url)
    const two = await natsNode('two', 'test', server.url, state => {
      states.push(state)
      if (state === 'down') isDown()
    })
    const missed = Promise.all([one, two].map(bus => new Promise<void>(resolve => bus.missed(resolve))))
    const heard = heardBy(two)
    await two.follow('#general')
    one.publish('#general', { n: 1 })
    for (const bus of [one, two]) await bus.follow('#settled')
    await server.stop()
    await down
    expect(two.isUp).toBe(false)
    const followed = two.follow('#late')
    two.publish('#general', { n: 2 })
    await server.start()
    await missed
    await followed
    one.publish('#late', { n: 3 })
    one.publish('#general', { n: 4 })
    for (const bus of [one, two]) await bus.follow('#settled-2')
    expect(heard.map(({ n }) => n)).toEqual([1, 3, 4])
    expect(states).toEqual(['down', 'up'])
    for (const bus of [one, two]) await bus.close()
  })

  test('that is away: who came and went meanwhile waits for it no longer; who stayed is heard when it is back', async () => {
    await using server = await TestNats.start()
    let isDown: () => void
    const down = new Promise<void>(resolve => isDown = resolve)
    const one = await natsNode('one', 'test', server.url)
    const two = await natsNode('two', 'test', server.url, state => state === 'down' && isDown())
    const heard = heardBy(two)
    const missed = new Promise<void>(resolve => one.missed(resolve))
    await server.stop()
    await down
    const gone = Array.from({ length: 100 }, (_, n) => {
      const followed = two.follow(`@${n % 2}`)
      two.unfollow(`@${n % 2}`)
      return followed
    })
    const stays = two.follow('@1')
    await Promise.all(gone)
    await server.start()
    await Promise.all([stays, missed])
    one.publish('@0', { n: 1 })
    one.publish('@1', { n: 2 })
    for (const bus of [one, two]) await bus.follow('#settled')
    expect(heard.map(({ n }) => n)).toEqual([2])
    for (const bus of [one, two]) await bus.close()
  })

  test('that refuses who comes back, again and again, and is put right: it is heard again', async () => {
    await using server = await TestNats.start()
    const one = await natsNode('one', 'test', server.url)
    const missed = new Promise<void>(resolve => one.missed(resolve))
    await server.stop()
    await server.start(undefined, 'authorization { user: somebody, password: else }')
    while (server.refusals < 3) await new Promise(resolve => setTimeout(resolve, 10))
    await server.stop()
    await server.start()
    await missed
    expect(one.isUp).toBe(true)
    await one.close()
  })

  test('that is not there, or takes too little at once, is refused with what to do', async () => {
    await using small = await TestNats.start(64 * 1024)
    await expect(natsNode('one', 'test', small.url)).rejects.toMatchObject({
      name: 'BusError',
      hint: expect.stringContaining(`max_payload: ${minPayloadBytes}`) as unknown,
    })
    await small.stop()
    const refused = await natsNode('one', 'test', small.url).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(BusError)
    expect((refused as BusError).hint).toContain('nats-server')
  })

  test('that comes back and takes less than it has to is told of, and goes on with what it takes', async () => {
    await using server = await TestNats.start()
    const details: (string | undefined)[] = []
    const one = await natsNode('one', 'test', server.url, (_state, detail) => details.push(detail))
    const two = await natsNode('two', 'test', server.url)
    const heard = heardBy(two)
    await two.follow(everyone)
    const missed = Promise.all([one, two].map(bus => new Promise<void>(resolve => bus.missed(resolve))))
    await server.stop()
    await server.start(64 * 1024)
    await missed
    one.publish(everyone, { n: 1, bytes: Buffer.alloc(128 * 1024) })
    one.publish(everyone, { n: 2 })
    for (const bus of [one, two]) await bus.follow('#settled')
    expect(heard.map(({ n }) => n)).toEqual([2])
    expect(details.at(-1)).toContain(`needs ${minPayloadBytes}`)
    for (const bus of [one, two]) await bus.close()
  })

  test('that hangs is left for another line after a while, and what is missed meanwhile is told', async () => {
    await using server = await TestNats.start()
    let isDown: () => void
    const down = new Promise<void>(resolve => isDown = resolve)
    const one = await natsNode('one', 'test', server.url, state => state === 'down' && isDown())
    const missed = new Promise<void>(resolve => one.missed(resolve))
    await server.stall(() => down)
    await missed
    expect(one.isUp).toBe(true)
    await one.close()
  }, 30_000)

  test('what is larger than it takes is not sent, and ends nothing', async () => {
    const [one, two] = [await natsNode('one', 'large'), await natsNode('two', 'large')]
    const heard = heardBy(two)
    await two.follow(everyone)
    one.publish(everyone, { n: 1, bytes: Buffer.alloc(5 * 1024 * 1024) })
    one.publish(everyone, { n: 2 })
    for (const bus of [one, two]) await bus.follow('#settled')
    expect(heard.map(({ n }) => n)).toEqual([2])
    for (const bus of [one, two]) await bus.close()
  })
})
