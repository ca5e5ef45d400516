// The chain, written: transactions made by the SDK's messages, signed here, and followed by their hash.
import { createHash } from 'node:crypto'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { TxRejected, type ChainWriter, type Fee, type Message } from './chain.ts'
import { AkashError } from './failure.ts'
import { messageOf, typeUrls } from './messages.ts'
import { toUnits } from './money.ts'
import type { Network } from './networks.ts'
import { loadMessages, loadSigning, loadStargate, loadTxRaw } from './packages.ts'
import type { Wallet } from './wallet.ts'

export interface WriterOptions {
  /** uakt for a unit of gas, as a decimal */
  readonly gasPrice: string
}

/** Closing takes more as bids come in, and other transactions come between. */
const margin = 1.8
const patienceMs = 20_000
/** sdk 19: the node has this very transaction already. */
const inPool = 19

export const createChainWriter = async ({ rpc, chainId }: Network, wallet: Wallet, { gasPrice }: WriterOptions): Promise<ChainWriter> => {
  const [{ SigningStargateClient, BroadcastTxError, defaultRegistryTypes }, { Registry }, messages, TxRaw] = await Promise.all([
    loadStargate(),
    loadSigning(),
    loadMessages(),
    loadTxRaw(),
  ])
  const { address, signer } = wallet
  const asked = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await within(work)
    } catch (error) {
      if (error instanceof AkashError || error instanceof BroadcastTxError) throw error
      throw new AkashError('unreachable', `${rpc}: ${(error as Error).message.slice(0, 500)}`, undefined, error)
    }
  }
  const registry = new Registry(defaultRegistryTypes)
  for (const [typeUrl, type] of messages) registry.register(typeUrl, type)
  const client = await asked(SigningStargateClient.connectWithSigner(rpc, signer, { registry }))

  /** Asked first: the library tells of an account that is not there in words only. */
  const account = async () => {
    const found = await asked(client.getAccount(address))
    if (found !== null) return found
    throw new AkashError('refused', `${address} is not known on ${chainId}: it never had anything`,
      'Send AKT to it: agentchat deploy wallet show')
  }

  return {
    address,
    async estimate(message) {
      await account()
      const gas = Math.ceil(margin * await asked(simulated(client.simulate(address, [await messageOf(message, address)], ''), message)))
      return feeOf(gas, gasPrice)
    },
    async sign(message, { gas, uakt }, expiresAtHeight) {
      const { accountNumber, sequence } = await account()
      const fee = { amount: [{ denom: 'uakt', amount: String(uakt) }], gas: String(gas) }
      // The chain's name is part of what is signed: on another chain the transaction is worth nothing.
      const signed = await client.sign(address, [await messageOf(message, address)], fee, '', { accountNumber, sequence, chainId },
        BigInt(expiresAtHeight))
      const bytes = TxRaw.encode(signed).finish()
      return {
        hash: createHash('sha256').update(bytes).digest('hex').toUpperCase(),
        bytes: Buffer.from(bytes).toString('base64'),
        expiresAtHeight,
      }
    },
    async submit({ bytes }) {
      try {
        await asked(client.broadcastTxSync(Buffer.from(bytes, 'base64')))
      } catch (error) {
        if (!(error instanceof BroadcastTxError)) throw error
        if (error.codespace === 'sdk' && error.code === inPool) return
        throw new TxRejected('Not sent', { code: error.code, codespace: error.codespace, log: error.log ?? '' })
      }
    },
  }
}

export const feeOf = (gas: number, gasPrice: string): Fee => ({
  gas,
  uakt: (BigInt(gas) * toUnits(gasPrice, 18) + 10n ** 18n - 1n) / 10n ** 18n,
})

/** What a transaction of each kind takes about, for a plan made without a network. */
export const typicalGas: Readonly<Record<Message['kind'], number>> = {
  mint: 250_000,
  create: 350_000,
  lease: 400_000,
  deposit: 250_000,
  update: 200_000,
  close: 500_000,
}

/** The node runs the message: what the chain would refuse is refused here, before anything is paid. */
const simulated = async (gas: Promise<number>, { kind }: Message): Promise<number> => {
  try {
    return await gas
  } catch (error) {
    const { message } = error as Error
    const match = /Query failed with \((\d+)\): ([^]*)/.exec(message)
    if (match === null) throw error
    throw new AkashError('refused', `The chain would refuse ${typeUrls[kind]}: ${match[2]!.slice(0, 500)}`)
  }
}

const within = async <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1_000} s`)), timerMs(patienceMs))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
