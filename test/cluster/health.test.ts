// What an operator sees of several processes: how many run, whether they hear each other, and what they missed.
import { expect, test } from 'vitest'
import { startTestCluster } from '../kit/cluster.ts'
import { Cli } from '../kit/cli.ts'
import { newKey } from '../kit/wire.ts'

interface Health {
  readonly status: string
  readonly reason?: string
  readonly agents: { readonly connected: number }
  readonly nodes?: object
}

const comesTrue = async <T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> => {
  for (let tries = 0; tries < 400; tries++) {
    const seen = await look()
    if (isSo(seen)) return seen
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`it does not come true: ${JSON.stringify(await look())}`)
}

test('/health is of the relay, and degraded while a process does not hear the others; /metrics and nodes tell what was missed', async () => {
  await using cluster = await startTestCluster(2)
  const [one, two] = cluster.nodes as [typeof cluster.nodes[0], typeof cluster.nodes[0]]
  const health = async ({ httpUrl }: typeof one) => await (await fetch(`${httpUrl}/health`)).json() as Health
  await using ann = await one.login('ann', { key: newKey() })
  await using _bob = await two.login('bob', { key: newKey() })
  for (const node of [one, two]) {
    const { status, agents, nodes } = await comesTrue(() => health(node), ({ agents }) => agents.connected === 2)
    expect({ status, agents, nodes }).toEqual({
      status: 'healthy',
      agents: { connected: 2, with_identity: 2 },
      nodes: { live: 2, behind: 0, bus: 'up' },
    })
  }
  expect(await one.metric('agentchat_nodes_live')).toBe(2)
  expect(await two.metric('agentchat_bus_heard_total')).toBeGreaterThan(0)

  cluster.buses[1]!.isCut = true
  expect(await health(two)).toMatchObject({ status: 'degraded', reason: expect.stringContaining('NATS') as string, nodes: { bus: 'down' } })
  expect(await two.metric('agentchat_bus_up')).toBe(0)
  expect((await health(one)).status).toBe('healthy')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#unheard' }, 'JOINED')
  expect(await one.metric('agentchat_bus_unanswered_total')).toBe(1)
  const resyncs = await two.metric('agentchat_roster_resyncs_total')
  cluster.buses[1]!.mend()
  await comesTrue(() => two.metric('agentchat_roster_resyncs_total'), count => count > resyncs)
  await comesTrue(() => two.metric('agentchat_bus_behind'), behind => behind === 0)

  using cli = new Cli()
  const rows = async () =>
    (await cli.run(['nodes', '--store', cluster.database.url, '--json'])).json.flat() as readonly {
      readonly agents?: number
      readonly bus?: string
    }[]
  // Each says so every three seconds, and may have said before what was so then.
  const isSo = (list: Awaited<ReturnType<typeof rows>>) =>
    list.length === 2 && list.every(({ agents, bus }) => agents === 1 && bus === 'up')
  expect(await comesTrue(rows, isSo)).toMatchObject([{
    node: 'node1',
    bus: 'up',
    agents: 1,
  }, { node: 'node2', bus: 'up', agents: 1 }])
})
