// How often it is looked up what memory would refuse: as often as the tables know better, and some times in vain.
import { expect, test } from 'vitest'
import { Fail, noChannel } from './feature.ts'
import { LookAgain } from './look-again.ts'

const from = (address: string) => ({ address, agent: undefined })

/** Refused from memory so many times by one address at one moment; how many of them were answered after all. */
const asking = (isNews: boolean) => {
  const looks: (string | undefined)[] = []
  const lookAgain = new LookAgain(channel => {
    looks.push(channel)
    return Promise.resolve(isNews)
  })
  const ask = async (address: string, now: number, count: number): Promise<number> => {
    let answered = 0
    for (let n = 0; n < count; n++) {
      try {
        await lookAgain.instead(noChannel('#none'), from(address), { channel: '#none' }, now, () => answered++)
      } catch (error) {
        expect(error).toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      }
    }
    return answered
  }
  return { looks, ask, lookAgain }
}

test('in vain an address looks twenty times, and five times more each second; that is no other address’s matter', async () => {
  const { looks, ask, lookAgain } = asking(false)
  const lookedFor = async (...args: Parameters<typeof ask>): Promise<number> => {
    const before = looks.length
    expect(await ask(...args)).toBe(0)
    return looks.length - before
  }
  expect(await lookedFor('192.0.2.1', 0, 200)).toBe(20)
  expect(await lookedFor('192.0.2.2', 0, 200)).toBe(20)
  expect(await lookedFor('192.0.2.1', 1_000, 200)).toBe(5)
  lookAgain.sweep(1_000)
  expect(await lookedFor('192.0.2.1', 1_000, 200)).toBe(0)
  lookAgain.sweep(60_000)
  expect(await lookedFor('192.0.2.1', 60_000, 200)).toBe(20)
})

test('what the tables know better is looked up each time', async () => {
  const { looks, ask } = asking(true)
  expect(await ask('192.0.2.1', 0, 200)).toBe(200)
  expect(looks).toHaveLength(200)
})

test('many that look at the same time owe what was too much', async () => {
  const { looks, lookAgain } = asking(false)
  const look = (now: number) => lookAgain.instead(noChannel('#none'), from('192.0.2.1'), { to: '#none' }, now, () => undefined)
  await Promise.allSettled(Array.from({ length: 30 }, () => look(0)))
  expect(looks).toHaveLength(30)
  expect(() => look(2_000)).toThrow(Fail)
  await expect(look(3_000)).rejects.toThrow('#none')
})
