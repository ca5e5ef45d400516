// Agents that belong to an account: two signatures make it so, one ends it, and what one owner's agents cannot do with each other.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimEndText, claimText, makeRotation, randomNonce, verify } from '../lib/identity/index.ts'
import { exits } from '../src/cli/exit.ts'
import { addOwned, putClaim } from '../src/features/account/accounts/claims-store.ts'
import { listReceipts } from '../src/features/trade/reputation/store.ts'
import type { Tx } from '../src/store/store.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { Cli } from './kit/cli.ts'
import { openCourt, startCourtRelay, type Court } from './kit/court.ts'
import type { TestRelay } from './kit/relay.ts'
import { newTrader, type Trader } from './kit/trade.ts'
import { identityOf, newKey, signWith, type Key } from './kit/wire.ts'

let relay: TestRelay
let origin: string
let passkey: Passkey
let ada: Browser
let ann: Trader
let bob: Trader
let eve: Trader

const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
const later = () => relay.clock.advance(11 * 60_000)
const browser = () => new Browser(() => relay.httpUrl, origin)
const accountOf = async (of: Browser) => ((await of.ask('GET', '/account/me')).body as { account: { id: string } }).account.id

interface Said {
  readonly end?: true
  readonly agent?: string
  readonly account?: string
  readonly relay?: string
  readonly ts?: number
  readonly nonce?: string
}
const signed = async (key: Key, of: Browser, { end, ...more }: Said = {}) => {
  const fields = {
    agent: key.id,
    account: await accountOf(of),
    relay: relay.serverId,
    ts: relay.clock.now(),
    nonce: randomNonce(),
    ...more,
  }
  const { relay: _, ...claim } = fields
  return { ...claim, sig: signWith(key, end ? claimEndText(fields) : claimText(fields)) }
}
/** Without a cookie and from no page: the signature is all. */
const bring = (claim: object, path = '/account/claims') => browser().ask('POST', path, claim, { origin: '' })
const own = async (key: Key, of: Browser = ada) => {
  expect((await bring(await signed(key, of))).status).toBe(202)
  expect((await of.post(`/account/agents/${key.id}`)).status).toBe(204)
}

interface Tables {
  lineages: { agent: string, lineage: string, n: number }
}
const addAgents = async (tx: Tx, account: string, { agents, keys }: { readonly agents: number, readonly keys: number }): Promise<void> => {
  for (let i = 0; i < agents; i++) {
    const lineage = `@${i.toString(16).padStart(16, '0')}`
    await addOwned(tx, { agent: lineage, account, text: '', sig: '', at: 1, sign_in: '' })
    const rows = Array.from({ length: keys }, (_, n) => ({ agent: n === 0 ? lineage : `${lineage}-${n}`, lineage, n: -n }))
    await tx.tables<Tables>().insertInto('lineages').values(rows).execute()
  }
}

beforeAll(async () => {
  relay = await startCourtRelay({ accounts: true, minDeadlineMs: 1_000 })
  origin = relay.setUpUrl!.split('/account')[0]!
  passkey = new Passkey(origin)
  ada = browser()
  await ada.setUp(relay.setUpUrl!, passkey, 'Ada')
  ann = await newTrader(relay, 'ann', { USD: 10_000 })
  bob = await newTrader(relay, 'bob')
  eve = await newTrader(relay, 'eve')
})
afterAll(() => relay.drain())

// First: a command reads the clock of this machine, which is then moved.
test('agentchat account link and unlink sign it, and say what the relay refuses', async () => {
  using cli = new Cli()
  const file = cli.at('cyd.json')
  const agent = String((await cli.run(['identity', 'generate', '-n', 'cyd', '-f', file, '--json'])).json[0]!['agent_id'])
  const account = await accountOf(ada)
  const url = relay.url.replace('127.0.0.1', 'localhost')
  const linked = await cli.run(['account', 'link', url, account, '-i', file, '--json'])
  expect(linked, linked.stderr).toMatchObject({ code: 0, json: [{ agent_id: agent, account, state: 'waiting' }] })
  expect((await ada.post(`/account/agents/${agent}`)).status).toBe(204)
  const again = await cli.run(['account', 'link', url, account, '-i', file])
  expect([again.code, again.stderr]).toEqual([exits.auth.code, expect.stringContaining('(NOT_ALLOWED)')])
  expect(await cli.run(['account', 'unlink', url, account, '-i', file])).toMatchObject({ code: 0 })
  expect((await ada.ask('GET', '/account/agents')).text).not.toContain(agent)
  expect(await cli.run(['account', 'link', url, 'ada', '-i', file])).toMatchObject({ code: exits.usage.code })
  expect(await cli.run(['account', 'link', url, '~0123456789abcdef', '-i', file])).toMatchObject({ code: exits.notFound.code })
})

describe('a claim', () => {
  test('takes two signatures: the key of the agent, and a fresh passkey of the owner', async () => {
    const claim = await signed(ann.key, ada)
    expect(await bring(claim)).toMatchObject({ status: 202, body: { state: 'waiting' } })
    const { agents, waiting } = (await ada.ask('GET', '/account/agents')).body as Record<
      string,
      { agent: string, claim: { text: string, sig: string } }[]
    >
    expect([agents!.length, waiting!.map(({ agent }) => agent)]).toEqual([0, [ann.id]])
    // What the agent signed stays with it, for whoever doubts.
    expect(verify(ann.key.pem, waiting![0]!.claim.text, waiting![0]!.claim.sig)).toBe(true)
    later()
    expect(codeOf(await ada.post(`/account/agents/${ann.id}`))).toEqual([403, 'PASSKEY_ASKED'])
    await ada.signIn(passkey)
    expect((await ada.post(`/account/agents/${ann.id}`)).status).toBe(204)
    expect((await ada.ask('GET', '/account/agents')).body).toMatchObject({ agents: [{ agent: ann.id }], waiting: [] })
    expect(codeOf(await ada.post(`/account/agents/${ann.id}`)), 'again').toEqual([404, 'AGENT_NOT_FOUND'])
    expect(codeOf(await bring(await signed(ann.key, ada))), 'owned').toEqual([403, 'NOT_ALLOWED'])
  })

  test('that is not signed by the present key, for this account and relay, now and once, is refused', async () => {
    const now = relay.clock.now()
    const good = await signed(bob.key, ada)
    const stranger = newKey()
    const refused: Readonly<Record<string, readonly [object, number, string]>> = {
      'of another key': [
        { ...good, sig: (await signed(eve.key, ada, { agent: bob.id, nonce: good.nonce })).sig },
        403,
        'VERIFICATION_FAILED',
      ],
      'for another account': [{ ...good, account: '~0123456789abcdef' }, 403, 'VERIFICATION_FAILED'],
      'for an account that is not there': [await signed(bob.key, ada, { account: '~0123456789abcdef' }), 404, 'AGENT_NOT_FOUND'],
      'for another relay': [await signed(bob.key, ada, { relay: 'f'.repeat(64) }), 403, 'VERIFICATION_FAILED'],
      'of another time': [await signed(bob.key, ada, { ts: now - 60 * 60_000 }), 401, 'VERIFICATION_EXPIRED'],
      'with another nonce': [{ ...good, nonce: randomNonce() }, 403, 'VERIFICATION_FAILED'],
      'to end what it began': [await signed(bob.key, ada, { end: true }), 403, 'VERIFICATION_FAILED'],
      'of nobody': [await signed(stranger, ada), 404, 'AGENT_NOT_FOUND'],
      'that is none': [{ ...good, sig: 'x' }, 400, 'INVALID_MSG'],
    }
    for (const [what, [claim, ...code]] of Object.entries(refused)) expect(codeOf(await bring(claim)), what).toEqual(code)
    later()
    const claim = await signed(bob.key, ada)
    expect((await bring(claim)).status).toBe(202)
    expect(codeOf(await bring(claim)), 'replayed').toEqual([403, 'VERIFICATION_FAILED'])
    // A cookie has no part in the agent's half, and a page elsewhere none in the owner's.
    expect(codeOf(await ada.ask('POST', `/account/agents/${bob.id}`, {}, { origin: 'https://evil.example' }))).toEqual([
      403,
      'FOREIGN_ORIGIN',
    ])
    expect(codeOf(await browser().post(`/account/agents/${bob.id}`))).toEqual([401, 'AUTH_REQUIRED'])
  })

  test('is nothing to another account, and is refused or taken back while it waits', async () => {
    await ada.signIn(passkey)
    const ben = browser()
    await ben.setUp(((await ada.post('/account/invitations')).body as { url: string }).url, new Passkey(origin), 'Ben')
    expect(codeOf(await ben.post(`/account/agents/${bob.id}`))).toEqual([404, 'AGENT_NOT_FOUND'])
    expect(codeOf(await ben.ask('DELETE', `/account/agents/${ann.id}`))).toEqual([404, 'AGENT_NOT_FOUND'])
    expect((await ada.ask('DELETE', `/account/agents/${bob.id}`)).status).toBe(204)
    expect(codeOf(await ada.post(`/account/agents/${bob.id}`))).toEqual([404, 'AGENT_NOT_FOUND'])
    expect((await bring(await signed(bob.key, ada))).status).toBe(202)
    expect((await bring(await signed(bob.key, ada, { end: true }), '/account/claims/end')).status).toBe(204)
    expect(codeOf(await ada.post(`/account/agents/${bob.id}`))).toEqual([404, 'AGENT_NOT_FOUND'])
    expect(codeOf(await bring(await signed(bob.key, ada, { end: true }), '/account/claims/end'))).toEqual([404, 'AGENT_NOT_FOUND'])
    // Of what an agent alone did nothing is noted: strangers would fill the audit.
    const { items } = (await ada.ask('GET', '/account/audit')).body as { items: { action: string, target: string }[] }
    expect(items.filter(({ target }) => target === bob.id).map(({ action }) => action)).toEqual(['agent_release'])
    expect(items.some(({ action, target }) => action === 'agent_accept' && target === ann.id)).toBe(true)
    later()
  })
})

describe('two agents of one owner', () => {
  test('make no deal, and go on with none that was only offered; with others they deal as before', async () => {
    await ada.signIn(passkey)
    const offered = await ann.do('PROPOSAL', { to: bob.id, task: 'write it', amount: 5, currency: 'USD' })
    const weighed = await bob.do('PROPOSAL', { to: ann.id, task: 'write it' })
    const agreed = await ann.do('PROPOSAL', { to: bob.id, task: 'write it' })
    await bob.do('ACCEPT', { proposal_id: agreed.proposal_id })
    await own(bob.key)
    expect(await ann.refused('PROPOSAL', { to: bob.id, task: 'write it' })).toBe('SELF_DEAL')
    expect(await bob.refused('ACCEPT', { proposal_id: offered.proposal_id })).toBe('SELF_DEAL')
    expect(await ann.refused('COUNTER', { proposal_id: weighed.proposal_id, to: bob.id, task: 'write more' })).toBe('SELF_DEAL')
    // What they had agreed is done, and rates neither.
    await ann.do('COMPLETE', { proposal_id: agreed.proposal_id, proof: 'done' })
    expect((await ann.wire.ask({ type: 'RATING' }, 'RATING')).transactions).toBe(0)
    const { proposal_id } = await eve.do('PROPOSAL', { to: bob.id, task: 'write it' })
    await bob.do('ACCEPT', { proposal_id })
    await eve.do('COMPLETE', { proposal_id, proof: 'done' })
    expect((await bob.wire.ask({ type: 'RATING' }, 'RATING')).transactions).toBe(1)
  })

  test('stay so under a new key, and are two again once one is let go', async () => {
    const next = newKey()
    await using rob = await newTrader(relay, 'rob', {}, next)
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(identityOf(bob.key), next.pem, relay.clock.now())
    await rob.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
    expect(await ann.refused('PROPOSAL', { to: next.id, task: 'write it' })).toBe('SELF_DEAL')
    expect(await ann.refused('PROPOSAL', { to: bob.id, task: 'write it' })).toBe('SELF_DEAL')
    expect(codeOf(await bring(await signed(next, ada))), 'owned by its former key').toEqual([403, 'NOT_ALLOWED'])
    later()
    expect(codeOf(await ada.ask('DELETE', `/account/agents/${bob.id}`))).toEqual([403, 'PASSKEY_ASKED'])
    expect((await bring(await signed(next, ada, { end: true }), '/account/claims/end')).status).toBe(204)
    expect((await ann.do('PROPOSAL', { to: next.id, task: 'write it' })).status).toBe('pending')
    later()
  })

  test('of different accounts that become one belong where the newer key does, and to the other when that lets go', async () => {
    await ada.signIn(passkey)
    const ben = browser()
    await ben.setUp(((await ada.post('/account/invitations')).body as { url: string }).url, new Passkey(origin), 'Ben')
    const [old, next] = [newKey(), newKey()].sort((a, b) => a.id < b.id ? -1 : 1) as [Key, Key]
    await using former = await newTrader(relay, 'dan', {}, old)
    await using rob = await newTrader(relay, 'rob', {}, next)
    await own(former.key)
    await own(rob.key, ben)
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(identityOf(old), next.pem, relay.clock.now())
    await rob.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
    expect((await ann.do('PROPOSAL', { to: next.id, task: 'write it' })).status).toBe('pending')
    expect((await ben.ask('DELETE', `/account/agents/${next.id}`)).status).toBe(204)
    expect((await ada.ask('GET', '/account/agents')).text).toContain(old.id)
    expect(await ann.refused('PROPOSAL', { to: next.id, task: 'write it' })).toBe('SELF_DEAL')
    later()
  })

  test('do not judge each other, and what one pays the other vouches for neither', async () => {
    // Standings are of a minute ago at most.
    later()
    await using court: Court = await openCourt(relay, { jurors: 6 })
    await ada.signIn(passkey)
    const [juror, ...others] = [...court.jury.values()]
    await own(court.bob.key)
    await own(juror!.key)
    // However many agents their owner has, and however often each changed its key.
    const account = await accountOf(ada)
    await relay.store.write(tx => addAgents(tx, account, { agents: 20, keys: 1_000 }))
    // One owner has one voice, whichever of his agents that is.
    const twins = others.slice(-2).map(({ id }) => id)
    await relay.store.write(async tx => {
      for (const agent of twins) await addOwned(tx, { agent, account: '~0123456789abcdef', text: '', sig: '', at: 1, sign_in: '' })
    })
    await court.file()
    await court.reveal()
    const pool = (await court.state()).dispute.pool!
    expect(pool.filter(id => !twins.includes(id)).sort()).toEqual(others.slice(0, -2).map(({ id }) => id).sort())
    expect(pool.filter(id => twins.includes(id))).toHaveLength(1)
    const standings = () =>
      Promise.all(others.slice(0, 2).map(async ({ wire }) => (await wire.ask({ type: 'RATING' }, 'RATING')).standing.standing))
    expect((await standings()).every(standing => standing > 0)).toBe(true)
    const [bought, honest] = others as [Trader, Trader]
    const paidBy = (await listReceipts(relay.store.read, { of: bought.id, limit: 10 })).map(({ client }) => client)
    await relay.store.write(async tx => {
      for (const agent of [bought.id, ...paidBy]) await addOwned(tx, { agent, account, text: '', sig: '', at: 1, sign_in: '' })
    })
    later()
    expect(await standings()).toEqual([0, (await honest.wire.ask({ type: 'RATING' }, 'RATING')).standing.standing])
    expect((await standings())[1]).toBeGreaterThan(0)
    later()
  })
})

test('a stranger with many keys leaves room for others: an address has ten that wait, and of fifty the oldest of whoever has most goes', async () => {
  const mine = await newTrader(relay, 'fay')
  const [first, second] = [await newTrader(relay, 'gus'), await newTrader(relay, 'hal')]
  await ada.signIn(passkey)
  const account = await accountOf(ada)
  const waiting = async () =>
    ((await ada.ask('GET', '/account/agents')).body as { waiting: { agent: string }[] }).waiting.map(({ agent }) => agent)
  const fill = (address: string, count: number) =>
    relay.store.write(async tx => {
      for (let i = 0; i < count; i++) {
        const agent = `@${address.replaceAll('.', '').padEnd(14, '0')}${String(i).padStart(2, '0')}`
        await putClaim(tx, { agent, account, text: '', sig: '', at: i + 1, expires: relay.clock.now() + 60_000, address })
      }
    })
  expect(await waiting()).toEqual([])
  await fill('127.0.0.1', 9)
  expect((await bring(await signed(mine.key, ada))).status).toBe(202)
  const refused = await bring(await signed(first.key, ada))
  expect([...codeOf(refused), refused.body['detail']]).toEqual([409, 'LIMIT_REACHED', expect.stringContaining('of your address')])
  // The same agent says the same anew.
  expect((await bring(await signed(mine.key, ada))).status).toBe(202)
  await fill('192.0.2.1', 30)
  await fill('192.0.2.2', 10)
  expect((await ada.ask('DELETE', '/account/agents/@1270010000000000')).status).toBe(204)
  expect((await bring(await signed(first.key, ada))).status).toBe(202)
  expect((await ada.ask('DELETE', '/account/agents/@1270010000000001')).status).toBe(204)
  await fill('192.0.2.3', 1)
  expect(await waiting()).toHaveLength(50)
  expect((await bring(await signed(second.key, ada))).status).toBe(202)
  const now = await waiting()
  expect(now).toHaveLength(50)
  expect(now).toEqual(expect.arrayContaining([mine.id, first.id, second.id, '@1920230000000000', '@1920210000000001']))
  expect(now).not.toContain('@1920210000000000')
  later()
})
