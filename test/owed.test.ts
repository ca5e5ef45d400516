// What is owed: bytes that wait in the relay are counted, bounded in all, and paid by those who owe most. Counted in bytes and closes.
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { rawSocket } from './kit/raw-socket.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import type { Wire } from './kit/wire.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const mib = 1_024 ** 2
const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
/** Limits that are not what these tests are about. */
const unpaced = { addressRate: 0, frameRate: 0, maxContentBytes: 2 * mib }

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

/** A masked text frame; a mask of zeros leaves the text as it is. */
const frameOf = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const head = payload.length < 126
    ? Buffer.from([0x81, 0x80 | payload.length])
    : payload.length < 65_536
    ? Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff])
    : Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0]), uint32(payload.length)])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A session on a raw socket; `closed` gives the code that the relay said goodbye with, 1006 without one. */
const rawSession = async (relay: TestRelay, name: string) => {
  const socket = await rawSocket(relay.url)
  let heard = Buffer.alloc(0)
  socket.on('data', chunk => {
    heard = Buffer.concat([heard, chunk])
  })
  const closed = once(socket, 'close').then(() => {
    const at = heard.lastIndexOf(0x88)
    return at < 0 ? 1006 : heard.readUInt16BE(at + 2)
  })
  socket.write(frameOf(JSON.stringify({ type: 'IDENTIFY', name })))
  await expect.poll(() => heard.includes('"WELCOME"')).toBe(true)
  return { socket, closed, text: () => heard.toString('latin1') }
}

describe('bytes that wait for their frame', () => {
  test('frames without their last byte count, and those go with 4000 that are over the share of their address', async () => {
    await using relay = await startTestRelay({ ...unpaced, maxMemory: 64 * mib })
    const large = frameOf(JSON.stringify(say('x'.repeat(mib))))
    const sessions = []
    for (const i of upTo(5)) sessions.push(await rawSession(relay, `s${i}`))
    for (const { socket } of sessions.slice(0, 3)) socket.write(large.subarray(0, -1))
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBeGreaterThan(3 * mib)
    expect(await relay.metric('agentchat_owed_bytes')).toBeLessThan(4 * mib)
    for (const { socket } of sessions.slice(3)) socket.write(large.subarray(0, -1))
    // Of five times 1 MiB there is room for three: 4 MiB are the share of an address.
    await expect.poll(() => relay.metric('agentchat_slow_closes_total')).toBe(2)
    expect(await relay.metric('agentchat_owed_bytes')).toBeLessThan(4 * mib)
    for (const { socket } of sessions) if (!socket.destroyed) socket.write(large.subarray(-1))
    await using reader = await relay.login('reader')
    const { events } = await reader.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')
    expect(events).toHaveLength(3)
    for (const { socket } of sessions) socket.end()
    const codes = await Promise.all(sessions.map(({ closed }) => closed))
    expect(codes.filter(code => code === 4000)).toHaveLength(2)
    await expect.poll(() => relay.metric('agentchat_parting_bytes')).toBe(0)
    await reader.close()
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBe(0)
  })

  test('what is counted of frames is gone when they are whole, however they were cut', async () => {
    await using relay = await startTestRelay(unpaced)
    const { socket, text } = await rawSession(relay, 'cutter')
    const bytes = Buffer.concat(upTo(40).map(i => frameOf(JSON.stringify({ ...say('x'.repeat(i * 100)), id: String(i) }))))
    for (let from = 0; from < bytes.length; from += 997) {
      socket.write(bytes.subarray(from, from + 997))
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect.poll(() => text().match(/"type":"ACK"/g)?.length).toBe(40)
    expect(await relay.metric('agentchat_owed_bytes')).toBe(0)
    // Pings, and their answers, are part of no frame.
    for (const _ of upTo(50)) socket.write(Buffer.from([0x89, 0x84, 0, 0, 0, 0, 0x70, 0x69, 0x6e, 0x67]))
    await expect.poll(() => text().match(/\x8a\x04ping/g)?.length).toBe(50)
    expect(await relay.metric('agentchat_owed_bytes')).toBe(0)
    socket.destroy()
  })

  test.each([
    ['whole', 0],
    ['not whole', 1],
  ])('before a session a frame of more than 8 KiB ends its connection, %s', async (_what, missing) => {
    await using relay = await startTestRelay()
    const socket = await rawSocket(relay.url)
    const frame = frameOf(JSON.stringify({ type: 'IDENTIFY', name: 'x', padding: 'x'.repeat(9_000) }))
    const heard = once(socket, 'data')
    socket.write(frame.subarray(0, frame.length - missing))
    const [goodbye] = await heard as [Buffer]
    expect([goodbye[0], goodbye.readUInt16BE(2)]).toEqual([0x88, 1009])
    expect(goodbye.toString('latin1')).toContain('8192 bytes before a session')
    socket.destroy()
    await using other = await relay.login('other')
    await other.ask({ ...say('x'.repeat(9_000)) }, 'ACK')
  })

  test('a large frame sent right behind the login is one of the session', async () => {
    await using relay = await startTestRelay()
    await using eager = await relay.connect()
    eager.send({ type: 'IDENTIFY', name: 'eager' }, { ...say('x'.repeat(300_000)), id: '1' })
    await eager.next('WELCOME')
    expect((await eager.next('ACK')).re).toBe('1')
  })
})

describe('frames of one chunk', () => {
  test('a thousand reads in one chunk make one answer at a time', async () => {
    await using relay = await startTestRelay(unpaced)
    await using filler = await relay.login('filler')
    for (const _ of upTo(3)) await filler.ask(say('x'.repeat(mib)), 'ACK')
    await filler.close()
    const greedy = await rawSession(relay, 'greedy')
    greedy.socket.pause()
    greedy.socket.write(Buffer.concat(upTo(1_000).map(() => frameOf('{"type":"HISTORY","channel":"#general","after":0}'))))
    let most = 0
    await using other = await relay.login('other')
    for (const _ of upTo(50)) {
      await other.barrier()
      most = Math.max(most, await relay.metric('agentchat_queued_bytes'))
    }
    // One answer is 3 MiB, and the frames that wait are small.
    expect(most).toBeGreaterThan(mib)
    expect(most).toBeLessThan(4 * mib)
    expect(await relay.metric('agentchat_owed_bytes')).toBeLessThan(5 * mib)
    expect(await relay.metric('agentchat_paused_sockets')).toBe(1)
    greedy.socket.destroy()
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBe(0)
  })

  test('reads and writes of one chunk are answered in the order they were sent', async () => {
    await using relay = await startTestRelay()
    await using alice = await relay.login('alice')
    alice.send(
      ...upTo(30).map(i =>
        i % 3 === 0 ? { ...say(String(i)), id: String(i) } : { type: i % 3 === 1 ? 'PING' : 'HISTORY', channel: '#general', id: String(i) }
      ),
    )
    await alice.barrier()
    expect(alice.heard.flatMap(frame => 're' in frame && frame.re !== undefined ? [frame.re] : []).slice(0, 30)).toEqual(
      upTo(30).map(String),
    )
    const pages = alice.heard.filter(frame => frame.type === 'HISTORY')
    expect(pages.map(page => page.type === 'HISTORY' && page.events.length)).toEqual(upTo(10).map(i => i + 1))
  })

  test('what was sent before a goodbye is done, what was sent before being told to go is not', async () => {
    await using relay = await startTestRelay()
    const leaver = await rawSession(relay, 'leaver')
    // A read in front of them, so that they wait when the goodbye comes.
    leaver.socket.end(Buffer.concat([
      frameOf('{"type":"HISTORY","channel":"#general"}'),
      ...upTo(20).map(i => frameOf(JSON.stringify(say(`last ${i}`)))),
      Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]),
    ]))
    await leaver.closed
    await using reader = await relay.login('reader', { autojoin: false })
    await expect.poll(async () => (await reader.ask({ type: 'HISTORY', channel: '#general' }, 'HISTORY')).seq).toBe(20)
    await expect.poll(async () => (await reader.ask({ type: 'LIST_AGENTS', channel: '#general' }, 'AGENTS')).list).toEqual([])

    const stranger = await rawSocket(relay.url)
    stranger.write(Buffer.concat([
      frameOf(`{"type":"PING","padding":"${'x'.repeat(9_000)}"}`),
      frameOf('{"type":"IDENTIFY","name":"late"}'),
    ]))
    await once(stranger, 'data')
    expect(await relay.metric('agentchat_agents')).toBe(1)
    stranger.destroy()
  })
})

describe('memory', () => {
  test('whatever many ask for and do not read, the buffers of the process stay within what may be owed', async () => {
    const { setFlagsFromString } = await import('node:v8')
    const { runInNewContext } = await import('node:vm')
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const held = () => {
      collect()
      return process.memoryUsage().arrayBuffers
    }
    // A quarter of it may wait, 16 MiB; a quarter of that again holds those who were told to go.
    await using relay = await startTestRelay({ ...unpaced, maxMemory: 64 * mib })
    await using speaker = await relay.login('speaker')
    for (let i = 0; i < 3; i++) await speaker.ask(say('x'.repeat(2_000_000)), 'ACK')
    await speaker.close()
    const before = held()
    const greedy: Wire[] = []
    for (const i of upTo(16)) {
      const wire = await relay.login(`greedy${i}`, { autojoin: false, ...(i % 2 === 0 && { from: '127.0.0.2' }) })
      wire.pause()
      wire.send(...upTo(20).map(() => ({ type: 'HISTORY', channel: '#general', after: 0 })))
      greedy.push(wire)
    }
    let [most, mostOwed] = [0, 0]
    // From when answers wait, for a while.
    for (let left = 12; left > 0; left -= mostOwed > 2 * mib ? 1 : 0) {
      await new Promise(resolve => setTimeout(resolve, 50))
      most = Math.max(most, held() - before)
      mostOwed = Math.max(mostOwed, await relay.metric('agentchat_owed_bytes') + await relay.metric('agentchat_parting_bytes'))
    }
    expect(mostOwed).toBeLessThanOrEqual(20 * mib)
    // Each got an answer of 4 MB at most, or was told to go: 16 of them would be 64 MiB. What a test's own sockets hold is in it too.
    expect(most).toBeLessThan(40 * mib)
    for (const wire of greedy) await wire[Symbol.asyncDispose]()
    await expect.poll(() => relay.metric('agentchat_owed_bytes')).toBe(0)
  }, 60_000)
})
