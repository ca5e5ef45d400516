// Transactions of the chain, read from their raw bytes and checked as a node does: none of the SDK's types, so that no fault of
// theirs is shared.
import { createHash, createPublicKey, ECDH, verify } from 'node:crypto'
import { toBech32 } from '@cosmjs/encoding'

export type Field = { readonly no: number, readonly value: bigint | Buffer }

/** The fields of one message, in order. */
export const fieldsOf = (bytes: Buffer): readonly Field[] => {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('truncated')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    if ((tag & 7) === 0) fields.push({ no: tag >> 3, value: varint() })
    else if ((tag & 7) === 2) {
      const length = Number(varint())
      if (at + length > bytes.length) throw new Error('truncated')
      fields.push({ no: tag >> 3, value: bytes.subarray(at, at += length) })
    } else throw new Error(`wire type ${tag & 7}`)
  }
  return fields
}

export const allOf = (bytes: Buffer, no: number): readonly Buffer[] =>
  fieldsOf(bytes).filter(field => field.no === no).map(({ value }) => value as Buffer)
export const bytesOf = (bytes: Buffer, no: number): Buffer => allOf(bytes, no)[0] ?? Buffer.alloc(0)
export const textOf = (bytes: Buffer, no: number): string => bytesOf(bytes, no).toString('utf8')
export const numberOf = (bytes: Buffer, no: number): bigint => (fieldsOf(bytes).find(field => field.no === no)?.value ?? 0n) as bigint
export const coinOf = (bytes: Buffer): { readonly denom: string, readonly amount: bigint } => ({
  denom: textOf(bytes, 1),
  amount: BigInt(textOf(bytes, 2)),
})

const varintBytes = (value: bigint): Buffer => {
  const out: number[] = []
  for (; value >= 0x80n; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80)
  return Buffer.from([...out, Number(value)])
}

/** A message from its fields; zero and empty ones are left out, as proto3 does. */
export const encoded = (...fields: readonly (readonly [no: number, value: bigint | Buffer | string])[]): Buffer =>
  Buffer.concat(fields.flatMap(([no, value]) => {
    if (typeof value === 'bigint') return value === 0n ? [] : [varintBytes(BigInt(no << 3)), varintBytes(value)]
    const bytes = Buffer.from(value as string)
    return bytes.length === 0 ? [] : [varintBytes(BigInt(no << 3 | 2)), varintBytes(BigInt(bytes.length)), bytes]
  }))

export interface WireTx {
  readonly hash: string
  readonly body: Buffer
  readonly authInfo: Buffer
  readonly signature: Buffer
  readonly pubkey: Buffer
  /** Of the key that signed. */
  readonly signer: string
  /** 1 is SIGN_MODE_DIRECT; a transaction that is only simulated has none. */
  readonly signMode: bigint
  readonly sequence: bigint
  readonly gas: bigint
  readonly feeUakt: bigint
  readonly timeoutHeight: bigint
  readonly messages: readonly { readonly typeUrl: string, readonly value: Buffer }[]
}

export const addressOf = (pubkey: Buffer): string =>
  toBech32('akash', createHash('ripemd160').update(createHash('sha256').update(pubkey).digest()).digest())

/** @throws when it is not a transaction with one secp256k1 signature */
export const decodeTx = (bytes: Buffer): WireTx => {
  const [body, authInfo, signatures] = [bytesOf(bytes, 1), bytesOf(bytes, 2), allOf(bytes, 3)]
  const [signerInfo, ...others] = allOf(authInfo, 1)
  if (signatures.length !== 1 || signerInfo === undefined || others.length > 0) throw new Error('not one signer')
  const key = bytesOf(signerInfo, 1)
  if (textOf(key, 1) !== '/cosmos.crypto.secp256k1.PubKey') throw new Error('not a secp256k1 key')
  const pubkey = bytesOf(bytesOf(key, 2), 1)
  const fee = bytesOf(authInfo, 2)
  const coins = allOf(fee, 1).map(coinOf)
  if (coins.some(({ denom }) => denom !== 'uakt')) throw new Error('fee not in uakt')
  return {
    hash: createHash('sha256').update(bytes).digest('hex').toUpperCase(),
    body,
    authInfo,
    pubkey,
    signature: signatures[0]!,
    signer: addressOf(pubkey),
    signMode: numberOf(bytesOf(bytesOf(signerInfo, 2), 1), 1),
    sequence: numberOf(signerInfo, 3),
    gas: numberOf(fee, 2),
    feeUakt: coins[0]?.amount ?? 0n,
    timeoutHeight: numberOf(body, 3),
    messages: allOf(body, 1).map(any => ({ typeUrl: textOf(any, 1), value: bytesOf(any, 2) })),
  }
}

const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** ECDSA over SHA-256 by OpenSSL, with the low-s rule of the chain. */
export const verifySecp256k1 = (pubkey: Buffer, signed: Buffer, signature: Buffer): boolean => {
  if (signature.length !== 64 || BigInt(`0x${signature.subarray(32).toString('hex')}`) > halfOrder) return false
  const point = ECDH.convertKey(pubkey, 'secp256k1', undefined, undefined, 'uncompressed') as Buffer
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'secp256k1', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') },
  })
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

export const isSignedFor = (tx: WireTx, chainId: string, accountNumber: bigint): boolean =>
  tx.signMode === 1n && verifySecp256k1(tx.pubkey, encoded([1, tx.body], [2, tx.authInfo], [3, chainId], [4, accountNumber]), tx.signature)
