import { expect, test } from 'vitest'
import type { Tx } from '../store/store.ts'
import type { Job } from './job.ts'
import { DutyTurns } from './duties.ts'
import type { Duty } from './feature.ts'

const tx = {} as Tx

test('a duty whose turn waits gets no other one, and one that has begun gets its next', async () => {
  const jobs: Job[] = []
  const turns = new DutyTurns(job => jobs.push(job))
  const [one, two]: readonly Duty[] = ['one', 'two'].map(name => ({ name, isOnce: false, run: () => Promise.resolve({}) }))
  const decide = () => Promise.resolve({})
  for (let i = 0; i < 100; i++) for (const duty of [one!, two!]) turns.push(duty, decide)
  expect(jobs).toHaveLength(2)
  await jobs[0]!.decide(tx, 0)
  turns.push(one!, decide)
  turns.push(one!, decide)
  turns.push(two!, decide)
  expect(jobs).toHaveLength(3)
  // The end of a turn says nothing of the next one, which waits.
  jobs[0]!.delivered?.()
  turns.push(one!, decide)
  expect(jobs).toHaveLength(3)
  // The storage did not even begin it.
  jobs[1]!.delivered?.()
  turns.push(two!, decide)
  expect(jobs).toHaveLength(4)
})
