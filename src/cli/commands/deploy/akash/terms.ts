// What may be spent, as options: of `up` in place of what deploy.yaml says, of later commands in place of what was agreed then,
// for that one run.
import type { Limits } from '../../../../deploy/akash/limits.ts'
import type { DeploySpec } from '../../../../deploy/spec.ts'
import type { OptionSpec } from '../../../command.ts'
import { CliError } from '../../../exit.ts'

export const limitOptions = {
  maxDeposit: { value: 'ACT', doc: 'Most that is put into escrow at once (default: maxDepositAct of the file at the time of up)' },
  maxFee: { value: 'AKT', doc: 'Most that one transaction may cost (default: maxFeeAkt)' },
  maxPrice: { value: 'UACT', doc: 'Most that a bid may ask per block (default: maxPriceUact)' },
  maxMonthly: { value: 'ACT', doc: 'Most that a bid may come to in a month (default: maxMonthlyAct)' },
  maxMint: { value: 'ACT', doc: 'Most ACT that is minted from AKT at once (default: 12; the chain mints no less than 10)' },
  maxBurn: { value: 'AKT', doc: 'Most AKT that is burned for it (default: 50)' },
  gasPrice: { value: 'UAKT', doc: 'Offered for a unit of gas (default: 0.025)' },
} as const satisfies Readonly<Record<string, OptionSpec>>

/** As the options leave them. */
export type LimitOptions = { readonly [K in keyof typeof limitOptions]?: string | undefined }

/** @throws CliError with the name of the option whose value is no amount */
export const amountOf = async (flag: string, text: string, decimals: number): Promise<bigint> => {
  const { toUnits } = await import('../../../../deploy/akash/money.ts')
  try {
    return toUnits(text, decimals)
  } catch (error) {
    throw new CliError('usage', `${flag}: ${(error as Error).message}`)
  }
}

/** What is said replaces what holds otherwise. */
export const limitsOf = async (options: LimitOptions, otherwise: Limits): Promise<Limits> => {
  const said = async (flag: string, text: string | undefined, decimals: number, instead: bigint) =>
    text === undefined ? instead : amountOf(flag, text, decimals)
  return {
    maxDepositUact: await said('--max-deposit', options.maxDeposit, 6, otherwise.maxDepositUact),
    maxFeeUakt: await said('--max-fee', options.maxFee, 6, otherwise.maxFeeUakt),
    maxPrice: await said('--max-price', options.maxPrice, 18, otherwise.maxPrice),
    maxMonthlyUact: await said('--max-monthly', options.maxMonthly, 6, otherwise.maxMonthlyUact),
    maxMintUact: await said('--max-mint', options.maxMint, 6, otherwise.maxMintUact),
    maxBurnUakt: await said('--max-burn', options.maxBurn, 6, otherwise.maxBurnUakt),
  }
}

export const gasPriceOf = async ({ gasPrice }: LimitOptions, otherwise = '0.025'): Promise<string> => {
  if (gasPrice !== undefined) await amountOf('--gas-price', gasPrice, 18)
  return gasPrice ?? otherwise
}

export const fileLimits = async ({ akash }: DeploySpec): Promise<Limits> => {
  const { toUnits } = await import('../../../../deploy/akash/money.ts')
  return {
    maxDepositUact: toUnits(akash.maxDepositAct, 6),
    maxFeeUakt: toUnits(akash.maxFeeAkt, 6),
    maxPrice: toUnits(akash.maxPriceUact, 18),
    maxMonthlyUact: toUnits(akash.maxMonthlyAct, 6),
    maxMintUact: toUnits('12', 6),
    maxBurnUakt: toUnits('50', 6),
  }
}
