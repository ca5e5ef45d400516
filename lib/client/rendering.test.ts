// What the relay says of authors is asked once in a while, that there is none too.
import { expect, test } from 'vitest'
import { Authors, RelayError } from './index.ts'

test('who is not there is asked for once, and whoever could not be asked for again', async () => {
  const asked: string[] = []
  let now = 0
  const authors = new Authors(agent => {
    asked.push(agent)
    return Promise.reject(agent === '@gone' ? new RelayError('AGENT_NOT_FOUND', 'gone') : new RelayError('RATE_LIMITED', 'later', 5))
  }, () => now)
  for (let n = 0; n < 5; n++) expect([await authors.of('@gone'), await authors.of('@busy')]).toEqual([undefined, undefined])
  expect(asked.filter(agent => agent === '@gone')).toHaveLength(1)
  expect(asked.filter(agent => agent === '@busy')).toHaveLength(5)
  now = 6 * 60_000
  await authors.of('@gone')
  expect(asked.filter(agent => agent === '@gone')).toHaveLength(2)
})
