// One HTTP request, or what waits of its socket unread: what waits of its body, and of its answer, is owed by its address like everything else.
import type { Writable } from 'node:stream'
import type { Account, Debt, Debtor } from './account.ts'

export class Visit {
  readonly #line: Pick<Writable, 'once' | 'destroy'>
  readonly #address: string
  readonly #account: Account<Debtor>
  #debt: Debt<Debtor> | undefined
  #isOver = false

  constructor(line: Pick<Writable, 'once' | 'destroy'>, address: string, account: Account<Debtor>) {
    this.#line = line
    this.#address = address
    this.#account = account
  }

  /** So much more waits, until the answer is taken or the socket is gone. */
  owe(bytes: number): void {
    if (this.#isOver) return
    if (this.#debt === undefined) {
      this.#debt = this.#account.open(this, this.#address)
      this.#line.once('close', () => this.end())
    }
    this.#account.add(this.#debt, bytes)
  }

  /** So much of it does not wait any more. */
  took(bytes: number): void {
    if (!this.#isOver && this.#debt !== undefined) this.#account.add(this.#debt, -bytes)
  }

  /** It is for another address than was thought. */
  moves(address: string): void {
    const debt = this.#debt
    if (debt === undefined || this.#isOver || address === debt.address.name) return
    const { bytes } = debt
    this.#account.close(debt)
    this.#account.add(this.#debt = this.#account.open(this, address), bytes)
  }

  /** More is owed than there may be: the socket goes, and all that waits for it. */
  cut(): void {
    this.end()
    this.#line.destroy()
  }

  /** Nothing is owed for it any more. */
  end(): void {
    if (this.#isOver || this.#debt === undefined) return
    this.#isOver = true
    this.#account.close(this.#debt)
  }
}
