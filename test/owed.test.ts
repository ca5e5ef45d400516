// What is owed: bytes that wait in the relay are counted, bounded in all, and paid by those who owe most. Counted in bytes and closes.
import { describe, expect, test } from 'vitest'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import type { Wire } from './kit/wire.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const mib = 1_024 ** 2
const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
/** Limits that are not what these tests are about. */
const unpaced = { addressRate: 0, frameRate: 0 }

/** Members that do not read, of one address like everybody here. */
const deafMembers = async (relay: TestRelay, count: number): Promise<readonly Wire[]> => {
  const members: Wire[] = []
  for (const i of upTo(count)) {
    members.push(await relay.login(`deaf${i}`))
    members[i]!.pause()
  }
  return members
}

describe('bytes that wait for readers', () => {
  test('a slow reader is told 4000 behind what the system has already, and what waited for it is dropped', async () => {
    await using relay = await startTestRelay({ ...unpaced, maxPendingBytes: 4 * mib })
    await using speaker = await relay.login('speaker')
    const [sloth] = await deafMembers(relay, 1)
    let said = 0
    while (await relay.metric('agentchat_slow_closes_total') === 0 && said < 200) {
      await speaker.ask(say('x'.repeat(200_000)), 'ACK')
      said++
    }
    expect(await relay.metric('agentchat_owed_bytes')).toBeLessThan(mib / 2)
    // A piece on its way, and nothing behind it.
    expect(await relay.metric('agentchat_parting_bytes')).toBeLessThan(mib / 2)
    sloth!.resume()
    expect(await sloth!.closed()).toEqual({ code: 4000, reason: 'TOO_SLOW' })
    // It did not have to take the four megabytes first.
    expect(said - sloth!.heard.filter(frame => frame.type === 'MSG').length).toBeGreaterThan(20)
    await expect.poll(() => relay.metric('agentchat_parting_bytes')).toBe(0)
  })

  test('what many wait for counts once, so that a large message in a slow room throws nobody out', async () => {
    await using relay = await startTestRelay({ ...unpaced, maxMemory: 64 * mib })
    await using speaker = await relay.login('speaker')
    const members = await deafMembers(relay, 12)
    let said = 0
    for (; await relay.metric('agentchat_queued_bytes') <= 24 * mib && said < 100; said++) await speaker.ask(say('x'.repeat(mib)), 'ACK')
    // More than the 16 MiB that may wait in all, if each of them had a copy of its own.
    expect(await relay.metric('agentchat_queued_bytes')).toBeGreaterThan(24 * mib)
    expect(await relay.metric('agentchat_owed_bytes')).toBeLessThan(4 * mib)
    expect(await relay.metric('agentchat_slow_closes_total')).toBe(0)
    for (const wire of members) wire.resume()
    for (const wire of members) expect(await wire.take('MSG', said)).toHaveLength(said)
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBeLessThan(mib)
    await Promise.all(members.map(wire => wire.close()))
    await speaker.close()
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBe(0)
  })
})
