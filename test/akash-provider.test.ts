// Provider and client: who the gateway must be, which tokens it takes, and that only the manifest of the hash is taken.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { expect, test } from 'vitest'
import type { BidId } from '../src/deploy/akash/chain.ts'
import { toPrice } from '../src/deploy/akash/money.ts'
import { ProviderClient, type ProviderOptions } from '../src/deploy/akash/provider.ts'
import { manifestOf } from '../src/deploy/akash/sdl.ts'
import { createToken, type Scope } from '../src/deploy/akash/token.ts'
import { newPhrase, Wallet } from '../src/deploy/akash/wallet.ts'
import { parseSpec } from '../src/deploy/spec.ts'
import { FakeChain } from './kit/akash-chain.ts'
import { ProviderGateway, type ProviderOptions as GatewayOptions } from './kit/akash-provider.ts'
import { newCertificate } from './kit/certificate.ts'
import { newFolder, type Folder } from './kit/folder.ts'

const spec = await parseSpec('image: ghcr.io/example/agentchat:0.1.0\nenvironment: { AGENTCHAT_MOTD: "a <b> & c" }')
const manifest = await manifestOf(spec, toPrice('20'))
const wallet = await Wallet.fromPhrase(await newPhrase(randomBytes))
const address = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address
const lease: BidId = { owner: wallet.address, dseq: '7', gseq: 1, oseq: 1, provider: address, bseq: 1 }

/** A gateway with a lease, whose owner's key the chain knows. */
const started = async (chain: FakeChain, options: Partial<GatewayOptions> = {}): Promise<ProviderGateway> => {
  chain.accounts.set(wallet.address, { number: 1n, sequence: 1n, pubkey: Buffer.from((await wallet.signer.getAccounts())[0]!.pubkey) })
  chain.ledger.state.deployments.push({
    owner: wallet.address,
    dseq: '7',
    state: 'active',
    hash: manifest.hash,
    maxPrice: 0n,
    bidsAt: 0,
    attributes: {},
    auditors: [],
    funds: 0n,
    transferred: 0n,
    deposited: 0n,
    settledAt: 0,
    escrow: 'open',
  })
  chain.ledger.state.leases.push({ id: { ...lease }, state: 'active', price: 0n, reason: '' })
  return ProviderGateway.start(chain, { address, ...options })
}

const token = (scope: Scope, overrides: Partial<Parameters<typeof createToken>[1]> = {}) =>
  createToken(wallet, { provider: address, scope: [scope], nowMs: Date.now(), id: 'test', ...overrides })
const client = ({ row }: ProviderGateway, overrides: Partial<ProviderOptions> = {}) =>
  new ProviderClient({ provider: { address, hostUri: row.hostUri }, pins: [row.cert], token, ...overrides })

test('the manifest of the hash starts the relay; status, logs and events tell of it', async () => {
  await using chain = await FakeChain.start()
  await using gateway = await started(chain)
  using provider = client(gateway)
  gateway.blindness = 1
  expect(await provider.sendManifest('7', manifest.json)).toBe(false)
  expect(await provider.status(lease)).toBeUndefined()
  expect(await provider.sendManifest('7', manifest.json)).toBe(true)
  const { services } = (await provider.status(lease))!
  expect(services).toEqual({ agentchat: { uris: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)], available: 1, total: 1 } })

  const lines: unknown[] = []
  const enough = new AbortController()
  await provider.stream('logs', lease, {
    follow: true,
    tail: 10,
    signal: enough.signal,
    onMessage: value => {
      lines.push(value['message'])
      if (/relay listens/.test(String(value['message']))) enough.abort()
    },
  })
  expect(lines.at(-1)).toMatch(/"url":"ws:.*relay listens/)
  const events: unknown[] = []
  await provider.stream('kubeevents', lease, {
    follow: false,
    tail: 10,
    signal: new AbortController().signal,
    onMessage: value => void events.push(value['reason']),
  })
  expect(events).toEqual(['Scheduled', 'Pulled', 'Started'])
})

test('a stream whose other end is gone without a word ends', async () => {
  await using chain = await FakeChain.start()
  await using gateway = await started(chain)
  using provider = client(gateway)
  gateway.isMute = true
  await expect(
    provider.stream('logs', lease, { follow: true, tail: 1, signal: new AbortController().signal, onMessage: () => undefined, pingMs: 50 }),
  ).rejects.toThrow('the connection is gone')
})

test('a manifest with one letter changed is refused', async () => {
  await using chain = await FakeChain.start()
  await using gateway = await started(chain)
  using provider = client(gateway)
  await expect(provider.sendManifest('7', manifest.json.replace('0.1.0', '0.1.1'))).rejects.toThrow(/422.*validation failed/)
  expect(gateway.manifests).toEqual([])
})

const edited = async (
  change: (claims: Record<string, unknown>, header: Record<string, unknown>) => void,
  sign = false,
): Promise<string> => {
  const [head, body, signature] = (await token('status')).split('.') as [string, string, string]
  const [header, claims] = [head, body].map(text => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  change(claims, header)
  const text = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${sign ? Buffer.from(await wallet.sign(Buffer.from(text))).toString('base64url') : signature}`
}

test.each([
  ['a forged signature', async () => `${(await token('status')).slice(0, -8)}AAAAAAAA`, 401],
  ['edited claims', () =>
    edited(claims => {
      claims['exp'] = 9_999_999_999
    }), 401],
  ['no algorithm', () =>
    edited((_, header) => {
      header['alg'] = 'none'
    }), 401],
  ['an expired token', () => token('status', { nowMs: Date.now() - 3_600_000 }), 401],
  ['a token from the future', () => token('status', { nowMs: Date.now() + 3_600_000 }), 401],
  ['full access with a scope', () =>
    edited(claims => {
      claims['leases'] = { access: 'full', scope: ['status'] }
    }, true), 400],
  ['a token for another provider', () => token('status', { provider: wallet.address }), 401],
  ['a token for another purpose', () => token('events'), 401],
  ['no token', async () => '', 400],
])('%s is refused', async (_, make, status) => {
  await using chain = await FakeChain.start()
  await using gateway = await started(chain)
  const bad = await make()
  using provider = client(gateway, { token: async () => bad })
  await expect(provider.status(lease)).rejects.toThrow(
    expect.objectContaining({ problem: 'auth', message: expect.stringContaining(`with ${status}`) }),
  )
  await expect(provider.stream('logs', lease, { follow: true, tail: 1, signal: new AbortController().signal, onMessage: () => undefined }))
    .rejects.toThrow(/refuses the logs/)
})

/** An authority, and a certificate of it for localhost. */
const authority = (folder: Folder) => {
  const { cert: ca, key: caKey } = newCertificate(folder, 'authority')
  const [csr, key, cert, extensions] = ['l.csr', 'l.key', 'l.crt', 'l.ext'].map(name => folder.at(name)) as [string, string, string, string]
  execFileSync('openssl', [
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    key,
    '-out',
    csr,
  ], { stdio: 'ignore' })
  execFileSync('sh', ['-c', `echo subjectAltName=DNS:localhost > ${extensions}`])
  execFileSync('openssl', ['x509', '-req', '-in', csr, '-CA', ca, '-CAkey', caKey, '-days', '2', '-extfile', extensions, '-out', cert], {
    stdio: 'ignore',
  })
  return { root: readFileSync(ca, 'utf8'), publicCertificate: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } }
}

test('a gateway is believed by the certificate on the chain, or by a public one for its name; nobody else gets a token', async () => {
  using folder = newFolder()
  await using chain = await FakeChain.start()
  await using gateway = await started(chain)
  const other = readFileSync(newCertificate(folder, address).cert, 'utf8')
  for (const pins of [[], [other]]) {
    using provider = client(gateway, { pins })
    await expect(provider.sendManifest('7', manifest.json)).rejects.toThrow(
      expect.objectContaining({ problem: 'auth', message: expect.stringMatching(/is not the provider.*DEPTH_ZERO_SELF_SIGNED_CERT/) }),
    )
    await expect(
      provider.stream('logs', lease, { follow: true, tail: 1, signal: new AbortController().signal, onMessage: () => undefined }),
    ).rejects.toThrow('is not the provider')
  }
  expect(gateway.tokens).toEqual([])
  using right = client(gateway, { pins: [other, gateway.row.cert] })
  expect(await right.status(lease)).toBeUndefined()
})

test('a gateway that shows by its name what an authority signed is believed without the chain, if the authority is known', async () => {
  using folder = newFolder()
  await using chain = await FakeChain.start()
  const { root, publicCertificate } = authority(folder)
  await using gateway = await started(chain, { host: 'localhost', publicCertificate })
  using known = client(gateway, { pins: [], roots: [...rootCertificates, root] })
  expect(await known.status(lease)).toBeUndefined()
  // The pinned one is not what is shown, and the authority is not known.
  using unknown = client(gateway)
  await expect(unknown.status(lease)).rejects.toThrow('is not the provider')
  // A certificate of a known authority, for another name.
  using elsewhere = client(gateway, {
    pins: [],
    roots: [root],
    provider: { address, hostUri: gateway.row.hostUri.replace('localhost', '127.0.0.1') },
  })
  await expect(elsewhere.status(lease)).rejects.toThrow('is not the provider')
  expect(() => client(gateway, { provider: { address, hostUri: 'http://localhost:1' } })).toThrow('not https://')
})
