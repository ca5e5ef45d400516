// Event streams of a relay that is killed, and of one that stops: real processes, an HTTP writer, and readers that come back.
// STREAM_MESSAGES=3000 STREAM_KILLS=5 STREAM_READERS=50 STREAM_DEAF=300 npx vitest run test/e2e/streams.test.ts: as a release is tried.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Source } from '../kit/event-source.ts'
import { newFolder } from '../kit/folder.ts'
import { ServeProgram, builtBin } from '../kit/process.ts'

const messages = Number(process.env['STREAM_MESSAGES'] ?? 100)
const kills = Number(process.env['STREAM_KILLS'] ?? 2)
const readers = Number(process.env['STREAM_READERS'] ?? 8)
const deaf = Number(process.env['STREAM_DEAF'] ?? 40)
/** What is published before those who do not read it: 50 MB where they are 300. */
const deafMessages = deaf >= 300 ? 250 : 75

const json = async (response: Response): Promise<Record<string, unknown>> => await response.json() as Record<string, unknown>

/** A newcomer by HTTP. */
const arrive = async (url: string, name: string): Promise<{ readonly id: string, readonly headers: Record<string, string> }> => {
  const response = await fetch(`${url}/v1/agents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  const { agent_id: id, token } = await json(response)
  return { id: String(id), headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json' } }
}

test(`${messages} messages in three channels and an inbox, while the relay is killed ${kills} times: each is told once`, async () => {
  using data = newFolder()
  const flags = ['--data', data.path, '--msg-rate', '0']
  let relay = new ServeProgram(builtBin(), ['--port', '0', ...flags])
  const url = (await relay.url).replace(/^ws/, 'http')
  const { port } = new URL(url)
  const [writer, reader] = [await arrive(url, 'writer'), await arrive(url, 'reader')]
  const channels = ['general', 'discovery', 'bounties']
  for (const { headers } of [writer, reader])
    for (const channel of channels)
      expect((await fetch(`${url}/v1/channels/${channel}/members/me`, { method: 'PUT', headers })).status).toBe(200)

  const told: string[] = []
  let place = ''
  let isDone = false
  let open: Source | undefined
  const acknowledge = async (): Promise<void> => {
    const seq = Number(/~i(\d+)/.exec(open?.heard.findLast(({ id }) => id !== '')?.id ?? place)?.[1] ?? 0)
    const body = JSON.stringify({ seq })
    await fetch(`${url}/v1/inbox/cursor`, { method: 'PUT', headers: reader.headers, body }).then(({ status }) => status, () => 0)
  }
  const reading = (async () => {
    while (!isDone) {
      const source = open = new Source()
      const stream = await source.open(`${url}/v1/events?channels=${channels.join(',')}&inbox=1`, {
        ...reader.headers,
        ...(place !== '' && { 'last-event-id': place }),
      }).catch(() => undefined)
      if (stream?.ok === true) {
        await source.until(() => source.isOver || told.length + source.events.length >= messages)
        if (source.heard.length > 0 && place !== '') expect(source.heard[0]).toMatchObject({ event: 'hello', data: { recovered: true } })
        told.push(...source.events.map(({ data }) => String(data['content'])))
        place = source.heard.findLast(({ id }) => id !== '')?.id ?? place
        isDone = told.length >= messages
      } else await sleep(50)
      source.close()
    }
  })()

  const post = async (i: number): Promise<void> => {
    const to = i % 4 === 3 ? `agents/${reader.id}` : `channels/${channels[i % 4]!}`
    for (;;) {
      const answer = await fetch(`${url}/v1/${to}/messages`, {
        method: 'POST',
        headers: { ...writer.headers, 'idempotency-key': `w-${i}` },
        body: JSON.stringify({ content: `${i}` }),
      }).catch(() => undefined)
      const status = answer?.status
      const { code } = await answer?.json().catch(() => ({})) as { readonly code?: string } ?? {}
      if (status === 201) return
      // An inbox takes so much of one sender until it is acknowledged.
      if (code === 'LIMIT_REACHED') await acknowledge()
      else if (status !== undefined) expect(['KEY_RUNNING', 'BUSY', 'RATE_LIMITED', 'STORAGE_UNAVAILABLE', undefined]).toContain(code)
      await sleep(20)
    }
  }
  const lanes = 8
  const killAt = Array.from({ length: kills }, (_, i) => Math.floor(messages * (i + 1) / (kills + 1)))
  let next = 0
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < messages) {
      const i = next++
      if (killAt.includes(i)) {
        relay.signal('SIGKILL')
        await relay.ended
        relay = new ServeProgram(builtBin(), ['--port', port, ...flags])
        await relay.url
      }
      await post(i)
    }
  }))
  await reading
  // Nothing comes behind it.
  expect(told.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: messages }, (_, i) => i))
  await relay[Symbol.asyncDispose]()
}, 300_000)

test(`a relay that stops with ${readers} streams and ${readers} waiting polls says goodbye to each, and ends in time`, async () => {
  using data = newFolder()
  await using relay = new ServeProgram(builtBin(), ['--port', '0', '--data', data.path, '--msg-rate', '0'])
  const url = (await relay.url).replace(/^ws/, 'http')
  const agents: Awaited<ReturnType<typeof arrive>>[] = []
  // An agent has so many streams, and an address so many sockets.
  for (let i = 0; i < Math.ceil(readers / 4); i++) agents.push(await arrive(url, `a${i}`))
  const sources = Array.from({ length: readers }, () => new Source())
  for (const [i, source] of sources.entries())
    expect((await source.open(`${url}/v1/events?inbox=1`, agents[i % agents.length]!.headers)).status).toBe(200)
  const polls = Array.from({ length: readers },
    (_, i) => fetch(`${url}/v1/inbox?wait=50`, { headers: agents[i % agents.length]!.headers }).then(response => response.status, () => 0))
  await Promise.all(sources.map(source => source.until(() => source.heard.length > 0)))
  await sleep(300)
  relay.signal('SIGTERM')
  expect(await relay.ended).toEqual({ code: 0, signal: null })
  for (const source of sources) {
    await source.until(() => source.isOver)
    expect(source.heard.at(-1)).toMatchObject({
      event: 'bye',
      data: { reason: 'RESTARTING', retry_after_ms: expect.any(Number) as number },
    })
  }
  for (const status of await Promise.all(polls)) expect([200, 503]).toContain(status)
}, 120_000)

test(`${deaf} readers that do not read are cut, cost little memory, and one that reads hears all`, async () => {
  using data = newFolder()
  const unlimited = [
    '--msg-rate',
    '0',
    '--address-rate',
    '0',
    '--frame-rate',
    '0',
    '--address-frame-rate',
    '0',
    '--max-connections-per-ip',
    '0',
  ]
  await using relay = new ServeProgram(builtBin(), ['--port', '0', '--data', data.path, ...unlimited])
  const url = (await relay.url).replace(/^ws/, 'http')
  const path = '/v1/channels/general/events'
  const agents: Awaited<ReturnType<typeof arrive>>[] = []
  for (let i = 0; i < Math.ceil(deaf / 10); i++) {
    agents.push(await arrive(url, `a${i}`))
    await fetch(`${url}/v1/channels/general/members/me`, { method: 'PUT', headers: agents[i]!.headers })
  }
  const mutes = await Promise.all(Array.from({ length: deaf }, async (_, i) => {
    const mute = connect(Number(new URL(url).port), '127.0.0.1')
    mute.on('error', () => undefined)
    mute.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${agents[i % agents.length]!.headers['authorization']!}\r\n\r\n`)
    await new Promise(resolve => mute.once('readable', resolve))
    expect(String(mute.read())).toMatch(/^HTTP\/1\.1 200 /)
    return mute.pause()
  }))
  const good = new Source()
  await good.open(`${url}${path}`, agents[0]!.headers)
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${relay.pid}/status`, 'latin1'))![1]) / 1_024
  const before = resident()
  let most = 0
  const body = JSON.stringify({ content: 'x'.repeat(200_000) })
  for (let i = 1; i <= deafMessages; i++) {
    const { status } = await fetch(`${url}/v1/channels/general/messages`, { method: 'POST', headers: agents[0]!.headers, body })
    expect(status).toBe(201)
    // Whoever reads waits for nobody who does not.
    await good.until(() => good.events.length === i || good.isOver)
    most = Math.max(most, resident())
  }
  expect([good.events.length, good.isOver]).toEqual([deafMessages, false])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(Number(/^agentchat_slow_closes_total (\d+)/m.exec(metrics)?.[1])).toBe(deaf)
  expect(most - before).toBeLessThan(300)
  for (const mute of mutes) mute.destroy()
  good.close()
}, 120_000)
