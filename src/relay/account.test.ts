import { expect, test } from 'vitest'
import { Account, type Debt } from './account.ts'

const kib = 1_024

/** An account whose connections part when they are told, and drop what they hold. */
const setUp = () => {
  const gone: string[] = []
  const cut: string[] = []
  const debts = new Map<string, Debt<string>>()
  const held = new Map<string, Buffer[]>()
  const release = (owner: string) => {
    account.release(debts.get(owner)!, held.get(owner) ?? [])
    held.delete(owner)
  }
  const account = new Account<string>({
    maxBytes: 1_000 * kib,
    maxAddressBytes: 400 * kib,
    maxPartingBytes: 100 * kib,
    onOver: owner => {
      gone.push(owner)
      release(owner)
      account.part(debts.get(owner)!)
    },
    onCut: owner => cut.push(owner),
  })
  return {
    account,
    gone,
    cut,
    debtOf: (owner: string) => debts.get(owner)!,
    open: (owner: string, address: string) => void debts.set(owner, account.open(owner, address)),
    owe: (owner: string, kibs: number) => account.add(debts.get(owner)!, kibs * kib),
    hold: (owner: string, buffer: Buffer) => {
      held.set(owner, [...held.get(owner) ?? [], buffer])
      account.hold(debts.get(owner)!, [buffer])
    },
    close: (owner: string) => {
      release(owner)
      account.close(debts.get(owner)!)
    },
  }
}

test('over the limit of an address those of it go that owe most, and nobody else', () => {
  const { open, owe, gone, account } = setUp()
  for (const [owner, address] of [['a1', 'a'], ['a2', 'a'], ['a3', 'a'], ['b1', 'b']] as const) open(owner, address)
  owe('b1', 390)
  owe('a1', 150)
  owe('a2', 200)
  expect(gone).toEqual([])
  owe('a3', 60)
  expect(gone).toEqual(['a2'])
  expect([account.bytes, account.partingBytes]).toEqual([600 * kib, 200 * kib])
})

test('over the limit in all the address that owes most pays, not the connection that does', () => {
  const { open, owe, gone, account } = setUp()
  for (let i = 0; i < 39; i++) {
    open(`many${i}`, 'many')
    owe(`many${i}`, 10)
  }
  for (const owner of ['b', 'c', 'd']) {
    open(owner, owner)
    owe(owner, 200)
  }
  expect(gone).toEqual([])
  owe('d', 20)
  expect(gone.every(owner => owner.startsWith('many'))).toBe(true)
  expect(account.bytes).toBeLessThanOrEqual(875 * kib)
  // No more than it takes.
  expect(account.bytes).toBeGreaterThan(860 * kib)
})

test('a buffer that many wait for counts once, in an address and in all, and fully for each of them', () => {
  const { open, hold, close, gone, account, debtOf } = setUp()
  const shared = Buffer.alloc(100 * kib)
  for (let i = 0; i < 1_000; i++) {
    open(String(i), i < 500 ? 'a' : `other${i}`)
    hold(String(i), shared)
  }
  expect(gone).toEqual([])
  expect(account.bytes).toBeLessThan(101 * kib)
  expect(debtOf('7').bytes).toBeGreaterThanOrEqual(100 * kib)
  for (let i = 0; i < 999; i++) close(String(i))
  expect(account.bytes).toBeGreaterThanOrEqual(100 * kib)
  close('999')
  expect(account.bytes).toBe(0)
})

test('whoever goes counts apart; when there is no room for more of them, who was told first is cut off', () => {
  const { open, owe, hold, gone, cut, account, close } = setUp()
  for (const owner of ['a1', 'a2', 'a3']) {
    open(owner, 'a')
    owe(owner, 80)
  }
  hold('a3', Buffer.alloc(300 * kib))
  // What it held was dropped; what else waits of it is still there.
  expect([gone, cut, account.partingBytes]).toEqual([['a3'], [], 80 * kib])
  owe('a1', 250)
  expect([gone, cut]).toEqual([['a3', 'a1'], ['a3']])
  close('a3')
  close('a1')
  close('a2')
  expect([account.bytes, account.partingBytes]).toEqual([0, 0])
})

test('pages wait for room while much is owed, those of an address that owes little for less', async () => {
  const { open, owe, account, debtOf } = setUp()
  for (const owner of ['a', 'b', 'c', 'd']) open(owner, owner)
  expect(account.room(debtOf('a'))).toBeUndefined()
  owe('a', 201)
  const waiting = account.room(debtOf('a'))
  expect(waiting).toBeInstanceOf(Promise)
  owe('b', 180)
  owe('c', 180)
  expect(account.room(debtOf('c'))).toBeInstanceOf(Promise)
  expect(account.room(debtOf('d'))).toBeUndefined()
  owe('a', -201)
  await waiting
})

test('what ends after its connection has gone is not taken off a second time', () => {
  const { account, open, owe, close } = setUp()
  open('stays', '192.0.2.1')
  open('goes', '192.0.2.2')
  owe('stays', 10)
  owe('goes', 5)
  close('goes')
  expect(account.bytes).toBe(10 * kib)
  // A request of it was still worked on.
  owe('goes', -5)
  expect(account.bytes).toBe(10 * kib)
})

test('whoever cannot be moved to go does not make it look for ever', () => {
  const account = new Account<string>({
    maxBytes: 10,
    maxAddressBytes: 10,
    maxPartingBytes: 10,
    onOver: () => undefined,
    onCut: () => undefined,
  })
  account.add(account.open('a', 'a'), 100)
  expect(account.bytes).toBe(100)
})
