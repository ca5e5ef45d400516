// What of the relay's posts may be under way for whom: whoever answers late, and is many, holds up no others.
import { expect, onTestFinished, test } from 'vitest'
import { fingerprintOf } from '../lib/identity/index.ts'
import { Conditions } from '../lib/rules/index.ts'
import { migrations } from '../src/app.ts'
import { eventWords } from '../src/domain/event-words.ts'
import { agentsNamed } from '../src/domain/named-agents.ts'
import { Courier, testOf, webhookErrand, type Answer } from '../src/features/talk/webhooks/courier.ts'
import type { SweepCtx } from '../src/relay/feature.ts'
import { rememberAgent } from '../src/store/agents.ts'
import { addErrand } from '../src/store/errands.ts'
import { pairStream } from '../src/store/log.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { addWebhook } from '../src/store/webhooks.ts'
import { newKey, type Key } from './kit/wire.ts'

interface Hook {
  readonly owner: Key
  readonly address: string
  readonly host: string
}

/** A courier whose posts are answered when a test says so, and turns that it takes one at a time; its clock stands still. */
const world = () => {
  const store = openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch: () => 'e'.repeat(16) })
  onTestFinished(() => store.close())
  const errandLimits = { perOwner: 1_000, all: 1_000 }
  /** By the hosts of their receivers. */
  const underWay: { readonly host: string, readonly answer: (answer: Answer) => void }[] = []
  const courier = new Courier({
    serverId: 'here',
    verifyMessage: () => Promise.resolve(false),
    conditions: new Conditions(eventWords),
    sender: {
      check: () => Promise.resolve(undefined),
      post: ({ url }) => new Promise(answer => underWay.push({ host: new URL(url).hostname, answer })),
    },
    allowlistStrict: false,
    admins: agentsNamed([], fingerprintOf),
    errandLimits,
    wakes: () => Promise.resolve(undefined),
    epoch: 'e'.repeat(16),
    worker: 'one',
    random: () => 0.5,
    openWebhook: sealed => sealed,
    onPosted: () => undefined,
    isStopping: () => false,
  })
  let asked = 0
  let hooks = 0
  return {
    /** Of each agent one message, and what is posted of it; in that order. */
    async add(all: readonly Hook[], isTest = false) {
      await store.write(async tx => {
        for (const { owner, address, host } of all) {
          await rememberAgent(tx, { id: owner.id, pubkey: owner.pem, name: 'some' }, 1)
          const id = `wh_${String(hooks++).padStart(4, '0')}`
          await addWebhook(tx, {
            ...{ id, agent: owner.id, source: owner.id, url: `https://${host}/in`, name: null, thin: 0, condition: null, secret: 'whsec_' },
            ...{ old_secret: null, old_until: 0, cursor: 0, off_at: null, problem: null, created: 1, token: null, address },
          })
          if (isTest) await addErrand(tx, { kind: webhookErrand, owner: owner.id, ref: testOf(id), due_at: 100 }, 100, errandLimits)
        }
        if (isTest) return
        for (const owner of new Set(all.map(each => each.owner)))
          await tx.log.append({ stream: pairStream('@bob', owner.id), author: '@bob', inbox: [owner.id] }, 2,
            () => Buffer.from(JSON.stringify({ type: 'MSG', ts: 2, from: '@bob', to: owner.id, content: 'hi' })))
      })
    },
    /** One turn; whether it asks for another at once. */
    async turn(): Promise<boolean> {
      asked = 0
      const roster = { channel: () => undefined }
      const outcome = await store.write(tx => courier.turn({ tx, now: 100, roster, soon: () => void asked++ } as unknown as SweepCtx))
      outcome?.committed?.()
      await new Promise(setImmediate)
      return asked > 0
    },
    async answer(host: string) {
      const [post] = underWay.splice(underWay.findIndex(each => each.host === host), 1)
      post!.answer({ kind: 'done', status: 204 })
      await new Promise(setImmediate)
    },
    hosts: () => underWay.map(({ host }) => host),
  }
}

const hostsOf = (hooks: readonly Hook[]) => hooks.map(({ host }) => host)

test('of one agent two are under way, whatever its hosts are called; the next follow as those end, and nobody waits for it', async () => {
  const { add, turn, answer, hosts } = world()
  const [mallory, victim] = [newKey(), newKey()]
  const many = Array.from({ length: 5 }, (_, i): Hook => ({ owner: mallory, address: '', host: `a${i}.evil.example` }))
  const one: Hook = { owner: victim, address: '', host: 'good.example' }
  await add([...many, one])
  await turn()
  expect(hosts().sort()).toEqual([...hostsOf(many.slice(0, 2)), one.host])
  await turn()
  expect(hosts()).toHaveLength(3)
  // What waits does not wait for a time: its clock stands still.
  for (const [i, { host }] of many.entries()) {
    expect(hosts()).toContain(host)
    await answer(host)
    await turn()
    expect(hosts().filter(each => each !== one.host)).toEqual(hostsOf(many.slice(i + 1, i + 3)))
  }
})

test('of the agents of one address four are under way, and of an address that nobody knows as many as there is room for', async () => {
  const { add, turn, hosts } = world()
  const hooksOf = (address: string, label: string) =>
    Array.from({ length: 6 }, (_, i): Hook => ({ owner: newKey(), address, host: `${label}${i}.example` }))
  await add([...hooksOf('192.0.2.1', 'a'), ...hooksOf('', 'b')])
  await turn()
  expect(hosts().filter(host => host.startsWith('a'))).toHaveLength(4)
  expect(hosts().filter(host => host.startsWith('b'))).toHaveLength(6)
})

test('what is put off takes up no place: who comes behind it is posted in the same turn, and a turn has an end', async () => {
  const { add, turn, hosts } = world()
  const hooksTo = (host: string, length: number) => Array.from({ length }, (): Hook => ({ owner: newKey(), address: '', host }))
  await add(hooksTo('slow.example', 24), true)
  await turn()
  expect(hosts()).toHaveLength(4)
  await add(hooksTo('slow.example', 35), true)
  await add([{ owner: newKey(), address: '', host: 'good.example' }], true)
  const isMore = await turn()
  expect(hosts()).toContain('good.example')
  expect(isMore).toBe(false)
  await add(hooksTo('slow.example', 100), true)
  for (const isMoreLeft of [true, true, false]) expect(await turn()).toBe(isMoreLeft)
  expect(hosts()).toHaveLength(5)
})
