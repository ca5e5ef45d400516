import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, signedText } from './canonical.ts'
import { IdentityError } from './errors.ts'

test('the examples of RFC 8785', () => {
  const value = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  )
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
  const sorted = JSON.parse(
    '{"\\u20ac":"Euro","\\r":"CR","\\ufb33":"Dalet","1":"One","\\ud83d\\ude00":"Smile","\\u0080":"Control","\\u00f6":"o"}',
  )
  expect(Object.values(JSON.parse(canonicalJson(sorted)))).toHaveLength(7)
  expect(canonicalJson(sorted)).toBe('{"\\r":"CR","1":"One","\u0080":"Control","ö":"o","€":"Euro","😀":"Smile","\ufb33":"Dalet"}')
})

test('one text for one value, whatever the order of its keys, and the value again from the text', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
    const turned = (item: unknown): unknown =>
      Array.isArray(item)
        ? item.map(turned)
        : item !== null && typeof item === 'object'
        ? Object.fromEntries(Object.entries(item).reverse().map(([key, field]) => [key, turned(field)]))
        : item
    let text: string
    try {
      text = canonicalJson(value)
    } catch (error) {
      return expect(error).toBeInstanceOf(IdentityError)
    }
    expect(canonicalJson(turned(value))).toBe(text)
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
  }))
})

test('what JSON cannot say is refused', () => {
  const deep = Array.from({ length: 70 }).reduce<unknown>(inner => [inner], 1)
  for (const value of [NaN, Infinity, '\ud800', { '\udc00': 1 }, () => 1, 1n, undefined, [undefined], deep])
    expect(() => canonicalJson(value)).toThrow(IdentityError)
  expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}')
})

test('a text says what kind of statement it is', () => {
  expect(signedText('RECEIPT', { b: '|', a: 1 })).toBe('AGENTCHAT_RECEIPT_V2|{"a":1,"b":"|"}')
})
