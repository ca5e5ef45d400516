// What every bus has to do in good times. In bad ones it may lose, double and reorder: what the relay makes of that is in test/nodes.test.ts.
import { describe, expect, test } from 'vitest'
import { everyone, type Bus } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'

interface Note {
  readonly n: number
  readonly bytes?: Buffer
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

/** A node that writes down what it hears. */
const heardBy = (bus: Bus<Note>): (Note & { readonly from: string })[] => {
  const heard: (Note & { readonly from: string })[] = []
  bus.hear((note, from) => heard.push({ ...note, from }))
  return heard
}

describe.each([['memory', inMemory]])('the bus in %s', (_name, open) => {
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
    two!.close()
    two!.close()
    one!.publish('#a', { n: 2 })
    two!.publish('#a', { n: 3 })
    await buses.settled()
    expect(heard.filter(({ n }) => n > 1)).toEqual([])
    expect(others.map(({ n }) => n)).toEqual([1, 2])
  })
})

test('where one is alone in memory it knows, and is told when it is not any more', () => {
  const bus = new MemoryBus<Note>()
  const one = bus.join('one')
  expect(one.isAlone).toBe(true)
  const two = bus.join('two')
  expect([one.isAlone, two.isAlone]).toEqual([false, false])
  two.close()
  expect(one.isAlone).toBe(true)
})
