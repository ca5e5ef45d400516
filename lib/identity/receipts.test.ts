import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Receipt, ReceiptDocument } from '../protocol/index.ts'
import {
  completionText,
  generateKeyPair,
  identityFrom,
  receiptIdOf,
  receiptText,
  signReceipt,
  verifyCompletion,
  verifyReceipt,
} from './index.ts'
import { IdentityError } from './errors.ts'

const [client, provider, relay, stranger] = Array.from({ length: 4 }, () => identityFrom(generateKeyPair().privateKey)) as [
  never,
  never,
  never,
  never,
] as ReturnType<typeof identityFrom>[] & { length: 4 }
const party = ({ agentId, publicKey }: ReturnType<typeof identityFrom>) => ({ agent: agentId, pubkey: publicKey })
const relayId = createHash('sha256').update(relay!.publicKey).digest('hex')

const receipt: Receipt = {
  relay_id: relayId,
  proposal_id: 'prop_1',
  outcome: 'completed',
  client: party(client!),
  provider: party(provider!),
  task: 'Translate "a|b"',
  terms: null,
  price: 12.5,
  currency: 'USD',
  paid: { rail: 'ledger', captured_minor: 1_250, returned_minor: 0 },
  milestones: null,
  captures: [{ minor: 1_250, at: 6 }],
  deliverables: [{ sha256: 'c4'.repeat(32), name: 'fr.pdf', bytes: 9, at: 5 }],
  proposed_at: 1,
  completed_at: 6,
}
const documentOf = (of: Receipt = receipt): ReceiptDocument => ({
  receipt_id: receiptIdOf(of),
  receipt: of,
  signatures: {
    relay: { pubkey: relay!.publicKey, sig: relay!.sign(receiptText(of)) },
    client: client!.sign(receiptText(of)),
    provider: provider!.sign(receiptText(of)),
  },
})

describe('a receipt', () => {
  test('is proven by both parties and the relay, with nothing but itself at hand', () => {
    const document = JSON.parse(JSON.stringify(documentOf())) as unknown
    expect(verifyReceipt(document)).toMatchObject({
      proven: true,
      valid: true,
      problems: [],
      signatures: { client: 'valid', provider: 'valid', relay: 'valid' },
    })
    expect(verifyReceipt(document, { relayId }).proven).toBe(true)
    expect(verifyReceipt(document, { relayId: '0'.repeat(64) })).toMatchObject({
      valid: false,
      problems: [expect.stringContaining('not from')],
    })
  })

  test('is true but not proven while a party has not signed', () => {
    const { client: _, ...signatures } = documentOf().signatures
    expect(verifyReceipt({ ...documentOf(), signatures })).toMatchObject({
      proven: false,
      valid: true,
      signatures: { client: 'none', provider: 'valid' },
      problems: ['client: has not signed'],
    })
  })

  test('does not verify when any field of it is changed, moved, added or taken', () => {
    const changes: Partial<Record<keyof Receipt | 'note', unknown>>[] = [
      { relay_id: '0'.repeat(64) },
      { proposal_id: 'prop_2' },
      { outcome: 'ruled' },
      { client: party(provider!), provider: party(client!) },
      { client: party(stranger!) },
      { task: 'Translate' },
      { price: 1_250 },
      { currency: 'EUR' },
      { paid: null },
      { paid: { ...receipt.paid, captured_minor: 125 } },
      { paid: { ...receipt.paid, captured_minor: 0, returned_minor: 1_250 } },
      { milestones: [] },
      { captures: [] },
      { terms: 'all rights' },
      { deliverables: [] },
      { deliverables: [{ sha256: 'c5'.repeat(32), name: 'fr.pdf', bytes: 9, at: 5 }] },
      { proposed_at: 0 },
      { completed_at: 7 },
      { note: 'paid in full' },
    ]
    for (const change of changes) {
      const forged = { ...receipt, ...change } as Receipt
      for (const receipt_id of [receiptIdOf(receipt), receiptIdOf(forged)]) {
        expect(verifyReceipt({ ...documentOf(), receipt_id, receipt: forged }), JSON.stringify(change)).toMatchObject({
          valid: false,
          proven: false,
        })
      }
    }
    const { terms: _, ...without } = receipt
    expect(verifyReceipt({ ...documentOf(), receipt: without }).valid).toBe(false)
  })

  test('does not take the signatures of others, nor one for the other', () => {
    const { signatures } = documentOf()
    const text = receiptText(receipt)
    for (
      const wrong of [
        { ...signatures, client: signatures.provider },
        { ...signatures, client: stranger!.sign(text) },
        { ...signatures, provider: signatures.relay.sig },
        { ...signatures, relay: { pubkey: stranger!.publicKey, sig: stranger!.sign(text) } },
        { ...signatures, relay: { ...signatures.relay, sig: signatures.client! } },
        { ...signatures, client: client!.sign(JSON.stringify(receipt)) },
      ]
    ) expect(verifyReceipt({ ...documentOf(), signatures: wrong })).toMatchObject({ valid: false, proven: false })
    // A key that signs well, but is not the one the id was made from.
    const posed = { ...receipt, client: { agent: client!.agentId, pubkey: stranger!.publicKey } }
    expect(
      verifyReceipt({ ...documentOf(posed), signatures: { ...documentOf(posed).signatures, client: stranger!.sign(receiptText(posed)) } }),
    ).toMatchObject({
      valid: false,
      problems: [expect.stringContaining('not '
        + 'that of')],
    })
  })

  test('is not made by dealing with oneself', () => {
    const alone = { ...receipt, provider: receipt.client }
    expect(
      verifyReceipt({ ...documentOf(alone), signatures: { ...documentOf(alone).signatures, provider: client!.sign(receiptText(alone)) } })
        .problems,
    ).toEqual([
      'client '
      + 'and provider are the same agent',
    ])
  })

  test('is signed by its parties only', () => {
    expect(signReceipt(client!, receipt)).toBe(documentOf().signatures.client)
    expect(() => signReceipt(stranger!, receipt)).toThrow(IdentityError)
  })

  test('whatever is read, checking it does not throw', () => {
    fc.assert(fc.property(fc.jsonValue(), value => {
      expect(verifyReceipt(value)).toMatchObject({ valid: false, proven: false })
    }))
    fc.assert(fc.property(fc.constantFrom(...Object.keys(receipt)), fc.jsonValue(), (key, value) => {
      if (JSON.stringify(value) === JSON.stringify(receipt[key as keyof Receipt])) return
      expect(verifyReceipt({ ...documentOf(), receipt: { ...receipt, [key]: value } }).proven).toBe(false)
    }), { numRuns: 60 })
  })
})

describe('a completion of the first form', () => {
  const frame = {
    type: 'COMPLETE',
    proposal_id: 'prop_1',
    completed_by: provider!.agentId,
    from: client!.agentId,
    to: provider!.agentId,
    proof: 'done',
    sig: provider!.sign(completionText('prop_1', 'done')),
  }
  const keyOf = (agent: string) => [client!, provider!].find(({ agentId }) => agentId === agent)?.publicKey

  test('is checked as far as it goes, and says how far that is', () => {
    expect(verifyCompletion(frame, keyOf)).toEqual({
      signature: 'valid',
      completedBy: provider!.agentId,
      problems: [expect.stringMatching(/not signed/)],
    })
    expect(verifyCompletion({ ...frame, proof: 'more' }, keyOf).signature).toBe('invalid')
    expect(verifyCompletion({ ...frame, completed_by: client!.agentId }, keyOf).signature).toBe('invalid')
    expect(verifyCompletion(frame, () => undefined).signature).toBe('unknown-key')
    expect(verifyCompletion(frame, () => client!.publicKey).signature).toBe('unknown-key')
    expect(verifyCompletion({ ...frame, sig: undefined }, keyOf).signature).toBe('none')
    expect(verifyCompletion({}, keyOf).signature).toBe('none')
  })

  test('a null proof was signed as an empty one', () => {
    expect(verifyCompletion({ ...frame, proof: null, sig: provider!.sign('COMPLETE|prop_1|') }, keyOf).signature).toBe('valid')
  })
})
