// Our messages in the chain's words: type URL and fields, as node v2 takes them.
import type { EncodeObject } from '@cosmjs/proto-signing'
import type { Message } from './chain.ts'
import { loadGroups } from './packages.ts'

export const typeUrls: Readonly<Record<Message['kind'], string>> = {
  mint: '/akash.bme.v1.MsgMintACT',
  create: '/akash.deployment.v1beta4.MsgCreateDeployment',
  lease: '/akash.market.v1beta5.MsgCreateLease',
  deposit: '/akash.escrow.v1.MsgAccountDeposit',
  update: '/akash.deployment.v1beta4.MsgUpdateDeployment',
  close: '/akash.deployment.v1beta4.MsgCloseDeployment',
}

const fromBalance = 1
const deploymentScope = 1

export const messageOf = async (message: Message, owner: string): Promise<EncodeObject> => ({
  typeUrl: typeUrls[message.kind],
  value: await valueOf(message, owner),
})

const valueOf = async (message: Message, owner: string): Promise<object> => {
  switch (message.kind) {
    case 'mint':
      return { owner, to: owner, coinsToBurn: { denom: 'uakt', amount: String(message.uakt) } }
    case 'create':
      return {
        id: { owner, dseq: message.dseq },
        hash: Buffer.from(message.hash, 'hex'),
        groups: await loadGroups().then(({ decode }) => message.groups.map(decode)),
        deposit: deposit(message.depositUact),
      }
    case 'lease':
      return { bidId: message.bid }
    case 'deposit':
      return { signer: owner, id: { scope: deploymentScope, xid: `${owner}/${message.dseq}` }, deposit: deposit(message.uact) }
    case 'update':
      return { id: { owner, dseq: message.dseq }, hash: Buffer.from(message.hash, 'hex') }
    case 'close':
      return { id: { owner, dseq: message.dseq } }
  }
}

const deposit = (uact: bigint) => ({ amount: { denom: 'uact', amount: String(uact) }, sources: [fromBalance] })
