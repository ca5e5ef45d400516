// The chain's adapter against the fake chain: real transactions, each of them checked from its raw bytes.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createChainReader } from '../src/deploy/akash/chain-reader.ts'
import { createChainWriter, feeOf } from '../src/deploy/akash/chain-writer.ts'
import type { Message } from '../src/deploy/akash/chain.ts'
import { messageOf } from '../src/deploy/akash/messages.ts'
import { toPrice } from '../src/deploy/akash/money.ts'
import { networkOf, type Network } from '../src/deploy/akash/networks.ts'
import { manifestOf } from '../src/deploy/akash/sdl.ts'
import { newPhrase, Wallet } from '../src/deploy/akash/wallet.ts'
import { parseSpec } from '../src/deploy/spec.ts'
import { FakeChain } from './kit/akash-chain.ts'
import { one } from './kit/akash-ledger.ts'

const spec = await parseSpec('image: ghcr.io/example/agentchat:0.1.0\nakash: { region: us-west }')
const manifest = await manifestOf(spec, toPrice('20.5'))
const wallet = await Wallet.fromPhrase(await newPhrase(randomBytes))
const provider = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address

const opened = async (chain: FakeChain, overrides: Partial<Network> = {}) => {
  const network = { ...networkOf('sandbox', { rpc: chain.url, rest: chain.url }), ...overrides }
  const [reader, writer] = [createChainReader(network), await createChainWriter(network, wallet, { gasPrice: '0.025' })]
  const send = async (message: Message, { fee = feeOf(300_000, '0.025'), ahead = 100 } = {}) => {
    const tx = await writer.sign(message, fee, chain.height + ahead)
    await writer.submit(tx)
    for (;;) {
      const found = await reader.transaction(tx.hash)
      if (found !== undefined) return found
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  return { reader, writer, send }
}

const create = (dseq: string, depositUact = 500_000n): Message => ({
  kind: 'create',
  dseq,
  groups: manifest.groups,
  hash: manifest.hash,
  depositUact,
})

test('a deployment is paid, bid for, leased, topped up, updated and closed, and the rest comes back', async () => {
  await using chain = await FakeChain.start()
  chain.fund(wallet.address, 40_000_000n)
  chain.ledger.providers.push({
    address: provider,
    hostUri: 'https://provider.test:8443',
    price: '3.25',
    cert: 'PEM',
    attributes: { 'location-region': 'us-west' },
  }, { address: 'akash1other', hostUri: '', price: '1', cert: '' })
  const { reader, writer, send } = await opened(chain)
  expect(await reader.status()).toMatchObject({ chainId: 'sandbox-2', isCatchingUp: false })
  expect(await reader.mintTerms()).toEqual({ isAllowed: true, status: 'mint_status_healthy', minUact: 10_000_000n, aktPrice: one / 2n })
  expect(await reader.minDepositUact()).toBe(500_000n)

  const minted = await send({ kind: 'mint', uakt: 21_000_000n })
  while ((await reader.mints(wallet.address)).find(({ height }) => height === minted.height)?.status !== 'executed')
    await new Promise(resolve => setTimeout(resolve, 5))
  expect(await reader.balance(wallet.address, 'uact')).toBe(10_473_750n)

  expect((await writer.estimate(create('7'))).gas).toBe(216_000)
  await expect(send(create('7'))).resolves.toMatchObject({ code: 0 })
  // The decimal price reached the chain times 10^18, and the hash is that of the manifest.
  expect(chain.ledger.deployment(wallet.address, '7')).toMatchObject({
    maxPrice: 20_500_000_000_000_000_000n,
    deposited: 500_000n,
    hash: manifest.hash,
    attributes: { 'location-region': 'us-west' },
  })
  let bids = await reader.bids(wallet.address, '7')
  for (; bids.length === 0; bids = await reader.bids(wallet.address, '7')) await new Promise(resolve => setTimeout(resolve, 5))
  expect(bids).toEqual([{
    id: { owner: wallet.address, dseq: '7', gseq: 1, oseq: 1, provider, bseq: 1 },
    state: 'open',
    price: toPrice('3.25'),
    denom: 'uact',
  }])

  await expect(send({ kind: 'lease', bid: bids[0]!.id })).resolves.toMatchObject({ code: 0 })
  expect(await reader.leases(wallet.address, '7')).toMatchObject([{ state: 'active', price: toPrice('3.25') }])
  await expect(send({ kind: 'deposit', dseq: '7', uact: 250_000n })).resolves.toMatchObject({ code: 0 })
  await expect(send({ kind: 'update', dseq: '7', hash: 'ab'.repeat(32) })).resolves.toMatchObject({ code: 0 })
  const { funds, transferred, hash, state } = (await reader.deployment(wallet.address, '7'))!
  expect({ sum: funds + transferred, hash, state }).toEqual({ sum: 750_000n * one, hash: 'ab'.repeat(32), state: 'active' })
  expect(transferred).toBeGreaterThan(0n)

  await expect(send({ kind: 'close', dseq: '7' })).resolves.toMatchObject({ code: 0 })
  await expect(send({ kind: 'close', dseq: '7' })).resolves.toMatchObject({ code: 5, codespace: 'deployment' })
  const { transferred: paid } = (await reader.deployment(wallet.address, '7'))!
  expect(await reader.balance(wallet.address, 'uact')).toBe(10_473_750n - (paid + one - 1n) / one)
  expect(await reader.deployment(wallet.address, '8')).toBeUndefined()
})

test('what the chain would refuse is refused by the estimate, before it costs anything', async () => {
  await using chain = await FakeChain.start()
  chain.fund(wallet.address, 1_000_000n, 1_000_000n)
  const { writer } = await opened(chain)
  await expect(writer.estimate(create('1', 499_999n))).rejects.toThrow(/would refuse.*MsgCreateDeployment.*below 500000uact/)
  await expect(writer.estimate(create('1', 1_000_001n))).rejects.toThrow('insufficient funds')
  await expect(writer.estimate({ kind: 'close', dseq: '1' })).rejects.toThrow('Deployment not found')
  expect(chain.ledger.balance(wallet.address)).toEqual({ uakt: 1_000_000n, uact: 1_000_000n })
})

test.each([
  ['a low fee', { fee: { gas: 300_000, uakt: 700n } }, {}, 'sdk 13'],
  ['the name of another chain', {}, { chainId: 'akashnet-2' }, 'sdk 4'],
  ['an expiry that has passed', { ahead: -1 }, {}, 'sdk 30'],
])('%s is refused by the node, with what to do', async (_, options, network, code) => {
  await using chain = await FakeChain.start()
  chain.fund(wallet.address, 1_000_000n, 1_000_000n)
  const { send } = await opened(chain, network)
  await expect(send(create('1'), options)).rejects.toThrow(
    expect.objectContaining({ name: 'TxRejected', message: expect.stringContaining(code) }),
  )
  expect(chain.included).toEqual([])
})

test('a sequence that was used is refused, and the same bytes twice count once', async () => {
  await using chain = await FakeChain.start()
  chain.fund(wallet.address, 1_000_000n, 1_000_000n)
  const { writer } = await opened(chain)
  const [first, second] = [
    await writer.sign(create('1'), feeOf(300_000, '0.025'), chain.height + 50),
    await writer.sign(create('2'), feeOf(300_000, '0.025'), chain.height + 50),
  ]
  chain.isHalted = true
  await writer.submit(first)
  await writer.submit(first)
  await expect(writer.submit(second)).rejects.toThrow('sdk 32')
  chain.isHalted = false
  while (chain.included.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await expect(writer.submit(first)).rejects.toThrow('sdk 32')
  expect(chain.ledger.state.deployments.map(({ dseq }) => dseq)).toEqual(['1'])
})

test('a forged signature, a message of somebody else, a message that the chain has not', async () => {
  await using chain = await FakeChain.start()
  chain.fund(wallet.address, 1_000_000n, 1_000_000n)
  const { writer, send } = await opened(chain)
  const { bytes, ...tx } = await writer.sign(create('1'), feeOf(300_000, '0.025'), chain.height + 50)
  const forged = Buffer.from(bytes, 'base64')
  forged[forged.length - 1]! ^= 1
  await expect(writer.submit({ ...tx, bytes: forged.toString('base64') })).rejects.toThrow('sdk 4')
  expect(await send({ kind: 'lease', bid: { owner: provider, dseq: '1', gseq: 1, oseq: 1, provider, bseq: 1 } })).toMatchObject({ code: 4 })
  // What this program never signs, in the chain's own encoding: a deposit, and a price, in AKT.
  const [{ MsgCreateDeployment }, { value }] = [
    await import('@akashnetwork/chain-sdk/private-types/akash.v1beta4'),
    await messageOf(create('2'), wallet.address),
  ]
  const run = (change: object) => () =>
    chain.ledger.run('/akash.deployment.v1beta4.MsgCreateDeployment',
      Buffer.from(MsgCreateDeployment.encode(MsgCreateDeployment.fromPartial({ ...value as object, ...change })).finish()), wallet.address,
      1)
  expect(run({ deposit: { amount: { denom: 'uakt', amount: '500000' }, sources: [1] } })).toThrow('invalid deposit denom uakt')
  expect(run({ deposit: { amount: { denom: 'uact', amount: '500000' }, sources: [] } })).toThrow('empty deposit sources')
  expect(
    run({
      groups: (value as { groups: { resources: { price: object }[] }[] }).groups.map(group => ({
        ...group,
        resources: group.resources.map(unit => ({ ...unit, price: { denom: 'uakt', amount: '1' } })),
      })),
    }),
  ).toThrow('price denom')
  expect(run({})).not.toThrow()
  expect(() => chain.ledger.run('/akash.deployment.v1beta3.MsgCreateDeployment', Buffer.alloc(0), wallet.address, 1)).toThrow(
    'unknown message',
  )
})

test('a node that answers what it should not is an error that names the address, never a value', async () => {
  await using chain = await FakeChain.start()
  const { reader, writer } = await opened(chain)
  await expect(writer.estimate(create('1'))).rejects.toThrow('is not known on sandbox-2')
  chain.fault = ({ rest }) =>
    rest?.includes('/deployment/')
      ? { status: 501, body: { code: 12, message: 'Not Implemented', details: [] } }
      : rest?.includes('/bids/')
      ? { status: 200, body: { bids: [{ bid: { id: {}, state: 'open', price: { denom: 'uact', amount: '1e3' } } }] } }
      : 'drop'
  await expect(reader.minDepositUact()).rejects.toThrow('of another version')
  await expect(reader.bids(wallet.address, '1')).rejects.toThrow(/bids\/list.*form that this program does not know/)
  await expect(reader.status()).rejects.toThrow(expect.objectContaining({ problem: 'unreachable' }))
  chain.fault = () => undefined
  chain.restChainId = 'akashnet-2'
  await expect(reader.status()).rejects.toThrow('is a node of sandbox-2')
  expect(() => networkOf('sandbox', { rpc: 'http://rpc.example.org' })).toThrow('not an https://')
})
