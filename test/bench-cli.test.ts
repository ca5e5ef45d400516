// agentchat bench against a relay: what it counts, what it keeps to, and how it ends.
import { describe, expect, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, testConfig } from './kit/relay.ts'

describe('agentchat bench', () => {
  test('every message is acknowledged and heard by every other agent, in a channel that nobody else sees', async () => {
    await using relay = await startTestRelay()
    using cli = new Cli()
    await using guest = await relay.login('guest')
    const { code, json } = await cli.run(['bench', relay.url, '-a', '4', '-r', '40', '-s', '0.5', '--size', '50', '--json'])
    expect(code).toBe(exits.ok.code)
    const result = json[0] as Record<string, number> & {
      readonly ack_ms: Record<string, number>
      readonly delivery_ms: Record<string, number>
    }
    expect(result).toMatchObject({ agents: 4, size: 50, failed: {} })
    expect(result.sent).toBeGreaterThan(0)
    expect(result.acknowledged).toBe(result.sent)
    expect([result.expected, result.received]).toEqual([result.sent! * 3, result.sent! * 3])
    for (const latency of [result.ack_ms, result.delivery_ms]) {
      expect(latency.p50).toBeGreaterThan(0)
      expect(latency.p99).toBeGreaterThanOrEqual(latency.p50!)
      expect(latency.max).toBeGreaterThanOrEqual(latency.p99!)
    }
    // Three invitations are messages too.
    expect(await relay.metric('agentchat_messages_stored_total')).toBe(result.sent! + 3)
    expect((await guest.ask({ type: 'LIST_CHANNELS' }, 'CHANNELS')).list.map(({ name }) => name)).not.toContainEqual(
      expect.stringContaining('bench'),
    )
    expect(guest.unread.filter(({ type }) => type === 'MSG')).toEqual([])
    // The channel went with its bench.
    expect(await relay.metric('agentchat_channels')).toBe(testConfig().channels.length)
  })

  test('for eyes', async () => {
    await using relay = await startTestRelay()
    using cli = new Cli()
    const { stdout } = await cli.run(['bench', relay.url, '-a', '2', '-r', '20', '-s', '0.3'], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(stdout).toMatch(
      /^\d+ messages in \d\.\d s: (\d+) acknowledged, \1 of \1 deliveries\nms +p50 +p90 +p99 +max\nuntil ACK( +\d+\.\d){4}\nuntil delivery( +\d+\.\d){4}\n$/,
    )
  })

  test('what is refused is counted, and ends with 1', async () => {
    await using relay = await startTestRelay()
    using cli = new Cli()
    const { code, json } = await cli.run(['bench', relay.url, '-a', '2', '-r', '4', '-s', '0.3', '--size', '2200000', '--json'])
    expect(code).toBe(exits.error.code)
    expect(json[0]).toMatchObject({ acknowledged: 0, received: 0, failed: { INVALID_MSG: json[0]!['sent'] }, ack_ms: null })
  })

  test('keeps to the limits of the relay, and of politeness', async () => {
    await using relay = await startTestRelay({ msgRate: 2 })
    using cli = new Cli()
    const paced = await cli.run(['bench', relay.url, '-a', '3', '-r', '60', '--json'])
    expect([paced.code, paced.stderr]).toEqual([exits.usage.code, expect.stringContaining('At most --rate 6 with 3 agents')])
    for (const flags of [['-a', '21'], ['-r', '51'], ['-s', '61']]) {
      const { code, stderr } = await cli.run(['bench', 'wss://relay.example', ...flags])
      expect([code, stderr]).toEqual([exits.usage.code, expect.stringContaining('--force')])
    }
    expect((await cli.run(['bench', relay.url, '-a', '1'])).code).toBe(exits.usage.code)
  })
})
