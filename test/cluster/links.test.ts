// Links of a relay that is several processes: what one brought that nobody signed is counted by all of them together.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { linkable, linksOf, stranger, until } from '../kit/linked.ts'
import { newKey } from '../kit/wire.ts'

test('what a link brings that nobody signed is counted by all processes together, and all refuse it then', async () => {
  await using home = await startTestCluster(2, linkable, { pace: { sweepMs: 20, linkMs: 5 } })
  const [one, two] = [home.nodes[0]!, home.nodes[1]!]
  const key = newKey()
  const strike = async (at: typeof one, count: number, isNew = false) => {
    await using bad = await stranger(at, 'a.example', { key, isNew })
    await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
    for (let i = 0; i < count; i++)
      expect(await bad.wire.refusal(bad.handed({ content: 'y' }))).toMatchObject({ code: 'VERIFICATION_FAILED' })
  }
  await strike(one, 60, true)
  await strike(two, 40)
  for (const at of [one, two]) {
    await using bad = await stranger(at, 'a.example', { key, isNew: false })
    expect(await bad.wire.refusal(bad.handed())).toMatchObject({ code: 'LINK_REFUSED', retry_after_ms: expect.any(Number) as number })
    expect(await linksOf(at)).toMatchObject([{ closed_until: expect.any(Number) as number }])
  }
})
