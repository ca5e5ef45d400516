// The equation that `verify` works out by hand, against two implementations that share no line with it: tweetnacl and node:crypto.
import { createPublicKey, verify as nodeVerify } from 'node:crypto'
import { Point } from '@noble/ed25519'
import fc from 'fast-check'
import nacl from 'tweetnacl'
import { describe, expect, test, vi } from 'vitest'
import { createVerify } from '../node/crypto.ts'
import { publicKeyBytes, verify } from './index.ts'
import { publicKeyPem, toBase64 } from './pem.ts'
import { isPublicKey } from './point.ts'

// Arithmetic by hand takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

/** The order of the group, and the prime of the field. */
const order = Point.CURVE().n
const prime = Point.CURVE().p

const littleEndian = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

interface Case {
  readonly key: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

const onNode = ({ key, message, signature }: Case): boolean => {
  try {
    const parsed = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') } })
    return nodeVerify(null, message, parsed, signature)
  } catch {
    return false
  }
}
const onNacl = ({ key, message, signature }: Case): boolean => nacl.sign.detached.verify(message, signature, key)

const text = (message: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(message)
const here = ({ key, message, signature }: Case): boolean => verify(publicKeyPem(key), text(message), toBase64(signature))
const fast = createVerify()
const hereOnNode = ({ key, message, signature }: Case): boolean => fast(publicKeyPem(key), text(message), toBase64(signature))

const signed = (seed: Uint8Array, words: string): Case => {
  const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed)
  const message = new TextEncoder().encode(words)
  return { key: publicKey, message, signature: nacl.sign.detached(message, secretKey) }
}
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const words = fc.string({ unit: 'grapheme', maxLength: 40 })
const flipped = (bytes: Uint8Array, bit: number): Uint8Array => bytes.map((byte, i) => i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)

/** The eight points of small order, in every encoding that a lax reader takes: y below 2^255 that is one of them, with either sign. */
const smallPoints = (): readonly Uint8Array[] => {
  const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const points = [Point.ZERO]
  for (let point = torsion; points.length < 8; point = point.add(torsion)) points.push(point)
  const ys = new Set(points.map(point => point.toAffine().y))
  return [...ys].flatMap(y => [y, y + prime]).filter(y => y < 1n << 255n).flatMap(y => {
    const bytes = littleEndian(y)
    return [bytes, bytes.map((byte, i) => i === 31 ? byte | 128 : byte)]
  })
}
/** The points of the group that R or a key can be mixed with. */
const torsionPoints = (): readonly Point[] => {
  const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  return Array.from({ length: 7 }, (_, i) => torsion.multiplyUnsafe(BigInt(i + 1)))
}

test('a public key is what has a point, of more than small order', () => {
  const hasPoint = (key: Uint8Array): boolean => {
    try {
      return !Point.fromBytes(key).isSmallOrder()
    } catch {
      return false
    }
  }
  for (const key of smallPoints()) expect(isPublicKey(key)).toBe(false)
  const near = (y: bigint) => fc.integer({ min: -40, max: 40 }).map(off => littleEndian((y + BigInt(off) + (1n << 256n)) % (1n << 256n)))
  const keys = fc.oneof(seeds, near(0n), near(prime), near(1n << 255n), near(prime + (1n << 255n)))
  fc.assert(fc.property(keys, key => {
    expect(isPublicKey(key)).toBe(hasPoint(key))
  }), { numRuns: 1_000 })
  fc.assert(fc.property(seeds, seed => {
    expect(isPublicKey(signed(seed, '').key)).toBe(true)
  }), { numRuns: 50 })
})

describe('verify', () => {
  test('takes what the others take, and refuses it with any bit turned', () => {
    fc.assert(
      fc.property(seeds, words, fc.nat(255), fc.nat(511), (seed, said, keyBit, signatureBit) => {
        const good = signed(seed, said)
        expect([here(good), hereOnNode(good), onNode(good), onNacl(good)]).toEqual([true, true, true, true])
        const variants = [
          { ...good, signature: flipped(good.signature, signatureBit) },
          { ...good, key: flipped(good.key, keyBit) },
          { ...good, message: new TextEncoder().encode(`${said}.`) },
        ]
        for (const each of variants)
          expect([here(each), hereOnNode(each), onNode(each), onNacl(each)]).toEqual([false, false, false, false])
      }),
      { numRuns: 15 },
    )
  })

  test('says of bytes of chance what the others say', () => {
    fc.assert(
      fc.property(seeds, words, fc.uint8Array({ minLength: 64, maxLength: 64 }), (key, said, signature) => {
        const each = { key, message: new TextEncoder().encode(said), signature }
        expect([here(each), hereOnNode(each)]).toEqual([onNode(each), onNode(each)])
      }),
      { numRuns: 50 },
    )
  })

  test('refuses S at and past the order, as Node does; the equation alone would take it', () => {
    fc.assert(
      fc.property(seeds, words, (seed, said) => {
        const good = signed(seed, said)
        const s = numberOf(good.signature.subarray(32))
        for (const other of [s + order, order, s + 2n * order, (1n << 256n) - 1n].filter(value => value < 1n << 256n)) {
          const each = { ...good, signature: Uint8Array.of(...good.signature.subarray(0, 32), ...littleEndian(other)) }
          expect([here(each), hereOnNode(each), onNode(each)]).toEqual([false, false, false])
        }
        // Why it has to be asked: an implementation that does not ask takes the same signature in two spellings.
        expect(onNacl({ ...good, signature: Uint8Array.of(...good.signature.subarray(0, 32), ...littleEndian(s + order)) })).toBe(true)
      }),
      { numRuns: 5 },
    )
  })

  test('takes no key of small order, in no encoding: anyone can sign for them', () => {
    const keys = smallPoints()
    expect(keys.length).toBeGreaterThanOrEqual(12)
    let forged = 0
    for (const key of keys) {
      expect(() => publicKeyBytes(publicKeyPem(key))).toThrow('no private key belongs to it')
      // R and S as anyone can make them: S = 0, and R a point of small order.
      for (const r of keys.slice(0, 6)) {
        const each = { key, message: Uint8Array.of(97), signature: Uint8Array.of(...r, ...littleEndian(0n)) }
        expect([here(each), hereOnNode(each)]).toEqual([false, false])
        if (onNacl(each)) forged++
      }
    }
    // The forgeries are real ones: who does not look at the key is taken in.
    expect(forged).toBeGreaterThan(0)
  })

  test('is the equation without the cofactor: R and keys that are mixed with points of small order are judged as the others judge', () => {
    fc.assert(
      fc.property(seeds, words, (seed, said) => {
        const good = signed(seed, said)
        const [r, key] = [Point.fromBytes(good.signature.subarray(0, 32)), Point.fromBytes(good.key)]
        for (const torsion of torsionPoints()) {
          for (
            const each of [
              { ...good, signature: Uint8Array.of(...r.add(torsion).toBytes(), ...good.signature.subarray(32)) },
              { ...good, key: key.add(torsion).toBytes() },
            ]
          ) expect([here(each), hereOnNode(each), onNode(each)]).toEqual(Array(3).fill(onNacl(each)))
        }
      }),
      { numRuns: 3 },
    )
  })

  test('takes one encoding of R and of a key only', () => {
    // y = p + 1 is y = 1 written once more; the same for each y below 19.
    for (let y = 0n; y < 19n; y++) {
      for (const sign of [0, 128]) {
        const key = littleEndian(y + prime).map((byte, i) => i === 31 ? byte | sign : byte)
        expect(() => publicKeyBytes(publicKeyPem(key))).toThrow()
        const each = { ...signed(new Uint8Array(32), 'x'), key }
        expect([here(each), hereOnNode(each)]).toEqual([false, false])
        const other = signed(new Uint8Array(32), 'x')
        const r = { ...other, signature: Uint8Array.of(...key, ...other.signature.subarray(32)) }
        expect([here(r), hereOnNode(r), onNode(r), onNacl(r)]).toEqual([false, false, false, false])
      }
    }
  })
})
