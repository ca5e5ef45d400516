// What an account asks by what it is at the relay is noted: nobody but an operator asks so much that it washes away what is noted of others.
import { expect, test } from 'vitest'
import { createLogger } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import type { Connection } from './connection.ts'
import type { Office } from './feature.ts'
import { Gate } from './gate.ts'
import type { RosterView } from './view.ts'

test('a moderator who asks without end waits, in a count of his own; an operator does not', () => {
  const gate = new Gate({
    ...{ adminKey: undefined, hasAccounts: true, addressBans: [], isOwnHost: () => true },
    ...{ log: createLogger({ level: 'silent', format: 'json' }), counts: createMetrics().counts },
  })
  const connection = { agent: undefined, address: '192.0.2.1' } as unknown as Connection
  const ask = (account: string, office: Office, now = 0) =>
    gate.pass('relay.attend', connection, {
      ...{ type: 'ADMIN_AGENTS', body: {}, now, isWrite: false, office: { account, office, isSure: true, isFresh: false } } as const,
    }, {} as RosterView).account
  for (let i = 0; i < 300; i++) expect(ask('~mo', 'moderator')).toBe('~mo')
  expect(() => ask('~mo', 'moderator')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 500 }) as Error)
  expect(ask('~al', 'auditor')).toBe('~al')
  expect(ask('~mo', 'moderator', 500)).toBe('~mo')
  for (let i = 0; i < 1_000; i++) expect(ask('~ada', 'operator')).toBe('~ada')
})
