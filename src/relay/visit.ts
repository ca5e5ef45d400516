// One HTTP request: what waits of its body, and of its answer, is owed by its address like everything else.
import type { ServerResponse } from 'node:http'
import type { Account, Debt, Debtor } from './account.ts'

export class Visit {
  readonly #response: ServerResponse
  readonly #address: string
  readonly #account: Account<Debtor>
  #debt: Debt<Debtor> | undefined
  #isOver = false

  constructor(response: ServerResponse, address: string, account: Account<Debtor>) {
    this.#response = response
    this.#address = address
    this.#account = account
  }

  /** So much more waits, until the answer is taken or the socket is gone. */
  owe(bytes: number): void {
    if (this.#isOver) return
    if (this.#debt === undefined) {
      this.#debt = this.#account.open(this, this.#address)
      this.#response.once('close', () => this.#end())
    }
    this.#account.add(this.#debt, bytes)
  }

  /** So much of it does not wait any more. */
  took(bytes: number): void {
    if (!this.#isOver && this.#debt !== undefined) this.#account.add(this.#debt, -bytes)
  }

  /** More is owed than there may be: the socket goes, and all that waits for it. */
  cut(): void {
    this.#end()
    this.#response.destroy()
  }

  #end(): void {
    if (this.#isOver || this.#debt === undefined) return
    this.#isOver = true
    this.#account.close(this.#debt)
  }
}
