// How a store fails: for now, or because too many wait.

/** The storage failed, not the request: disk full or failing, file locked or corrupt. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  /** What the operator can do next. */
  readonly hint: string
  /** It broke off after the commit was asked for and before the answer: nobody knows whether the transaction is stored. */
  readonly inDoubt: boolean

  constructor(message: string, hint: string, cause?: unknown, inDoubt = false) {
    super(message, { cause })
    this.hint = hint
    this.inDoubt = inDoubt
  }
}

/** The transaction was undone, by another one or because the line to the database broke: run again it may go through. */
export class UndoneError extends StorageError {}

/** What others changed while it was decided. */
export interface Overtaken {
  /** Agents and addresses that are locked out, approvals, tokens and hooks that have ended: what is asked by them is refused. */
  readonly writers: readonly string[]
  /** Changed, or no more. */
  readonly channels: readonly string[]
}

export const notOvertaken: Overtaken = { writers: [], channels: [] }

/** What it was decided by was changed by another process meanwhile. Once that is known here it is decided anew. */
export class OvertakenError extends UndoneError implements Overtaken {
  readonly writers: readonly string[]
  readonly channels: readonly string[]

  constructor({ writers, channels }: Overtaken) {
    super('Another process changed what this was decided by', 'The relay tries again by itself.')
    this.writers = writers
    this.channels = channels
  }
}

/** What a transaction has until its end, and others of the database do not: what is decided about, an agent's rows, an agent, a channel. */
export interface Lock {
  readonly kind: 'scope' | 'rows' | 'agent' | 'channel'
  readonly name: string
  /** Others may have it so, too: it stays as it is. */
  readonly isShared?: true
}

/** Somebody else had what it would have had to wait for earlier. Run again it waits for all of that first, in one order. */
export class HeldError extends UndoneError {
  readonly locks: readonly Lock[]

  constructor(locks: readonly Lock[]) {
    super('Another process had what this was to change', 'The relay tries again by itself.')
    this.locks = locks
  }
}

/** It would have to be waited for, or be stored, by whoever may hold what others wait for: it is decided first in the next transaction. */
export class LateError extends Error {
  override readonly name = 'LateError'
}

/** Too many wait for the same; whoever asks again a little later is served. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}
