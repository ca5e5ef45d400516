// Processes of one relay are one witness: of two histories that are brought to two of them at once it cosigns one.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { bring, TestLog } from '../kit/log.ts'

test('of heads that go on behind the same, brought to two processes at once, one is cosigned', async () => {
  const log = new TestLog()
  await using cluster = await startTestCluster(2, { witnessedLogs: [log.keyText] })
  let last = log
  for (let round = 0; round < 10; round++) {
    const branches = [0, 1, 2, 3].map(n => {
      const branch = last.copy()
      branch.add(1 + n, `branch ${n} of ${round}`)
      return branch
    })
    const answers = await Promise.all(branches.map((branch, n) => bring(cluster.nodes[n % 2]!, branch.submission(last.size))))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
    last = branches[answers.findIndex(({ status }) => status === 200)]!
    for (const { status, text } of answers) if (status !== 200) expect(text).toBe(`${last.size}\n`)
  }
})
