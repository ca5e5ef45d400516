// What each session has of its own and not in common with all others: the relay holds as much memory as there are sessions that do nothing.
import { expect, test } from 'vitest'
import { Account, type Debtor } from './account.ts'
import { Bucket } from './bucket.ts'
import { Connection, type Line, type Talk } from './connection.ts'
import { Roster } from './roster.ts'

/** Names of the fields whose objects are one's own. */
const ownObjects = (one: object, other: object): readonly string[] =>
  Object.entries(one).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && value !== (other as Record<string, unknown>)[name] ? [name] : []
  )

test('of two sessions that do nothing, each has of its own what came in, what it owes, and its agent with the list of its sessions', () => {
  const account = new Account<Debtor>({
    maxBytes: 1,
    maxAddressBytes: 1,
    maxPartingBytes: 1,
    onOver: () => undefined,
    onCut: () => undefined,
  })
  const facts = { address: '192.0.2.1', host: undefined, frames: new Bucket({ perSecond: 1, burst: 1 }, 0), now: 0 }
  const roster = new Roster()
  const [talk, line] = [{} as Talk, {} as Line]
  const [one, other] = ['@a', '@b'].map(id => {
    const connection = new Connection(talk, line, facts, account)
    roster.attach(connection, '', { id, name: id, pubkey: null, verified: false, admin: false, exempt: false, memberships: [] }, 0)
    return connection
  }) as [Connection, Connection]
  expect(ownObjects(one, other)).toEqual(['agent', 'incoming', 'debt'])
  expect(ownObjects(one.agent!, other.agent!)).toEqual(['own'])
  expect(ownObjects(one.incoming, other.incoming)).toEqual([])
  expect(ownObjects(one.debt, other.debt)).toEqual(['owner'])
})
