// The one account of what is owed: bytes that wait, in and out, of each connection, of each address, and in all.
// Every change costs the same, however much is owed. Bytes that many wait for are there once, and count once in an address and in all.
import { timerMs } from '../../lib/protocol/index.ts'

/** Who owes what waits; the account need not know more. */
export type Debtor = object

export interface AccountOptions<Owner> {
  /** What may be owed in all, and by the connections of one address. */
  readonly maxBytes: number
  readonly maxAddressBytes: number
  /** What connections that were told to go may still hold while they take their last bytes and their close frame. */
  readonly maxPartingBytes: number
  /** A limit is passed, and this one owes most: it has to part, without what need not be sent any more. */
  readonly onOver: (owner: Owner) => void
  /** It was told to go, and the room for such is used up: it is cut off. */
  readonly onCut: (owner: Owner) => void
}

/** Of what may be owed in all: what one address may owe, and what those may still hold who were told to go. */
export const shareOut = (maxBytes: number): Pick<AccountOptions<unknown>, 'maxBytes' | 'maxAddressBytes' | 'maxPartingBytes'> => ({
  maxBytes,
  maxAddressBytes: maxBytes / 4,
  maxPartingBytes: maxBytes / 4,
})

/** What a buffer that waits takes beside its bytes. */
const bufferOverheadBytes = 128
/** Down to this part of a limit once it was passed, so that it is not passed again at once. */
const relief = 7 / 8

/** How often, and for how long, room is waited for: readers take what waits in their own time. */
const roomPollMs = 20
const maxRoomWaitMs = 5_000

/** Bytes, among them buffers that several wait for. */
class Pool {
  bytes = 0
  readonly #waitedFor = new Map<Buffer, number>()

  hold(buffer: Buffer): void {
    const before = this.#waitedFor.get(buffer) ?? 0
    if (before === 0) this.bytes += buffer.length + bufferOverheadBytes
    this.#waitedFor.set(buffer, before + 1)
  }

  release(buffer: Buffer): void {
    const left = this.#waitedFor.get(buffer)! - 1
    if (left > 0) {
      this.#waitedFor.set(buffer, left)
      return
    }
    this.#waitedFor.delete(buffer)
    this.bytes -= buffer.length + bufferOverheadBytes
  }
}

class Address<Owner> extends Pool {
  readonly name: string
  /** Of connections that were not told to go. */
  readonly debts = new Set<Debt<Owner>>()
  /** Where their bytes count. */
  readonly pools: readonly Pool[]

  constructor(name: string, all: Pool) {
    super()
    this.name = name
    this.pools = [this, all]
  }
}

/** What one connection owes. Only the account changes it. */
export class Debt<Owner = unknown> {
  readonly owner: Owner
  readonly address: Address<Owner>
  bytes = 0
  /** Where its bytes count. */
  pools: readonly Pool[]

  constructor(owner: Owner, address: Address<Owner>) {
    this.owner = owner
    this.address = address
    this.pools = address.pools
  }
}

export class Account<Owner> {
  readonly #options: AccountOptions<Owner>
  readonly #addresses = new Map<string, Address<Owner>>()
  readonly #all = new Pool()
  readonly #parting = new Pool()
  /** Those who were told to go, in that order. */
  readonly #goers = new Set<Debt<Owner>>()

  constructor(options: AccountOptions<Owner>) {
    this.#options = options
  }

  /** Owed in all, beside what those hold who were told to go. */
  get bytes(): number {
    return this.#all.bytes
  }

  get partingBytes(): number {
    return this.#parting.bytes
  }

  open(owner: Owner, name: string): Debt<Owner> {
    let address = this.#addresses.get(name)
    if (address === undefined) this.#addresses.set(name, address = new Address(name, this.#all))
    const debt = new Debt(owner, address)
    address.debts.add(debt)
    return debt
  }

  /** More waits, or less. */
  add(debt: Debt<Owner>, bytes: number): void {
    debt.bytes += bytes
    for (const pool of debt.pools) pool.bytes += bytes
    if (bytes > 0) this.#check(debt)
  }

  /** Buffers wait for this connection. It may turn out that it owes too much, and has to go at once. */
  hold(debt: Debt<Owner>, buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      debt.bytes += buffer.length + bufferOverheadBytes
      for (const pool of debt.pools) pool.hold(buffer)
    }
    this.#check(debt)
  }

  /** They do not any more. */
  release(debt: Debt<Owner>, buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      debt.bytes -= buffer.length + bufferOverheadBytes
      for (const pool of debt.pools) pool.release(buffer)
    }
  }

  /**
   * Resolves when there is room for another page of what is read; undefined when there is. For those of an address that owes little
   * there is up to three quarters of the limit, for others up to half of it. After a while there is, whoever has to go for it.
   */
  room({ address }: Debt<Owner>): Promise<void> | undefined {
    return this.#hasRoom(address) ? undefined : this.#waitForRoom(address)
  }

  async #waitForRoom(address: Address<Owner>): Promise<void> {
    const until = performance.now() + maxRoomWaitMs
    while (!this.#hasRoom(address) && performance.now() < until) await new Promise(resolve => setTimeout(resolve, timerMs(roomPollMs)))
  }

  #hasRoom({ bytes }: Address<Owner>): boolean {
    const { maxBytes, maxAddressBytes } = this.#options
    return bytes <= maxAddressBytes / 2 && this.#all.bytes <= maxBytes * (bytes <= maxAddressBytes / 32 ? 0.75 : 0.5)
  }

  /** The connection was told to go. It releases its buffers before, and holds again afterwards those that it keeps. */
  part(debt: Debt<Owner>): void {
    if (!debt.address.debts.delete(debt)) return
    const { bytes } = debt
    this.add(debt, -bytes)
    debt.pools = [this.#parting]
    this.#goers.add(debt)
    this.add(debt, bytes)
  }

  /** The connection is gone, and has released its buffers. */
  close(debt: Debt<Owner>): void {
    this.add(debt, -debt.bytes)
    // What ends only now counts nowhere any more: it would be taken off twice.
    debt.pools = []
    const { address } = debt
    address.debts.delete(debt)
    this.#goers.delete(debt)
    if (address.debts.size === 0 && this.#addresses.get(address.name) === address) this.#addresses.delete(address.name)
  }

  #check(debt: Debt<Owner>): void {
    const { maxBytes, maxAddressBytes, maxPartingBytes } = this.#options
    if (this.#parting.bytes > maxPartingBytes) this.#cutOne()
    if (debt.address.bytes > maxAddressBytes) this.#relieve(debt.address, maxAddressBytes * relief)
    if (this.#all.bytes > maxBytes) this.#relieveAll(maxBytes * relief)
  }

  /** The address that owes most pays first, and does not pay more than half of it before the next is looked for. */
  #relieveAll(downTo: number): void {
    while (this.#all.bytes > downTo) {
      let most: Address<Owner> | undefined
      for (const address of this.#addresses.values()) if (address.bytes > (most?.bytes ?? 0)) most = address
      if (most === undefined || !this.#relieve(most, Math.max(most.bytes / 2, most.bytes - this.#all.bytes + downTo))) return
    }
  }

  /** Those of an address that owe most go, until it owes no more than so much. Tells whether anybody went. */
  #relieve(address: Address<Owner>, downTo: number): boolean {
    const before = address.debts.size
    for (const { owner } of [...address.debts].sort((a, b) => b.bytes - a.bytes)) {
      if (address.bytes <= downTo) break
      this.#options.onOver(owner)
    }
    return address.debts.size < before
  }

  /** Who was told first had most time. */
  #cutOne(): void {
    for (const goer of this.#goers) {
      this.#goers.delete(goer)
      return this.#options.onCut(goer.owner)
    }
  }
}
