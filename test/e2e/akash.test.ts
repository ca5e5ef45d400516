// A relay on Akash as its owner deploys it: processes of the built program, a chain and a provider beside them, and the relay
// that the provider starts.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { openWallet } from '../../src/deploy/akash/keystore.ts'
import { newPhrase, Wallet } from '../../src/deploy/akash/wallet.ts'
import { FakeChain } from '../kit/akash-chain.ts'
import { ProviderGateway } from '../kit/akash-provider.ts'
import { newFolder, type Folder } from '../kit/folder.ts'
import { Program, builtBin } from '../kit/process.ts'

const bin = builtBin()
const phrase = await newPhrase(randomBytes)
const password = `pass ${randomBytes(8).toString('hex')}`
const provider = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address
const dearer = (await Wallet.fromPhrase(await newPhrase(randomBytes))).address

const deployYaml = `
name: relay
image: ghcr.io/example/agentchat:0.1.0
target: akash
environment: { AGENTCHAT_MOTD: 'hello from akash' }
akash: { region: us-west }
`

/** A home with a wallet that has AKT, a chain, two providers. */
class World implements AsyncDisposable {
  readonly home: Folder = newFolder()
  readonly chain: FakeChain
  readonly gateway: ProviderGateway
  readonly others: ProviderGateway
  /** Everything that any program here has written. */
  written = ''

  private constructor(chain: FakeChain, gateway: ProviderGateway, others: ProviderGateway) {
    this.chain = chain
    this.gateway = gateway
    this.others = others
  }

  static async start(): Promise<World> {
    const chain = await FakeChain.start()
    const attributes = { 'location-region': 'us-west' }
    const world = new World(chain, await ProviderGateway.start(chain, { address: provider, price: '2.5', attributes }),
      await ProviderGateway.start(chain, { address: dearer, price: '7', attributes }))
    writeFileSync(world.home.at('deploy.yaml'), deployYaml)
    writeFileSync(world.home.at('password'), `${password}\n`, { mode: 0o600 })
    await using importing = world.begin(['wallet', 'import', '--password-file', world.home.at('password')])
    importing.stdin.end(`${phrase}\n`)
    expect(await importing.ended).toMatchObject({ code: 0 })
    chain.fund((await Wallet.fromPhrase(phrase)).address, 60_000_000n)
    return world
  }

  get nodes(): readonly string[] {
    return ['--rpc', this.chain.url, '--rest', this.chain.url]
  }

  get signing(): readonly string[] {
    return [...this.nodes, '--password-file', this.home.at('password'), '--yes', '--poll', '0.05']
  }

  begin(args: readonly string[]): Program {
    const program = new Program(process.execPath, [bin, 'deploy', ...args], { cwd: this.home.path, env: { HOME: this.home.path } })
    void program.ended.then(() => {
      this.written += program.stdout + program.stderr
    })
    return program
  }

  /** Runs to the end, which must be good. */
  async run(args: readonly string[]): Promise<Program> {
    await using program = this.begin(args)
    program.stdin.end()
    const { code } = await program.ended
    if (code !== 0) throw new Error(`deploy ${args.join(' ')} ended with ${code}\n${program.stdout}\n${program.stderr}`)
    return program
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]()
    await this.others[Symbol.asyncDispose]()
    await this.chain[Symbol.asyncDispose]()
    this.home[Symbol.dispose]()
  }
}

const worlds: World[] = []
const newWorld = async (): Promise<World> => {
  const world = await World.start()
  worlds.push(world)
  return world
}
afterAll(() => Promise.all(worlds.map(world => world[Symbol.asyncDispose]())))

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)).filter(file => statSync(file).isFile())

test('deploy, check, logs, events, top-up, update, close: the whole story, and no secret anywhere', async () => {
  const world = await newWorld()
  const { chain, gateway } = world
  gateway.blindness = 1

  const doctor = await world.run(['doctor', ...world.nodes])
  expect(doctor.jsonLines.map(({ check, status }) => `${check} ${status}`)).toEqual([
    'packages ok',
    'chain ok',
    'deposit ok',
    'mint ok',
    'market ok',
    'wallet ok',
  ])

  const up = await world.run(['up', ...world.signing, '--json'])
  expect(up.jsonLines).toMatchObject([{
    name: 'relay',
    step: 'running',
    network: 'sandbox',
    provider,
    price_uact_per_block: '2.5',
    month_uact: '1078123',
    urls: [expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/)],
  }])
  // Steps as they come, what is signed, and all bids with what they cost.
  for (
    const text of [
      'funded',
      'created',
      'chosen',
      'leased',
      'sent',
      'running',
      'MsgMintACT',
      'MsgCreateDeployment',
      'MsgCreateLease',
      'sandbox-2',
      provider,
      dearer,
      '1.08 ACT',
      '3.02 ACT',
      'us-west',
    ]
  ) expect(up.stderr).toContain(text)
  expect(chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease'])

  const [{ urls: [url] }] = up.jsonLines as [{ urls: [string] }]
  expect((await world.run(['check', url])).stderr).toMatch(/works: a message went through/)

  const logs = await world.run(['logs', '--password-file', world.home.at('password'), '--tail', '50'])
  expect(logs.jsonLines.map(({ message }) => message).join('\n')).toContain(url.split(':').at(-1))
  {
    await using following = world.begin(['logs', '--follow', '--password-file', world.home.at('password')])
    await following.until('a line', () => following.lineCount > 0)
    following.signal('SIGINT')
    expect(await following.ended).toMatchObject({ code: 0 })
  }
  expect((await world.run(['events', '--password-file', world.home.at('password')])).jsonLines.map(({ reason }) => reason)).toEqual([
    'Scheduled',
    'Pulled',
    'Started',
  ])

  const [standing] = (await world.run(['status', '--json'])).jsonLines as unknown as [
    [{ days_left: number, left_uact: string, on_chain: string, lease: string }],
  ]
  expect(standing[0]).toMatchObject({ on_chain: 'active', lease: 'active', days_left: expect.closeTo(14, 0) })
  await world.run(['top-up', '1.25', ...world.signing])

  writeFileSync(world.home.at('deploy.yaml'), deployYaml.replace('hello', 'hello again'))
  await world.run(['update', ...world.signing])
  expect(gateway.manifests.at(-1)).toContain('hello again')
  // A new process of the relay, on the same volume.
  const [after] = (await world.run(['status', 'relay'])).jsonLines as [{ urls: [string] }]
  expect(after).toMatchObject({ deposited_uact: '1750000', days_left: expect.closeTo(49, 0) })
  await world.run(['check', after.urls[0]])

  const close = await world.run(['close', ...world.signing, '--json'])
  expect(close.jsonLines).toMatchObject([{ step: 'closed', deposited_uact: '1750000' }])
  expect(Number(close.jsonLines[0]!['refund_uact'])).toBeGreaterThan(1_700_000)
  expect(chain.done.slice(3)).toEqual(['MsgAccountDeposit', 'MsgUpdateDeployment', 'MsgCloseDeployment'])
  expect(chain.included.every(({ code }) => code === 0)).toBe(true)
  {
    await using gone = world.begin(['check', after.urls[0]])
    expect(await gone.ended).toMatchObject({ code: 10 })
  }

  // Every byte that was written anywhere, and the wallet looked at in every way.
  const wallet = await openWallet(world.home.at('.agentchat/akash/wallet.json'), password)
  const files = filesUnder(world.home.path).filter(file => file !== world.home.at('password'))
  expect(files.filter(file => file.includes('/akash/')).map(file => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600])
  const everything = [
    world.written,
    ...files.map(file => readFileSync(file, 'latin1')),
    inspect(wallet, { depth: 9, showHidden: true, getters: true }),
    JSON.stringify(wallet),
    String(wallet),
    gateway.relay?.stdout,
    gateway.manifests.join(),
  ].join('\n')
  expect(everything).toContain(wallet.address)
  expect(gateway.tokens.length).toBeGreaterThan(5)
  const words = phrase.split(' ')
  const secrets = [
    phrase,
    password,
    ...gateway.tokens,
    ...gateway.tokens.map(token => token.split('.')[2]!),
    ...words.slice(1).map((word, index) => `${words[index]} ${word}`),
    createHash('sha256').update(phrase).digest('hex'),
  ]
  expect(secrets.filter(secret => everything.includes(secret))).toEqual([])
}, 180_000)

test('killed at each transaction: another process goes on, or gives up, and nothing is paid twice; of two at once one is refused',
  async () => {
    const world = await newWorld()
    const { chain } = world
    /** Runs until the transaction is in a block, and is gone with no time to write that down. */
    const killedAt = async (message: string, args: readonly string[]) => {
      await using program = world.begin(args)
      chain.onIncluded = ({ messages }) => {
        if (messages.some(({ typeUrl }) => typeUrl.endsWith(message))) program.signal('SIGKILL')
      }
      expect(await program.ended).toMatchObject({ signal: 'SIGKILL' })
      chain.onIncluded = () => undefined
    }
    await killedAt('MsgMintACT', ['up', ...world.signing])
    await killedAt('MsgCreateDeployment', ['resume', ...world.signing])
    {
      // No block comes: the first waits.
      chain.isHalted = true
      await using first = world.begin(['resume', ...world.signing])
      await first.until('its first question to the chain', () => first.stderr.includes('looking what became of it'))
      await using second = world.begin(['abort', ...world.signing])
      expect([await second.ended, second.stderr]).toMatchObject([{ code: 5 }, expect.stringContaining('Another agentchat deploy')])
      first.signal('SIGINT')
      expect([await first.ended, first.stderr]).toMatchObject([{ code: 130 }, expect.stringContaining('agentchat deploy resume')])
      chain.isHalted = false
    }
    await killedAt('MsgCreateLease', ['resume', ...world.signing])
    const { jsonLines: [running] } = await world.run(['resume', ...world.signing, '--json'])
    expect(running).toMatchObject({ step: 'running' })
    await world.run(['check', (running!['urls'] as [string])[0]])
    await killedAt('MsgAccountDeposit', ['top-up', '0.5', ...world.signing])
    await killedAt('MsgCloseDeployment', ['close', ...world.signing])
    expect((await world.run(['abort', ...world.signing, '--json'])).jsonLines).toMatchObject([{
      step: 'closed',
      deposited_uact: '1000000',
    }])
    expect(chain.done).toEqual(['MsgMintACT', 'MsgCreateDeployment', 'MsgCreateLease', 'MsgAccountDeposit', 'MsgCloseDeployment'])
    expect(chain.included.every(({ code }) => code === 0)).toBe(true)
  }, 180_000)

test('--dry-run shows it all without network, password or wallet; a plan says what it costs at most', async () => {
  using home = newFolder()
  writeFileSync(home.at('deploy.yaml'), deployYaml)
  const run = async (args: readonly string[]) => {
    await using program = new Program(process.execPath, [bin, 'deploy', ...args], { cwd: home.path, env: { HOME: home.path } })
    expect(await program.ended).toMatchObject({ code: 0 })
    return program.jsonLines[0]!
  }
  const shown = await run(['up', '--dry-run', '--json', '--max-price', '10', '--deposit', '1'])
  expect(shown).toMatchObject({
    network: 'sandbox',
    chain_id: 'sandbox-2',
    deposit_uact: '1000000',
    at_most: { month_uact: '4312490' },
    messages: [{ type_url: '/akash.deployment.v1beta4.MsgCreateDeployment' }, { type_url: '/akash.market.v1beta5.MsgCreateLease' }],
  })
  expect(shown['sdl']).toMatch(/persistent: true[^]*location-region: us-west[^]*denom: uact\n\s+amount: "10"/)
  expect(shown['hash']).toMatch(/^[0-9a-f]{64}$/)
  expect(await run(['plan', '--json'])).toMatchObject({ target: 'akash', cost: expect.stringContaining('at most 8.63 ACT') })
  expect(readdirSync(home.path)).toEqual(['deploy.yaml'])
})
