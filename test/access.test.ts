// The table of rights holds: every request by everybody who could ask it, by every token, and every place of the door of accounts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { can, rights, type RightRow, type Role } from '../lib/access/table.ts'
import { requestDocs, requests, type Frame, type RequestType } from '../lib/protocol/index.ts'
import { accountRights } from '../src/doors/account/describe.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'
import { newKey, type Wire } from './kit/wire.ts'

const types = Object.keys(requests) as RequestType[]
const rowOf = (type: RequestType): RightRow => rights[requests[type].may]

describe('a request', () => {
  let relay: TestRelay
  const keys = { ann: newKey(), bob: newKey(), eve: newKey(), op: newKey() }
  type Name = keyof typeof keys
  const wires = new Map<Name, Wire>()
  /** Whoever was kicked comes back. */
  const wireOf = async (name: Name): Promise<Wire> => {
    const open = wires.get(name)
    if (open !== undefined && !open.isClosed) return open
    const wire = await relay.loginInside(name, { key: keys[name] })
    wires.set(name, wire)
    return wire
  }

  beforeAll(async () => {
    relay = await startTestRelay({
      links: 'listed',
      adminKey: 'the key of the operator',
      adminAgents: [keys.op.id],
      maxChannelsPerAgent: 0,
      maxChannelsPerAddress: 0,
      maxMembershipsPerAgent: 0,
    })
  })
  afterAll(async () => {
    for (const wire of wires.values()) await wire.close()
    await relay.drain()
  })

  /** What the gate says; of channels it knows only where the right is of one. */
  const isGate = (type: RequestType, error: Frame<'ERROR'> | undefined): boolean =>
    /^(?:Identify first|admin_key: missing)$/.test(error?.message ?? '')
    || rowOf(type).of === 'channel'
      && /^(?:You are not a member of #\S+|Only the owner of #\S+ and admins may do this)$/.test(error?.message ?? '')

  const asked = async (wire: Wire, type: RequestType, body: object): Promise<Frame<'ERROR'> | undefined> => {
    const before = wire.heard.length
    wire.send({ ...body, type, id: 'asked' })
    await wire.barrier().catch(() => undefined)
    return wire.heard.slice(before).find((frame): frame is Frame<'ERROR'> => frame.type === 'ERROR' && frame.re === 'asked')
  }

  /** By whom it is asked, and as what. */
  const askers: readonly (readonly [name: Name | undefined, roles: readonly Role[]])[] = [
    [undefined, ['everyone']],
    ['eve', ['everyone', 'agent']],
    ['bob', ['everyone', 'agent', 'member']],
    ['ann', ['everyone', 'agent', 'member', 'owner']],
    ['op', ['everyone', 'agent', 'operator']],
  ]

  // What opens a session is another matter on a connection that has one.
  test.each(types.filter(type => requests[type].may !== 'session.open'))('%s is asked by whom the table says', async type => {
    const { shape } = requests[type].body as { readonly shape: object }
    const row = rowOf(type)
    for (const [name, roles] of askers) {
      for (const isOwn of row.of === 'agent' ? [true, false] : [false]) {
        // What an asker did to the room is nothing to the next.
        const channel = `#${type.toLowerCase().replaceAll('_', '-').slice(0, 20)}-${name ?? 'nobody'}${isOwn ? 1 : 0}`.slice(0, 32)
        if ('channel' in shape && type !== 'CREATE_CHANNEL') {
          await (await wireOf('ann')).ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
          await (await wireOf('bob')).ask({ type: 'JOIN', channel, limit: 0 }, 'JOINED')
        }
        const { admin_key: _, agent, address: __, ...example } = requestDocs[type].example as Readonly<Record<string, unknown>>
        const body = {
          ...example,
          ...('channel' in shape && { channel }),
          ...(agent !== undefined && row.of !== 'agent' && { agent }),
          ...(row.of === 'agent' && !isOwn && { agent: '@0123456789abcdef' }),
          ...('kick' in shape && { kick: false }),
        }
        await using stranger = await relay.connectInside()
        const wire = name === undefined ? stranger : await wireOf(name)
        const refused = await asked(wire, type, body)
        const may = can([...roles, ...(isOwn && name !== undefined ? ['self' as const] : [])], requests[type].may)
        expect(isGate(type, refused), `${name ?? 'nobody'}${isOwn ? ' for itself' : ''}: ${refused?.message ?? 'done'}`).toBe(!may)
      }
    }
  })

  test('by a token is asked where it holds the scope of its right', async () => {
    const ann = await wireOf('ann')
    const scopes = ['read', 'send', 'manage', 'deals'] as const
    for (const scope of scopes) {
      const { token } = await ann.ask({ type: 'TOKEN_CREATE', scopes: [scope] }, 'TOKEN_CREATED')
      for (const type of types) {
        const response = await fetch(`${relay.httpUrl}/v1/call/${type}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify(requestDocs[type].example),
        })
        const { code } = await response.json() as { readonly code?: string }
        const { token: needed, also } = rowOf(type)
        const wanted = needed === 'signed' ? 'deals' : needed
        const isEnough = wanted === scope && (also === undefined || also === scope)
        if (needed === 'closed') expect([type, response.status, code]).toEqual([type, 403, 'NOT_ALLOWED'])
        else if (needed === 'key') expect([type, code]).toEqual([type, 'SIGNATURE_REQUIRED'])
        else expect([type, scope, code === 'SCOPE_MISSING']).toEqual([type, scope, !isEnough])
      }
    }
  })
})

test('every place of the door of accounts is for whom the table says, and as fresh', async () => {
  const clock = new TestClock()
  clock.stop()
  await using relay = await startTestRelay({ accounts: true }, {}, { clock })
  const origin = relay.setUpUrl!.split('/account')[0]!
  const browser = () => new Browser(() => relay.httpUrl, origin)
  const [ada, ben, stale] = [browser(), browser(), browser()]
  const [adaKey, benKey] = [new Passkey(origin), new Passkey(origin)]
  await ada.setUp(relay.setUpUrl!, adaKey, 'Ada')
  await ben.setUp(((await ada.post('/account/invitations')).body as { url: string }).url, benKey, 'Ben')
  for (const [place, may] of Object.entries(accountRights())) {
    const row: RightRow = rights[may]
    const [method, path] = place.split(' ') as [string, string]
    const ask = (who: Browser) =>
      who.ask(method, path.endsWith('/') ? `${path}0` : path, method === 'GET' || method === 'DELETE' ? undefined : {})
    // Nobody holds up anybody, and what was fresh is not any more.
    clock.advance(11 * 60_000)
    expect((await stale.signIn(benKey)).status, place).toBe(200)
    clock.advance(11 * 60_000)
    const isOpen = can(['everyone', 'agent'], may)
    const codeOf = async (who: Browser) => (await ask(who)).body['code']
    expect([place, await codeOf(browser()) === 'AUTH_REQUIRED']).toEqual([place, !isOpen])
    if (isOpen) continue
    const isForBen = can(['person'], may)
    const told = String(await codeOf(stale))
    const wanted = !isForBen ? 'NOT_ALLOWED' : row.aal === 2 ? 'PASSKEY_ASKED' : undefined
    expect([place, ['NOT_ALLOWED', 'PASSKEY_ASKED'].find(code => code === told)]).toEqual([place, wanted])
    await ben.signIn(benKey)
    await ada.signIn(adaKey)
    expect([place, await codeOf(ben) === 'NOT_ALLOWED' && !isForBen]).toEqual([place, !isForBen])
    expect([place, ['PASSKEY_ASKED', 'AUTH_REQUIRED'].includes(String(await codeOf(ada)))]).toEqual([place, false])
  }
})
