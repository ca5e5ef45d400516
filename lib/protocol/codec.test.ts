import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { decodeFrame, decodeRequest, requestDocs, requests, type RequestType } from './index.ts'

const hostile = [
  '',
  ' ',
  'null',
  '[]',
  '5',
  '"MSG"',
  '{',
  '{"type":null}',
  '{"type":["MSG"]}',
  '{"type":"__proto__"}',
  '{"type":"constructor"}',
  '{"type":"toString"}',
  '['.repeat(1_000_000),
  '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000),
]

test.each(hostile)('hostile text %# is a failure, not a throw', text => {
  expect(decodeRequest(text).ok).toBe(false)
  expect(decodeFrame(text).ok).toBe(false)
})

test('what would cost much to parse is refused before it is parsed', () => {
  const parse = vi.spyOn(JSON, 'parse')
  const frame = (content: string) => `{"type":"MSG","to":"#general","x":${content}}`
  for (
    const bomb of [
      '['.repeat(2_000_000),
      `${'{"a":'.repeat(300_000)}1`,
      `[${'{},'.repeat(600_000)}1]`,
      `[${'0,'.repeat(900_000)}0]`,
      `{${'"":0,'.repeat(300_000)}`,
    ]
  )
    expect(decodeRequest(frame(bomb))).toMatchObject({ ok: false, message: expect.stringContaining('values') as string })
  expect(parse).not.toHaveBeenCalled()
  parse.mockRestore()
})

test('a long text is taken, whatever is in it', () => {
  for (const content of ['[{,'.repeat(500_000), '"\\'.repeat(300_000), '\\"'.repeat(300_000), '\\\\'.repeat(300_000)])
    expect(decodeRequest(JSON.stringify({ type: 'MSG', to: '#general', content }))).toMatchObject({ ok: true, body: { content } })
})

test('no text and no JSON makes decoding throw', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), text => {
    decodeRequest(text)
    decodeFrame(text)
  }), { numRuns: 1_000 })
})

test('an example with any one field replaced by anything is read or refused, never thrown on', () => {
  const types = Object.keys(requests) as RequestType[]
  fc.assert(fc.property(fc.constantFrom(...types), fc.string(), fc.jsonValue(), (type, field, value) => {
    const example: Record<string, unknown> = { type, ...requestDocs[type].example }
    const key = Object.keys(example)[field.length % Object.keys(example).length]!
    const result = decodeRequest(JSON.stringify({ ...example, [key]: value }))
    if (result.ok) expect(Object.keys(result.body)).not.toContain('type')
  }), { numRuns: 2_000 })
})

test('an id with half a character is none: two of them would be one key where they are kept', () => {
  expect(decodeRequest('{"type":"PING","id":"a\\ud800"}')).toMatchObject({ ok: false })
  expect(decodeRequest('{"type":"PING","id":"a\\ud83d\\ude00"}')).toMatchObject({ ok: true })
})

test('unknown keys are dropped, and prototypes are left alone', () => {
  const result = decodeRequest('{"type":"MSG","to":"#a","content":"x","extra":1,"__proto__":{"polluted":true},"constructor":5}')
  expect(result).toEqual({ ok: true, type: 'MSG', body: { to: '#a', content: 'x' } })
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('a failure names the field, and carries the id where one can be read', () => {
  expect(decodeRequest('{"type":"MSG","id":"7","to":5,"content":"x"}')).toMatchObject({
    ok: false,
    id: '7',
    message: expect.stringMatching(/^to: /) as string,
  })
  expect(decodeRequest('{"type":"NOPE","id":"7"}')).toMatchObject({
    ok: false,
    id: '7',
    message: expect.stringContaining('unknown') as string,
  })
  for (const id of [5, '', 'x'.repeat(65), null, {}]) expect(decodeRequest(JSON.stringify({ type: 'NOPE', id }))).not.toHaveProperty('id')
})

test('null reads as absent where existing clients send it', () => {
  expect(decodeRequest('{"type":"IDENTIFY","name":"a","pubkey":null}')).toEqual({
    ok: true,
    type: 'IDENTIFY',
    body: { name: 'a', pubkey: undefined },
  })
  expect(decodeRequest('{"type":"MSG","to":"#a","content":"","in_reply_to":null,"sig":null}').ok).toBe(true)
})
