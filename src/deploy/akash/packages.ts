// The packages that speak to the chain. They are large and few need them: optional at install, loaded when first used, and from here only.
import type { GeneratedType } from '@cosmjs/proto-signing'
import { AkashError } from './failure.ts'

/** Pinned: the SDK is a prerelease, and its messages must be those of the chain. package.json says the same. */
const install = 'npm install @akashnetwork/chain-sdk@1.0.0-alpha.25 @cosmjs/crypto@0.36.2 @cosmjs/proto-signing@0.36.2 '
  + '@cosmjs/stargate@0.36.2'

const loaded = async <M>(load: () => Promise<M>): Promise<M> => {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new AkashError('error', 'Akash needs packages that are not installed',
      `Install them beside agentchat (with -g where it is global): ${install}`, error)
  }
}

export const loadCrypto = () => loaded(() => import('@cosmjs/crypto'))
export const loadSigning = () => loaded(() => import('@cosmjs/proto-signing'))
export const loadStargate = () => loaded(() => import('@cosmjs/stargate'))
/** SDL to manifest; nothing that opens a connection. */
export const loadSdk = () => loaded(() => import('@akashnetwork/chain-sdk/web'))

/** The messages that the chain takes (node v2), by type URL. */
export const loadMessages = (): Promise<readonly (readonly [typeUrl: string, GeneratedType])[]> =>
  loaded(async () => {
    const [v1, v1beta4, v1beta5] = await Promise.all([
      import('@akashnetwork/chain-sdk/private-types/akash.v1'),
      import('@akashnetwork/chain-sdk/private-types/akash.v1beta4'),
      import('@akashnetwork/chain-sdk/private-types/akash.v1beta5'),
    ])
    return [
      v1.MsgMintACT,
      v1.MsgAccountDeposit,
      v1beta4.MsgCreateDeployment,
      v1beta4.MsgUpdateDeployment,
      v1beta4.MsgCloseDeployment,
      v1beta5.MsgCreateLease,
    ].map(message => [`/${message.$type}`, message as GeneratedType] as const)
  })

export const loadTxRaw = () =>
  loaded(async () =>
    (await import('@akashnetwork/chain-sdk/private-types/cosmos.v1beta1')).TxRaw as { encode(tx: object): { finish(): Uint8Array } }
  )

/** The groups of a deployment as text, so that a record can hold them: base64 of the chain's own encoding. */
export const loadGroups = () =>
  loaded(async () => {
    const { GroupSpec } = await import('@akashnetwork/chain-sdk/private-types/akash.v1beta4')
    return {
      encode: (group: object): string => Buffer.from(GroupSpec.encode(group as never).finish()).toString('base64'),
      decode: (text: string): object => GroupSpec.decode(Buffer.from(text, 'base64')),
    }
  })
