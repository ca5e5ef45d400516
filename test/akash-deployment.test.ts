// The steps of a deployment against fake chain and fake provider: the way there and back, every way it fails, and a crash at
// each place where one can happen.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
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
import { newCertificate, type Certificate } from './kit/certificate.ts'
import { newFolder, type Folder } from './kit/folder.ts'

const spec = await parseSpec('image: ghcr.io/example/agentchat:0.1.0')
const manifest = await manifestOf(spec, toPrice('20'))
const wallet = await Wallet.fromPhrase(await newPhrase(randomBytes))
const address = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address
const deposit = 500_000n
const limits = {
  maxDepositUact: 5_000_000n,
  maxFeeUakt: 100_000n,
  maxPrice: toPrice('20'),
  maxMonthlyUact: toUnits('10', 6),
  maxMintUact: toUnits('12', 6),
  maxBurnUakt: toUnits('50', 6),
}

class Crash extends Error {}

/**
 * The process dies once so many things were done that last: records written, transactions and manifests sent. Nothing happens
 * after that.
 */
const dyingAfter = (count: number) => {
  let done = 0
  const live = () => {
    if (done > count) throw new Crash()
  }
  const die = () => {
    if (done++ === count) throw new Crash()
  }
  const around = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function' || typeof key === 'symbol')
          return typeof value === 'function'
            ? value.bind(target) as unknown
            : value
        return async (...args: unknown[]) => {
          live()
          const result = await (value as (...args: unknown[]) => unknown).apply(target, args)
          // To die after a question is to die after the deed before it.
          if (key === 'submit' || key === 'sendManifest') die()
          return result
        }
      },
    })
  return {
    around,
    save: (save: () => void) => {
      live()
      save()
      die()
    },
    get done() {
      return done
    },
  }
}

interface World extends AsyncDisposable {
  readonly chain: FakeChain
  readonly gateway: ProviderGateway
  readonly records: Records
  readonly said: string[]
  /** The record as it is on disk, and a machine around it, as a new process would have it. */
  open(change?: Partial<DeploymentParts>, death?: ReturnType<typeof dyingAfter>): Promise<Deployment>
}

/** `uact` in the wallet; 0 makes it mint first. */
const newWorld = async (
  folder: Folder,
  { uact = 2_000_000n, record: patch = {}, isIdle = false }: {
    readonly uact?: bigint
    readonly record?: Partial<DeploymentRecord>
    readonly isIdle?: boolean
  } = {},
): Promise<World> => {
  const chain = await FakeChain.start()
  // Blocks come when somebody waits for them.
  chain.isHalted = true
  chain.fund(wallet.address, 60_000_000n, uact)
  const gateway = await ProviderGateway.start(chain, { address, price: '3', isIdle, certificate })
  const records = new Records(folder.at(`deployments-${chain.url.split(':').at(-1)}`))
  const network = networkOf('sandbox', { rpc: chain.url, rest: chain.url })
  const { name: _, ...nodes } = network
  records.save({
    version: 1,
    dseq: '1700000000000',
    name: 'agentchat',
    network: 'sandbox',
    ...nodes,
    owner: wallet.address,
    created: '2026-01-01T00:00:00.000Z',
    updated: '2026-01-01T00:00:00.000Z',
    step: 'planned',
    manifest: { ...manifest, groups: [...manifest.groups] },
    deposit,
    deposited: 0n,
    gasPrice: '0.025',
    providers: { only: [], never: [] },
    uris: [],
    transactions: [],
    limits,
    ...patch,
  })
  const said: string[] = []
  return {
    chain,
    gateway,
    records,
    said,
    async open(change = {}, { around, save } = dyingAfter(Infinity)) {
      const record = records.find(undefined)
      return new Deployment(record, {
        reader: around(createChainReader(network)),
        writer: around(await createChainWriter(network, wallet, { gasPrice: record.gasPrice })),
        openProvider: (provider, pins) =>
          around(
            new ProviderClient({
              provider,
              pins,
              roots: [],
              token: scope => createToken(wallet, { provider: provider.address, scope: [scope], nowMs: Date.now(), id: 'test' }),
            }),
          ),
        save: next => save(() => records.save(next)),
        ask: async () => undefined,
        choose: async () => undefined,
        say: text => void said.push(text),
        progress: () => undefined,
        now: Date.now,
        pause: async () => chain.mine(4),
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
  const minted = mints.filter(({ status }) => status === 'executed').reduce(
    (sum, { uakt }) => sum + uakt * chain.ledger.rules.aktPrice / one * 9_975n / 10_000n,
    0n,
  )
  const inEscrow = deployments.reduce((sum, { funds, transferred }) => sum + funds + transferred, 0n)
  const held = chain.ledger.balance(wallet.address).uact * one + inEscrow
  // A refund is cut to whole units.
  expect((uact + minted) * one - held).toBeLessThan(one * BigInt(deployments.length + 1))
  expect((uact + minted) * one - held).toBeGreaterThanOrEqual(0n)
}

let folder: Folder
let certificate: Certificate
beforeAll(() => {
  folder = newFolder()
  certificate = newCertificate(folder, 'gateway')
})
afterAll(() => folder[Symbol.dispose]())

test('from nothing but AKT to a running relay, and back', async () => {
  await using world = await newWorld(folder, { uact: 0n })
  world.gateway.blindness = 2
  const deployment = await world.open()
  await deployment.advance()
  expect(deployment.record).toMatchObject({
    step: 'running',
    uris: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
    bid: { price: toPrice('3') },
  })
  expect(world.said.filter(text => /^\w+: /.test(text)).map(text => text.split(':')[0])).toEqual([
    'funded',
    'created',
    'chosen',
    'leased',
    'sent',
    'running',
  ])

  await deployment.topUp(250_000n)
  expect(world.chain.ledger.deployment(wallet.address, deployment.record.dseq)!.deposited).toBe(750_000n)
  await deployment.update(await manifestOf({ ...spec, image: 'ghcr.io/example/agentchat:0.2.0' }, toPrice('20')))
  expect([deployment.record.step, world.gateway.manifests.length]).toEqual(['running', 2])
  await expect(deployment.update(await manifestOf({ ...spec, size: { ...spec.size, cpu: 2 } }, toPrice('20')))).rejects.toThrow(
    'cannot change',
  )

  await deployment.close()
  expect(world.chain.done).toEqual([
    'MsgMintACT',
    'MsgCreateDeployment',
    'MsgCreateLease',
    'MsgAccountDeposit',
    'MsgUpdateDeployment',
    'MsgCloseDeployment',
  ])
  expect(deployment.record).toMatchObject({
    step: 'closed',
    deposited: 750_000n,
    transactions: expect.arrayContaining([expect.objectContaining({ kind: 'close', code: 0 })]) as never,
  })
  expect(deployment.record.refund).toBeGreaterThan(700_000n)
  expectBalanced(world, 0n)
  await deployment.close()
  expect(world.chain.done).toHaveLength(6)
})

/** What keeps going wrong, from the first step on, and what the error says. */
const failing = async (world: World, message: RegExp | string, change?: Partial<DeploymentParts>): Promise<Deployment> => {
  const deployment = await world.open(change)
  await expect(deployment.advance()).rejects.toThrow(message)
  return deployment
}

const expectAllBack = async (world: World, uact: bigint) => {
  await (await world.open()).close()
  expect(world.chain.ledger.balance(wallet.address).uact).toBe(uact)
  expect(world.records.all()[0]).toMatchObject({ step: 'closed', refund: deposit })
}

test('no bids: it says so, waits on when resumed, and the deposit comes back whole', async () => {
  await using world = await newWorld(folder)
  world.chain.ledger.providers.length = 0
  const { record } = await failing(world, 'No provider has bid')
  expect(record.step).toBe('created')
  await expectAllBack(world, 2_000_000n)
})

test('bids over the ceiling are shown with the reason and not taken, even where the chain let them in', async () => {
  await using world = await newWorld(folder)
  world.chain.ledger.providers.length = 0
  const shown: string[] = []
  const opened = world.open({
    choose: async offers => {
      shown.push(...offers.map(({ problem }) => problem ?? 'good'))
      return undefined
    },
  })
  const running = (await opened).advance()
  const id = { owner: wallet.address, dseq: '1700000000000', gseq: 1, oseq: 1, bseq: 1 }
  world.chain.onIncluded = () =>
    world.chain.ledger.state.bids.push({ id: { ...id, provider: address }, state: 'open', price: toPrice('20.000001') }, {
      id: { ...id, provider: wallet.address },
      state: 'open',
      price: 1n,
    })
  world.chain.ledger.providers.push({ address, hostUri: 'https://a', cert: '' }, { address: wallet.address, hostUri: 'http://b', cert: '' })
  await expect(running).rejects.toThrow('None of 2 bids can be taken')
  expect(shown).toEqual(['has no https:// address', '20.000001 uact per block is over 20 (--max-price)'])
  await expectAllBack(world, 2_000_000n)
})

test('a provider that is denied, or not among those allowed, is not taken', async () => {
  await using world = await newWorld(folder, { record: { providers: { only: [], never: [address] } } })
  await failing(world, 'denied')
  await using other = await newWorld(folder, { record: { providers: { only: [wallet.address], never: [] } } })
  await failing(other, 'not among those allowed')
})

test('a mint that the chain cancels gives the AKT back, and says why; a halted one is not asked for', async () => {
  await using world = await newWorld(folder, { uact: 0n })
  world.chain.onIncluded = () => {
    world.chain.ledger.rules.minMintUact = 30_000_000n
  }
  const { record } = await failing(world, /did not mint: minimum_mint.*AKT came back/)
  expect([record.step, record.mint, record.pending]).toEqual(['planned', undefined, undefined])
  expect(world.chain.ledger.balance(wallet.address).uakt).toBe(60_000_000n - world.chain.included[0]!.tx.feeUakt)
  world.chain.ledger.rules.mintsAllowed = false
  await failing(world, /no ACT is minted now \(mint_status_halt_cr\)/)
  expect(world.chain.included).toHaveLength(1)
  await (await world.open()).close()
})

test('a deposit below the minimum, a wallet with too little, a chain of another name: nothing is signed', async () => {
  await using world = await newWorld(folder, { record: { deposit: 499_999n } })
  await failing(world, "below the chain's minimum of 0.5 ACT")
  await using poor = await newWorld(folder, { uact: 0n })
  poor.chain.ledger.balance(wallet.address).uakt = 1_000n
  await failing(poor, /has 0\.001 AKT; \d+\.\d+ AKT are needed/)
  await using elsewhere = await newWorld(folder)
  elsewhere.chain.chainId = 'akashnet-2'
  await failing(elsewhere, 'is a node of akashnet-2, not of sandbox-2')
  for (const { chain } of [world, poor, elsewhere]) expect(chain.broadcasts).toEqual([])
})

test.each([
  ['a certificate that is not the one on the chain', (world: World) => {
    world.gateway.row.cert = readFileSync(newCertificate(folder, address).cert, 'utf8')
  }, 'is not the provider'],
  ['a manifest whose hash is another', (world: World) => {
    world.chain.onIncluded = ({ messages: [message] }) => {
      if (message!.typeUrl.endsWith('MsgCreateLease')) world.chain.ledger.state.deployments[0]!.hash = 'ab'.repeat(32)
    }
  }, /422.*validation failed/],
  ['a provider that sends elsewhere', (world: World) => {
    world.gateway.manifestAnswer = 302
  }, 'with 302'],
  ['a provider with a fault', (world: World) => {
    world.gateway.manifestAnswer = 500
  }, 'with 500'],
  ['a provider that never sees the lease', (world: World) => {
    world.gateway.blindness = 1_000
  }, 'does not know of the lease'],
])('%s: the lease stands, and closing gives back what is left', async (_, spoil, message) => {
  await using world = await newWorld(folder)
  spoil(world)
  const { record } = await failing(world, message)
  expect(record.step).toBe('leased')
  await (await world.open()).close()
  expect(world.chain.ledger.state.leases.map(({ state }) => state)).toEqual(['closed'])
  expectBalanced(world, 2_000_000n)
})

test('a provider that ends the lease, an escrow that runs dry: it is told, and settled', async () => {
  await using world = await newWorld(folder)
  world.gateway.blindness = 1_000
  world.chain.onIncluded = ({ messages: [message] }) => {
    if (message!.typeUrl.endsWith('MsgCreateLease'))
      Object.assign(world.chain.ledger.state.leases[0]!, { state: 'closed', reason: 'lease_closed_reason_manifest_timeout' })
  }
  await failing(world, /lease is closed \(lease_closed_reason_manifest_timeout\)/)
  Object.assign(world.chain.ledger.state.deployments[0]!, { state: 'closed', escrow: 'overdrawn' })
  await expect((await world.open()).topUp(1n)).rejects.toThrow('its escrow ran out')
  await (await world.open()).close()
  expect(world.chain.done).toEqual(['MsgCreateDeployment', 'MsgCreateLease'])
})

test('an answer that is lost after the node took the transaction: it is looked up, and paid once', async () => {
  await using world = await newWorld(folder, { uact: 0n })
  let lost = 0
  world.chain.fault = ({ rpc }) => rpc === 'broadcast_tx_sync' && lost++ % 2 === 0 ? 'lose' : undefined
  const deployment = await world.open()
  await deployment.advance()
  expect(deployment.record.step).toBe('running')
  expect(world.chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease'])
  await deployment.close()
})

test('a node that swallows transactions: the same bytes are sent again and again, and another is signed only when the first can come into no block', async () => {
  await using world = await newWorld(folder)
  let swallowed = 0
  world.chain.fault = ({ rpc }) =>
    rpc === 'broadcast_tx_sync' && ++swallowed < 1_000 && world.chain.included.length === 0 ? 'drop' : undefined
  const { record } = await failing(world, 'can come into none any more')
  expect([record.step, record.pending]).toEqual(['funded', undefined])
  world.chain.fault = () => undefined
  await (await world.open()).advance()
  expect(world.chain.done).toEqual(['MsgCreateDeployment', 'MsgCreateLease'])
  await (await world.open()).close()
})

test('a node that tells late what is in the blocks: what it has not seen yet is not taken for lost, and nothing is paid twice', async () => {
  await using world = await newWorld(folder, { uact: 0n })
  const stuckAt = world.chain.height
  const { record } = await failing(world, 'Nobody can tell yet', {
    pause: async () => {
      world.chain.mine(4)
      world.chain.restLag = world.chain.height - stuckAt
    },
  })
  expect([record.pending?.kind, record.step]).toEqual(['mint', 'planned'])
  world.chain.restLag = 0
  await (await world.open()).advance()
  expect(world.chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease'])
})

test('a node that does not know the deployment ends nothing: another one has to be asked', async () => {
  await using world = await newWorld(folder)
  await (await world.open()).advance()
  world.chain.fault = ({ rest }) =>
    rest?.endsWith('/deployments/info') === true
      ? { status: 404, body: { code: 5, message: 'deployment not found', details: [] } }
      : undefined
  await expect((await world.open()).close()).rejects.toThrow('does not know the deployment')
  expect(world.records.find(undefined).step).toBe('running')
  world.chain.fault = () => undefined
  await (await world.open()).close()
  expect(world.chain.done).toContain('MsgCloseDeployment')
})

test("without AKT for the fees of a lease and of its end nothing is begun; what a node says of AKT's price burns no more than is allowed", async () => {
  await using world = await newWorld(folder)
  world.chain.ledger.balance(wallet.address).uakt = 30_000n
  await failing(world, /has 0\.03 AKT; 0\.04 AKT are needed for the fees/)
  await using other = await newWorld(folder, { uact: 0n })
  other.chain.ledger.rules.aktPrice = one / 10n
  await failing(other, /Burning 102\.25 AKT for 10 ACT, over the limit of 50 AKT/)
  for (const { chain } of [world, other]) expect(chain.broadcasts).toEqual([])
})

test('ACT that comes out too little is not minted for a second time in the same run', async () => {
  await using world = await newWorld(folder, {
    uact: 0n,
    record: { deposit: 10_000_000n, limits: { ...limits, maxDepositUact: 10_000_000n } },
  })
  world.chain.onIncluded = () => {
    world.chain.ledger.rules.minMintUact = 0n
    world.chain.ledger.rules.aktPrice = one / 4n
  }
  await failing(world, 'minted less than was asked for')
  expect(world.chain.done).toEqual(['MsgMintACT'])
})

test('a bid that its provider has replaced by a dearer one is not the one that was chosen', async () => {
  await using world = await newWorld(folder)
  const [id, asked] = [{ owner: wallet.address, dseq: '1700000000000', gseq: 1, oseq: 1, provider: address, bseq: 1 }, [] as string[]]
  const deployment = await world.open({
    say: text => {
      if (text.startsWith('chosen') && asked.push(text) === 1)
        world.chain.ledger.state.bids = [{
          id: { ...id, bseq: 2 },
          state: 'open',
          price: toPrice('19'),
        }]
    },
  })
  await deployment.advance()
  expect(asked).toHaveLength(2)
  expect(deployment.record.bid).toMatchObject({ id: { bseq: 2 }, price: toPrice('19') })
})

test('an update may mend what does not start; one that was signed before keeps its own manifest', async () => {
  await using world = await newWorld(folder, { isIdle: true })
  const [broken, mended] = await Promise.all(
    ['0.2.0', '0.3.0'].map(version => manifestOf({ ...spec, image: `ghcr.io/example/agentchat:${version}` }, toPrice('20'))),
  )
  const deployment = await world.open()
  await deployment.advance()
  world.gateway.manifestAnswer = 500
  await expect(deployment.update(broken!)).rejects.toThrow('with 500')
  expect(deployment.record.step).toBe('leased')
  world.gateway.manifestAnswer = undefined
  await deployment.update(mended!)
  expect([deployment.record.step, deployment.record.manifest.hash, world.gateway.manifests.at(-1)]).toEqual([
    'running',
    mended!.hash,
    mended!.json,
  ])

  // Signed, sent, in a block, and not written down any more.
  const dying = await world.open({
    pause: async () => {
      world.chain.mine(4)
      throw new Crash()
    },
  })
  await expect(dying.update(broken!)).rejects.toThrow(Crash)
  const later = await world.open()
  await later.update(mended!)
  expect(world.chain.done.slice(-3)).toEqual(['MsgUpdateDeployment', 'MsgUpdateDeployment', 'MsgUpdateDeployment'])
  expect(world.gateway.manifests.at(-1)).toBe(mended!.json)
  expect(later.record.step).toBe('running')
})

test('a deployment that another program made under the same number is neither taken nor closed', async () => {
  await using world = await newWorld(folder)
  await (await world.open()).advance()
  const [theirs] = world.records.all()
  const { bid: _, ...before } = theirs!
  world.records.save({
    ...before,
    step: 'planned',
    deposited: 0n,
    manifest: { ...theirs!.manifest, hash: 'ab'.repeat(32) },
    uris: [],
    transactions: [],
  })
  await failing(world, 'Deployment exists')
  await (await world.open()).close()
  expect(world.chain.ledger.state.deployments.map(({ state }) => state)).toEqual(['active'])
  expect(world.records.all()).toMatchObject([{ step: 'closed', refund: 0n }])
})

test('a no to the question signs nothing and leaves everything as it was', async () => {
  await using world = await newWorld(folder)
  const asked: unknown[] = []
  const { record } = await failing(world, 'no', {
    ask: async ({ message, fee }) => {
      asked.push(message.kind, fee.uakt > 0n)
      throw new Error('no')
    },
  })
  expect([record.step, record.pending, asked]).toEqual(['funded', undefined, ['create', true]])
  expect(world.chain.broadcasts).toEqual([])
})

test('two at once: the second is refused, until the first has ended', async () => {
  await using world = await newWorld(folder)
  {
    using _ = world.records.lock()
    expect(() => world.records.lock()).toThrow('Another agentchat deploy')
  }
  using _ = world.records.lock()
})

/** Of a whole life: how many places there are to die at. */
const placesOf = async (work: (deployment: Deployment) => Promise<void>, prepare: (world: World) => Promise<void>): Promise<number> => {
  await using world = await newWorld(folder, { uact: 0n, isIdle: true })
  await prepare(world)
  const death = dyingAfter(Infinity)
  await work(await world.open({}, death))
  return death.done
}

/** Dies at each place once, in several worlds at a time; then somebody else takes over. */
const dieEverywhere = async (
  work: (deployment: Deployment) => Promise<void>,
  prepare: (world: World) => Promise<void>,
  then: (world: World) => Promise<void>,
): Promise<number> => {
  const places = await placesOf(work, prepare)
  const next = Array.from({ length: places }, (_, place) => place)
  await Promise.all(Array.from({ length: 6 }, async () => {
    for (let place = next.shift(); place !== undefined; place = next.shift()) {
      await using world = await newWorld(folder, { uact: 0n, isIdle: true })
      await prepare(world)
      await expect(work(await world.open({}, dyingAfter(place)))).rejects.toThrow(Crash)
      await then(world)
    }
  }))
  return places
}

const nothing = async () => undefined
const start = async (world: World) => (await world.open()).advance()

test('a crash at any place of the beginning: resumed it runs, and everything was paid once', async () => {
  const places = await dieEverywhere(deployment => deployment.advance(), nothing, async world => {
    await (await world.open()).advance()
    expect(world.chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease'])
    expect(world.records.find(undefined)).toMatchObject({ step: 'running', deposited: deposit })
    expect(world.gateway.manifests.length).toBeGreaterThan(0)
    expectBalanced(world, 0n)
  })
  expect(places).toBeGreaterThanOrEqual(15)
})

test('a crash at any place of the beginning: aborted nothing is left on the chain, and nothing is lost', async () => {
  await dieEverywhere(deployment => deployment.advance(), nothing, async world => {
    await (await world.open()).close()
    // The ACT that is still being minted comes later, and by itself.
    world.chain.mine(10)
    expect(world.chain.ledger.state.deployments.filter(({ state }) => state === 'active')).toEqual([])
    expect(world.chain.done.filter(name => name === 'MsgCloseDeployment').length).toBe(world.chain.ledger.state.deployments.length)
    expect(world.records.all()[0]!.step).toBe('closed')
    expectBalanced(world, 0n)
  })
})

test('a crash at any place of a top-up, an update, an end: done again it is done once', async () => {
  await dieEverywhere(deployment => deployment.topUp(250_000n), start, async world => {
    await (await world.open()).advance()
    // What was not written down before the crash was not sent either.
    const topUps = world.chain.done.filter(name => name === 'MsgAccountDeposit').length
    expect(world.records.find(undefined).deposited).toBe(deposit + BigInt(topUps) * 250_000n)
    expect(topUps).toBeLessThan(2)
    expectBalanced(world, 0n)
  })
  const next = await manifestOf({ ...spec, image: 'ghcr.io/example/agentchat:0.2.0' }, toPrice('20'))
  await dieEverywhere(deployment => deployment.update(next), start, async world => {
    await (await world.open()).advance()
    const { step, manifest: { hash } } = world.records.find(undefined)
    if (hash !== next.hash) return expect([step, world.chain.done.includes('MsgUpdateDeployment')]).toEqual(['running', false])
    expect([step, world.chain.ledger.state.deployments[0]!.hash, world.gateway.manifests.at(-1)]).toEqual(['running', next.hash, next.json])
  })
  await dieEverywhere(deployment => deployment.close(), start, async world => {
    const [record] = world.records.all()
    if (record!.step !== 'closed') await (await world.open()).close()
    expect(world.chain.done.filter(name => name === 'MsgCloseDeployment')).toHaveLength(1)
    expectBalanced(world, 0n)
  })
})
