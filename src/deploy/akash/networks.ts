// The networks, and where their nodes are. Every address can be replaced on the command line and in deploy.yaml.
import { AkashError } from './failure.ts'

export const networks = {
  sandbox: {
    chainId: 'sandbox-2',
    rpc: 'https://rpc.sandbox-2.aksh.pw',
    rest: 'https://api.sandbox-2.aksh.pw',
    faucet: 'http://faucet.sandbox-2.aksh.pw/',
  },
  mainnet: { chainId: 'akashnet-2', rpc: 'https://rpc.akashnet.net', rest: 'https://api.akashnet.net', faucet: undefined },
} as const

export type NetworkName = keyof typeof networks

export interface Network {
  readonly name: NetworkName
  readonly chainId: string
  readonly rpc: string
  readonly rest: string
}

export const networkOf = (
  name: NetworkName,
  { rpc, rest }: { readonly rpc?: string | undefined, readonly rest?: string | undefined },
): Network => {
  const { chainId, ...nodes } = networks[name]
  return { name, chainId, rpc: safeUrl(rpc ?? nodes.rpc), rest: safeUrl(rest ?? nodes.rest) }
}

/** A node tells what is signed and what is paid: over the network only by TLS. */
const safeUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url === undefined || !(url.protocol === 'https:' || isLoopback))
    throw new AkashError('refused', `${text} is not an https:// address of a node`)
  return text.replace(/\/+$/, '')
}
