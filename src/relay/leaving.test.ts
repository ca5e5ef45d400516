import { expect, test } from 'vitest'
import type { Committer } from './committer.ts'
import type { Effects } from './effects.ts'
import { leave } from './leaving.ts'
import type { Listener } from './listener.ts'

test('where nobody is connected and nothing is to be told, nothing keeps the process when it has stopped', async () => {
  const timers = () => process.getActiveResourcesInfo().filter(each => each === 'Timeout').length
  const before = timers()
  const ended: string[] = []
  const done = (name: string) => {
    ended.push(name)
    return Promise.resolve()
  }
  await leave({
    connections: new Set(),
    effects: {} as Effects,
    listener: { stop: () => done('listener') } as Listener,
    committer: {
      get isIdle() {
        return ended.includes('committer')
      },
      idle: () => done('committer'),
    } as Committer,
    doors: [],
    random: () => 0,
    drainNoticeMs: 0,
    drainMs: 5_000,
    elapsed: () => 0,
    tell: () => done('told'),
    end: () => done('end'),
    stop: () => void done('clock'),
  })
  expect(ended).toEqual(['told', 'listener', 'clock', 'committer', 'end'])
  expect(timers()).toBeLessThanOrEqual(before)
})
