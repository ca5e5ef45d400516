// What the commands for Akash share: options, the wallet and how it is opened, failures, and a deployment with everything it
// needs around it.
import { timerMs } from '../../../../../lib/protocol/timer.ts'
import type { Bid } from '../../../../deploy/akash/chain.ts'
import type { Deployment } from '../../../../deploy/akash/deployment.ts'
import type { DeploymentRecord, Records } from '../../../../deploy/akash/record.ts'
import type { Wallet } from '../../../../deploy/akash/wallet.ts'
import { seconds, type Call, type OptionSpec } from '../../../command.ts'
import { CliError } from '../../../exit.ts'
import type { Prompt } from '../../../prompt.ts'
import { gasPriceOf, limitOptions, limitsOf, type LimitOptions } from './terms.ts'

export const walletOptions = {
  wallet: { value: 'FILE', doc: 'Wallet file (default: ~/.agentchat/akash/wallet.json)' },
  passwordFile: { value: 'FILE', doc: "Read the wallet's password from the first line of this file; - is standard input" },
} as const satisfies Readonly<Record<string, OptionSpec>>

export const nodeOptions = {
  rpc: { value: 'URL', doc: 'Another RPC node of the network' },
  rest: { value: 'URL', doc: 'Another REST node of the network' },
} as const satisfies Readonly<Record<string, OptionSpec>>

/** Of commands that sign. */
export const workOptions = {
  ...walletOptions,
  ...nodeOptions,
  ...limitOptions,
  yes: { short: 'y', doc: 'Sign without asking; the limits hold all the same' },
  poll: { value: 'SECONDS', doc: 'How often to look at the chain and the provider (default: 6)', parse: seconds },
} as const satisfies Readonly<Record<string, OptionSpec>>

export const which = { doc: 'name or number of the deployment (default: the only one)', optional: true } as const

/** As their options leave them; each command has more. */
export interface WorkOptions extends LimitOptions {
  readonly wallet?: string | undefined
  readonly passwordFile?: string | undefined
  readonly rpc?: string | undefined
  readonly rest?: string | undefined
  readonly yes?: true | undefined
  readonly poll?: number | undefined
}

export type AkashCall = Pick<Call, 'io' | 'out'>

/** Runs `work`; its failures become the program's. */
export const withAkash = async <T>(work: () => Promise<T>): Promise<T> => {
  const { AkashError } = await import('../../../../deploy/akash/failure.ts')
  try {
    return await work()
  } catch (error) {
    throw error instanceof AkashError ? new CliError(error.problem, error.message, error.hint, error) : error
  }
}

const akashHome = async ({ io: { env } }: Pick<Call, 'io'>): Promise<string> => {
  const [{ agentchatHome }, { join }] = await Promise.all([import('../../../home.ts'), import('node:path')])
  return join(agentchatHome(env), 'akash')
}

export const walletFile = async (call: Pick<Call, 'io'>, { wallet }: WorkOptions): Promise<string> =>
  wallet ?? `${await akashHome(call)}/wallet.json`

export const openRecords = async (call: Pick<Call, 'io'>): Promise<Records> => {
  const { Records } = await import('../../../../deploy/akash/record.ts')
  return new Records(`${await akashHome(call)}/deployments`)
}

/** Asked once per command. */
export const newPrompt = async ({ io }: Pick<Call, 'io'>): Promise<Prompt> => new (await import('../../../prompt.ts')).Prompt(io)

const maxPasswordBytes = 4 * 1_024

/** From the file, or typed; `isNew`: twice. */
export const passwordOf = async (
  { io }: Pick<Call, 'io'>,
  { passwordFile }: WorkOptions,
  prompt: Prompt,
  isNew = false,
): Promise<string> => {
  if (passwordFile !== undefined) return firstLine(io, passwordFile)
  const password = await prompt.secret(isNew ? 'New password for the wallet: ' : 'Password of the wallet: ')
  if (isNew && await prompt.secret('Once more: ') !== password) throw new CliError('usage', 'The two are not the same')
  return password
}

/** Without its end of line. */
const firstLine = async (io: Call['io'], file: string): Promise<string> => {
  const { readFileSync } = await import('node:fs')
  let text = ''
  if (file !== '-') {
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      throw new CliError('notFound', `Cannot read the password: ${(error as Error).message}`, undefined, error)
    }
  } else for await (const chunk of io.stdin) if ((text += Buffer.from(chunk).toString('utf8')).length > maxPasswordBytes) break
  const line = text.split(/\r?\n/)[0]!
  if (line === '') throw new CliError('usage', `${file === '-' ? 'Standard input' : file} holds no password`)
  return line
}

export const openWalletFile = async (call: Pick<Call, 'io'>, options: WorkOptions, prompt: Prompt): Promise<Wallet> => {
  const [{ openWallet, readKeystoreCard }, file] = await Promise.all([
    import('../../../../deploy/akash/keystore.ts'),
    walletFile(call, options),
  ])
  // That there is one comes before the question for its password.
  readKeystoreCard(file)
  return openWallet(file, await passwordOf(call, options, prompt))
}

/** Runs `work` with the deployment that `found` gives, while nobody else signs with a wallet of this home. */
export const withDeployment = (
  call: AkashCall,
  found: (records: Records) => DeploymentRecord,
  options: WorkOptions,
  work: (deployment: Deployment) => Promise<void>,
): Promise<void> =>
  withAkash(async () => {
    const { io, out } = call
    const records = await openRecords(call)
    using prompt = await newPrompt(call)
    if (options.yes !== true && !prompt.canAsk)
      throw new CliError('usage', 'There is no terminal to ask on',
        'Each signature is asked for. Read what would be signed (agentchat deploy up --dry-run), then say --yes.')
    using _ = records.lock()
    const kept = found(records)
    const { dseq } = kept
    try {
      await work(await openDeployment(call, kept, options, prompt, records))
    } catch (error) {
      if (io.interrupted.aborted)
        out.say(
          `What was done is written down. Go on: agentchat deploy resume ${dseq}. The money back: agentchat deploy abort ${dseq}`,
        )
      throw error
    }
  })

/** A deployment with everything it needs around it. */
export const openDeployment = async (
  call: AkashCall,
  kept: DeploymentRecord,
  options: WorkOptions,
  prompt: Prompt,
  records: Records,
): Promise<Deployment> => {
  const { io, out } = call
  const [
    { Deployment },
    { createChainReader },
    { createChainWriter },
    { ProviderClient },
    { createToken },
    { networkOf },
    { questionText, offersText },
    { setTimeout: sleep },
    { randomUUID },
  ] = await Promise.all([
    import('../../../../deploy/akash/deployment.ts'),
    import('../../../../deploy/akash/chain-reader.ts'),
    import('../../../../deploy/akash/chain-writer.ts'),
    import('../../../../deploy/akash/provider.ts'),
    import('../../../../deploy/akash/token.ts'),
    import('../../../../deploy/akash/networks.ts'),
    import('./texts.ts'),
    import('node:timers/promises'),
    import('node:crypto'),
  ])
  const { rpc, rest } = networkOf(kept.network, { rpc: options.rpc ?? kept.rpc, rest: options.rest ?? kept.rest })
  const [limits, gasPrice] = [await limitsOf(options, kept.limits), await gasPriceOf(options, kept.gasPrice)]
  const wallet = await openWalletFile(call, options, prompt)
  const network = { name: kept.network, chainId: kept.chainId, rpc, rest }
  return new Deployment({ ...kept, rpc, rest, limits, gasPrice }, {
    reader: createChainReader(network),
    writer: await createChainWriter(network, wallet, { gasPrice }),
    openProvider: (provider, pins) =>
      new ProviderClient({
        provider,
        pins,
        token: scope => createToken(wallet, { provider: provider.address, scope: [scope], nowMs: io.now(), id: randomUUID() }),
      }),
    // What was said for this run holds for this run.
    save: next => records.save({ ...next, limits: kept.limits, gasPrice: kept.gasPrice }),
    ask: async question => {
      out.say(questionText(question))
      if (options.yes !== true && !await prompt.confirm('Sign?'))
        throw new CliError('refused', 'Not signed',
          `Nothing more happens by itself. Go on: agentchat deploy resume ${kept.dseq}. The money back: agentchat deploy abort ${kept.dseq}`)
    },
    choose: async offers => {
      out.say(offersText(offers))
      if (options.yes === true) return undefined
      const good = offers.filter(({ problem }) => problem === undefined)
      return good.length < 2 ? undefined : chosen(await prompt.ask('Which one? [1] '), good.map(({ bid }) => bid))
    },
    say: text => out.say(text),
    progress: text => out.progress(text),
    now: io.now,
    pause: () => sleep(timerMs((options.poll ?? 6) * 1_000), undefined, { signal: io.interrupted }),
  })
}

const chosen = (answer: string, bids: readonly Bid[]): Bid => {
  const bid = bids[answer.trim() === '' ? 0 : Number(answer) - 1]
  if (bid === undefined)
    throw new CliError('usage', `${JSON.stringify(answer)} is not one of them`, 'Choose again: agentchat deploy resume')
  return bid
}
