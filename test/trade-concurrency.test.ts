// Steps of two parties, sent at once: whatever won, won in some order, and the same steps one after the other come to the same.
// RACES=10000 npx vitest run test/trade-concurrency.test.ts: as many as a release is tried with.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TradeAction } from '../lib/identity/index.ts'
import type { Frame } from '../lib/protocol/index.ts'
import { startTestRelay } from './kit/relay.ts'
import { adminKey, newTrader, Trader } from './kit/trade.ts'

type Step = TradeAction | 'COUNTER'
type Side = 'client' | 'provider'
type Proposal = Frame<'PROPOSAL_STATE'>['proposal']

const races = Number(process.env['RACES'] ?? 40)

/** How far a deal has come before the race. */
const stages: readonly (readonly (readonly [Side, Step])[])[] = [
  [],
  [['provider', 'ACCEPT']],
  [['provider', 'ACCEPT'], ['client', 'FUND']],
  [['provider', 'ACCEPT'], ['client', 'FUND'], ['provider', 'SUBMIT']],
  [['provider', 'ACCEPT'], ['client', 'FUND'], ['provider', 'SUBMIT'], ['provider', 'DISPUTE']],
]
const steps = ['ACCEPT', 'REJECT', 'CANCEL', 'COUNTER', 'FUND', 'SUBMIT', 'REVISE', 'RELEASE', 'COMPLETE', 'DISPUTE'] as const

const money = { amount: 10, currency: 'USD', milestones: [{ title: 'a', amount: 4 }, { title: 'b', amount: 6 }] }
const outcomeOf = ({ status, captured_minor, returned_minor, held_minor, released }: Proposal) => ({
  status,
  captured_minor,
  returned_minor,
  held_minor,
  released,
})

test('whatever two parties do at once is what they could have done one after the other, and the money adds up', async () => {
  const many = { maxOpenProposalsPerAgent: 1_000_000, maxOpenProposalsPerAddress: 1_000_000, maxOpenProposals: 1_000_000 }
  await using relay = await startTestRelay({ adminKey, frameRate: 0, addressFrameRate: 0, addressRate: 0, ...many })
  await using client = await newTrader(relay, 'ann', { USD: 1_000_000_000 })
  await using provider = await newTrader(relay, 'bob')
  const sides = { client, provider }
  const more = async (who: Trader, label: string) =>
    new Trader(await relay.login(label, { key: who.key, autojoin: false, session: label }), who.key, relay)
  await using clientToo = await more(client, 'ann2')
  await using providerToo = await more(provider, 'bob2')
  const sessions = { client: [client, clientToo], provider: [provider, providerToo] } as const

  const fieldsOf = (side: Side, step: Step, proposal_id: string) => ({
    proposal_id,
    ...(step === 'COUNTER' && { to: sides[side === 'client' ? 'provider' : 'client'].id, task: 'y', ...money }),
    ...(step === 'SUBMIT' && { text: 'done' }),
    ...((step === 'REVISE' || step === 'DISPUTE') && { reason: 'why' }),
  })
  const dealAt = async (stage: number): Promise<string> => {
    const { proposal_id } = await client.do('PROPOSAL', { to: provider.id, task: 'x', ...money })
    for (const [side, step] of stages[stage]!) await sides[side].do(step, fieldsOf(side, step, proposal_id))
    return proposal_id
  }
  const told = async (proposal_id: string) => client.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id, limit: 50 }, 'PROPOSAL_EVENTS')

  let won = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(stages.length - 1),
      fc.array(fc.tuple(fc.constantFrom<Side>('client', 'provider'), fc.constantFrom(...steps)), { minLength: 2, maxLength: 6 }),
      async (stage, asked) => {
        const id = await dealAt(stage)
        const before = (await told(id)).events.length
        const answers = await Promise.all(asked.map(([side, step], i) => {
          const trader = sessions[side][i % 2]!
          return trader.wire.answer(trader.sign(step, fieldsOf(side, step, id)))
        }))
        const { events, proposal } = await told(id)
        // A deal that ends has a receipt, which nobody asked for.
        const done = events.slice(before).filter(({ type }) => (steps as readonly string[]).includes(type))
        expect(done).toHaveLength(answers.filter(({ type }) => type === 'PROPOSAL_STATE').length)
        won += done.length

        const twin = await dealAt(stage)
        for (const event of done) {
          const side: Side = event['by'] === client.id ? 'client' : 'provider'
          await sides[side].do(event.type as Step, fieldsOf(side, event.type as Step, twin))
        }
        expect(outcomeOf(proposal)).toEqual(outcomeOf((await told(twin)).proposal))
        for (const { wire } of [...sessions.client, ...sessions.provider]) wire.forget()
      },
    ),
    { numRuns: races },
  )
  expect(won).toBeGreaterThan(races / 5)
  const accounts = await relay.store.read.tables<{ accounts: { balance: number } }>().selectFrom('accounts').select('balance').execute()
  expect(accounts.reduce((sum, { balance }) => sum + balance, 0)).toBe(0)
}, Math.max(120_000, races * 600))
