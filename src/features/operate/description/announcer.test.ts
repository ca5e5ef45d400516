// Announcing on a schedule: again while all is well, later and later while it is not, and never beside itself.
import { expect, test } from 'vitest'
import type { ServerDocument } from '../../../../lib/protocol/index.ts'
import { Announcer, type Announce } from './announcer.ts'

const minuteMs = 60_000
const document = { name: 'relay' } as ServerDocument

const play = async (
  answer: (directory: string, n: number) => ReturnType<Announce>,
  lastsMs: number,
  directories = ['https://a.example'],
) => {
  const asked: number[] = []
  const told: string[] = []
  const announcer = new Announcer({
    announce: directories,
    announceEveryMs: 10 * minuteMs,
    random: () => 1,
    sendAnnouncement: (directory, sent) => {
      expect(sent).toBe(document)
      asked.push(now)
      return answer(directory, asked.length)
    },
    onAnnounced: ({ ok, message }) => told.push(`${ok} ${message}`),
  })
  let now = 0
  for (; now < lastsMs; now += 1_000) {
    announcer.turn(now, () => document)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { asked, told }
}

test('every ten minutes while it is taken, and that is told once', async () => {
  const { asked, told } = await play(() => Promise.resolve({ ok: true, message: 'listed' }), 31 * minuteMs)
  expect(asked).toEqual([0, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs])
  expect(told).toEqual(['true listed'])
})

test('a directory that is away is tried after 5 s, 10 s, 20 s …, at most every ten minutes, and its return is told', async () => {
  const { asked, told } = await play((_, n) => n < 9 ? Promise.reject(new Error('away')) : Promise.resolve({ ok: true, message: 'listed' }),
    40 * minuteMs)
  expect(asked.map(at => at / 1_000)).toEqual([0, 5, 15, 35, 75, 155, 315, 635, 1_235, 1_835])
  expect(told).toEqual(['false away', 'true listed'])
})

test('what a directory asks to wait is waited', async () => {
  const { asked } = await play(
    (_, n) => Promise.resolve(n === 1 ? { ok: false, message: 'busy', retryAfterMs: 90_000 } : { ok: true, message: 'listed' }),
    3 * minuteMs,
  )
  expect(asked).toEqual([0, 90_000])
})

test('one that never answers holds up no other, and is not asked twice at once', async () => {
  const { asked } = await play(
    directory => directory.includes('slow') ? new Promise(() => undefined) : Promise.resolve({ ok: true, message: 'listed' }),
    21 * minuteMs,
    ['https://slow.example', 'https://b.example'],
  )
  expect(asked).toEqual([0, 0, 10 * minuteMs, 20 * minuteMs])
})
