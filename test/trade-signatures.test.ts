// Every signed request of trade: what was not signed by who sends it, for this relay, now, and once, is refused. FUZZ_SEED and
// FUZZ_RUNS choose others.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oldTradeTextOf, signedFields, tradeTextOf, type TradeAction } from '../lib/identity/index.ts'
import { limits } from '../lib/protocol/index.ts'
import { adminKey, newTrader, type Signed, type Trader } from './kit/trade.ts'
import { startKeptRelay } from './kit/kept.ts'
import { newKey, signWith } from './kit/wire.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_102)
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 60)

type Fields = Readonly<Record<string, unknown>>
type Action = TradeAction | 'COUNTER'

const actions: readonly Action[] = [...Object.keys(signedFields) as TradeAction[], 'COUNTER']
const oldActions = ['PROPOSAL', 'ACCEPT', 'REJECT', 'COMPLETE', 'DISPUTE'] as const

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const amount = fc.double({ min: 0, max: 1e15, noNaN: true })
const seconds = fc.integer({ min: 1, max: limits.maxDeadlineSeconds })
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
/** A value of every field that is signed, as the relay would take it. */
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  to: fc.stringMatching(/^@[0-9a-f]{16}$/),
  task: text,
  amount,
  currency: fc.stringMatching(/^[A-Z]{3}$/),
  payment_code: text,
  terms: text,
  capability: text,
  expires: seconds,
  elo_stake: fc.integer({ min: 1, max: 100_000 }),
  role: fc.constantFrom('client', 'provider'),
  milestones: fc.array(fc.record({ title: text, amount }), { minLength: 1, maxLength: 3 }),
  deliver_s: seconds,
  review_s: seconds,
  rail: fc.constantFrom('ledger', 'webhook'),
  public: fc.constant(true),
  proposal_id: fc.stringMatching(/^prop_[a-z0-9]{1,20}$/),
  reason: text,
  proof: text,
  text,
  files: fc.array(fc.record({ name: fc.stringMatching(/^[a-z.]{3,9}$/), bytes: fc.nat(), sha256 }), { minLength: 1, maxLength: 3 }),
  amount_minor: fc.integer({ min: 1, max: 1_000_000 }),
  note: text,
  dispute_id: fc.stringMatching(/^disp_[a-z0-9]{1,20}$/),
  commitment: sha256,
  nonce: text,
  items: fc.array(fc.record({ kind: text, label: text, value: text }), { maxLength: 3 }),
  statement: text,
  verdict: fc.constant('mutual'),
  reasoning: text,
  capture_minor: fc.nat(1_000_000),
}
/** Fields that a request cannot do without. */
const needed: Readonly<Record<string, readonly string[]>> = {
  PROPOSAL: ['to', 'task'],
  COUNTER: ['to', 'task', 'proposal_id'],
  TRANSFER: ['to', 'currency', 'amount_minor'],
  SUBMIT: ['text'],
  REVISE: ['reason'],
  DISPUTE: ['reason'],
  DISPUTE_INTENT: ['reason', 'commitment'],
  DISPUTE_REVEAL: ['nonce'],
  EVIDENCE: ['items', 'statement'],
  VOTE: ['verdict', 'reasoning'],
}
const neededBy = (
  action: Action,
): readonly string[] => [...needed[action] ?? [], ...['proposal_id', 'dispute_id'].filter(id => fieldsOf(action).includes(id))]

const fieldsOf = (action: Action): readonly string[] =>
  action === 'COUNTER' ? [...fieldsOf('PROPOSAL'), 'proposal_id'] : signedFields[action].filter(name => name !== 'supersedes')
const request = (action: Action): fc.Arbitrary<Fields> =>
  fc.record(Object.fromEntries(fieldsOf(action).map(name => [name, values[name]!])), { requiredKeys: [...neededBy(action)] })

/** What is signed of a request: the same text means the same request. */
const meaning = (action: Action, fields: Fields): string =>
  action === 'COUNTER'
    ? tradeTextOf('PROPOSAL', { ...fields, supersedes: fields['proposal_id'] }, stamp)
    : tradeTextOf(action, fields, stamp)
const stamp = { by: '@a', relay: 'r', ts: 1, nonce: 'n' }

/** One wrong thing: what is signed, and what of it is sent. */
interface Forgery {
  readonly name: string
  make(ann: Trader, eve: Trader, action: Action, fields: Fields, other: Fields, pick: number): Signed | undefined
}

/** The end of one text becomes the beginning of the next. */
const shifted = (action: Action, fields: Fields, pick: number): Fields | undefined => {
  const names = fieldsOf(action).filter(name => typeof fields[name] === 'string' && values[name] === text)
  const [from, to] = [names[pick % names.length], names[(pick + 1) % names.length]]
  if (names.length < 2 || from === undefined || to === undefined) return undefined
  const chars = [...fields[from] as string]
  const last = chars.pop()!
  return { ...fields, [from]: chars.join(''), [to]: `${last}${fields[to] as string}` }
}

const forgeries: readonly Forgery[] = [
  {
    name: 'one field is another',
    make: (ann, _eve, action, fields, other, pick) => {
      const name = fieldsOf(action)[pick % fieldsOf(action).length]!
      const changed = { ...fields, [name]: other[name] }
      if (other[name] === undefined && neededBy(action).includes(name)) return undefined
      return meaning(action, fields) === meaning(action, changed) ? undefined : { ...ann.sign(action, fields), ...changed }
    },
  },
  {
    name: 'text moved from one field to the next',
    make: (ann, _eve, action, fields, _other, pick) => {
      const changed = shifted(action, fields, pick)
      return changed === undefined || Object.entries(changed).some(([name, value]) => value === '' && name === 'payment_code')
        ? undefined
        : { ...ann.sign(action, fields), ...changed }
    },
  },
  { name: 'signed for another relay', make: (ann, _eve, action, fields) => ann.sign(action, fields, { relay: 'f'.repeat(64) }) },
  { name: 'signed in the name of another', make: (ann, eve, action, fields) => ann.sign(action, fields, { by: eve.id }) },
  { name: 'signed by another, sent by this one', make: (_ann, eve, action, fields) => eve.sign(action, fields) },
  {
    name: 'signed with another key',
    make: (ann, _eve, action, fields) => {
      const { wire, relay } = ann
      return new (ann.constructor as new(...parts: unknown[]) => Trader)(wire, { ...newKey(), id: ann.id }, relay).sign(action, fields)
    },
  },
  {
    name: 'signed as another action',
    make: (ann, _eve, action, fields, _other, pick) => {
      const signedAs = actions.filter(each => each !== action)[pick % (actions.length - 1)]!
      return { ...ann.sign(signedAs, fields), type: action }
    },
  },
  {
    name: 'another time',
    make: (ann, _eve, action, fields) => {
      const signed = ann.sign(action, fields)
      return { ...signed, sig_ts: (signed['sig_ts'] as number) + 1 }
    },
  },
  { name: 'another nonce', make: (ann, _eve, action, fields) => ({ ...ann.sign(action, fields), sig_nonce: '0'.repeat(32) }) },
  {
    name: 'a bit of the signature',
    make: (ann, _eve, action, fields, _other, pick) => {
      const signed = ann.sign(action, fields)
      const bytes = Buffer.from(signed['sig'] as string, 'base64')
      bytes[pick % 64]! ^= 1 << pick % 8
      return { ...signed, sig: bytes.toString('base64') }
    },
  },
  { name: 'no signature at all', make: (ann, _eve, action, fields) => ({ ...ann.sign(action, fields), sig: 'AAAA' }) },
]

const signatureCodes = ['VERIFICATION_FAILED', 'VERIFICATION_EXPIRED', 'SIGNATURE_REQUIRED', 'INVALID_MSG']

describe.each(actions)('%s', action => {
  test(`signed as it is goes on to be judged; with one thing wrong it does not (${numRuns} requests)`, async () => {
    await using relay = await startKeptRelay({ adminKey })
    await using ann = await newTrader(relay, 'ann')
    await using eve = await newTrader(relay, 'eve')
    const refusedAs = async (signed: Signed) => (await ann.wire.refusal(signed)).code
    await fc.assert(fc.asyncProperty(request(action), request(action), fc.nat(), async (fields, other, pick) => {
      // Nobody and nothing of these names is there, so the good one is refused for that, behind its signature.
      expect(signatureCodes).not.toContain(await refusedAs(ann.sign(action, fields)))
      const forgery = forgeries[pick % forgeries.length]!
      const forged = forgery.make(ann, eve, action, fields, other, Math.floor(pick / forgeries.length))
      if (forged !== undefined) expect(await refusedAs(forged), forgery.name).toBe('VERIFICATION_FAILED')
      const late = limits.maxClockSkewMs + 1 + pick % 1e9
      expect(await refusedAs(ann.sign(action, fields, { ts: relay.clock.now() + (pick % 2 === 0 ? late + 60_000 : -late) }))).toBe(
        'VERIFICATION_EXPIRED',
      )
    }), { numRuns, seed })
  })
})

test.each(oldActions)('the older text of %s: what it covers cannot be changed, and what it does not cover is not taken', async action => {
  await using relay = await startKeptRelay({ adminKey })
  await using ann = await newTrader(relay, 'ann')
  const onlyOld = (fields: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields).filter(([name]) => !['role', 'milestones', 'deliver_s', 'review_s', 'rail', 'public'].includes(name)),
    )
  await fc.assert(fc.asyncProperty(request(action), request(action), fc.nat(), async (fields, other, pick) => {
    const good = onlyOld(fields)
    const signed = ann.signOld(action, good)
    expect(signatureCodes).not.toContain((await ann.wire.refusal(signed)).code)
    const name = Object.keys(onlyOld(other))[pick % Object.keys(onlyOld(other)).length]!
    const changed = { ...good, [name]: other[name] }
    if (oldTradeTextOf(action, good) !== oldTradeTextOf(action, changed))
      expect((await ann.wire.refusal({ ...signed, ...changed })).code).toBe('VERIFICATION_FAILED')
    if (action === 'PROPOSAL') expect((await ann.wire.refusal({ ...signed, rail: 'ledger' })).code).toBe('VERIFICATION_FAILED')
    if (action === 'PROPOSAL' || action === 'ACCEPT')
      expect((await ann.wire.refusal({ ...signed, public: true })).code).toBe('VERIFICATION_FAILED')
    expect((await ann.wire.refusal({ ...signed, sig: signWith(newKey(), oldTradeTextOf(action, good)!) })).code).toBe('VERIFICATION_FAILED')
  }), { numRuns: Math.ceil(numRuns / 2), seed })
})

test('no step is good a second time: not at once, not under another id, not by another, not after its nonce is forgotten', async () => {
  await using relay = await startKeptRelay({ adminKey, pingTimeoutMs: 1e12 })
  await using ann = await newTrader(relay, 'ann', { USD: 10_000 })
  await using bob = await newTrader(relay, 'bob')
  await using eve = await newTrader(relay, 'eve')
  const sent: (readonly [Trader, Signed])[] = []
  const take = async (who: Trader, action: Action, fields: Fields): Promise<string> => {
    const signed = who.sign(action, fields)
    sent.push([who, signed])
    return (await who.wire.ask({ ...signed, id: `${action} ${sent.length}` }, 'PROPOSAL_STATE')).proposal.proposal_id
  }
  const first = await take(ann, 'PROPOSAL', {
    to: bob.id,
    task: 'x',
    amount: 3,
    currency: 'USD',
    milestones: [{ title: 'a', amount: 1 }, { title: 'b', amount: 2 }],
  })
  const proposal_id = await take(bob, 'COUNTER', {
    proposal_id: first,
    to: ann.id,
    task: 'x',
    amount: 3,
    currency: 'USD',
    milestones: [{ title: 'a', amount: 1 }, { title: 'b', amount: 2 }],
  })
  await take(ann, 'ACCEPT', { proposal_id })
  await take(ann, 'FUND', { proposal_id })
  await take(bob, 'SUBMIT', { proposal_id, text: 'x' })
  await take(ann, 'REVISE', { proposal_id, reason: 'x' })
  await take(bob, 'SUBMIT', { proposal_id, text: 'x' })
  await take(ann, 'RELEASE', { proposal_id })
  await take(bob, 'DISPUTE', { proposal_id, reason: 'x' })
  await take(ann, 'COMPLETE', { proposal_id })
  const transfer = ann.sign('TRANSFER', { to: bob.id, currency: 'USD', amount_minor: 5 })
  await ann.wire.ask({ ...transfer, id: 'transfer' }, 'BALANCE')
  sent.push([ann, transfer])
  await take(ann, 'REJECT', { proposal_id: await take(bob, 'PROPOSAL', { to: ann.id, task: 'x' }) })
  await take(bob, 'CANCEL', { proposal_id: await take(bob, 'PROPOSAL', { to: ann.id, task: 'x' }) })
  // The steps of a dispute have theirs in test/court.test.ts.
  expect(new Set(sent.map(([, { type }]) => type))).toEqual(
    new Set(actions.filter(action => !fieldsOf(action).includes('dispute_id') && !action.startsWith('DISPUTE_'))),
  )

  const balances = async () => [await ann.balance(), await bob.balance()]
  const before = await balances()
  const count = async () => (await ann.wire.ask({ type: 'PROPOSALS' }, 'PROPOSALS')).proposals.length
  const proposals = await count()
  const everyOne = async (code: string) => {
    for (const [who, signed] of sent) {
      expect((await who.wire.refusal(signed)).code, `${signed.type} again`).toBe(code)
      expect((await who.wire.refusal({ ...signed, id: 'another' })).code, `${signed.type} under another id`).toBe(code)
      expect((await eve.wire.refusal(signed)).code, `${signed.type} by a stranger`).toBe('VERIFICATION_FAILED')
    }
  }
  await everyOne('VERIFICATION_FAILED')
  relay.clock.advance(4 * limits.maxClockSkewMs)
  await everyOne('VERIFICATION_EXPIRED')
  expect(await balances()).toEqual(before)
  expect(await count()).toBe(proposals)
})

test('a nonce that the relay has forgotten moves no money under a new signature without moving it', async () => {
  await using relay = await startKeptRelay({ adminKey, pingTimeoutMs: 1e12 })
  await using ann = await newTrader(relay, 'ann', { USD: 100 })
  await using bob = await newTrader(relay, 'bob')
  const nonce = 'a'.repeat(32)
  const fields = { to: bob.id, currency: 'USD', amount_minor: 10 }
  await ann.wire.ask(ann.sign('TRANSFER', fields, { nonce }), 'BALANCE')
  relay.clock.advance(4 * limits.maxClockSkewMs)
  // The sweep forgets it; then the payee must not be told of money that did not come.
  for (
    let tries = 0;
    tries < 100 && (await ann.wire.refusal(ann.sign('TRANSFER', { ...fields, amount_minor: 11 }, { nonce }))).code !== 'ID_REUSED';
    tries++
  ) await new Promise(resolve => setTimeout(resolve, 50))
  await bob.wire.take('TRANSFER', 1)
  expect(await ann.wire.refusal(ann.sign('TRANSFER', fields, { nonce }))).toMatchObject({ code: 'ID_REUSED' })
  await bob.wire.hearsNothing()
  expect([await ann.balance(), await bob.balance()]).toEqual([[90, 0], [10, 0]])
})
