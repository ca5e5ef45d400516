// Known good codes of each kind, and each of them with one character changed.
import { base58, bech32 } from '@scure/base'
import { expect, test } from 'vitest'
import { readPaymentCode } from './code.ts'

const bytes = (length: number, first = 7) => Uint8Array.from({ length }, (_, i) => (first + i * 31) & 0xff)

const good: readonly (readonly [string, string])[] = [
  // Alice's code of the BIP 47 test vectors
  ['bip47', 'PM8TJTLJbPRGxSbc8EJi42Wrr6QbNSaSSVJ5Y3E4pbCYiTHUskHg13935Ubb7q8tx9GVbh2UuRnBc3WSyJHhUrw8KhprKnn9eDznYGieTzFcwQRya4GA'],
  // the first example of BOLT 11
  [
    'lightning',
    'lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w',
  ],
  ['lnurl', bech32.encode('lnurl', bech32.toWords(new TextEncoder().encode('https://example.com/pay?q=1')), 2_000)],
  ['cosmos', bech32.encode('akash', bech32.toWords(bytes(20)))],
  ['cosmos', bech32.encode('cosmos', bech32.toWords(bytes(32)))],
  ['solana', base58.encode(bytes(32))],
]

test.each(good)('%s: a good code is known for what it is', (kind, code) => {
  expect(readPaymentCode(code)).toMatchObject({ ok: true, kind })
  if (kind !== 'bip47' && kind !== 'solana') expect(readPaymentCode(code.toUpperCase())).toMatchObject({ ok: true, kind })
})

test.each(good.filter(([kind]) => kind !== 'solana'))('%s: a code with one wrong character is refused, wherever it is', (kind, code) => {
  const start = kind === 'bip47' ? 4 : code.lastIndexOf('1') + 1
  for (let at = start; at < code.length; at++) {
    const wrong = `${code.slice(0, at)}${code[at] === 'q' ? 'p' : 'q'}${code.slice(at + 1)}`
    expect(readPaymentCode(wrong), wrong).toMatchObject({ ok: false })
  }
  for (const cut of [code.slice(0, -1), `${code}q`]) expect(readPaymentCode(cut)).toMatchObject({ ok: false })
})

test('a scheme says which kind a code must be', () => {
  const solana = base58.encode(bytes(32))
  expect(readPaymentCode(`solana:${solana}`)).toMatchObject({ ok: true, kind: 'solana' })
  expect(readPaymentCode(`solana:${solana.slice(1)}`)).toMatchObject({ ok: false, kind: 'solana' })
  expect(readPaymentCode(`lightning:${solana}`)).toMatchObject({ ok: false, kind: 'lightning' })
  expect(readPaymentCode('bip47:PM8Tshort')).toMatchObject({ ok: false, kind: 'bip47' })
  expect(readPaymentCode('cosmos:')).toMatchObject({ ok: false, kind: 'cosmos' })
})

test('what has no known form is taken as it is, and never throws', () => {
  for (
    const text of [
      '',
      'pay me in person',
      'https://pay.example/x',
      'x'.repeat(5_000),
      '1'.repeat(33),
      '💸',
      'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
    ]
  ) expect(() => readPaymentCode(text)).not.toThrow()
  expect(readPaymentCode('pay me in person')).toEqual({ ok: true, kind: 'other' })
})
