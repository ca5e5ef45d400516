import { expect, test } from 'vitest'
import { generateKeyPair, identityFrom } from '../../lib/identity/index.ts'
import { ConnectionError, RelayError, TimeoutError } from '../../lib/client/errors.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import { Authors } from './authors.ts'

const { agentId, publicKey: pubkey } = identityFrom(generateKeyPair().privateKey)
const answer = { type: 'WHOIS', agent_id: agentId, name: 'ann', pubkey } as Frame<'WHOIS'>
const events = [{ from: agentId }, { from: agentId }]

/** Of whom is asked, and what comes of it in turn. */
const asking = (...answers: readonly (Frame<'WHOIS'> | Error)[]) => {
  const asked: string[] = []
  const authors = new Authors(agent => {
    const next = answers[asked.length]!
    asked.push(agent)
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
  })
  return { asked, authors }
}

test('each author is asked for once, and told once', async () => {
  const { asked, authors } = asking(answer)
  expect(await authors.of(events)).toEqual([{ agent: agentId, pubkey, name: 'ann' }])
  expect(await authors.of(events)).toEqual([])
  expect(asked).toEqual([agentId])
})

test('who was refused for now is asked for again; who is not known there, or not answered for, is not', async () => {
  const { asked, authors } = asking(new RelayError('RATE_LIMITED', 'later', 5), answer)
  expect(await authors.of(events)).toEqual([])
  expect(await authors.of(events)).toHaveLength(1)
  expect(asked).toHaveLength(2)
  for (const error of [new RelayError('AGENT_NOT_FOUND', 'nobody'), new TimeoutError('late')]) {
    const unknown = asking(error)
    expect([await unknown.authors.of(events), await unknown.authors.of(events)]).toEqual([[], []])
    expect(unknown.asked).toHaveLength(1)
  }
})

test('a key that is not theirs is no author; a line that breaks is an error, and nobody is known by it', async () => {
  const other = { ...answer, pubkey: identityFrom(generateKeyPair().privateKey).publicKey } as Frame<'WHOIS'>
  expect(await asking(other).authors.of(events)).toEqual([])
  const { authors } = asking(new ConnectionError('CLOSED', 'cut'), answer)
  await expect(authors.of(events)).rejects.toThrow('cut')
  expect(await authors.of(events)).toHaveLength(1)
})
