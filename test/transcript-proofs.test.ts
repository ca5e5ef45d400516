// What a transcript is made of: the vectors of the format, the known trees and proofs of RFC 6962, and that whatever is changed is refused.
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { identityFrom, serverIdOf } from '../lib/identity/index.ts'
import {
  blankText,
  checkProof,
  consistencySpans,
  cosignedAt,
  entryOf,
  inclusionSpans,
  isConsistent,
  isIncluded,
  leafOf,
  nodeOf,
  openCheckpoint,
  readCheckpoint,
  readProof,
  signCheckpoint,
  TranscriptRange,
  voidOf,
  wholesOf,
  writeProof,
  type Span,
} from '../lib/identity/transcripts/index.ts'

interface Vectors {
  readonly relaySeed: string
  readonly witnessSeed: string
  readonly serverId: string
  readonly epoch: string
  readonly stream: string
  readonly texts: readonly string[]
  readonly entries: readonly string[]
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
  readonly blankOf3: string
  readonly checkpoint: string
  readonly cosignature: string
  readonly consistency1to3: readonly string[]
  readonly inclusion2of3: readonly string[]
  readonly tlogProof: string
}
const vectors = JSON.parse(readFileSync('test/vectors/transcripts.json', 'utf8')) as Vectors

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const keyOf = (seed: string) =>
  identityFrom(
    `-----BEGIN PRIVATE KEY-----\n${
      Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex').toString('base64')
    }\n-----END PRIVATE KEY-----\n`,
  )
const relay = keyOf(vectors.relaySeed)
const witness = keyOf(vectors.witnessSeed)
const leafOfText = (text: string) => entryOf(text).leaf

const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => leafOf(Buffer.from(`entry ${i}`)))
/** As RFC 6962 says it, with no state at all. */
const rootOf = (leaves: readonly Uint8Array[]): Uint8Array => {
  if (leaves.length === 0) return new Uint8Array(createHash('sha256').digest())
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeOf(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}
const proofOf = (leaves: readonly Uint8Array[], spans: readonly Span[]) => spans.map(({ start, end }) => rootOf(leaves.slice(start, end)))
const rangeOf = (leaves: readonly Uint8Array[]) => {
  const range = new TranscriptRange()
  for (const leaf of leaves) range.add(leaf)
  return range
}

describe('the format', () => {
  test('entries and leaves of stored texts', () => {
    expect(vectors.texts.map(text => entryOf(text).text)).toEqual(vectors.entries)
    expect(vectors.texts.map(text => base64(leafOfText(text)))).toEqual(vectors.leaves)
  })

  test('a blank has the leaf of what it was, in one spelling', () => {
    const { stub } = entryOf(vectors.texts[2]!)
    const hash = JSON.parse(vectors.blankOf3).hash as string
    expect(blankText(stub, hash)).toBe(vectors.blankOf3)
    expect(base64(leafOfText(vectors.blankOf3))).toBe(vectors.leaves[2])
    const spelledOtherwise = [
      vectors.blankOf3.replace('"from_name":""', '"from_name":"x"'),
      vectors.blankOf3.replace('"content":""', '"content":"hidden"'),
      vectors.blankOf3.replace('"erased":true,', '"erased":true,"more":1,'),
      vectors.blankOf3.replace('{"type"', '{ "type"'),
      vectors.blankOf3.replace(hash, hash.slice(1)),
    ]
    for (const text of spelledOtherwise) expect(() => entryOf(text), text).toThrow(/Not a stored event/)
  })

  test('what an edit or a retraction changed is in its leaf', () => {
    const edit = entryOf(
      '{"type":"MSG","ts":1,"from":"@a","to":"#b","content":"x","edit":{"of":"1-1-5b1f0c","n":1},"msg_id":"1-2-5b1f0c","seq":2}',
    )
    expect(edit.text.split('\n')[0]).toBe(
      '{"type":"MSG","ts":1,"from":"@a","to":"#b","msg_id":"1-2-5b1f0c","seq":2,"edit":{"of":"1-1-5b1f0c"}}',
    )
    const blank = blankText(edit.stub, edit.text.split('\n')[1]!)
    expect(entryOf(blank)).toMatchObject({ text: edit.text, isBlank: true })
    expect(entryOf(blank.replace('1-1-5b1f0c', '1-9-5b1f0c')).text).not.toBe(edit.text)
  })

  test.each([
    'null',
    '[]',
    '{',
    '{}',
    '{"type":"MSG","ts":1}',
    '{"type":"MSG","ts":1.5,"seq":1}',
    '{"type":"MSG","ts":1,"seq":-0}',
    '{"type":"MSG","ts":1,"seq":9007199254740993}',
    '{"type":"MSG","ts":1,"seq":1,"from":"ü"}',
    '{"type":"MSG","ts":1,"seq":1,"to":"a\\"b"}',
    '{"type":"MSG","ts":1,"seq":1,"edit":"x"}',
    '{"type":"MSG","ts":1,"seq":1,"edit":null}',
    '{"type":7,"ts":1,"seq":1}',
  ])('%s is no stored event', text => {
    expect(() => entryOf(text)).toThrow(expect.objectContaining({ code: 'BAD_TRANSCRIPT' }))
  })

  test('roots, and proofs between them', () => {
    const leaves = vectors.texts.map(leafOfText)
    expect([0, 1, 2, 3].map(size => base64(rangeOf(leaves.slice(0, size)).root))).toEqual(vectors.roots)
    expect(proofOf(leaves, consistencySpans(1, 3)).map(base64)).toEqual(vectors.consistency1to3)
    expect(proofOf(leaves, inclusionSpans(1, 3)).map(base64)).toEqual(vectors.inclusion2of3)
  })

  test('the head that a relay signs, and what a witness adds', () => {
    const head = { relay: vectors.serverId, epoch: vectors.epoch, stream: vectors.stream, size: 3, root: bytesOf(vectors.roots[3]!) }
    expect(signCheckpoint(head, relay)).toBe(vectors.checkpoint)
    expect(openCheckpoint(vectors.checkpoint, relay.publicKey)).toEqual(head)
    expect(openCheckpoint(vectors.checkpoint + vectors.cosignature, relay.publicKey)).toEqual(head)
    const by = { name: 'witness.example/w1', publicKey: witness.publicKey }
    expect(cosignedAt(vectors.checkpoint + vectors.cosignature, by)).toBe(1_790_000_100)
    expect(cosignedAt(vectors.checkpoint, by)).toBeUndefined()
    expect(() => openCheckpoint(vectors.checkpoint, witness.publicKey)).toThrow(/another relay/)
  })

  test('the proof of one message', () => {
    expect(checkProof(vectors.tlogProof, relay.publicKey)).toMatchObject({ text: vectors.texts[1], entry: { seq: 2 }, head: { size: 3 } })
    expect(writeProof(readProof(vectors.tlogProof))).toBe(vectors.tlogProof)
  })

  test('one changed character of a head or of a proof is refused, wherever it is', () => {
    const changed = (text: string, at: number) => text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
    for (let at = 0; at < vectors.checkpoint.length; at++)
      expect(() => openCheckpoint(changed(vectors.checkpoint, at), relay.publicKey), `character ${at}`).toThrow(
        expect.objectContaining({ code: 'BAD_TRANSCRIPT' }),
      )
    // What witnesses signed is theirs.
    const proof = vectors.tlogProof.slice(0, vectors.tlogProof.indexOf('— witness'))
    for (let at = 0; at < proof.length; at++)
      expect(() => checkProof(changed(proof, at), relay.publicKey), `character ${at}`).toThrow(
        expect.objectContaining({ code: 'BAD_TRANSCRIPT' }),
      )
    for (const text of ['', '\n\n', 'x'.repeat(20_000), vectors.checkpoint.slice(0, -1), `${vectors.checkpoint}x`])
      expect(() => openCheckpoint(text, relay.publicKey)).toThrow(expect.objectContaining({ code: 'BAD_TRANSCRIPT' }))
    expect(serverIdOf(relay.publicKey)).toBe(readCheckpoint(vectors.checkpoint).relay)
  })
})

describe('the tree of RFC 6962', () => {
  // Of the tests of Certificate Transparency.
  const known = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    .map(each => leafOf(Buffer.from(each, 'hex')))
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]

  test('its known roots and a known proof', () => {
    expect(roots.map((_, size) => hex(rangeOf(known.slice(0, size)).root))).toEqual(roots)
    expect(proofOf(known, inclusionSpans(0, 8)).map(hex)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ])
  })

  test('the range has the root that the tree has, to 600 leaves, from any text of itself on', () => {
    const leaves = leavesOf(600)
    let range = new TranscriptRange()
    for (const [i, leaf] of leaves.entries()) {
      range.add(leaf)
      if (i % 7 === 0) range = TranscriptRange.from(range.toString())!
      if (i % 13 === 0) expect(range.root).toEqual(rootOf(leaves.slice(0, i + 1)))
    }
    expect(range.toString().length).toBeLessThan(273)
    expect(['', 'x', '1', '-1', '1 AA==', `3 ${base64(leaves[0]!)}`].map(TranscriptRange.from)).toEqual(Array(6).fill(undefined))
  })

  test('numbers that no event has are leaves of nothing, added in whole trees', () => {
    for (const [size, to] of [[0, 1], [0, 300], [3, 259], [256, 1024], [5, 5]] as const) {
      const leaves = leavesOf(size)
      const range = rangeOf(leaves)
      range.addVoidsTo(to)
      expect(range.root).toEqual(rootOf([...leaves, ...Array(to - size).fill(voidOf(0)) as Uint8Array[]]))
    }
    const huge = new TranscriptRange()
    huge.addVoidsTo(Number.MAX_SAFE_INTEGER)
    expect(huge.peaks).toHaveLength(53)
  })

  test('every proof of trees to 40 leaves holds, and none with anything changed', () => {
    const leaves = leavesOf(40)
    const roots = Array.from({ length: 41 }, (_, size) => rootOf(leaves.slice(0, size)))
    const flipped = (hash: Uint8Array) => hash.map((byte, i) => i === 17 ? byte ^ 4 : byte)
    let proofs = 0
    for (let size = 1; size <= 40; size++) {
      for (let index = 0; index < size; index++) {
        const proof = proofOf(leaves.slice(0, size), inclusionSpans(index, size))
        const told = { leaf: leaves[index]!, index, size, proof, root: roots[size]! }
        expect(isIncluded(told)).toBe(true)
        const wrong = [
          { leaf: flipped(told.leaf) },
          { root: flipped(told.root) },
          { index: index + 1 },
          { index: index - 1 },
          { proof: [...proof, leaves[0]!] },
          { proof: proof.slice(1) },
          { proof: proof.slice(0, -1) },
          ...proof.map((hash, at) => ({ proof: proof.with(at, flipped(hash)) })),
        ].filter(each => each.proof === undefined || proof.length > 0 || each.proof.length > 0)
        for (const each of wrong) expect(isIncluded({ ...told, ...each })).toBe(false)
        proofs++
      }
      for (let from = 0; from <= size; from++) {
        const proof = proofOf(leaves.slice(0, size), consistencySpans(from, size))
        const [former, later] = [{ size: from, root: roots[from]! }, { size, root: roots[size]! }]
        expect(isConsistent(former, later, proof)).toBe(true)
        expect(isConsistent({ ...former, root: flipped(former.root) }, later, proof)).toBe(false)
        if (from > 0) expect(isConsistent(former, { ...later, root: flipped(later.root) }, proof)).toBe(false)
        expect(isConsistent(former, later, [...proof, leaves[0]!])).toBe(false)
        for (let at = 0; at < proof.length; at++) {
          expect(isConsistent(former, later, proof.with(at, flipped(proof[at]!)))).toBe(false)
          expect(isConsistent(former, later, proof.toSpliced(at, 1))).toBe(false)
        }
        proofs++
      }
    }
    expect(proofs).toBe(820 + 860)
    expect(isConsistent({ size: 2, root: roots[2]! }, { size: 1, root: roots[1]! }, [])).toBe(false)
  })

  test('parts of a proof are whole trees, few and in order', () => {
    for (const [index, size] of [[0, 1], [12, 300], [299, 300], [70_000, 100_001]] as const) {
      for (const span of inclusionSpans(index, size)) {
        const wholes = wholesOf(span)
        expect(wholes.length).toBeLessThanOrEqual(17)
        let at = span.start
        for (const { level, index: place } of wholes) {
          expect(place * 2 ** level).toBe(at)
          at += 2 ** level
        }
        expect(at).toBe(span.end)
      }
    }
  })
})
