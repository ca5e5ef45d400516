// The steps of a deployment against fake chain and fake provider: the way there and back, every way it fails, and a crash at each place where one can happen.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChainReader } from '../src/deploy/akash/chain-reader.ts'
import { createChainWriter } from '../src/deploy/akash/chain-writer.ts'
import { Deployment, type DeploymentParts } from '../src/deploy/akash/deployment.ts'
import { toPrice, toUnits } from '../src/deploy/akash/money.ts'
import { networkOf } from '../src/deploy/akash/networks.ts'
import { ProviderClient } from '../src/deploy/akash/provider.ts'
import { Records, type DeploymentRecord } from '../src/deploy/akash/record.ts'
import { manifestOf } from '../src/deploy/akash/sdl.ts'
import { createToken } from '../src/deploy/akash/token.ts'
import { newPhrase, Wallet } from '../src/deploy/akash/wallet.ts'
import { parseSpec } from '../src/deploy/spec.ts'
import { FakeChain } from './kit/akash-chain.ts'
import { one } from './kit/akash-ledger.ts'
import { ProviderGateway } from './kit/akash-provider.ts'
import { newFolder, type Folder } from './kit/folder.ts'

const spec = await parseSpec('image: ghcr.io/example/agentchat:0.1.0')
const manifest = await manifestOf(spec, toPrice('20'))
const wallet = await Wallet.fromPhrase(await newPhrase(randomBytes))
const address = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address
const deposit = 500_000n

interface World extends AsyncDisposable {
  readonly chain: FakeChain
  readonly gateway: ProviderGateway
  readonly records: Records
  readonly said: string[]
  /** The record as it is on disk, and a machine around it, as a new process would have it. */
  open(change?: Partial<DeploymentParts>): Promise<Deployment>
}

/** `uact` in the wallet; 0 makes it mint first. */
const newWorld = async (folder: Folder, { uact = 2_000_000n, record: patch = {} }: { readonly uact?: bigint, readonly record?: Partial<DeploymentRecord> } = {}): Promise<World> => {
  const chain = await FakeChain.start()
  chain.fund(wallet.address, 60_000_000n, uact)
  const gateway = await ProviderGateway.start(chain, { address, price: '3' })
  const records = new Records(folder.at(`deployments-${chain.url.split(':').at(-1)}`))
  const network = networkOf('sandbox', { rpc: chain.url, rest: chain.url })
  const { name: _, ...nodes } = network
  records.save({
    version: 1, dseq: '1700000000000', name: 'agentchat', network: 'sandbox', ...nodes, owner: wallet.address, created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', step: 'planned',
    manifest: { ...manifest, groups: [...manifest.groups] }, deposit, deposited: 0n, gasPrice: '0.025', providers: { only: [], never: [] }, uris: [], transactions: [],
    limits: { maxDepositUact: 5_000_000n, maxFeeUakt: 100_000n, maxPrice: toPrice('20'), maxMonthlyUact: toUnits('10', 6), maxMintUact: toUnits('12', 6) },
    ...patch,
  })
  const said: string[] = []
  return {
    chain, gateway, records, said,
    async open(change = {}) {
      const record = records.find(undefined)
      return new Deployment(record, {
        reader: createChainReader(network), writer: await createChainWriter(network, wallet, { gasPrice: record.gasPrice }),
        openProvider: (provider, pins) => new ProviderClient({ provider, pins, token: scope => createToken(wallet, { provider: provider.address, scope: [scope], nowMs: Date.now(), id: 'test' }) }),
        save: next => records.save(next), ask: async () => undefined, choose: async () => undefined,
        say: text => void said.push(text), progress: () => undefined, now: Date.now,
        pause: () => new Promise(resolve => setTimeout(resolve, 10)),
        ...change,
      })
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await chain[Symbol.asyncDispose]()
    },
  }
}

/** Money is neither made nor lost: wallet, escrow, provider and fees add up to what there was. */
const expectBalanced = ({ chain }: World, uact: bigint) => {
  const { deployments, mints } = chain.ledger.state
  const minted = mints.filter(({ status }) => status === 'executed').reduce((sum, { uakt }) => sum + uakt * chain.ledger.rules.aktPrice / one * 9_975n / 10_000n, 0n)
  const inEscrow = deployments.reduce((sum, { funds, transferred }) => sum + funds + transferred, 0n)
  const held = chain.ledger.balance(wallet.address).uact * one + inEscrow
  // A refund is cut to whole units.
  expect((uact + minted) * one - held).toBeLessThan(one * BigInt(deployments.length + 1))
  expect((uact + minted) * one - held).toBeGreaterThanOrEqual(0n)
}

let folder: Folder
beforeAll(() => { folder = newFolder() })
afterAll(() => folder[Symbol.dispose]())

test('from nothing but AKT to a running relay, and back', async () => {
  await using world = await newWorld(folder, { uact: 0n })
  world.gateway.blindness = 2
  const deployment = await world.open()
  await deployment.advance()
  expect(deployment.record).toMatchObject({ step: 'running', uris: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)], bid: { price: toPrice('3') } })
  expect(world.said.filter(text => /^\w+: /.test(text)).map(text => text.split(':')[0])).toEqual(['funded', 'created', 'chosen', 'leased', 'sent', 'running'])

  await deployment.topUp(250_000n)
  expect(world.chain.ledger.deployment(wallet.address, deployment.record.dseq)!.deposited).toBe(750_000n)
  await deployment.update(await manifestOf({ ...spec, image: 'ghcr.io/example/agentchat:0.2.0' }, toPrice('20')))
  expect([deployment.record.step, world.gateway.manifests.length]).toEqual(['running', 2])
  await expect(deployment.update(await manifestOf({ ...spec, size: { ...spec.size, cpu: 2 } }, toPrice('20')))).rejects.toThrow('cannot change')

  await deployment.close()
  expect(world.chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease', 'MsgAccountDeposit', 'MsgUpdateDeployment', 'MsgCloseDeployment'])
  expect(deployment.record).toMatchObject({ step: 'closed', deposited: 750_000n, transactions: expect.arrayContaining([expect.objectContaining({ kind: 'close', code: 0 })]) as never })
  expect(deployment.record.refund).toBeGreaterThan(700_000n)
  expectBalanced(world, 0n)
  await deployment.close()
  expect(world.chain.done).toHaveLength(6)
})
