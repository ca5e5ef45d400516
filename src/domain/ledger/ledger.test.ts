// A million random steps: the accounts sum to zero after each, and none goes below what it may.
import { expect, test } from 'vitest'
import { holdOf, issuer, legsProblem, maxAmount, post, transfer, type Accounts, type Leg } from './ledger.ts'

/** Small, fast and seeded: xorshift. */
const randomFrom = (seed: number) => () => {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) / 2 ** 32
}

const steps = 1_000_000
const names = [issuer, '@ann', '@bob', '@eve', holdOf('prop_1'), holdOf('prop_2')]
const currencies = ['USD', 'ELO']

test(`${steps} random steps: sums stay zero, balances stay covered, refusals change nothing`, () => {
  const random = randomFrom(20_260_101)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const balances = new Map<string, number>()
  const key = (account: string, currency: string) => `${account} ${currency}`
  const accounts: Accounts = {
    balance: (account, currency) => balances.get(key(account, currency)) ?? 0,
    credit: (account, currency) => currency === 'ELO' && account.startsWith('@') ? 1_100 : 0,
  }
  const oddAmounts = [0, -1, 0.5, Number.NaN, Infinity, maxAmount + 1, Number.MAX_SAFE_INTEGER]
  let refused = 0
  let done = 0
  for (let step = 0; step < steps; step++) {
    const currency = pick(currencies)
    const amount = random() < 0.02 ? pick(oddAmounts) : Math.ceil(random() * 1_000)
    const legs: Leg[] = [...transfer(pick(names), pick(names), currency, amount)]
    // Now and then a split in three, a leg too many, or one that is off by one.
    if (random() < 0.1) legs.push({ account: pick(names), currency, amount: 1 }, { account: pick(names), currency, amount: -1 })
    if (random() < 0.05) legs[0] = { ...legs[0]!, amount: legs[0]!.amount + 1 }
    const result = post(accounts, legs)
    if (!result.ok) {
      refused++
      continue
    }
    done++
    legs.forEach((leg, i) => balances.set(key(leg.account, leg.currency), result.balances[i]!))
    for (const each of currencies) {
      let sum = 0
      for (const name of names) {
        const balance = accounts.balance(name, each)
        sum += balance
        if (name !== issuer && balance < -accounts.credit(name, each)) throw new Error(`step ${step}: ${name} has ${balance} ${each}`)
        if (!Number.isSafeInteger(balance)) throw new Error(`step ${step}: ${name} has ${balance} ${each}`)
      }
      if (sum !== 0) throw new Error(`step ${step}: ${each} sums to ${sum}`)
    }
  }
  expect(done).toBeGreaterThan(steps / 4)
  expect(refused).toBeGreaterThan(steps / 20)
})

test('what is missing is told', () => {
  const empty: Accounts = { balance: () => 0, credit: () => 0 }
  expect(post(empty, transfer('@ann', '@bob', 'USD', 5))).toEqual({
    ok: false,
    problem: { kind: 'insufficient', account: '@ann', currency: 'USD', short: 5 },
  })
  expect(post(empty, transfer('@ann', '@ann', 'USD', 5))).toMatchObject({ ok: false, problem: { kind: 'unbalanced' } })
  expect(legsProblem([{ account: '@ann', currency: 'USD', amount: 5 }, { account: '@bob', currency: 'EUR', amount: -5 }])).toEqual({
    kind: 'unbalanced',
  })
})
