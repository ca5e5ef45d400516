// A process of very many channels that hears nothing of the others finds what they store in the log.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'

test('while the bus is away, what is said in the last of very many channels is found, by few questions', async () => {
  const channels = Array.from({ length: 1_100 }, (_, n) => `#many-${n}`)
  await using cluster = await startTestCluster(2, { channels, autoJoin: channels, frameRate: 0, addressFrameRate: 0 })
  const [one, two] = cluster.nodes
  await using ann = await one!.login('ann', { autojoin: false })
  await using bob = await two!.login('bob')
  await ann.ask({ type: 'JOIN', channel: '#many-1099' }, 'JOINED')
  for (const bus of cluster.buses) bus.isCut = true
  await ann.ask({ type: 'MSG', to: '#many-1099', content: 'are you there?' }, 'ACK')
  expect(await bob.next('MSG')).toMatchObject({ to: '#many-1099', content: 'are you there?' })
}, 60_000)
