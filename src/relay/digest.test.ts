import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Digest } from './digest.ts'
import { heard } from './heard.ts'

test('of what is told of later nothing but its beginning stays in memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = held()
  const digests = Array.from({ length: 10 }, (_, i) => {
    const digest = new Digest(1)
    for (let seq = 1; seq <= 4; seq++) {
      const content = `@${'w'.repeat(40)}${i}-${seq} ${'x'.repeat(1_000_000)}`
      const text = JSON.stringify({ type: 'MSG', from: '@a', from_name: 'a', msg_id: `m${seq}`, seq, content })
      digest.add(heard(Buffer.from(text), [], undefined))
    }
    return digest
  })
  expect(held() - before).toBeLessThan(8_000_000)
  for (const { told: { excerpts, mentions } } of digests) expect([excerpts.length, mentions!.length]).toEqual([4, 4])
})
