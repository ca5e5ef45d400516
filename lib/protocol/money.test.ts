import { describe, expect, test } from 'vitest'
import { currencyCode, digitsOf, formatMinor, maxMinor, minorOf, plainNumber } from './money.ts'

describe('money', () => {
  test('each currency has the decimals of ISO 4217, coins their own, whatever the spelling', () => {
    expect(['VND', 'JPY', 'usd', 'EUR', 'KWD', 'kwd', 'CLF', 'BTC', 'ETH', 'USDC', 'TEST'].map(digitsOf)).toEqual([
      ...[0, 0, 2, 2, 3, 3, 4, 8, 9, 6, 2],
    ])
    expect(currencyCode('usd')).toBe('USD')
  })

  test('an amount is exact, or none', () => {
    expect(minorOf('12.5', 'USD')).toBe(1_250)
    expect(minorOf(12.505, 'USD')).toBeUndefined()
    expect(minorOf(0.00000001, 'BTC')).toBe(1)
    expect(minorOf(0.000000001, 'BTC')).toBeUndefined()
    expect(minorOf(1_000, 'VND')).toBe(1_000)
    expect(minorOf(0.5, 'VND')).toBeUndefined()
    expect(minorOf('1.005', 'KWD')).toBe(1_005)
    expect(minorOf(1e21, 'USD')).toBeUndefined()
    expect(minorOf(maxMinor / 100, 'USD')).toBe(maxMinor)
    expect(minorOf((maxMinor + 1) / 100, 'USD')).toBeUndefined()
    for (const wrong of ['', '-1', '1e3', '0x10', ' 1', '1.', '.5', 'NaN', NaN, Infinity, -0.01])
      expect(minorOf(wrong, 'USD')).toBeUndefined()
  })

  test('numbers are written without an exponent', () => {
    expect([1e-8, 1.5e-7, 12.5, 0, 1e21, 1.25e22, -1e-9].map(plainNumber)).toEqual([
      '0.00000001',
      '0.00000015',
      '12.5',
      '0',
      '1000000000000000000000',
      '12500000000000000000000',
      '-0.000000001',
    ])
    for (const value of [5e-324, 2 ** 0.5 * 1e-9, 1.7976931348623157e308]) expect(Number(plainNumber(value))).toBe(value)
    expect(formatMinor(1, 'BTC')).toBe('0.00000001 BTC')
    expect(formatMinor(-5, 'VND')).toBe('-5 VND')
  })
})
