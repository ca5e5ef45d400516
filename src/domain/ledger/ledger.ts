// Double-entry arithmetic: every transaction is legs that sum to zero, in whole minor units. No I/O.

/** One side of a transaction: `amount` goes into the account, out of it when negative. */
export interface Leg {
  readonly account: string
  readonly currency: string
  readonly amount: number
}

/** Where money comes from when an admin issues it, and goes when it is withdrawn. Its balance is minus all there is. */
export const issuer = '*'
/** What is held for a proposal. */
export const holdOf = (proposalId: string): string => `!${proposalId}`

export type LedgerProblem =
  | { readonly kind: 'unbalanced' | 'not-an-amount' }
  | {
    readonly kind: 'insufficient'
    readonly account: string
    readonly currency: string /** how much is missing */
    readonly short: number
  }

/** The most one account may hold, so that sums stay exact. */
export const maxAmount = Number.MAX_SAFE_INTEGER / 1_024

/** What is wrong with the legs themselves. */
export const legsProblem = (legs: readonly Leg[]): LedgerProblem | undefined => {
  const sums = new Map<string, number>()
  for (const { currency, amount } of legs) {
    if (!Number.isSafeInteger(amount) || amount === 0 || Math.abs(amount) > maxAmount) return { kind: 'not-an-amount' }
    sums.set(currency, (sums.get(currency) ?? 0) + amount)
  }
  return legs.length >= 2 && [...sums.values()].every(sum => sum === 0) ? undefined : { kind: 'unbalanced' }
}

export interface Accounts {
  /** What is in an account; 0 where nothing ever was. */
  balance(account: string, currency: string): number
  /** How far below zero it may go: 0 for money; for staked rating, what the rating covers. */
  credit(account: string, currency: string): number
}

export type Posted = { readonly ok: true, /** balances after it, in the order of the legs */ readonly balances: readonly number[] } | {
  readonly ok: false
  readonly problem: LedgerProblem
}

/** What the accounts hold after a transaction, or why it cannot be. An account is named by one leg only. */
export const post = (accounts: Accounts, legs: readonly Leg[]): Posted => {
  const problem = legsProblem(legs)
  if (problem !== undefined) return { ok: false, problem }
  if (new Set(legs.map(leg => `${leg.account} ${leg.currency}`)).size !== legs.length) return { ok: false, problem: { kind: 'unbalanced' } }
  const balances: number[] = []
  for (const { account, currency, amount } of legs) {
    const after = accounts.balance(account, currency) + amount
    if (Math.abs(after) > maxAmount) return { ok: false, problem: { kind: 'not-an-amount' } }
    const floor = account === issuer ? -Infinity : -accounts.credit(account, currency)
    // What comes in is welcome, however low the account is.
    if (amount < 0 && after < floor) return { ok: false, problem: { kind: 'insufficient', account, currency, short: floor - after } }
    balances.push(after)
  }
  return { ok: true, balances }
}

/** From one account to another. */
export const transfer = (
  from: string,
  to: string,
  currency: string,
  amount: number,
): readonly Leg[] => [{ account: from, currency, amount: -amount }, { account: to, currency, amount }]
