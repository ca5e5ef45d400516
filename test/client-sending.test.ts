// A message that cannot be signed is refused for itself alone: what is sent before and behind it goes on, on this connection and the next.
import { expect, test } from 'vitest'
import type { Identity } from '../lib/identity/index.ts'
import { breakable, clientOf, newClient, newIdentity, statusOf } from './kit/client.ts'
import { startTestRelay } from './kit/relay.ts'

/** A key that does not sign what holds a word, and says so in the turn in which it is asked. */
const refusing = (identity: Identity, word: string): Identity => ({
  ...identity,
  sign: text => {
    if (text.includes(word)) throw new Error(`${word}: not signed`)
    return identity.sign(text)
  },
})

/** What became of calls that were made at once, in their order. */
const endsOf = async (calls: readonly Promise<{ readonly seq: number }>[]): Promise<readonly (number | string)[]> =>
  (await Promise.allSettled(calls)).map(end => end.status === 'fulfilled' ? end.value.seq : (end.reason as Error).message)

test.each([['one at a time', 1_000], ['many at once', 0]])('what a key does not sign holds nothing up: %s', async (_, msgRate) => {
  await using relay = await startTestRelay({ msgRate })
  await using ann = await clientOf(relay, { identity: refusing(newIdentity('ann'), 'never') })
  await ann.join('#general')
  await expect(ann.send('#general', 'never')).rejects.toThrow('never: not signed')
  expect(await ann.send('#general', 'one')).toMatchObject({ seq: 1 })
  const said = ['two', 'never', 'three', 'never', 'never', 'four', 'never']
  expect(await endsOf(said.map(content => ann.send('#general', content))))
    .toEqual([2, 'never: not signed', 3, 'never: not signed', 'never: not signed', 4, 'never: not signed'])
  await ann.request('PING', {})
  await ann.drain()
})

test('of many that are refused in a row each is told, and what stands behind them is sent', async () => {
  await using relay = await startTestRelay({ msgRate: 1_000 })
  await using ann = await clientOf(relay, { identity: refusing(newIdentity('ann'), 'never') })
  await ann.join('#general')
  const first = ann.send('#general', 'first')
  const refused = Array.from({ length: 3_000 }, () => ann.send('#general', 'never'))
  expect(await endsOf([first, ...refused, ann.send('#general', 'last')])).toEqual([1, ...refused.map(() => 'never: not signed'), 2])
})

test('what waits for the next connection and cannot be signed there is refused, and the client is told that it is connected', async () => {
  await using relay = await startTestRelay()
  const { transport, cut } = breakable()
  await using ann = newClient(relay, { identity: refusing(newIdentity('ann'), 'never'), transport })
  await ann.connect()
  await ann.join('#general')
  const again = statusOf(ann, 'connected')
  cut()
  const ends = endsOf(['never', 'one', 'never', 'two'].map(content => ann.send('#general', content)))
  expect(await again).toMatchObject({ again: true })
  expect(await ends).toEqual(['never: not signed', 1, 'never: not signed', 2])
})
