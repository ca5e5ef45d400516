// What several processes on one database would have to divide: who decides about what, who does what is done once, and whose duty is what
// is done outside of it. The store says so; here it is told what others have.
import { expect, test } from 'vitest'
import { addAnnouncement, postsOf } from '../src/features/operate/announcements/store.ts'
import type { Feature, ScopedFeature } from '../src/relay/feature.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { newKey } from './kit/wire.ts'

/** What the transactions of some requests asked of the store, in order; nothing else runs meanwhile. */
const asked = async (relay: TestRelay, requests: () => Promise<unknown>): Promise<readonly string[]> => {
  const calls: string[] = []
  relay.clock.stop()
  relay.store.tamper = (method, [first]) => void calls.push(method === 'lock' ? `lock ${String(first)}` : method)
  await requests()
  relay.store.tamper = undefined
  return calls
}

test('what deals is decided under its scope, before anything is read; talk waits for nobody', async () => {
  await using relay = await startTestRelay()
  const [ann, bob] = [await newTrader(relay, 'ann'), await newTrader(relay, 'bob')]
  const dealt = await asked(relay, () => ann.do('PROPOSAL', { to: bob.id, task: 'x' }))
  expect(dealt[0]).toBe('lock trade')
  expect(dealt.filter(call => call.startsWith('lock'))).toHaveLength(1)
  expect(dealt).toContain('tables')
  await using carol = await relay.login('carol')
  const said = await asked(relay, () => carol.ask({ type: 'MSG', to: '#general', content: 'hi', id: '1' }, 'ACK'))
  expect(said).toContain('append')
  expect(said.filter(call => call.startsWith('lock'))).toEqual([])
})

test('a slice of trade without a scope does not compile', () => {
  const slice: Feature<never> = { handlers: {} }
  // @ts-expect-error it does not say what it decides about
  const unscoped: ScopedFeature<never> = slice
  const scoped: ScopedFeature<never> = { ...slice, scope: 'trade' }
  expect([unscoped.scope, scoped.scope]).toEqual([undefined, 'trade'])
})

test('what another process sweeps is left to it, and taken on when it does not', async () => {
  await using relay = await startTestRelay()
  await using ann = await relay.login('ann', { key: newKey() })
  await using bob = await relay.login('bob', { key: newKey() })
  const turns: string[] = []
  relay.store.isTaken = duty => {
    turns.push(duty)
    return duty === 'identity'
  }
  const { request_id } = await ann.ask({ type: 'VERIFY_REQUEST', target: bob.id, nonce: 'a'.repeat(32) }, 'VERIFY_REQUEST')
  relay.clock.advance(31_000)
  const swept = () => turns.filter(duty => duty === 'identity').length
  const before = swept()
  await expect.poll(swept, { timeout: 20_000 }).toBeGreaterThan(before + 1)
  await ann.barrier()
  expect(ann.unread.filter(({ type }) => type === 'VERIFY_FAILED')).toEqual([])
  relay.store.isTaken = () => false
  expect(await ann.next('VERIFY_FAILED')).toMatchObject({ request_id, reason: 'Timed out' })
})

test('a post that another process has under way is not taken for cut off until its duty is over', async () => {
  await using relay = await startTestRelay()
  let looks = 0
  relay.store.isTaken = duty => duty === 'poster of feed' && ++looks > 0
  const post = { place: 'feed', state: 'posting' } as const
  await relay.store.write(tx => addAnnouncement(tx, { id: 'ann_1', title: 'x', text: '', url: null, at: 1, digest: 'x' }, [post]))
  const state = async () => (await postsOf(relay.store.read, ['ann_1']))[0]!.state
  const before = looks
  await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThan(before + 1)
  expect(await state()).toBe('posting')
  relay.store.isTaken = () => false
  await expect.poll(state, { timeout: 20_000 }).toBe('unknown')
})
