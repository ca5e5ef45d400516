// The one order in which transactions of several processes wait for each other, so that no two of them ever wait for one another:
// 1. scopes, in their own order (`scopes`); 2. rows, by the agents and channels whose they are; 3. agents that are locked out, or are not to
// be meanwhile; 4. channels that are changed, or are not to be; 5. when all is decided, the numbers: rows of streams by their names, then inboxes by
// their agents, and what is stored with them. What comes behind all that a transaction has is waited for. What would have come before it is only
// taken where nobody has it; otherwise the transaction is undone, and the next try begins with it (`HeldError`). Numbers are given once in a
// transaction, and last: what is decided by what others of the batch say waits for the next one (`LateError`).
import { HeldError, LateError, scopes, type Decider, type Lock } from '../store.ts'
import type { QueryResult } from './client.ts'
import type { Writer } from './writer.ts'

/** Of locks of a kind: the first of the two numbers that name one, and its place in the order. */
const kinds: Readonly<Record<Lock['kind'], { readonly number: number, readonly place: number }>> = {
  scope: { number: 6_667_017, place: 1 },
  rows: { number: 6_667_021, place: 2 },
  agent: { number: 6_667_019, place: 3 },
  channel: { number: 6_667_020, place: 4 },
}

const scopeNames: readonly string[] = scopes

/** Of so many agents a transaction has the rows; a database has room for some thousands of locks in all. Whoever needs more has those of all. */
const maxRows = 256
/** Shared by those who have the rows of some. */
const allRows: Lock = { kind: 'rows', name: '' }

const maxIdChars = 100
/** Whose rows a statement writes is among its values; pairs of agents are names of streams. */
const isAgent = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith('@') && value.length <= maxIdChars && !value.includes('|')

/** Text that is in the order in which they are waited for. */
const keyOf = ({ kind, name }: Lock): string => {
  const within = kind === 'scope' ? String(scopeNames.indexOf(name)).padStart(3, '0') : name
  return `${kinds[kind].place}${name === '' ? 0 : isAgent(name) ? 1 : 2}${within}`
}

/** $1: kinds, $2: names, of a scope its number, $3: whether others may have it too. */
const sqlOf = (locks: string, shared: string, result: string) =>
  `SELECT ${result}(CASE WHEN is_shared THEN ${shared}(kind, key) ELSE ${locks}(kind, key) END) AS taken
    FROM (SELECT kind, CASE WHEN kind = ${kinds.scope.number} THEN name::int ELSE hashtext(name) END AS key, is_shared, n
      FROM unnest($1::int[], $2::text[], $3::boolean[]) WITH ORDINALITY AS asked (kind, name, is_shared, n) ORDER BY n) AS sorted`
const wait = sqlOf('pg_advisory_xact_lock', 'pg_advisory_xact_lock_shared', '')
const attempt = sqlOf('pg_try_advisory_xact_lock', 'pg_try_advisory_xact_lock_shared', 'bool_and')

/** Behind all. */
const end = '9'

/** What a transaction has. */
interface Taken {
  readonly locks: Map<string, Lock>
  /** The last of them in the order. */
  last: string
  by: Decider | undefined
}

const newTaken = (): Taken => ({ locks: new Map(), last: '', by: undefined })

export class Order {
  readonly #writer: Writer
  #transaction: object | undefined
  #taken = newTaken()

  constructor(writer: Writer) {
    this.#writer = writer
  }

  /** What follows is decided by somebody. */
  deciding(by: Decider): void {
    this.#mine().by = by
  }

  /** Whether others of the transaction decided before, whose numbers are still to come. */
  get isBehind(): boolean {
    return this.#mine().by?.isBehind === true
  }

  /** Whether the transaction has anything to itself but scopes. */
  get hasOwn(): boolean {
    return [...this.#mine().locks.values()].some(({ kind, isShared }) => kind !== 'scope' && isShared !== true)
  }

  has(lock: Lock): boolean {
    return this.#missing([lock]).length === 0
  }

  /** @throws LateError where others decided before */
  checkFirst(what: string): void {
    if (this.isBehind) throw new LateError(`${what} is asked for late`)
  }

  /**
   * Has them until the transaction ends, for all that is sent behind this. A promise: it depends on the answer whether it goes on.
   * @throws HeldError
   */
  take(wanted: readonly Lock[]): Promise<void> | undefined {
    return this.#sent(wanted).tried
  }

  /** The same, and resolves when it has them. @throws HeldError */
  async wait(wanted: readonly Lock[]): Promise<void> {
    const { tried, waited } = this.#sent(wanted)
    await Promise.all([tried, waited])
  }

  #sent(wanted: readonly Lock[]): { readonly tried?: Promise<void>, readonly waited?: Promise<unknown> } {
    const missing = this.#missing(wanted)
    if (missing.length === 0) return {}
    const taken = this.#mine()
    const { last } = taken
    const [between, behind] = [missing.filter(([key]) => key <= last), missing.filter(([key]) => key > last)]
    for (const [key, lock] of missing) taken.locks.set(key, lock)
    taken.last = behind.at(-1)?.[0] ?? last
    const tried = between.length === 0 ? undefined : this.#tried(between.map(([, lock]) => lock), [...taken.locks.values()])
    const waited = behind.length === 0 ? undefined : this.#writer.hold(wait, this.#valuesOf(behind.map(([, lock]) => lock)))
    // Where it fails, so does what is sent behind it.
    waited?.catch(() => undefined)
    return { ...(tried && { tried }), ...(waited && { waited }) }
  }

  /** Has the rows of agents until the transaction ends. @throws HeldError */
  takeRows(agents: readonly string[]): Promise<void> | undefined {
    return this.take(agents.map(name => ({ kind: 'rows', name })))
  }

  /** Writes rows: those of whoever decides, and of the agents that are named. What a scope is asked for keeps others out by that. */
  change<R extends object>(sql: string, values: readonly unknown[] = []): Promise<QueryResult<R>> {
    const { by } = this.#mine()
    if (by === undefined) return this.#writer.change<R>(sql, values)
    const agents = by.scope === undefined ? values.flat().filter(isAgent) : []
    if (by.agent !== undefined) agents.push(by.agent)
    // What the relay itself writes of nobody in particular may be waited for by anybody, so that nobody is waited for any more.
    if (by.isRelay && by.scope === undefined && agents.length === 0) this.#mine().last = end
    const taking = this.takeRows(agents)
    return taking === undefined ? this.#writer.change<R>(sql, values) : taking.then(() => this.#writer.change<R>(sql, values))
  }

  async #tried(between: readonly Lock[], all: readonly Lock[]): Promise<void> {
    const [row] = await this.#writer.hold<{ taken: boolean }>(attempt, this.#valuesOf(between))
    if (row?.taken !== true) throw new HeldError(all)
  }

  #valuesOf(locks: readonly Lock[]): readonly unknown[] {
    return [
      locks.map(({ kind }) => kinds[kind].number),
      locks.map(({ kind, name }) => kind === 'scope' ? String(scopeNames.indexOf(name)) : name),
      locks.map(({ isShared }) => isShared === true),
    ]
  }

  /** In the order. */
  #missing(wanted: readonly Lock[]): readonly (readonly [key: string, lock: Lock])[] {
    const { locks } = this.#mine()
    const missing = new Map<string, Lock>()
    const has = (lock: Lock, key = keyOf(lock)): boolean =>
      [locks.get(key), missing.get(key)].some(there => there !== undefined && (there.isShared !== true || lock.isShared === true))
    const add = (lock: Lock): void => {
      if (!has(lock)) missing.set(keyOf(lock), lock)
    }
    const isOfSome = ({ kind, name }: Lock) => kind === 'rows' && name !== ''
    wanted.filter(lock => !isOfSome(lock)).forEach(add)
    const some = wanted.filter(lock => isOfSome(lock) && !has(lock))
    if (some.length > 0 && !has(allRows)) {
      if (locks.size + some.length > maxRows) add(allRows)
      else [{ ...allRows, isShared: true as const }, ...some].forEach(add)
    }
    return [...missing].sort(([a], [b]) => a < b ? -1 : 1)
  }

  #mine(): Taken {
    const { transaction } = this.#writer
    if (this.#transaction !== transaction) {
      this.#transaction = transaction
      this.#taken = newTaken()
    }
    return this.#taken
  }
}
