import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rawField, rawItems } from './raw.ts'

const spaced = fc.constantFrom('', ' ', '\n\t', '\r\n ')
/** A JSON text as some other writer would write it: with spaces, and keys and strings escaped. */
const written = (value: unknown, space: string): string =>
  JSON.stringify(value, undefined, space === '' ? undefined : 1).replaceAll('\n', space === '' ? '\n' : space)

test('a field and the items of an array are what JSON.parse reads there, as they stand', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.array(fc.jsonValue()), spaced, (fields, name, list, space) => {
      const text = written({ ...fields, [name]: list }, space)
      const field = rawField(text, name)!
      expect(text).toContain(field)
      expect(JSON.parse(field)).toEqual(JSON.parse(JSON.stringify(list)))
      const items = rawItems(field)
      expect(items.map(item => JSON.parse(item) as unknown)).toEqual(JSON.parse(JSON.stringify(list)))
    }),
  )
})

test('of a field that is there twice the last one counts, however its name is spelled', () => {
  expect(rawField('{"a":1,"\\u0061": {"b" : 2}}', 'a')).toBe('{"b" : 2}')
  expect(rawField('{"a":1,"b":2}', 'c')).toBeUndefined()
  expect(rawField('{"x":{"a":1}}', 'a')).toBeUndefined()
  expect(rawField('{"x":"\\"a\\":5","a":"}"}', 'a')).toBe('"}"')
  expect(rawField('{}', 'a')).toBeUndefined()
  expect(rawItems('[]')).toEqual([])
})

test('text that is no JSON comes to an end', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\a 1') }), text => {
    rawItems(text)
    try {
      rawField(text, 'a')
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError)
    }
  }))
})
