// agentchat deploy doctor: whether Akash can be deployed to now, by this program, from this wallet. Reads only.
import type { ChainReader } from '../../../../deploy/akash/chain.ts'
import { command } from '../../../command.ts'
import { visible } from '../../../terminal.ts'
import { nodeOptions, walletFile, walletOptions, withAkash } from './parts.ts'
import { networkOption } from './up.ts'

interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly message: string
  readonly next?: string
}

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] } as const

/** What has to hold; each looks for itself, so that one that fails hides no other. */
const checksOf = (
  reader: ChainReader,
  chainId: string,
  faucet: string | undefined,
  address: string | undefined,
): readonly (readonly [string, () => Promise<Omit<Finding, 'check'>>])[] => [
  ['packages', async () => {
    const { loadCrypto, loadMessages, loadSdk, loadSigning, loadStargate } = await import('../../../../deploy/akash/packages.ts')
    const [messages] = await Promise.all([loadMessages(), loadCrypto(), loadSdk(), loadSigning(), loadStargate()])
    return { status: 'ok', message: `${messages.length} kinds of messages can be signed` }
  }],
  ['chain', async () => {
    const { chainId: name, height, isCatchingUp } = await reader.status()
    if (name !== chainId)
      return { status: 'fail', message: `The node is one of ${name}, not of ${chainId}`, next: 'Name another: --rpc and --rest' }
    return isCatchingUp
      ? { status: 'fail', message: `The node is behind, at ${height}`, next: 'Name another: --rpc and --rest' }
      : { status: 'ok', message: `${name} at block ${height}` }
  }],
  ['deposit', async () => {
    const { act } = await import('../../../../deploy/akash/money.ts')
    const least = await reader.minDepositUact()
    return least > 0n
      ? { status: 'ok', message: `${act(least)} at least` }
      : { status: 'fail', message: 'The chain takes no deposit in ACT', next: 'It is of another version: look for a newer agentchat.' }
  }],
  ['mint', async () => {
    const { act, priceText } = await import('../../../../deploy/akash/money.ts')
    const { isAllowed, status, minUact, aktPrice } = await reader.mintTerms()
    if (!isAllowed)
      return {
        status: 'warn',
        message: `No ACT is minted now: ${status}`,
        next: 'A deployment can be paid with ACT that the wallet holds already.',
      }
    return aktPrice === undefined
      ? { status: 'warn', message: 'The price of AKT is not known: nothing can be minted', next: 'Try again later.' }
      : { status: 'ok', message: `${act(minUact)} at least, at ${priceText(aktPrice)} dollars for one AKT` }
  }],
  ['market', async () => {
    await Promise.all([
      reader.bids(address ?? nobody, '1'),
      reader.leases(address ?? nobody, '1'),
      reader.deployment(address ?? nobody, '1'),
      reader.certificates(address ?? nobody),
    ])
    return { status: 'ok', message: 'Deployments, bids, leases and certificates are where this program looks for them' }
  }],
  ['wallet', async () => {
    if (address === undefined) return { status: 'warn', message: 'There is no wallet', next: 'Make one: agentchat deploy wallet create' }
    const { act, akt } = await import('../../../../deploy/akash/money.ts')
    const [uakt, uact] = await Promise.all([reader.balance(address, 'uakt'), reader.balance(address, 'uact')])
    return uakt === 0n
      ? {
        status: 'warn',
        message: `${address} has no AKT: even fees cannot be paid`,
        next: faucet === undefined ? 'Send some to it.' : `The sandbox gives some away: ${faucet}`,
      }
      : { status: 'ok', message: `${address}: ${akt(uakt)}, ${act(uact)}` }
  }],
]

/** An address that is well-formed and whose key nobody has. */
const nobody = 'akash1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq7cdc78'

export const doctor = command({
  name: 'doctor',
  summary: 'Akash: can it be deployed to now, and does the wallet have what it takes; reads only',
  arguments: {},
  options: { network: networkOption, wallet: walletOptions.wallet, ...nodeOptions },
  examples: [
    { command: 'agentchat deploy doctor', doc: 'Of the sandbox' },
    { command: 'agentchat deploy doctor --network mainnet --json', doc: 'Of the network that costs money' },
  ],
  run: ({ options, io, out }) =>
    withAkash(async () => {
      const [{ createChainReader }, { networkOf, networks }, { readKeystoreCard }, { AkashError }, file] = await Promise.all([
        import('../../../../deploy/akash/chain-reader.ts'),
        import('../../../../deploy/akash/networks.ts'),
        import('../../../../deploy/akash/keystore.ts'),
        import('../../../../deploy/akash/failure.ts'),
        walletFile({ io }, options),
      ])
      const network = networkOf(options.network ?? 'sandbox', options)
      let address: string | undefined
      try {
        ;({ address } = readKeystoreCard(file))
      } catch (error) {
        if (!(error instanceof AkashError && error.problem === 'notFound')) throw error
      }
      const findings = await Promise.all(
        checksOf(createChainReader(network), network.chainId, networks[network.name].faucet, address).map(
          async ([check, look]): Promise<Finding> => {
            try {
              return { check, ...await look() }
            } catch (error) {
              if (!(error instanceof AkashError)) throw error
              return { check, status: 'fail', message: error.message, ...(error.hint !== undefined && { next: error.hint }) }
            }
          },
        ),
      )
      out.list(findings, ({ check, status, message, next }, paint) => {
        const [colour, mark] = marks[status]
        return `${paint(colour, mark)} ${check.padEnd(9)} ${visible(message)}${
          next === undefined ? '' : `\n               → ${visible(next)}`
        }`
      })
      return findings.some(({ status }) => status === 'fail') ? 'error' : 'ok'
    }),
})
