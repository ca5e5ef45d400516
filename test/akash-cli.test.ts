// `agentchat deploy` on Akash at a terminal: the wallet, the summary and question before every signature, a bid chosen by hand,
// limits for one run.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPhrase, Wallet } from '../src/deploy/akash/wallet.ts'
import { FakeChain } from './kit/akash-chain.ts'
import { ProviderGateway } from './kit/akash-provider.ts'
import { Cli, type Ran } from './kit/cli.ts'

const password = 'correct horse battery'
const addresses = await Promise.all([1, 2].map(async () => (await Wallet.fromPhrase(await newPhrase(randomBytes))).address))
const [cheap, dear] = addresses as [string, string]

/** A terminal where this is typed, each answer to its question. */
const typed = (...answers: readonly string[]) =>
  Object.assign(Readable.from([Buffer.from(answers.map(answer => `${answer}\n`).join(''))]), {
    isTTY: true as const,
    setRawMode: () => undefined,
  })

let cli: Cli
let chain: FakeChain
let gateways: readonly ProviderGateway[]
let address: string
const nodes = () => ['--rpc', chain.url, '--rest', chain.url]
const fast = () => [...nodes(), '--poll', '0.02']
const deploy = (args: readonly string[], ...answers: readonly string[]): Promise<Ran> =>
  cli.run(['deploy', ...args], { isTTY: true, stdin: typed(...answers) })
/** By the script: no questions. */
const signed = (args: readonly string[]): Promise<Ran> =>
  cli.run(['deploy', ...args, ...fast(), '--yes', '--password-file', cli.at('password')])

beforeAll(async () => {
  cli = new Cli()
  chain = await FakeChain.start()
  gateways = [
    await ProviderGateway.start(chain, { address: cheap, price: '2', isIdle: true }),
    await ProviderGateway.start(chain, { address: dear, price: '5', isIdle: true }),
  ]
  writeFileSync(cli.at('deploy.yaml'), 'name: relay\nimage: ghcr.io/example/agentchat:0.1.0-akash\ntarget: akash\n')
  writeFileSync(cli.at('password'), `${password}\n`)
})
afterAll(async () => {
  for (const gateway of gateways) await gateway[Symbol.asyncDispose]()
  await chain[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})

test('a wallet is made under a password typed twice, shown without it, and its words on a terminal only', async () => {
  expect(await deploy(['wallet', 'create'], password, 'correct horse batterz')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('not the same'),
  })
  expect(await deploy(['wallet', 'create'], 'short', 'short')).toMatchObject({ code: 5, stderr: expect.stringContaining('10 characters') })
  expect(await cli.run(['deploy', 'wallet', 'create'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--password-file') })
  expect(existsSync(cli.at('.agentchat/akash'))).toBe(false)

  const made = await deploy(['wallet', 'create'], password, password)
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^akash1/) })
  address = made.stdout.split('\n')[0]!
  expect((await cli.run(['deploy', 'wallet', 'show', '--json'])).json).toMatchObject([{ address }])
  expect(await deploy(['wallet', 'create'], password, password)).toMatchObject({ code: 5, stderr: expect.stringContaining('already') })

  const shown = await deploy(['wallet', 'export'], 'y', password)
  const words = shown.stdout.match(/[a-z]+/g)!
  expect(words).toHaveLength(24)
  expect((await Wallet.fromPhrase(words.join(' '))).address).toBe(address)
  // Typed unseen, and nothing of either secret in what the other commands wrote, or on disk.
  for (const text of [made.stdout, made.stderr, shown.stderr, readFileSync(cli.at('.agentchat/akash/wallet.json'), 'utf8')]) {
    expect(text).not.toContain(password)
    expect(text).not.toContain(`${words[0]} ${words[1]}`)
  }
  for (
    const refused of [
      cli.run(['deploy', 'wallet', 'export', '--password-file', cli.at('password')]),
      cli.run(['deploy', 'wallet', 'export', '--json'], { isTTY: true, stdin: typed('y', password) }),
      deploy(['wallet', 'export'], 'n', password),
    ]
  ) {
    expect(await refused).toMatchObject({ stdout: '', code: expect.toSatisfy((code: number) => code !== 0) })
  }
  expect(await deploy(['wallet', 'export'], 'y', 'a wrong password')).toMatchObject({ code: 3, stdout: '' })

  const other = cli.at('other.json')
  expect(await deploy(['wallet', 'import', '--wallet', other], words.join(' '), password, password)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(address),
  })
  expect(await deploy(['wallet', 'import', '--wallet', cli.at('third.json')], 'abandon abandon', password, password)).toMatchObject({
    code: 5,
    stderr: expect.not.stringContaining('abandon'),
  })
})

test('nothing is signed without a summary and a yes; a bid is chosen by its number; a no leaves it to resume or abort', async () => {
  chain.fund(address, 60_000_000n, 3_000_000n)
  const file = ['-f', cli.at('deploy.yaml')]
  expect(await cli.run(['deploy', 'up', ...file, ...fast(), '--password-file', cli.at('password')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--yes'),
  })
  const wrong = await deploy(['up', ...file, ...fast()], 'not the password')
  expect(wrong).toMatchObject({ code: 3 })
  expect(readdirSync(cli.at('.agentchat/akash/deployments'))).toEqual(['lock.db'])

  const refused = await deploy(['up', ...file, ...fast()], password, 'n')
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('Not signed') })
  for (
    const text of [
      'sandbox (sandbox-2)',
      address,
      'MsgCreateDeployment',
      '0.5 ACT',
      'fee',
      'at most',
      '20 uact per block, 8.63 ACT a month',
      'deploy resume',
      'deploy abort',
    ]
  ) expect(refused.stderr).toContain(text)
  expect(chain.broadcasts).toEqual([])
  expect(await deploy(['up', ...file, ...fast()], password)).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is deployed on sandbox already'),
  })

  // Create; the second bid; lease.
  const resumed = await deploy(['resume', ...fast()], password, 'y', '2', 'yes')
  expect(resumed, resumed.stderr).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      new RegExp(`0\\.87 ACT.*${cheap}[^]*2\\.16 ACT.*${dear}[^]*lease from ${dear} for 5 uact per block, 2\\.16 ACT a month`),
    ),
  })
  expect(chain.ledger.state.leases).toMatchObject([{ id: { provider: dear }, state: 'active' }])
  expect(await cli.run(['deploy', 'up', ...file, '--network', 'mainnet', '--dry-run', '--json'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('akashnet-2'),
  })
})

test('a limit is hard, and raised by its option for one run', async () => {
  expect(await signed(['top-up', '5.5'])).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/over the limit of 5 ACT[^]*--max-deposit/),
  })
  expect(await signed(['top-up', '0.25', '--max-fee', '0.001'])).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/A fee of .* over the limit of 0\.001 AKT/),
  })
  expect(await signed(['top-up', '5.5', '--max-deposit', '6', '--max-burn', '1'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('--max-burn'),
  })
  const before = chain.broadcasts.length
  expect(await signed(['top-up', 'much'])).toMatchObject({ code: 2 })
  expect(chain.broadcasts).toHaveLength(before)
  expect(await signed(['top-up', '5.5', '--max-deposit', '6'])).toMatchObject({ code: 0 })
  expect(chain.done.slice(-2)).toEqual(['MsgMintACT', 'MsgAccountDeposit'])
  expect(await signed(['top-up', '5.5'])).toMatchObject({ code: 5 })
  expect((await cli.run(['deploy', 'status', 'relay', ...nodes()])).json).toMatchObject([{ deposited_uact: '6000000', on_chain: 'active' }])
  expect(await signed(['close', '--max-fee', '0.001'])).toMatchObject({ code: 5 })
  expect(await signed(['close'])).toMatchObject({ code: 0 })
  expect(await cli.run(['deploy', 'status', ...nodes()])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('No deployment is open'),
  })
})

test('mainnet must be said on the command line, an http:// node is no node, and another network is told from its name', async () => {
  mkdirSync(cli.at('real'))
  writeFileSync(cli.at('real/deploy.yaml'), 'image: ghcr.io/example/agentchat:0.1.0\ntarget: akash\nakash: { network: mainnet }\n')
  const file = ['-f', cli.at('real/deploy.yaml')]
  expect(await cli.run(['deploy', 'up', ...file, '--dry-run'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('--network mainnet'),
  })
  expect(await signed(['up', ...file, '--network', 'mainnet'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('is a node of sandbox-2, not of akashnet-2'),
  })
  expect(await cli.run(['deploy', 'doctor', '--rpc', 'http://node.example.org'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('not an https://'),
  })
  expect(chain.included.filter(({ code }) => code !== 0)).toEqual([])
})

test('doctor tells each thing that stands in the way, and what does not', async () => {
  const look = async (...args: readonly string[]) => {
    const { code, json } = await cli.run(['deploy', 'doctor', ...nodes(), ...args])
    return {
      code,
      failing: json.filter(({ status }) => status !== 'ok').map(({ check, status, message }) =>
        `${String(check)} ${String(status)}: ${String(message)}`
      ),
    }
  }
  expect(await look()).toEqual({ code: 0, failing: [] })
  expect(await look('--wallet', cli.at('none.json'))).toEqual({ code: 0, failing: ['wallet warn: There is no wallet'] })
  expect(await look('--network', 'mainnet')).toEqual({ code: 1, failing: ['chain fail: The node is one of sandbox-2, not of akashnet-2'] })
  chain.ledger.rules.mintsAllowed = false
  expect(await look()).toEqual({ code: 0, failing: ['mint warn: No ACT is minted now: mint_status_halt_cr'] })
  chain.ledger.rules.mintsAllowed = true
  chain.fault = ({ rest }) =>
    rest?.includes('/market/')
      ? { status: 501, body: { code: 12, message: 'Not Implemented', details: [] } }
      : rest?.includes('/oracle/')
      ? 'drop'
      : undefined
  expect(await look()).toEqual({
    code: 1,
    failing: [
      'mint warn: The price of AKT is not known: nothing can be minted',
      expect.stringMatching(/^market fail: .*of another version/),
    ],
  })
  chain.fault = () => 'drop'
  expect((await look()).failing.map(text => text.split(':')[0])).toEqual([
    'chain fail',
    'deposit fail',
    'mint fail',
    'market fail',
    'wallet fail',
  ])
  chain.fault = () => undefined
})
