// Accounts at several processes of one relay: what is done at one of them holds at the other.
import { expect, test } from 'vitest'
import { Browser, Passkey, type CreationOptions } from '../kit/authenticator.ts'
import { startTestCluster } from '../kit/cluster.ts'

const origin = 'https://relay.example'

test('a challenge, a passkey, a language and the end of a sign-in are of the relay, whichever process is asked', async () => {
  await using cluster = await startTestCluster(2, { accounts: true, publicUrls: ['wss://relay.example'] })
  const [one, two] = cluster.nodes
  cluster.clock.stop()
  const passkey = new Passkey(origin)
  // One browser, which a balancer sends to either.
  let at = one!
  const ada = new Browser(() => at.httpUrl, origin)
  const by = { link: one!.setUpUrl!.split('#')[1]!, name: 'Ada' }
  const options = (await ada.post('/signin/link/options', by)).body as unknown as CreationOptions
  at = two!
  expect((await ada.post('/signin/link/verify', { ...by, answer: passkey.create(options) })).status).toBe(201)
  at = one!
  // The link of the other process is over with that, and a passkey that vouched there is fresh here.
  const other = { link: two!.setUpUrl!.split('#')[1]!, name: 'Eve' }
  expect((await new Browser(() => one!.httpUrl, origin).post('/signin/link/options', other)).body).toMatchObject({
    code: 'VERIFICATION_EXPIRED',
  })
  expect((await ada.post('/account/invitations')).status).toBe(201)

  expect((await ada.ask('PUT', '/account/locale', { locale: 'de' })).status).toBe(204)
  at = two!
  expect((await ada.ask('GET', '/account')).text).toContain('<html lang="de"')

  const headers = { origin, host: 'relay.example', cookie: ada.cookie }
  const open = await Promise.all(cluster.nodes.map(node => node.connect(undefined, headers)))
  await using stranger = await two!.connect(undefined, { origin, host: 'relay.example' })
  at = one!
  expect((await ada.post('/signout', { everywhere: true })).status).toBe(204)
  // Where it was asked at once, elsewhere within a second.
  expect(await open[0]!.closed()).toMatchObject({ code: 4505 })
  cluster.clock.advance(1_000)
  expect(await open[1]!.closed()).toMatchObject({ code: 4505 })
  expect(stranger.isClosed).toBe(false)
})
