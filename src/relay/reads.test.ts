import { expect, test } from 'vitest'
import { Reads } from './reads.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const nextTurn = () => new Promise(resolve => setImmediate(resolve))

test('a turn of the event loop makes one large answer, whoever asks, and addresses take turns', async () => {
  const reads = new Reads()
  const order: string[] = []
  const ask = (address: string, source = { address }) =>
    reads.turn(source, () => {
      order.push(address)
      return Promise.resolve(1_024 ** 2)
    })
  const all = [...upTo(250).map(() => ask('crowd')), ask('b'), ask('c')]
  let most = order.length
  while (order.length < 252) {
    const before = order.length
    await nextTurn()
    most = Math.max(most, order.length - before)
  }
  await Promise.all(all)
  expect(most).toBe(1)
  // The first one ran at once.
  expect(order.slice(0, 5)).toEqual(['crowd', 'crowd', 'b', 'c', 'crowd'])
})

test('small answers share a turn; one that is made elsewhere does not hold up the others; a failure is its asker’s', async () => {
  const reads = new Reads()
  let dear: ((bytes: number) => void) | undefined
  const late = reads.turn({ address: 'a' }, () => new Promise(resolve => dear = resolve))
  let done = 0
  const small = upTo(100).map(() => reads.turn({ address: 'b' }, () => Promise.resolve(++done)))
  await expect(reads.turn({ address: 'c' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await Promise.all(small)
  expect(done).toBe(100)
  dear!(5)
  await late
})

test('where each waits for the one before it, one is under way, and addresses take turns', async () => {
  const reads = new Reads({ isSerial: true })
  const order: string[] = []
  let underWay = 0
  let most = 0
  const ask = (address: string, source = { address }) =>
    reads.turn(source, async () => {
      order.push(address)
      most = Math.max(most, ++underWay)
      await nextTurn()
      await nextTurn()
      underWay--
      return 0
    })
  await Promise.all([...upTo(20).map(() => ask('crowd')), ask('b')])
  expect(most).toBe(1)
  expect(order.indexOf('b')).toBeLessThan(3)
})
