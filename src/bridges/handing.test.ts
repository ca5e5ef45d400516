import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { RelayError } from '../../lib/client/errors.ts'
import { Handing } from './handing.ts'

const minuteMs = 60_000

test('a relay that takes nothing is asked again a minute later, whatever time it named: its operator may open the link at any moment', async () => {
  let now = 1_000_000
  let refusal: RelayError | undefined = new RelayError('LINK_REFUSED', 'too much', 24 * 60 * minuteMs)
  const asked: string[] = []
  const problems: (string | undefined)[] = []
  const handing = new Handing({
    now: () => now,
    isOpen: () => true,
    ask: body => {
      asked.push(body)
      return refusal === undefined
        ? Promise.resolve({ type: 'ACK', to: '#general', seq: 7, msg_id: 'm', ts: 0 })
        : Promise.reject(refusal)
    },
    onAnswer: () => undefined,
    onProblem: problem => void problems.push(problem),
  })
  const lookAgain = async () => {
    handing.held()
    handing.goOn()
    await turn()
  }
  handing.hand([{ n: 1, agent: '@a', body: 'one' }])
  await turn()
  now += minuteMs - 1
  await lookAgain()
  expect(asked).toEqual(['one'])
  now += 1
  await lookAgain()
  expect(asked).toEqual(['one', 'one'])
  refusal = undefined
  now += minuteMs
  await lookAgain()
  expect(handing.answered()).toEqual([{ n: 1, seq: 7, msgId: 'm' }])
  expect(problems).toEqual(['too much', 'too much', undefined])
})

test('a relay that names a shorter time is asked again then', async () => {
  let now = 0
  let asked = 0
  const handing = new Handing({
    now: () => now,
    isOpen: () => true,
    ask: () => {
      asked++
      return Promise.reject(new RelayError('LINK_REFUSED', 'too much', 5_000))
    },
    onAnswer: () => undefined,
    onProblem: () => undefined,
  })
  handing.hand([{ n: 1, agent: '@a', body: 'one' }])
  await turn()
  for (const [at, count] of [[4_999, 1], [5_000, 2]] as const) {
    now = at
    handing.held()
    handing.goOn()
    await turn()
    expect(asked).toBe(count)
  }
})
