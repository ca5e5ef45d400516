// How far a webhook has come, while another process stores what it posts next: between any two of its reads.
import { describe, expect, test } from 'vitest'
import { fingerprintOf } from '../../lib/identity/index.ts'
import { migrations } from '../../src/app.ts'
import { agentsNamed } from '../../src/domain/named-agents.ts'
import { nextOf, type Next } from '../../src/features/talk/webhooks/source.ts'
import type { RosterView } from '../../src/relay/feature.ts'
import { rememberAgent } from '../../src/store/agents.ts'
import { pairStream, type LogWriter } from '../../src/store/log.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import type { Tx } from '../../src/store/store.ts'
import type { WebhookRow } from '../../src/store/webhooks.ts'
import { newDatabase } from '../kit/postgres.ts'
import { newKey } from '../kit/wire.ts'

const ada = newKey()
const roster = { channel: () => ({ info: { owner: ada.id } }) } as unknown as RosterView

describe.each([
  { what: 'an inbox', source: ada.id, stream: pairStream('@bob', ada.id), page: 'inbox' },
  { what: 'a channel', source: '#builds', stream: '#builds', page: 'page' },
] as const)('of $what', ({ source, stream, page }) => {
  test.each(['before', 'behind'] as const)('what is stored %s the page that has nothing is posted next', async when => {
    await using database = await newDatabase()
    const open = () => openPostgres({ url: database.url, migrations, newEpoch: () => 'e'.repeat(16), isShared: true })
    const [here, there] = [await open(), await open()]
    const say = (n: number, muted: readonly string[] = []) =>
      there.write(async tx => {
        const appended = tx.log.append({ stream, author: '@bob', inbox: [ada.id], muted }, n,
          () => Buffer.from(JSON.stringify({ type: 'MSG', from: '@bob', content: `${n}` })))
        await tx.log.flush()
        await appended
      })
    const next = (cursor: number, log: (log: LogWriter) => LogWriter = log => log): Promise<Next> =>
      here.write(tx => {
        const ctx = {
          tx: { ...tx, log: log(tx.log) } as Tx,
          roster,
          now: 100,
          allowlistStrict: false,
          admins: agentsNamed([], fingerprintOf),
        }
        return nextOf(ctx, { agent: ada.id, source, cursor } as WebhookRow, undefined)
      })
    await there.write(tx => rememberAgent(tx, { id: ada.id, pubkey: ada.pem, name: 'ada' }, 1))
    // It has a number, and is not to be posted: of somebody who is blocked; in a channel it is behind the cursor.
    await say(1, [ada.id])
    const cursor = page === 'inbox' ? 0 : 1
    let pages = 0
    const meanwhile = (log: LogWriter) =>
      new Proxy(log, {
        get: (target, method) => async (...args: unknown[]) => {
          const isPage = method === page
          if (isPage && when === 'before') await say(2)
          const answer = await (target[method as keyof LogWriter] as (...args: unknown[]) => unknown).apply(target, args)
          if (isPage && when === 'behind') await say(2)
          if (isPage) pages++
          return answer
        },
      })
    const first = await next(cursor, meanwhile)
    expect(pages).toBe(1)
    expect(first).toMatchObject(when === 'before' ? { kind: 'event', seq: 2 } : { kind: 'nothing', cursor: 1 })
    expect(await next(1)).toMatchObject({ kind: 'event', seq: 2 })
    await Promise.all([here.close(), there.close()])
  })
})
