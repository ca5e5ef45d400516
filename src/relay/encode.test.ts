import { expect, test } from 'vitest'
import { frameOf, frameOfList, frameOfText, replayFrame, textOfFrame } from './encode.ts'

test.each([
  [0, '8100'],
  [1, '8101'],
  [125, '817d'],
  [126, '817e007e'],
  [65_535, '817effff'],
  [65_536, '817f0000000000010000'],
])('a text of %i bytes gets the header of RFC 6455', (bytes, header) => {
  const frame = frameOfText('a'.repeat(bytes))
  expect(frame.subarray(0, header.length / 2).toString('hex')).toBe(header)
  expect(frame.length).toBe(header.length / 2 + bytes)
  expect(textOfFrame(frame).toString()).toBe('a'.repeat(bytes))
})

test('lengths are bytes, not characters', () => {
  expect(textOfFrame(frameOfText('é€😀')).toString()).toBe('é€😀')
  expect(frameOfText('é').subarray(0, 2).toString('hex')).toBe('8102')
})

test('type comes first, then the body as it is', () => {
  expect(textOfFrame(frameOf('LEFT', { ts: 5, channel: '#a' })).toString()).toBe('{"type":"LEFT","ts":5,"channel":"#a"}')
})

test('a replay is the stored text with its mark, nothing else', () => {
  const stored = Buffer.from('{"type":"MSG","content":"}"}')
  expect(textOfFrame(replayFrame(stored)).toString()).toBe('{"type":"MSG","content":"}","replay":true}')
})

test('a list carries stored texts as they are, however many', () => {
  const items = [Buffer.from('{"a":1}'), Buffer.from('{"b": 2}')]
  expect(textOfFrame(frameOfList('HISTORY', { ts: 1 }, 'events', items)).toString()).toBe(
    '{"type":"HISTORY","ts":1,"events":[{"a":1},{"b": 2}]}',
  )
  expect(textOfFrame(frameOfList('HISTORY', { ts: 1 }, 'events', [])).toString()).toBe('{"type":"HISTORY","ts":1,"events":[]}')
})
