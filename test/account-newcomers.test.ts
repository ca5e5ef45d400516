// Who comes uninvited: no account, unless the operator lets everybody have one; and then so many, and nobody else's.
import { expect, test } from 'vitest'
import { Browser, Passkey, type CreationOptions } from './kit/authenticator.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const originOf = (relay: TestRelay) => relay.setUpUrl!.split('/account')[0]!
const at = (relay: TestRelay) => new Browser(() => relay.httpUrl, originOf(relay))
const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
/** Brings a passkey for what it asks for. `more`: what is said otherwise than it is. */
const come = async (relay: TestRelay, name: string, more: object = {}, who = at(relay)) => {
  const asked = await who.post('/signin/up/options', { name })
  if (asked.status !== 200) return asked
  const options = asked.body as unknown as CreationOptions
  return who.post('/signin/up/verify', { name, user: options.user.id, answer: new Passkey(originOf(relay)).create(options), ...more })
}
const accountOf = async (who: Browser) =>
  (await who.ask('GET', '/account/me')).body['account'] as { id: string, name: string, role: string }
const operator = async (relay: TestRelay) => {
  const who = at(relay)
  await who.setUp(relay.setUpUrl!, new Passkey(originOf(relay)), 'Ada')
  return who
}

test('nobody gets an account uninvited, unless it is said; and where it is closed, nobody is invited', async () => {
  await using relay = await startTestRelay({ accounts: true })
  expect(codeOf(await come(relay, 'Eve'))).toEqual([403, 'NOT_ALLOWED'])
  const forced = { name: 'Eve', user: Buffer.from('~0123456789abcdef').toString('base64url'), answer: {} }
  expect((await at(relay).post('/signin/up/verify', forced)).status).toBe(400)
  const [asking, passkey] = [at(relay), new Passkey(originOf(relay))]
  const link = { link: relay.setUpUrl!.split('#')[1]!, name: 'Eve' }
  const options = (await asking.post('/signin/link/options', link)).body as unknown as CreationOptions
  // What a link let ask for makes no account without it.
  expect(codeOf(await asking.post('/signin/up/verify', { name: 'Eve', user: options.user.id, answer: passkey.create(options) }))).toEqual([
    403,
    'NOT_ALLOWED',
  ])
  expect((await asking.ask('GET', '/account')).text).toContain('data-open="false"')
  await using closed = await startTestRelay({ accounts: true, signUp: 'closed' })
  expect(codeOf(await (await operator(closed)).post('/account/invitations'))).toEqual([403, 'NOT_ALLOWED'])
  expect(codeOf(await come(closed, 'Eve'))).toEqual([403, 'NOT_ALLOWED'])
})

test('where it is open whoever comes is a person by a passkey, and nobody who is here already', async () => {
  await using relay = await startTestRelay({ accounts: true, signUp: 'open' })
  const ada = await operator(relay)
  const ben = at(relay)
  expect((await come(relay, 'Ben', {}, ben)).status).toBe(201)
  const account = await accountOf(ben)
  expect(account).toMatchObject({ name: 'Ben', role: 'person' })
  expect((await ada.ask('GET', '/account/people')).body['items']).toHaveLength(2)
  expect((await ben.ask('GET', '/account')).text).toContain('data-open="true"')

  const userOf = (id: string) => Buffer.from(id).toString('base64url')
  const wrong = [(await accountOf(ada)).id, account.id, '~0000000000000000']
  for (const id of wrong) expect([id, ...codeOf(await come(relay, 'Eve', { user: userOf(id) }))]).toEqual([id, 403, 'VERIFICATION_FAILED'])
  for (const user of [userOf('ada'), userOf('~0123456789abcdeg'), '', 'A'.repeat(41), '%'])
    expect([user, ...codeOf(await come(relay, 'Eve', { user }))]).toEqual([user, 400, 'INVALID_MSG'])
  // Ada asks for one more passkey: what that takes makes nobody else.
  const one = (await ada.post('/account/passkeys/options', { name: 'phone' })).body as unknown as CreationOptions
  const brought = { name: 'Eve', user: one.user.id, answer: new Passkey(originOf(relay)).create(one) }
  expect(codeOf(await at(relay).post('/signin/up/verify', brought))).toEqual([403, 'VERIFICATION_FAILED'])
  // The same answer twice, from elsewhere, and under a name that is none.
  const again = at(relay)
  const options = (await again.post('/signin/up/options', { name: 'Cyd' })).body as unknown as CreationOptions
  const body = { name: 'Cyd', user: options.user.id, answer: new Passkey(originOf(relay)).create(options) }
  expect(codeOf(await again.ask('POST', '/signin/up/verify', body, { origin: 'https://evil.example' }))).toEqual([403, 'FOREIGN_ORIGIN'])
  expect((await again.post('/signin/up/verify', body)).status).toBe(201)
  expect((await at(relay).post('/signin/up/verify', body)).status).toBe(403)
  expect(codeOf(await at(relay).post('/signin/up/options', { name: 'two\nlines' }))).toEqual([400, 'INVALID_MSG'])
  expect((await ada.ask('GET', '/account/people')).body['items']).toHaveLength(3)
})

test('there are so many and no more, in all and from one address', async () => {
  await using relay = await startTestRelay({ accounts: true, signUp: 'open', maxAccounts: 3 })
  const ada = await operator(relay)
  for (const name of ['Ben', 'Cyd']) expect((await come(relay, name)).status).toBe(201)
  expect(codeOf(await come(relay, 'Eve'))).toEqual([409, 'LIMIT_REACHED'])
  // Who is invited has a place all the same.
  const { url } = (await ada.post('/account/invitations')).body as { url: string }
  expect((await at(relay).setUp(url, new Passkey(originOf(relay)), 'Dan')).status).toBe(201)

  await using other = await startTestRelay({ accounts: true, signUp: 'open' })
  const codes: unknown[] = []
  for (let i = 0; i < 21; i++) {
    codes.push((await come(other, `n${i}`)).status)
    other.clock.advance(5_000)
  }
  expect(codes).toEqual([...Array.from({ length: 20 }, () => 201), 429])
  other.clock.advance(60 * 60_000)
  expect((await come(other, 'later')).status).toBe(201)
})
