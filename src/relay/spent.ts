// What those are told who used up what they may: whose allowance it is, how long to wait, and the settings that allow more.
import { prices } from '../../lib/protocol/index.ts'
import type { Whose } from './bucket.ts'

/** Agents of one address that may all write growing messages at full speed. */
export const piecesOfAddress = 10

const messages = { agent: 'your own, msgRate and msgBurst', address: 'all of your address, addressRate and addressBurst' } as const
const pieces = {
  agent: `your own, ${prices.piecesPerSecond} a second, which no setting changes`,
  address: `all of your address, ${prices.piecesPerSecond * piecesOfAddress} a second, which no setting changes`,
} as const satisfies Record<Whose, string>

/** @param price messages that it counts for */
export const messagesSpent = (whose: Whose, price: number, waitMs: number): string =>
  `${price <= 1 ? 'Too many messages' : `This message costs as much as ${price}, by its size and the rules of this relay`} (${
    messages[whose]
  }); try again in ${waitMs} ms`

export const piecesSpent = (whose: Whose, waitMs: number): string =>
  `Too many pieces of growing messages (${pieces[whose]}); try again in ${waitMs} ms`

const ofAddress = (what: string, waitMs: number): string =>
  `Too many ${what} of this address (addressRate, addressBurst); try again in ${waitMs} ms`

/** Over HTTP, of whoever is not known yet: each costs its address a message. */
export const requestsSpent = (waitMs: number): string => ofAddress('requests', waitMs)

/** Who came in over HTTP with a key that nobody had seen: that costs a message, too. */
export const newcomersSpent = (waitMs: number): string => ofAddress('newcomers', waitMs)

export const socketsSpent = 'Too many connections of this address, or in all (maxConnectionsPerIp, maxConnections)'
