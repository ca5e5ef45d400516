// agentchat deploy up, where the target is Akash: writes a plan down and carries it out; or with --dry-run shows it and touches nothing.
import type { DeploySpec } from '../../../../deploy/spec.ts'
import type { Limits } from '../../../../deploy/akash/limits.ts'
import type { Manifest } from '../../../../deploy/akash/sdl.ts'
import type { DeploymentRecord } from '../../../../deploy/akash/record.ts'
import type { OptionSpec } from '../../../command.ts'
import { CliError } from '../../../exit.ts'
import { walletFile, withAkash, withDeployment, workOptions, type AkashCall, type WorkOptions } from './parts.ts'
import { amountOf, fileLimits, gasPriceOf, limitsOf } from './terms.ts'

const networkName = (text: string): 'sandbox' | 'mainnet' => {
  if (text === 'sandbox' || text === 'mainnet') return text
  throw new CliError('usage', `${JSON.stringify(text)} is not a network`, 'Networks: sandbox, mainnet')
}

const list = (text: string): readonly string[] => text.split(',').map(word => word.trim()).filter(word => word !== '')

export const networkOption = {
  value: 'NETWORK',
  doc: 'sandbox or mainnet (default: sandbox; mainnet must be said here, whatever the file says)',
  parse: networkName,
} as const satisfies OptionSpec

export const akashUpOptions = {
  ...workOptions,
  network: networkOption,
  dryRun: { doc: 'Do nothing: show the plan; for Akash SDL, manifest hash and transactions, without network or password' },
  deposit: { value: 'ACT', doc: 'First deposit (default: depositAct of the file)' },
  provider: { value: 'ADDRESSES', doc: 'Take bids of these providers only, with commas between', parse: list },
  denyProvider: { value: 'ADDRESSES', doc: 'Never take bids of these', parse: list },
} as const satisfies Readonly<Record<string, OptionSpec>>

export interface AkashUpOptions extends WorkOptions {
  readonly network?: 'sandbox' | 'mainnet' | undefined
  readonly dryRun?: true | undefined
  readonly deposit?: string | undefined
  readonly provider?: readonly string[] | undefined
  readonly denyProvider?: readonly string[] | undefined
}

export const akashUp = (call: AkashCall, spec: DeploySpec, options: AkashUpOptions): Promise<void> =>
  withAkash(async () => {
    const { io, out } = call
    const name = options.network ?? 'sandbox'
    if (spec.akash.network === 'mainnet' && name !== 'mainnet') throw new CliError('refused',
        'deploy.yaml says mainnet, where it costs real money', 'Say it here too: --network mainnet')
    const [{ networkOf }, { manifestOf }, { ceilingOf, checkDeposit }, { readKeystoreCard }] = await Promise.all([
      import('../../../../deploy/akash/networks.ts'),
      import('../../../../deploy/akash/sdl.ts'),
      import('../../../../deploy/akash/limits.ts'),
      import('../../../../deploy/akash/keystore.ts'),
    ])
    const [limits, deposit, gasPrice] = [
      await limitsOf(options, await fileLimits(spec)),
      await amountOf('--deposit', options.deposit ?? spec.akash.depositAct, 6),
      await gasPriceOf(options),
    ]
    checkDeposit(deposit, limits)
    const network = networkOf(name, { rpc: options.rpc ?? spec.akash.rpc, rest: options.rest ?? spec.akash.rest })
    const manifest = await manifestOf(spec, ceilingOf(limits))
    if (options.dryRun) return showPlan(call, spec, { ...manifest, limits, deposit, gasPrice, network: name, chainId: network.chainId })

    const owner = readKeystoreCard(await walletFile(call, options)).address
    const now = io.now()
    const time = new Date(now).toISOString()
    // Fixed here and written down first: the chain refuses the same number twice.
    const dseq = String(now)
    const planned: DeploymentRecord = {
      version: 1,
      dseq,
      name: spec.name,
      network: name,
      chainId: network.chainId,
      rpc: network.rpc,
      rest: network.rest,
      owner,
      created: time,
      updated: time,
      step: 'planned',
      ...(spec.domain !== undefined && { domain: spec.domain }),
      manifest: { ...manifest, groups: [...manifest.groups] },
      deposit,
      deposited: 0n,
      gasPrice,
      limits,
      providers: { only: [...options.provider ?? []], never: [...options.denyProvider ?? []] },
      uris: [],
      transactions: [],
    }
    // Written down once the wallet is open: a wrong password leaves nothing behind.
    await withDeployment(call, records => {
      const other = records.all().find(record => record.name === spec.name && record.network === name && record.step !== 'closed')
      if (other !== undefined)
        throw new CliError('refused', `${spec.name} is deployed on ${name} already (${other.dseq}, ${other.step})`,
          `Go on with it: agentchat deploy resume ${other.dseq}. End it: agentchat deploy close ${other.dseq}. Or give the new one another name.`)
      return planned
    }, options, async deployment => {
      deployment.change({})
      out.say(`planned: deployment ${dseq} of ${spec.name} on ${name}`)
      await deployment.advance()
      await showEnd(call, deployment.record)
    })
  })

export const showEnd = async ({ out }: AkashCall, record: DeploymentRecord): Promise<void> => {
  const { endText, recordView } = await import('./texts.ts')
  out.done(recordView(record), endText)
}

type Shown = Manifest & {
  readonly limits: Limits
  readonly deposit: bigint
  readonly gasPrice: string
  readonly network: 'sandbox' | 'mainnet'
  readonly chainId: string
}

/** Everything that can be known without a network. */
const showPlan = async (
  call: AkashCall,
  spec: DeploySpec,
  { json, hash, groups, limits, deposit, gasPrice, network, chainId }: Shown,
): Promise<void> => {
  const [
    { sdlOf },
    { ceilingOf },
    { feeOf, typicalGas },
    { typeUrls },
    { act, akt, perMonth },
    { ceilingText, messageText },
    { yamlText },
  ] = await Promise.all([
    import('../../../../deploy/akash/sdl.ts'),
    import('../../../../deploy/akash/limits.ts'),
    import('../../../../deploy/akash/chain-writer.ts'),
    import('../../../../deploy/akash/messages.ts'),
    import('../../../../deploy/akash/money.ts'),
    import('./texts.ts'),
    import('../../../../deploy/yaml-text.ts'),
  ])
  const id = { owner: '', dseq: '0', gseq: 1, oseq: 1, provider: 'the provider that is chosen', bseq: 1 }
  const messages = [{ kind: 'create', dseq: '0', groups, hash, depositUact: deposit } as const, { kind: 'lease', bid: id } as const].map(
    message => {
      const { gas, uakt } = feeOf(typicalGas[message.kind], gasPrice)
      return {
        type_url: typeUrls[message.kind],
        does: messageText(message, { dseq: 'NUMBER', bid: undefined }),
        gas_about: gas,
        fee_about_uakt: String(uakt),
      }
    },
  )
  const sdl = yamlText(sdlOf(spec, ceilingOf(limits)), '')
  const view = {
    network,
    chain_id: chainId,
    sdl,
    manifest: JSON.parse(json) as unknown,
    hash,
    messages,
    deposit_uact: String(deposit),
    at_most: {
      deposit_uact: String(limits.maxDepositUact),
      fee_uakt: String(limits.maxFeeUakt),
      mint_uact: String(limits.maxMintUact),
      burn_uakt: String(limits.maxBurnUakt),
      month_uact: String(perMonth(ceilingOf(limits))),
    },
  }
  call.out.one(view, (_, paint) =>
    [
      `${paint('bold', 'akash')}: ${network} (${chainId}); nothing is signed, nothing is sent`,
      '',
      paint('bold', 'SDL'),
      ...sdl.trimEnd().split('\n').map(line => `  ${line}`),
      '',
      `${paint('bold', 'Manifest hash')}\n  ${hash}`,
      '',
      paint('bold', 'Transactions'),
      ...messages.map(({ type_url, does, fee_about_uakt }) => `  ${type_url}\n    ${does}\n    fee about ${akt(BigInt(fee_about_uakt))}`),
      '  before them, where the wallet has less ACT than the deposit, one that burns AKT for ACT',
      '',
      `${paint('bold', 'At most')}\n  ${ceilingText(limits)}; deposit ${act(limits.maxDepositUact)}, fee ${akt(limits.maxFeeUakt)}, mint ${
        act(limits.maxMintUact)
      } for ${akt(limits.maxBurnUakt)}`,
    ].join('\n'))
}
