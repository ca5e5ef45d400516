// What a client had sent before it read that a message was refused does not overtake that message, however its frames and its pong arrive.
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import WebSocket, { type RawData } from 'ws'
import type { Frame } from '../lib/protocol/index.ts'
import { BusyError, StorageError, UndoneError } from '../src/store/store.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

/** What comes on a connection that opens: frames, and pings that ask whether refusals were read. */
const heardOn = async (ws: WebSocket) => {
  const frames: Frame[] = []
  const pings: Buffer[] = []
  ws.on('message', (data: RawData) => frames.push(JSON.parse((data as Buffer).toString()) as Frame))
  ws.on('ping', data => pings.push(data))
  await once(ws, 'open')
  const answerTo = (id: string) =>
    expect.poll(() => frames.filter(frame => (frame as { re?: string }).re === id).map(({ type }) => type).join())
  return { frames, pings, answerTo }
}

const staysBehind = async (error: Error, code: string): Promise<void> => {
  // One frame of a connection may wait to be stored: those behind it wait where they were read.
  await using relay = await startTestRelay({ maxQueueFrames: 1 })
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(relay.url).port), noDelay: true })
  const ws = new WebSocket(relay.url, { createConnection: () => socket, perMessageDeflate: false, autoPong: false })
  const { frames, pings } = await heardOn(ws)
  const send = (...said: readonly object[]) => {
    for (const each of said) ws.send(JSON.stringify(each))
  }
  const say = (id: string) => ({ type: 'MSG', id, to: '#general', content: id })
  const answersTo = (ids: readonly string[]) =>
    expect.poll(() => ids.map(id => frames.filter(frame => (frame as { re?: string }).re === id).map(({ type }) => type).join()))
  send({ type: 'IDENTIFY', name: 'ann' }, { type: 'JOIN', channel: '#general' })
  await expect.poll(() => frames.some(({ type }) => type === 'JOINED')).toBe(true)

  relay.store.tamper = method => {
    if (method !== 'append') return
    relay.store.tamper = undefined
    throw error
  }
  send(say('1'))
  await answersTo(['1']).toEqual(['ERROR'])
  expect(frames.find(({ type }) => type === 'ERROR')).toMatchObject({ code })
  await expect.poll(() => pings.length).toBe(1)

  // The relay read nothing for a while: what the client sent and its answer to the ping come in one chunk.
  const late = ['2', '3', '4', '5', '6']
  socket.cork()
  send(...late.map(say))
  ws.pong(pings[0])
  socket.uncork()
  await answersTo(late).toEqual(late.map(() => 'ERROR'))

  // It has not read those refusals yet, and is asked once more.
  await expect.poll(() => pings.length).toBe(2)
  ws.pong(pings[1])
  send(say('1'), ...late.map(say))
  await answersTo(['1', ...late]).toEqual(['ERROR,ACK', ...late.map(() => 'ERROR,ACK')])
  const acks = frames.filter(frame => frame.type === 'ACK') as Frame<'ACK'>[]
  expect(acks.map(({ re, seq }) => [re, seq])).toEqual(['1', ...late].map((re, i) => [re, i + 1]))
  ws.terminate()
}

test('messages that waited to be taken when the pong came stay behind the refusal that it answers', () =>
  staysBehind(new StorageError('disk full', 'free some space'), 'STORAGE_UNAVAILABLE'))

test('so they do where the first one was refused because too many ask', () => staysBehind(new BusyError('too many wait'), 'BUSY'))

test('while the storage takes nothing, one refusal is one question whether it was read; and who leaves is gone', async () => {
  await using relay = await startTestRelay()
  await using bob = await relay.login('bob')
  await using inside = await relay.loginInside('cyd')
  const ws = new WebSocket(relay.url, { perMessageDeflate: false })
  const { frames, pings } = await heardOn(ws)
  ws.send(JSON.stringify({ type: 'IDENTIFY', name: 'ann' }))
  await expect.poll(() => frames.find(({ type }) => type === 'WELCOME')).toBeDefined()
  const { agent_id: ann } = frames.find(({ type }) => type === 'WELCOME') as Frame<'WELCOME'>
  const isThere = async () => (await bob.ask({ type: 'WHOIS', agent: ann }, 'WHOIS').catch(() => undefined))?.presence === 'online'
  expect(await isThere()).toBe(true)

  relay.store.unwritable = new StorageError('no database', 'start it')
  const refused = (heard: readonly Frame[]) => heard.filter(frame => frame.type === 'ERROR' && frame.code === 'STORAGE_UNAVAILABLE')
  const say = (id: string) => ({ type: 'MSG', id, to: '#general', content: id })
  ws.send(JSON.stringify(say('1')))
  inside.send(say('1'))
  await expect.poll(() => [refused(frames).length, refused(inside.heard).length]).toEqual([1, 1])
  // As often as anything is asked and answered meanwhile.
  for (let i = 0; i < 20; i++) await bob.barrier()
  expect([pings.length, refused(frames).length, refused(inside.heard).length]).toEqual([1, 1, 1])

  ws.close()
  await expect.poll(isThere).toBe(false)
  relay.store.unwritable = undefined
  inside.forget()
  expect(await inside.answer(say('1'))).toMatchObject({ type: 'ACK' })
  expect(await bob.answer(say('2'))).toMatchObject({ type: 'ACK' })
})

test('what was sent to a place behind a message that had no room there has none either, until its sender knows; other places take it', async () => {
  await using relay = await startTestRelay({ maxInboxPerSender: 1 })
  await using bob = await relay.login('bob', { key: newKey(), inbox: 'manual' })
  const ws = new WebSocket(relay.url, { perMessageDeflate: false, autoPong: false })
  const { pings, answerTo } = await heardOn(ws)
  const say = (id: string, to: string = bob.id) => ws.send(JSON.stringify({ type: 'MSG', id, to, content: id }))
  ws.send(JSON.stringify({ type: 'IDENTIFY', name: 'ann' }))
  ws.send(JSON.stringify({ type: 'JOIN', channel: '#general' }))
  say('1')
  await answerTo('1').toBe('ACK')
  say('2')
  await answerTo('2').toBe('ERROR')
  await bob.ask({ type: 'RECEIVED', seq: 1 }, 'OK')
  say('3')
  say('elsewhere', '#general')
  await answerTo('3').toBe('ERROR')
  await answerTo('elsewhere').toBe('ACK')
  // One that is stored is, whoever asks.
  say('1')
  await answerTo('1').toBe('ACK,ACK')
  await expect.poll(() => pings.length).toBe(1)
  ws.pong(pings[0])
  await expect.poll(() => pings.length).toBe(2)
  ws.pong(pings[1])
  say('2')
  await answerTo('2').toBe('ERROR,ACK')
  await bob.ask({ type: 'RECEIVED', seq: 2 }, 'OK')
  say('3')
  await answerTo('3').toBe('ERROR,ACK')
  ws.terminate()
})

test('what was sent behind a message that was one too many is too, though there is room again, until its sender knows', async () => {
  await using relay = await startTestRelay({ msgRate: 1, msgBurst: 2, addressRate: 0 })
  const ws = new WebSocket(relay.url, { perMessageDeflate: false, autoPong: false })
  const { frames, pings } = await heardOn(ws)
  const say = (id: string) => ws.send(JSON.stringify({ type: 'MSG', id, to: '#general', content: id }))
  const answersTo = (...ids: string[]) =>
    expect.poll(() =>
      ids.map(id =>
        frames.flatMap(frame => (frame as { re?: string }).re === id ? frame.type === 'ERROR' ? frame.code : frame.type : []).join()
      )
    )
  ws.send(JSON.stringify({ type: 'IDENTIFY', name: 'ann' }))
  ws.send(JSON.stringify({ type: 'JOIN', channel: '#general' }))
  for (const id of ['1', '2', '3']) say(id)
  await answersTo('1', '2', '3').toEqual(['ACK', 'ACK', 'RATE_LIMITED'])
  relay.clock.advance(2_000)
  say('4')
  await answersTo('4').toEqual(['RATE_LIMITED'])
  ws.pong(pings[0])
  // It has not read of the fourth.
  await expect.poll(() => pings.length).toBe(2)
  say('5')
  await answersTo('5').toEqual(['RATE_LIMITED'])
  ws.pong(pings[1])
  await expect.poll(() => pings.length).toBe(3)
  ws.pong(pings[2])
  say('3')
  say('4')
  await answersTo('3', '4').toEqual(['RATE_LIMITED,ACK', 'RATE_LIMITED,ACK'])
  const acks = frames.filter(frame => frame.type === 'ACK') as Frame<'ACK'>[]
  expect(acks.map(({ re, seq }) => [re, seq])).toEqual(['1', '2', '3', '4'].map((re, i) => [re, i + 1]))
  ws.terminate()
})

test('what is sent to a channel before a message that was too early for its pace comes behind it', async () => {
  await using relay = await startTestRelay()
  await using owner = await relay.login('owner', { key: newKey() })
  await owner.ask({ type: 'CREATE_CHANNEL', channel: '#slow' }, 'JOINED')
  await owner.ask({ type: 'SET_CHANNEL', channel: '#slow', slow_mode_ms: 5_000 }, 'CHANNEL_CHANGED')
  const ws = new WebSocket(relay.url, { perMessageDeflate: false, autoPong: false })
  const { answerTo } = await heardOn(ws)
  const say = (id: string) => ws.send(JSON.stringify({ type: 'MSG', id, to: '#slow', content: id }))
  ws.send(JSON.stringify({ type: 'IDENTIFY', name: 'ann' }))
  ws.send(JSON.stringify({ type: 'JOIN', channel: '#slow' }))
  say('1')
  say('2')
  await answerTo('2').toBe('ERROR')
  relay.clock.advance(5_000)
  say('3')
  await answerTo('3').toBe('ERROR')
  const { events } = await owner.ask({ type: 'HISTORY', channel: '#slow', after: 0 }, 'HISTORY')
  expect(events.map(event => (event as { content?: string }).content)).toEqual(['1'])
  ws.terminate()
})

test('what was refused in a transaction that was undone refuses nothing that came before it', async () => {
  await using relay = await startTestRelay({ maxInboxPerSender: 1 })
  await using bob = await relay.login('bob', { key: newKey(), inbox: 'manual' })
  await using ann = await relay.login('ann')
  relay.store.hold()
  ann.send({ type: 'JOIN', channel: '#general' })
  await relay.store.reached()
  // Both in the batch behind it.
  for (const id of ['1', '2', '3']) ann.send({ type: 'MSG', id, to: bob.id, content: id })
  await expect.poll(() => relay.metric('agentchat_queue_frames')).toBe(3)
  relay.store.undone = new UndoneError('another one was first', 'It is tried again.')
  relay.store.release()
  await ann.next('JOINED')
  const answers = await Promise.all(
    ['1', '2', '3'].map(id =>
      expect.poll(() => ann.heard.filter(frame => (frame as { re?: string }).re === id).map(({ type }) => type)).toHaveLength(1)
    ),
  )
  expect(answers).toHaveLength(3)
  const of = (id: string) => ann.heard.find(frame => (frame as { re?: string }).re === id)!.type
  expect(['1', '2', '3'].map(of)).toEqual(['ACK', 'ERROR', 'ERROR'])
})
