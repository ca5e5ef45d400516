// How far a webhook looks in one turn: what its condition takes is counted, and nobody asks it about what may not be read.
import { expect, test } from 'vitest'
import { Conditions } from '../lib/rules/index.ts'
import { fingerprintOf } from '../lib/identity/index.ts'
import { migrations } from '../src/app.ts'
import { eventWords } from '../src/domain/event-words.ts'
import { agentsNamed } from '../src/domain/named-agents.ts'
import { nextOf, type Next } from '../src/features/talk/webhooks/source.ts'
import type { RosterView } from '../src/relay/feature.ts'
import { rememberAgent } from '../src/store/agents.ts'
import { pairStream } from '../src/store/log.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import type { WebhookRow } from '../src/store/webhooks.ts'
import { newKey } from './kit/wire.ts'

const ada = newKey()

const world = async (streams: readonly string[]) => {
  const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch: () => 'e'.repeat(16) })
  await store.write(async tx => {
    await rememberAgent(tx, { id: ada.id, pubkey: ada.pem, name: 'ada' }, 1)
    for (const [n, stream] of streams.entries())
      await tx.log.append({ stream, author: '@bob', inbox: [ada.id] }, n + 1,
        () => Buffer.from(JSON.stringify({ type: 'MSG', from: '@bob', content: `${n}` })))
  })
  const { condition } = await new Conditions(eventWords).compile('content == "nothing of them"') as Exclude<
    Awaited<ReturnType<Conditions<typeof eventWords>['compile']>>,
    { readonly problem: string }
  >
  // No channel is there any more.
  const roster = { channel: () => undefined } as unknown as RosterView
  const next = (cursor: number, steps: number): Promise<Next> =>
    store.write(tx =>
      nextOf({ tx, roster, now: 100, allowlistStrict: false, admins: agentsNamed([], fingerprintOf) },
        { agent: ada.id, source: ada.id, cursor } as WebhookRow, { condition, turn: { steps } })
    )
  return { next, condition, close: () => store.close() }
}

test('the condition of one does not run longer than a turn may take, and always goes on', async () => {
  const { next, condition, close } = await world(Array.from({ length: 40 }, () => pairStream('@bob', ada.id)))
  expect(condition.steps).toBeGreaterThan(16_384)
  expect(await next(0, 4 * condition.steps)).toMatchObject({ kind: 'passed', seq: 3 })
  expect(await next(3, 0)).toMatchObject({ kind: 'passed', seq: 4 })
  expect(await next(4, 1_000 * condition.steps)).toMatchObject({ kind: 'passed', seq: 40 })
  expect(await next(40, 0)).toMatchObject({ kind: 'nothing', cursor: 40 })
  await close()
})

test('what may not be read any more is passed over with a note, whatever its condition would say of it', async () => {
  const { next, close } = await world(['#secret', pairStream('@bob', ada.id)])
  expect(await next(0, 1_000_000)).toMatchObject({ kind: 'skipped', seq: 1 })
  expect(await next(1, 1_000_000)).toMatchObject({ kind: 'passed', seq: 2 })
  await close()
})
